"""States to look at on the page, made by the product itself: tests, pictures and measurements open them read-only.

Each maker fills an empty folder: manifests in `jobs.d`, the ledger in `state`, settings in `shjobs.toml`. `made` makes
each of them once, however many processes ask.
"""

import fcntl
import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml

from controller.cli.settings import load_settings
from controller.model.answers import Refusal, Refused, Unconfirmed
from controller.settings.settings import Settings
from tests.conftest import opened_workspace
from tests.support.hostile import TEXTS, hostile_path
from tests.support.paths import ROOT
from tests.support.set_loops import ENVIRONMENT, PLAIN, SCRIPT, Running, running

NOW = datetime(2025, 10, 20, 9, 0, tzinfo=UTC)
REMOTE = "https://deploy:canary-remote-password-3c1e@git.example.org/agri/rasters.git"
THROWN = "TypeError: Cannot read properties of undefined (reading 'B08')"
_MADE = "made.json"

TILES_BY_MONTHS = """\
apiVersion: shjobs/v1
kind: AsyncProcessSet
metadata:
  name: alps
  labels: {team: agri}
spec:
  axes:
    tile:
      grid: {area: {bbox: [14.66, 46.07, 15.25, 46.38]}, pixel: 100, cell: 100}
    month: {every: month, from: 2024-01, to: 2025-12, after: 5d}
  template:
    evalscriptFile: ndvi.js
    request:
      input:
        bounds: {bbox: $tile.bbox, properties: {crs: $tile.crs}}
        data: [{type: sentinel-2-l2a, dataFilter: {timeRange: $month.range}}]
      output:
        width: $tile.width
        height: $tile.height
        responses: [{identifier: default, format: {type: image/tiff}}]
        delivery: {s3: {url: s3://my-bucket/alps, credentialsRef: my-bucket}}
"""
SMALLER = {
    "[11.193762, 44.684277, 18.622922, 47.872144]": "[14.0, 46.0, 14.7, 46.4]",
    "width: 5000\n": "width: 64\n",
    "height: 5000\n": "height: 48\n",
    "width: 10000\n": "width: 128\n",
    "height: 10000\n": "height: 96\n",
    "resx: 10\n": "resx: 360\n",
    "resy: 10\n": "resy: 340\n",
}
CELLS_SETTINGS = """\
monthlyBudget = 5000
largeChangeJobs = 1000
largeChangeProcessingUnits = 100000
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageState:
    """A state as it was at `now`, with the variables under which its settings are read."""

    root: Path
    now: datetime
    environment: Mapping[str, str]

    def settings(self, **changed: str) -> Settings:
        """As the command line reads them; `changed` are further variables."""
        return load_settings(self.root / "shjobs.toml", {**self.environment, **changed})


def demo(root: Path) -> PageState:
    """The four documented jobs, really rendered by the sandbox, each in a few thousand pixels; kept in git."""
    with opened_workspace(root) as workspace:
        for source in sorted((ROOT / "jobs.d").iterdir()):
            if source.suffix == ".js":
                shutil.copy(source, workspace.jobs)
            elif not source.name.endswith(".status.yaml"):
                workspace.write(source.name, _smaller(source.read_text(encoding="utf-8")))
        _commit(root)
        workspace.sync(workspace.settings(SHJOBS_LARGE_CHANGE_PROCESSING_UNITS="100000"))
        return PageState(root=root, now=datetime.now(UTC), environment=dict(workspace.environment))


def cells(root: Path) -> PageState:
    """A set of 480 cells, 20 tiles by 24 months, and jobs beside it: most have succeeded, others have not."""
    with running(root, NOW, CELLS_SETTINGS) as loop:
        loop.cost = 10.0
        (root / "jobs.d" / "alps.yaml").write_text(TILES_BY_MONTHS, encoding="utf-8")
        _commit(root)
        loop.loop.turn([], loop.now)  # now it knows the cells, and nothing is submitted yet
        for number, name in enumerate(sorted(loop.ledger.jobs)):
            _give_fate(loop, number, name)
        loop.rest(NOW)
        write_plain(root, "island.yaml", "island", 0, {"team": "sea"})
        write_plain(root, "reef.yaml", "reef", 2, {"team": "sea"}, hold=True)
        write_plain(root, "harbour.yaml", "harbour", 1, {"team": "sea"})
        loop.answers["island"] = Unconfirmed(message="the connection broke before the response came")
        (root / "jobs.d" / "broken.yaml").write_text("apiVersion: shjobs/v1\nkind: AsyncProcess\n", encoding="utf-8")
        loop.rest()
        return _kept(root, loop)


def failed(root: Path) -> PageState:
    """Forty jobs, and each has failed: half of them while they ran, the others refused."""
    with running(root, NOW) as loop:
        names = [f"field-{number:02}" for number in range(40)]
        for number, name in enumerate(names):
            write_plain(root, f"{name}.yaml", name, number, {"team": "agri"})
        loop.failing.update(names[::2])
        loop.errors.update(dict.fromkeys(names, THROWN))
        loop.answers.update({name: _refused("output.width: 6 is below the minimum of 64") for name in names[1::2]})
        loop.rest(NOW)
        return _kept(root, loop)


def nothing(root: Path) -> PageState:
    """A repository with no manifest, and no ledger."""
    with running(root, NOW):
        pass
    shutil.rmtree(root / "state")
    return PageState(root=root, now=NOW, environment=ENVIRONMENT)


def empty(root: Path) -> PageState:
    """A ledger in which nothing is recorded."""
    with running(root, NOW) as loop:
        loop.turns(1)
        return _kept(root, loop)


def hostile(root: Path) -> PageState:
    """Jobs whose labels, paths, scripts and messages are in other scripts, very long, or an attack on the page."""
    with running(root, NOW) as loop:
        for number, (kind, text) in enumerate(TEXTS.items()):
            labels = {"note": text, text[:200]: kind}
            comment = f"// {text.replace(chr(0x2028), ' ')}\n"
            for turn, fate in enumerate(("failed", "refused", "unread")):
                path = hostile_path(kind, f"{text[:30].replace('/', '_').strip()}-{fate}.yaml")
                write_plain(root, path, f"{kind}-{fate}", 10 * number + turn, labels, comment)
            loop.failing.add(f"{kind}-failed")
            loop.errors[f"{kind}-failed"] = text
            loop.answers[f"{kind}-refused"] = _refused(text)
            loop.unreadable[f"{kind}-unread"] = text
            broken = {"apiVersion": "shjobs/v1", "kind": text, text: text}
            path = hostile_path(kind, "broken.yaml")
            (root / "jobs.d" / path).write_text(yaml.safe_dump(broken, allow_unicode=True), encoding="utf-8")
        loop.rest(NOW)
        return _kept(root, loop)


STATES: Mapping[str, Callable[[Path], PageState]] = {
    "demo": demo,
    "cells": cells,
    "failed": failed,
    "nothing": nothing,
    "empty": empty,
    "hostile": hostile,
}


def made(name: str, folder: Path) -> PageState:
    """The state of this name below `folder`; made by whichever process asks first."""
    root = folder / name
    root.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        note = folder / f"{name}.{_MADE}"
        if not note.exists():
            state = STATES[name](root)
            note.write_text(json.dumps({"now": state.now.isoformat(), "environment": dict(state.environment)}))
        kept = json.loads(note.read_text())
    return PageState(root=root, now=datetime.fromisoformat(kept["now"]), environment=kept["environment"])


def write_plain(
    root: Path, path: str, name: str, number: int, labels: dict[str, str], script: str = "", *, hold: bool = False
) -> None:
    """A job of its own request: its area begins where no other's does."""
    document = yaml.safe_load(PLAIN)
    document["metadata"] = {"name": name, "labels": labels}
    document["spec"]["hold"] = hold
    given = document["spec"]["request"]["input"]
    given["bounds"]["bbox"][0] = 14.3 + number / 1000
    given["data"][0]["dataFilter"]["timeRange"] = {"from": "2022-06-20T00:00:00Z", "to": "2022-06-30T23:59:59Z"}
    if script:
        document["spec"]["request"]["evalscript"] = SCRIPT.replace("\n", f"\n{script}", 1)
        del document["spec"]["evalscriptFile"]
    target = root / "jobs.d" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")


