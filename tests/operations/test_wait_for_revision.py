"""`wait --revision`: a pipeline waits for its own commit, and hears what became of it."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from controller.ledger.lock import submitter_lock
from controller.sandbox.faults.faults import Fault
from tests.conftest import Workspace, ndvi
from tests.operations.test_plan_revision import commit, git
from tests.operations.test_wait import wait
from tests.reconcile.test_approvals import versioned as versioned
from tests.reconcile.test_money import run
from tests.support.small_set import farm

pytestmark = pytest.mark.slow


def make(workspace: Workspace, path: str, text: str) -> str:
    """A commit with this file, taken in."""
    made = commit(workspace.root, {f"jobs.d/{path}": text})
    workspace.sync()
    return made


@pytest.fixture
def history(versioned: Workspace) -> dict[str, str]:
    """Commits by what they did; the last is taken in."""
    made = {"one": make(versioned, "one.yaml", ndvi("one"))}
    versioned.sandbox.faults.add(Fault(name="run-fails", times=1))
    made["bad"] = make(versioned, "bad.yaml", ndvi("bad"))
    made["set"] = make(versioned, "farm.yaml", farm())
    made["held"] = make(versioned, "held.yaml", ndvi("held").replace("spec:\n", "spec:\n  hold: true\n"))
    made["none"] = make(versioned, "notes.txt", "nothing")
    return made


def test_the_jobs_of_a_commit_are_waited_for_whatever_came_after_it(
    versioned: Workspace, history: dict[str, str]
) -> None:
    last = history["none"]
    for name, of_it in (("one", "one: Succeeded\n"), ("set", "set/farm: 3/3\n")):
        made = history[name]
        code, said, wrong = wait(versioned, "--revision", made)
        assert (code, wrong) == (0, "")
        assert said.startswith(f"{made}: taken in with {last[:10]}\n{of_it[:8]}")
    code, said, wrong = wait(versioned, "--revision", history["bad"])
    assert (code, said) == (1, f"{history['bad']}: taken in with {last[:10]}\n")
    assert wrong.startswith("bad: will not be Ready by itself: Failed (ErrorReported: ")
    code, _, wrong = wait(versioned, "--revision", history["held"], "--timeout", "1s")
    assert (code, wrong[:28]) == (1, "held: not Ready within 1s: H")
    assert wait(versioned, "--revision", last) == (0, f"{last}: taken in; it changed no job\n", "")
    short = last[:7].upper()
    assert wait(versioned, "--revision", short) == (0, f"{short}: taken in; it changed no job\n", "")
    named = wait(versioned, "one", "--revision", last)
    assert named == (0, f"{last}: taken in\none: Succeeded\n", "")


def test_what_a_later_commit_changed_again_is_waited_for_with_that_one(versioned: Workspace) -> None:
    first = make(versioned, "ndvi.yaml", ndvi())
    second = make(versioned, "ndvi.yaml", ndvi(west=14.42))
    assert wait(versioned, "--revision", first) == (
        0, f"{first}: taken in with {second[:10]}; it changed no job that was not changed again since\n", "",
    )  # fmt: skip


def _of_another_branch(workspace: Workspace) -> str:
    git(workspace.root, "checkout", "--quiet", "-b", "side")
    made = commit(workspace.root, {"jobs.d/side.yaml": ndvi("side")})
    git(workspace.root, "checkout", "--quiet", "main")
    return made


def _unknown_here(_workspace: Workspace) -> str:
    return "abcdef0123"


def _not_yet(workspace: Workspace) -> str:
    return commit(workspace.root, {"jobs.d/new.yaml": ndvi("new")})


@pytest.mark.parametrize(
    ("awaited", "words"),
    [
        pytest.param(_of_another_branch, ", which does not contain it\n", id="a commit of another branch"),
        pytest.param(_unknown_here, "; git cannot tell here if that contains it\n", id="one that is not here"),
        pytest.param(_not_yet, ", which does not contain it\n", id="one that nobody has taken in"),
    ],
)
def test_a_commit_that_is_not_taken_in_ends_with_where_the_controller_is(
    versioned: Workspace, awaited: Callable[[Workspace], str], words: str
) -> None:
    at = make(versioned, "ndvi.yaml", ndvi())
    made = awaited(versioned)
    code, said, wrong = wait(versioned, "--revision", made, "--timeout", "1s")
    assert (code, said) == (1, "")
    assert wrong.startswith(f"{made}: not taken in within 1s: the controller is at {at[:10]} since 20")
    assert wrong.endswith(words)


def test_before_any_controller_ran_nothing_is_taken_in(versioned: Workspace) -> None:
    code, _, wrong = wait(versioned, "--revision", "abcdef0", "--timeout", "0s")
    assert (code, wrong) == (
        1, "abcdef0: not taken in within 0s: no commit was taken in: a controller must run, and the jobs folder be in "
        "a git repository\n",
    )  # fmt: skip


def test_it_ends_when_the_commit_is_taken_in_meanwhile(versioned: Workspace) -> None:
    make(versioned, "ndvi.yaml", ndvi())
    made = commit(versioned.root, {"jobs.d/new.yaml": ndvi("new")})
    ended: list[tuple[int, str, str]] = []
    waiting = threading.Thread(target=lambda: ended.append(wait(versioned, "--revision", made, "--timeout", "300s")))
    waiting.start()
    time.sleep(0.5)  # most likely it waits by now; if not, it must end all the same
    versioned.sync()
    waiting.join(300)
    assert ended == [(0, f"{made}: taken in\nnew: Succeeded\n", "")]


def test_a_job_that_was_taken_in_only_just_now_is_there(versioned: Workspace) -> None:
    """Its row is in the ledger a moment before its first report: `no such job: new: did you mean new?`"""
    make(versioned, "ndvi.yaml", ndvi())
    with submitter_lock(versioned.state), closing(sqlite3.connect(versioned.state / "shjobs.db")) as ledger:
        with ledger:
            ledger.execute("delete from status")
        assert wait(versioned, "ndvi") == (0, "ndvi: Succeeded\n", "")
        assert wait(versioned, "missing")[0] == 2


def test_what_get_says_of_the_commit_and_of_the_time(versioned: Workspace) -> None:
    made = make(versioned, "ndvi.yaml", ndvi())
    assert f'"observedRevision": "{made}"' in run(versioned, "get", "-o", "json")
    assert f"observedRevision: {made}" in run(versioned, "get", "-o", "yaml")
    [document] = json.loads(run(versioned, "get", "ndvi", "-o", "json"))
    by_type = {each["type"]: each for each in document["conditions"]}
    assert {*by_type["Ready"]} == {"type", "status", "reason", "message", "lastTransitionTime", "observedGeneration"}
    assert document["submittedAt"][:10] <= by_type["Ready"]["lastTransitionTime"][:10]
    assert "observedRevision" not in versioned.status("ndvi.status.yaml")[0]
