"""What `check` accepts the sandbox runs, and what it refuses the sandbox refuses: random requests, asked of both.

The two share the engine and the tables of collections; the sandbox has its own validation, written from the service's
documentation. Each disagreement is printed as a request and a script that show it.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from controller.evalscript.engine import Engine
from controller.manifest.document import read_documents
from controller.manifest.validate import ValidManifest, accept
from controller.sandbox.http.validation import refuse
from controller.sandbox.render.render import RenderFailed, RenderOptions, render
from tests.proofs.bodies import Case, a_case
from tests.proofs.mistakes import CHANGES, changed, is_documented
from tests.proofs.record import tell
from tests.support.scripts import appraised

CASES, SMALL = 5_000, 60
SHOWN = 20
"""Disagreements that are printed."""
OPTIONS = RenderOptions(now=datetime(2024, 1, 1, tzinfo=UTC), coarse_side=3)
KEYS = {"accessKey": "any", "secretAccessKey": "any"}
SHARE = 0.25


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """AssertionError with a seed, and the disagreements, when there is any."""
    cases = SMALL if small else CASES
    figures: Counter[str] = Counter()
    done: Counter[str] = Counter()
    found = []
    with TemporaryDirectory(prefix="shjobs-proof-") as folder, Engine(seconds=60) as engine:
        for number, case in enumerate(cases_of(seed, cases)):
            said, met = checked(case), ran(case, engine, Path(folder))
            figures[f"{bool(said)} {bool(met)}"] += 1
            done.update(case.changes)
            if bool(said) is not bool(met):
                found.append(reproduction(f"seed {seed}, case {number}", case, said, met))
            if number % 500 == 499:
                tell(f"agreement: {number + 1} of {cases}, {len(found)} disagreements")
    assert not found, f"{len(found)} disagreements\n" + "\n\n".join(found[:SHOWN])
    accepted, refused = figures["False False"], figures["True True"]
    assert min(accepted, refused) >= SHARE * cases, f"seed {seed}: {accepted} accepted, {refused} refused"
    missing = [name for name in CHANGES if not done[name]]
    assert small or not missing, f"seed {seed}: never done: {', '.join(missing)}"
    return {
        "cases": cases,
        "accepted_by_both": accepted,
        "refused_by_both": refused,
        "disagreements": 0,
        "kinds_of_changes": len(done),
    }


def cases_of(seed: int, count: int) -> Iterator[Case]:
    """A third of them as they should be, the others changed."""
    random = Random(seed)
    for number in range(count):
        case = _one(random, is_valid=number % 3 == 0)
        while not is_documented(case):
            case = _one(random, is_valid=False)
        yield case


def _one(random: Random, *, is_valid: bool) -> Case:
    case = a_case(random)
    if not is_valid:
        changed(random, case)
    return case


def checked(case: Case) -> str:
    """Why `check` refuses it; empty when it does not."""
    job = accepted(case)
    problems = appraised(job).problems if isinstance(job, ValidManifest) else job.problems
    return "; ".join(f"{each.code} {each.message}" for each in problems)


def accepted(case: Case) -> Any:
    """The manifest as far as it is read alone: valid, or broken."""
    delivery = {"s3": {"url": "s3://my-bucket/rasters", "credentialsRef": "my-bucket"}}
    body = {**case.body, "output": {**case.body["output"], "delivery": delivery}, "evalscript": case.script}
    manifest = {
        "apiVersion": "shjobs/v1",
        "kind": "AsyncProcess",
        "metadata": {"name": "asked"},
        "spec": {"request": body},
    }
    (document,) = read_documents(json.dumps(manifest), "job.json")
    return accept(document, "job.json", None)


def ran(case: Case, engine: Engine, folder: Path) -> str:
    """Why the sandbox refuses it, when it is sent or when it runs; empty when it does neither."""
    job = accepted(case)
    body = job.request.body if isinstance(job, ValidManifest) else {**case.body, "evalscript": case.script}
    delivery = {"s3": {"url": "s3://my-bucket/rasters", **KEYS}}
    body = {**body, "output": {**body["output"], "delivery": delivery}}
    refusal = refuse(body)
    if refusal is not None:
        return refusal.content.decode()
    try:
        render(body, folder, OPTIONS, engine)
    except RenderFailed as error:
        return f"{error.code} {error.message}"
    return ""


def reproduction(where: str, case: Case, said: str, met: str) -> str:
    """A disagreement, short enough to be read and whole enough to be tried."""
    request = yaml.safe_dump(json.loads(json.dumps(case.body)), default_flow_style=None, sort_keys=False, width=200)
    return "\n".join(
        [
            f"{where}: {', '.join(case.changes) or 'unchanged'}",
            f"check: {said or 'accepts'}",
            f"sandbox: {met or 'runs'}",
            request + case.script,
        ]
    )
