"""The plan is what happens: `plan -o json` in one process, `sync` in another, and the sandbox's ledger between them.

A tree is edited at random, case after case, on the state that the cases before left. The same is tried many times more
on the pure core (`foresights`). Each case can be replayed with its seed.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from controller.sandbox.ledger import posts
from controller.sandbox.options import SandboxOptions
from controller.sandbox.program import Sandbox
from tests.conftest import ndvi
from tests.proofs.bench import a_raster
from tests.proofs.foresights import ROUNDS, histories_of
from tests.proofs.record import tell

ROOT = Path(__file__).parent.parent.parent
CASES, SMALL = 200, 2
PURE_CASES, SMALL_PURE = 10_000, 25
LONGEST = 120.0  # seconds for one process
SETTINGS = """\
deployment = "sandbox"
timeScale = 0.005
maxRunning = 4
approvalAbove = 100
monthlyBudget = 1000000
largeChangeJobs = 4
largeChangeProcessingUnits = 2500

[credentials.my-bucket]
prefixes = ["s3://my-bucket/"]
folder = "sandbox"
"""
ACCEPT = re.compile("shjobs accept ([0-9a-f]+)")
SHARED = ndvi().split("    evalscript: |\n", 1)[1]
COUNTED = ("posts", "cases_that_pay", "held", "returns", "accepted", "lost_states")
SIDES = (64, 10_000)
"""Pixels: the first costs next to nothing, the second more than `approvalAbove`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One manifest file as it is written; `shares_script`: its script is `ndvi.js`, as that of others."""

    job: str
    west: float = 14.40
    side: int = SIDES[0]
    rerun: int = 0
    hold: bool = False
    approved: int = 0
    shares_script: bool = False
    is_broken: bool = False

    @property
    def text(self) -> str:
        if self.is_broken:
            return f"# {self.job}\nspec: [\n"
        head, script = ndvi(self.job, self.west).split("    evalscript: |\n", 1)
        head = head.replace("width: 64", f"width: {self.side}").replace("height: 32", f"height: {self.side}")
        spec = [f"  rerun: {self.rerun}", f"  hold: {str(self.hold).lower()}"]
        spec += [f"  maxProcessingUnits: {self.approved}"] if self.approved else []
        spec += ["  evalscriptFile: ndvi.js"] if self.shares_script else []
        head = head.replace("spec:\n", "\n".join(["spec:", *spec, ""]))
        return head if self.shares_script else f"{head}    evalscript: |\n{script}"


Tree = Mapping[str, Manifest | str]
"""Files by path: manifests, and the text of the script."""
START: Tree = {
    "ndvi.js": "0",
    "one.yaml": Manifest(job="one"),
    "two.yaml": Manifest(job="two", shares_script=True),
    "three.yaml": Manifest(job="three", shares_script=True, west=14.41),
}


class Edits:
    """A tree that is edited; every public method is one kind of edit of a manifest that is there."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.tree = dict(START)
        self.past: list[Tree] = [START]
        self._numbers = iter(range(1, 1_000_000))

    def step(self) -> list[str]:
        """A few edits at once; answers their names."""
        names = self.random.choices(list(KINDS), list(KINDS.values()), k=self.random.randint(1, 4))
        for name in names:
            paths = sorted(path for path in self.tree if path != "ndvi.js")
            if paths:
                getattr(self, name)(self.random.choice(paths))
            else:
                self.revert("")
        self.past.append(dict(self.tree))
        return names

    def field(self, path: str) -> None:
        self._change(path, west=round(14.0 + next(self._numbers) / 10_000, 4))

    def script(self, _path: str) -> None:
        self.tree["ndvi.js"] = str(next(self._numbers))

    def revert(self, _path: str) -> None:
        self.tree = dict(self.random.choice(self.past))

    def rename(self, path: str) -> None:
        self._change(path, job=f"job-{next(self._numbers)}")

    def move(self, path: str) -> None:
        self.tree[f"moved-{next(self._numbers)}/{Path(path).name}"] = self._without_script(self.tree.pop(path))

    def remove(self, path: str) -> None:
        del self.tree[path]

    def rerun(self, path: str) -> None:
        found = self.tree[path]
        assert isinstance(found, Manifest), "only manifests are edited"
        self._change(path, rerun=found.rerun + self.random.choice((-1, 1, 1, 2)) if found.rerun else 1)

    def hold(self, path: str) -> None:
        self._change(path, hold=self.random.random() < 0.5)

    def wreck(self, path: str) -> None:
        self._change(path, is_broken=True)

    def mend(self, path: str) -> None:
        self._change(path, is_broken=False)

    def duplicate(self, path: str) -> None:
        self.tree[f"copy-{next(self._numbers)}.yaml"] = self._without_script(self.tree[path])

    def add(self, _path: str) -> None:
        number = next(self._numbers)
        self.tree[f"new-{number}.yaml"] = Manifest(job=f"job-{number}", west=round(14.0 + number / 10_000, 4))

    def cost(self, path: str) -> None:
        """Dearer than may be submitted unasked, and back."""
        self._change(path, side=self.random.choice(SIDES))

    def approve(self, path: str) -> None:
        self._change(path, approved=self.random.choice((0, 5, 2000)))

    def _change(self, path: str, **changed: Any) -> None:
        found = self.tree[path]
        assert isinstance(found, Manifest), "only manifests are edited"
        self.tree[path] = replace(found, **changed)

    def _without_script(self, found: Manifest | str) -> Manifest:
        """Elsewhere the script would not be found, so that it stands in the manifest."""
        assert isinstance(found, Manifest), "only manifests are edited"
        return replace(found, shares_script=False)


