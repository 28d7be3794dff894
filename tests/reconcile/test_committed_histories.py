"""Random histories of a clone in which somebody works: with `source = "committed"` only what HEAD holds is paid for."""

import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random

import pytest

from controller.ledger.ledger import Ledger
from controller.ledger.store import Store
from controller.limits.gate import Limits
from controller.manifest.validate import ValidManifest
from controller.model.answers import Listing
from controller.model.job import Appraisal
from controller.operations.plan.simulate import foresee
from controller.reconcile.calls.workers import Call
from controller.reconcile.loop import Loop
from controller.reconcile.reporter import Reporter
from controller.reconcile.wiring import Nowhere
from controller.settings.file import Policy
from controller.tree.git.committed import Committed
from controller.tree.git.info import checkout, head
from controller.tree.scan import load
from controller.tree.status_cache import StatusCache
from controller.tree.tree import Tree
from tests.conftest import ndvi
from tests.operations.test_plan_revision import git
from tests.support.factories import NOW, TIMING, wanted

pytestmark = pytest.mark.slow

NAMES, VARIANTS, STEPS = ("a", "b", "c"), 3, 14
Step = Callable[[Path, Random], object]


def some(random: Random) -> str:
    return f"jobs.d/{random.choice(NAMES)}.yaml"


def write(top: Path, random: Random) -> None:
    (top / some(random)).write_text(ndvi(random.choice(NAMES), 14.41 + random.randrange(VARIANTS) / 100))


def comment(top: Path, random: Random) -> None:
    if (path := top / some(random)).exists():
        path.write_text(f"# words\n{path.read_text()}")


def delete(top: Path, random: Random) -> None:
    (top / some(random)).unlink(missing_ok=True)


def move(top: Path, random: Random) -> None:
    if (path := top / some(random)).exists():
        path.rename(top / some(random))


def stage(top: Path, _random: Random) -> None:
    git(top, "add", "--all")


def commit_all(top: Path, random: Random) -> None:
    stage(top, random)
    commit_staged(top, random)


def commit_staged(top: Path, random: Random) -> None:
    amend = random.choice(([], [], ["--amend"]))
    git(top, "commit", "--quiet", "--allow-empty", "--message", "a step", *amend)


def restore(top: Path, _random: Random) -> None:
    git(top, "checkout", "--quiet", "--force", "HEAD", "--", ".")


def go_back(top: Path, random: Random) -> None:
    git(top, "reset", "--quiet", random.choice(("--soft", "--mixed", "--hard")), "HEAD~1")


def put_aside(top: Path, random: Random) -> None:
    git(top, "stash", *random.choice((("--quiet",), ("pop", "--quiet"))))


def change_branch(top: Path, random: Random) -> None:
    git(top, "checkout", "--quiet", *random.choice(([], ["--force"])), random.choice(("main", "side")))


STEPS_BY_WEIGHT: tuple[Step, ...] = (
    *(write, write, write, comment, delete, move, stage, commit_all, commit_all, commit_staged, restore, go_back),
    *(put_aside, change_branch),
)


def digests_of(folder: Path) -> set[tuple[str, str]]:
    found = (document for file in load(folder) for document in file.documents)
    return {(each.name, each.request.digest) for each in found if isinstance(each, ValidManifest)}


def held_by_head(top: Path, scratch: Path) -> set[tuple[str, str]]:
    """Name and request of every manifest that HEAD holds, read by git itself."""
    scratch.mkdir()
    for path in git(top, "ls-tree", "-r", "--name-only", "HEAD", "jobs.d").splitlines():
        (scratch / Path(path).name).write_text(git(top, "show", f"HEAD:{path}"))
    return digests_of(scratch)


@contextmanager
def controller_at(top: Path) -> Iterator[tuple[Loop, Ledger, deque[Call]]]:
    jobs, calls = top / "jobs.d", deque[Call]()
    policy = Policy().model_copy(update={"source": "committed"})
    with Store.open(top.parent / "state", {}) as store:
        ledger = Ledger(store)
        tree = Tree(
            jobs, lambda item: Appraisal(wanted=wanted(digest=item.request.digest)),
            checkout=partial(checkout, jobs), head=partial(head, jobs),
        )  # fmt: skip
        free, committed = Limits(policy=policy, timing=TIMING, slots=100), Committed(partial(checkout, jobs))
        reporter = Reporter(StatusCache(Nowhere()), "sandbox", lambda _change: None)
        loop = Loop(ledger, tree, free, calls.append, reporter, committed=committed)
        loop.start(NOW)
        yield loop, ledger, calls


def said_by_git(step: Step, top: Path, random: Random) -> None:
    """Git refuses some steps: going back before the first commit, or changing branches over an edit."""
    try:
        step(top, random)
    except subprocess.CalledProcessError:
        return


@pytest.mark.parametrize("seed", range(12))
def test_only_what_head_holds_is_paid_for_and_all_of_it_in_the_end(tmp_path: Path, seed: int) -> None:
    random, top, paid, now = Random(seed), tmp_path / "clone", dict[str, set[str]](), NOW
    (top / "jobs.d").mkdir(parents=True)
    (top / "jobs.d" / "notes.txt").write_text("kept, so that the tree is never empty")
    (top / "jobs.d" / "z.yaml").write_text(ndvi("z"))
    git(top, "init", "--quiet", "--initial-branch", "main")
    commit_all(top, Random(0))
    git(top, "branch", "side")
    steps = [*(random.choice(STEPS_BY_WEIGHT) for _ in range(STEPS)), commit_all]
    told: list[str] = []
    for part in range(2):  # the second goes on with the ledger of the first
        with controller_at(top) as (loop, ledger, calls):
            for number, step in enumerate(steps[part * STEPS // 2 :][: STEPS // 2 + part]):
                said_by_git(step, top, random)
                told.append(step.__name__)
                now += timedelta(minutes=5)
                loop.rescan()
                before = {item.number for item in ledger.everything()}
                foresee(loop, ledger, calls, lambda _call: Listing(), now, 0.0)
                made = [item for item in ledger.everything() if item.number not in before]
                allowed = held_by_head(top, tmp_path / f"head-{part}-{number}")
                assert {(item.job, item.digest) for item in made} <= allowed, told
                for item in made:
                    assert item.digest not in paid.setdefault(item.job, set()), told
                    paid[item.job].add(item.digest)
    _all_is_paid_for(top, tmp_path / "end", paid, told)


def _all_is_paid_for(top: Path, scratch: Path, paid: Mapping[str, set[str]], told: list[str]) -> None:
    """Of two names for one request one pays, and of two documents with one name one counts."""
    known = set().union(*paid.values())
    names = [name for name, _ in held_by_head(top, scratch)]
    for name, digest in digests_of(scratch):
        assert digest in known or names.count(name) > 1, (name, told)
