"""`wait`: ends when the jobs stand where they should, when they cannot any more, or when the time is over."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Workspace, ndvi
from tests.support.command import shjobs


def wait(workspace: Workspace, *arguments: str) -> tuple[int, str, str]:
    done = shjobs("wait", *arguments, cwd=workspace.root)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def settled(workspace: Workspace) -> Workspace:
    """One job that succeeded, one that failed, one that is held."""
    workspace.write("good.yaml", ndvi("good"))
    workspace.write("bad.yaml", ndvi("bad").replace("return [index", "throw new Error('no'); return [index"))
    workspace.write("held.yaml", ndvi("held").replace("spec:\n", "spec:\n  hold: true\n"))
    workspace.sync()
    return workspace


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["good"], (0, "good: Succeeded\n", ""), id="ready, as it is by default"),
        pytest.param(["good", "--for", "succeeded"], (0, "good: Succeeded\n", ""), id="a phase"),
        pytest.param(["bad", "held", "--for=condition=Stalled"], (0, "bad: Failed\nheld: Held\n", ""), id="several"),
        pytest.param(["good", "good"], (0, "good: Succeeded\n", ""), id="named twice"),
    ],
)
def test_what_is_so_already_ends_at_once(
    settled: Workspace, arguments: list[str], expected: tuple[int, str, str]
) -> None:
    assert wait(settled, *arguments) == expected


@pytest.mark.slow
def test_a_job_that_failed_will_not_be_ready_by_itself(settled: Workspace) -> None:
    code, reported, wrong = wait(settled, "bad", "good")
    assert (code, reported) == (1, "good: Succeeded\n")
    assert wrong.startswith("bad: will not be Ready by itself: Failed (ErrorReported: ")


@pytest.mark.slow
def test_no_control_sequence_of_a_message_reaches_the_terminal(workspace: Workspace) -> None:
    error = r"throw new Error('no\u001b[31m data\u202e'); return [index"
    workspace.write("bad.yaml", ndvi("bad").replace("return [index", error))
    workspace.sync()
    _, _, wrong = wait(workspace, "bad")
    assert r"no\x1b[31m data\u202e" in wrong
    assert not {"\x1b", "\u202e"} & set(wrong)


@pytest.mark.slow
def test_a_held_job_is_waited_for_until_the_time_is_over(settled: Workspace) -> None:
    code, reported, wrong = wait(settled, "held", "--timeout", "1s")
    assert (code, reported) == (1, "")
    assert wrong.startswith("held: not Ready within 1s: Held (OnHold: ")


@pytest.mark.slow
def test_no_time_at_all_is_one_look(settled: Workspace) -> None:
    assert wait(settled, "held", "--for", "Held", "--timeout", "0s")[0] == 0
    assert wait(settled, "held", "--timeout", "0s")[0] == 1


@pytest.mark.slow
def test_a_manifest_that_was_changed_a_moment_ago_is_not_ready_any_more(settled: Workspace) -> None:
    settled.write("good.yaml", ndvi("good", west=14.2))
    assert wait(settled, "good", "--timeout", "0s")[0] == 1


@pytest.mark.slow
def test_it_ends_when_another_process_has_done_the_work(workspace: Workspace, tmp_path: Path) -> None:
    workspace.write("ndvi.yaml", ndvi())
    before = {"PYTHONPATH": os.pathsep.join(sys.path), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "controller", "wait", "ndvi", "--timeout", "60s"]
    with subprocess.Popen(
        command, cwd=workspace.root, env={**os.environ, **before}, stdout=subprocess.PIPE, text=True
    ) as waiting:
        workspace.sync()
        reported, _ = waiting.communicate(timeout=60)
    assert (waiting.returncode, reported) == (0, "ndvi: Succeeded\n")


def test_it_only_reads(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    before = sorted(path for path in workspace.root.rglob("*") if ".cache" not in path.parts)
    wait(workspace, "ndvi", "--timeout", "0s")
    assert sorted(path for path in workspace.root.rglob("*") if ".cache" not in path.parts) == before
    assert workspace.posts() == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param([], "name a job or a set, or a commit with --revision", id="no name"),
        pytest.param(["nobody"], "no such job: nobody; `shjobs get` lists all jobs", id="an unknown job"),
        pytest.param(["ndvi", "--for", "Redy"], "'Redy' is neither a phase", id="an unknown condition"),
        pytest.param(["ndvi", "--timeout", "5"], '--timeout: must be a number with a unit, such as "5s"', id="no unit"),
    ],
)
def test_wrong_use_is_told(workspace: Workspace, arguments: list[str], words: str) -> None:
    workspace.write("ndvi.yaml", ndvi())
    code, reported, wrong = wait(workspace, *arguments)
    assert (code, reported, words in wrong) == (2, "", True), wrong