KINDS = {
    "field": 6, "script": 2, "revert": 2, "rename": 2, "move": 2, "remove": 2, "rerun": 4, "hold": 4, "wreck": 2,
    "mend": 3, "duplicate": 2, "add": 4, "cost": 3, "approve": 3,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A repository, its state, and the sandbox whose ledger is the oracle."""

    root: Path
    sandbox: Sandbox

    def lay(self, tree: Tree) -> None:
        """Make the working tree this one; files that stay the same are not touched."""
        jobs = self.root / "jobs.d"
        for path in [path for path in jobs.rglob("*") if path.is_file()]:
            if not path.name.endswith(".status.yaml") and str(path.relative_to(jobs)) not in tree:
                path.unlink()
        for name, content in tree.items():
            text = content.text if isinstance(content, Manifest) else _script(content)
            path = jobs / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")

    def lose_state(self) -> None:
        for path in (self.root / "state").glob("shjobs.db*"):
            path.unlink()

    def run(self, *arguments: str) -> str:
        """What the real program prints; it must not fail but for a job's sake."""
        given = {
            **{key: value for key, value in os.environ.items() if not key.startswith("SHJOBS_")},
            "PYTHONPATH": str(ROOT),
            "SHJOBS_BASE_URL": self.sandbox.base_url,
            "SHJOBS_TOKEN_URL": f"{self.sandbox.base_url}/oauth/token",
            "SHJOBS_CLIENT_ID": "sandbox",
            "SHJOBS_CLIENT_SECRET": "sandbox-secret",
            "SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY": "any",
            "SHJOBS_CREDENTIALS_MY_BUCKET_SECRET_ACCESS_KEY": "any",
        }
        command = [sys.executable, "-m", "controller", *arguments]
        done = subprocess.run(
            command, cwd=self.root, env=given, capture_output=True, text=True, timeout=LONGEST, check=False
        )
        assert done.returncode in (0, 1), f"{arguments[0]} ended with {done.returncode}: {done.stderr}"
        return done.stdout

    def prefixes(self) -> list[str]:
        """The delivery prefix of every POST the sandbox has read; it names job and submission."""
        return [entry.prefix for entry in posts(self.sandbox.ledger.entries())]


@contextmanager
def ground() -> Iterator[Ground]:
    with tempfile.TemporaryDirectory(prefix="shjobs-proof-") as name:
        root = Path(name)
        (root / "jobs.d").mkdir()
        (root / "shjobs.toml").write_text(SETTINGS, encoding="utf-8")
        options = SandboxOptions(
            folder=root / "sandbox", port=0, buckets=("my-bucket",), requests_per_minute=0, max_running=100
        )
        with Sandbox(options, renderer=a_raster) as sandbox:
            yield Ground(root=root, sandbox=sandbox)


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """Both forms; AssertionError with a replayable place when a plan was wrong."""
    figures: Counter[str] = Counter()
    with ground() as place:
        edits = Edits(Random(seed))
        cases = SMALL if small else CASES
        for number in range(cases):
            names = edits.step() if number else ["start"]
            figures.update(_case(place, edits, names, f"seed {seed}, case {number}"))
            if number % 20 == 19:
                tell(f"plans: {number + 1} of {cases}")
    assert figures["posts"] >= cases // 4, f"seed {seed}: hardly anything was ever submitted"
    histories = (SMALL_PURE if small else PURE_CASES) // ROUNDS
    pure = histories_of(seed, 0, histories)
    missing = [kind for kind in (*KINDS, *COUNTED) if not figures[kind]]
    assert small or not missing, f"seed {seed}: never done: {', '.join(missing)}"
    return {
        "cases": cases,
        **{name: figures[name] for name in COUNTED},
        "wrong_plans": 0,
        "pure_cases": pure["rounds"],
        "pure_submits": pure["submits"],
        "pure_wrong_plans": 0,
    }


def _case(place: Ground, edits: Edits, names: Sequence[str], where: str) -> Counter[str]:
    figures = Counter(names)
    place.lay(edits.tree)
    if edits.random.random() < 0.05:
        place.lose_state()
        figures["lost_states"] += 1
    before = len(place.prefixes())
    plan = json.loads(place.run("plan", "-o", "json"))
    assert len(place.prefixes()) == before, f"{where}: the plan itself submitted something"
    place.run("sync")
    planned = sorted(job["prefix"] for job in plan["jobs"] if job["action"] == "submit")
    sent = sorted(place.prefixes()[before:])
    assert sent == planned, f"{where} ({', '.join(names)}): planned {planned}, sent {sent}"
    figures["accepted"] += _accepted(place, edits, plan)
    actions = plan["totals"]["actions"]
    figures.update(posts=len(sent), cases_that_pay=bool(sent))
    figures.update(held=actions.get("hold", 0), returns=actions.get("return", 0))
    return figures


def _accepted(place: Ground, edits: Edits, plan: Mapping[str, Any]) -> int:
    """A person may say yes to a large change that is held; what follows is planned and done in the next case."""
    hashes = sorted({found[0] for job in plan["jobs"] if (found := ACCEPT.findall(job["why"]))})
    if not hashes or edits.random.random() < 0.5:
        return 0
    place.run("accept", hashes[0])
    return 1


def _script(number: str) -> str:
    text = "".join(line[6:] for line in SHARED.splitlines(keepends=True))
    return f"{text}// {number}\n"