def _give_fate(loop: Running, number: int, name: str) -> None:
    if number % 23 == 4:
        loop.failing.add(name)
        loop.errors[name] = THROWN
    elif number % 37 == 5:
        loop.unfinished.add(name)
    elif number % 15 == 7:
        loop.unreadable[name] = "AccessDenied: no permission to list this prefix"


def _kept(root: Path, loop: Running) -> PageState:
    """What a running loop would have written by the end of its turn."""
    loop.turns(2)
    loop.loop.turn([], loop.now)
    loop.loop.report(loop.now)
    return PageState(root=root, now=loop.now, environment=ENVIRONMENT)


def _refused(message: str) -> Refused:
    return Refused(why=Refusal.BODY, message=message, status=400, code="COMMON_BAD_PAYLOAD")


def _smaller(text: str) -> str:
    """The same manifest for a part of its area, in fewer pixels."""
    for old, new in SMALLER.items():
        text = text.replace(old, new)
    return text


def _commit(root: Path) -> None:
    """Keep the manifests in git, with a remote whose address holds a password."""
    for words in (
        ("init", "--quiet", "--initial-branch=main"),
        ("remote", "add", "origin", REMOTE),
        ("add", "jobs.d"),
        ("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "commit", "--quiet", "-m", "Order rasters"),
    ):
        subprocess.run(("git", *words), cwd=root, check=True, capture_output=True)
