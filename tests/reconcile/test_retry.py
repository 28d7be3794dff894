"""`shjobs retry` through the real parts: it pays once, whatever happens between the command and the turn."""

import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from controller.lifecycle.commands import LONGEST_COMMAND, Retry
from controller.operations.inspect.ask import send
from controller.operations.inspect.retry import MOST_RUNS
from controller.sandbox.faults.faults import Fault
from tests.conftest import Workspace, ndvi
from tests.support.command import Done, shjobs
from tests.support.factories import NOW
from tests.support.paths import ROOT
from tests.support.small_set import farm, months

pytestmark = pytest.mark.slow

WHO = "anna"


def run(workspace: Workspace, *arguments: str, **changed: str) -> Done:
    environment = {**workspace.environment, "SHJOBS_OPERATOR": WHO, **changed}
    return shjobs(*arguments, cwd=workspace.root, environment=environment)


def phases(workspace: Workspace, **changed: str) -> dict[str, str]:
    return {name: status["phase"] for name, status in workspace.sync(workspace.settings(**changed)).items()}


def failed_run(workspace: Workspace) -> str:
    return str(json.loads(run(workspace, "describe", "ndvi", "-o", "json").stdout)["submissions"][0]["submission"])


def fail_next(workspace: Workspace, times: int = 1) -> None:
    workspace.sandbox.faults.add(Fault(name="run-fails", times=times))


@pytest.fixture
def failing(workspace: Workspace) -> Workspace:
    """A job whose only run failed."""
    fail_next(workspace)
    workspace.write("ndvi.yaml", ndvi())
    assert phases(workspace) == {"ndvi": "Failed"}
    return workspace


def test_a_retry_that_lacks_its_key_pair_has_no_price(failing: Workspace) -> None:
    """A price and a hash were offered for what the loop holds."""
    keyless = {f"SHJOBS_CREDENTIALS_MY_BUCKET_{name}": "" for name in ("ACCESS_KEY", "SECRET_ACCESS_KEY")}
    done = run(failing, "retry", "ndvi", "--yes", **keyless)
    assert "held (CredentialMissing)" in done.stdout
    assert "10.00 PU, up to 10.00 PU" not in done.stdout
    assert phases(failing, **keyless) == {"ndvi": "Held"}


def test_a_retry_is_priced_and_pays_once(failing: Workspace) -> None:
    done = run(failing, "retry", "ndvi", "--yes")
    assert done.returncode == 0, done.stderr
    assert re.search(r"1 run again: about 10\.00 PU, up to 10\.00 PU \([0-9a-f]{12}\)", done.stdout)
    status = failing.sync()["ndvi"]
    assert (status["phase"], status["retried"]) == ("Succeeded", {"times": 1, "by": WHO})
    assert (phases(failing), failing.posts()) == ({"ndvi": "Succeeded"}, 2)


def test_the_same_retry_twice_pays_once(failing: Workspace) -> None:
    fail_next(failing)
    same = Retry(runs=(("ndvi", failed_run(failing)),), by=WHO)
    send(failing.state, NOW, same, same)
    assert (phases(failing), failing.posts()) == ({"ndvi": "Failed"}, 2)
    told = run(failing, "events", "ndvi").stdout
    assert "anna retried 1 of 1\n" in told
    assert "anna retried 0 of 1; not ndvi: " in told


def test_a_retry_that_was_not_carried_out_yet_is_not_sent_once_more(failing: Workspace) -> None:
    assert run(failing, "retry", "ndvi", "--yes").returncode == 0
    again = run(failing, "retry", "ndvi", "--yes")
    assert (again.returncode, "ndvi is Pending: only what is Failed is retried" in again.stderr) == (2, True)


def test_a_retry_during_a_pause_survives_restarts_and_pays_once(failing: Workspace) -> None:
    assert run(failing, "retry", "ndvi", "--yes").returncode == 0
    run(failing, "pause")
    assert [phases(failing) for _ in range(2)] == [{"ndvi": "Held"}, {"ndvi": "Held"}]
    run(failing, "resume")
    assert (phases(failing), phases(failing), failing.posts()) == ({"ndvi": "Succeeded"}, {"ndvi": "Succeeded"}, 2)


def test_a_command_that_comes_late_repeats_nothing(failing: Workspace) -> None:
    late = Retry(runs=(("ndvi", failed_run(failing)),), by=WHO)
    assert run(failing, "retry", "ndvi", "--yes").returncode == 0
    assert phases(failing) == {"ndvi": "Succeeded"}
    send(failing.state, NOW, late)
    assert (phases(failing), failing.posts()) == ({"ndvi": "Succeeded"}, 2)


def test_without_a_terminal_nothing_is_retried_unless_it_is_agreed_to(failing: Workspace) -> None:
    done = run(failing, "retry", "ndvi")
    assert (done.returncode, "--yes" in done.stderr) == (2, True)
    assert (phases(failing), failing.posts()) == ({"ndvi": "Failed"}, 1)


def test_a_plan_shows_it_as_a_raised_rerun(failing: Workspace) -> None:
    run(failing, "retry", "ndvi", "--yes")
    [planned] = json.loads(run(failing, "plan", "-o", "json").stdout)["jobs"]
    assert (planned["action"], "rerun 1, retried by anna" in planned["why"]) == ("submit", True)


@pytest.mark.parametrize(
    "old, new",
    [
        pytest.param("spec:\n", "spec:\n  priority: 1\n", id="another setting"),
        pytest.param("apiVersion", "# a comment\napiVersion", id="a comment"),
    ],
)
def test_an_edit_that_changes_no_request_keeps_the_raise(failing: Workspace, old: str, new: str) -> None:
    run(failing, "retry", "ndvi", "--yes")
    assert phases(failing) == {"ndvi": "Succeeded"}
    failing.write("ndvi.yaml", ndvi().replace(old, new))
    assert failing.sync()["ndvi"]["retried"]["times"] == 1
    assert failing.posts() == 2


def test_a_changed_request_begins_without_it_and_a_reverted_one_finds_it_again(failing: Workspace) -> None:
    run(failing, "retry", "ndvi", "--yes")
    assert phases(failing) == {"ndvi": "Succeeded"}
    failing.write("ndvi.yaml", ndvi(west=14.41))
    status = failing.sync()["ndvi"]
    assert (status["phase"], status.get("retried"), failing.posts()) == ("Succeeded", None, 3)
    failing.write("ndvi.yaml", ndvi())
    status = failing.sync()["ndvi"]
    assert (status["phase"], status["retried"]["times"], failing.posts()) == ("Succeeded", 1, 3)


def test_a_rerun_raised_in_the_manifest_pays_beyond_the_retry(failing: Workspace) -> None:
    run(failing, "retry", "ndvi", "--yes")
    assert phases(failing) == {"ndvi": "Succeeded"}
    failing.write("ndvi.yaml", ndvi().replace("spec:\n", "spec:\n  rerun: 1\n"))
    assert (phases(failing), failing.posts()) == ({"ndvi": "Succeeded"}, 3)


def test_a_lost_table_of_retries_pays_nothing(failing: Workspace) -> None:
    run(failing, "retry", "ndvi", "--yes")
    assert phases(failing) == {"ndvi": "Succeeded"}
    with closing(sqlite3.connect(failing.state / "shjobs.db")) as ledger, ledger:
        ledger.execute("update retry set raised = 'many'")
    failing.write("ndvi.yaml", f"# read again\n{ndvi()}")
    assert (phases(failing), failing.posts()) == ({"ndvi": "Failed"}, 2)


def test_the_guard_holds_a_large_retry_under_the_hash_that_was_shown(workspace: Workspace) -> None:
    fail_next(workspace, 3)
    for number in range(3):
        workspace.write(f"{number}.yaml", ndvi(f"job-{number}", 14.4 + number / 100))
    assert set(phases(workspace).values()) == {"Failed"}
    guarded = {"SHJOBS_LARGE_CHANGE_JOBS": "2"}
    done = run(workspace, "retry", "job-0", "job-1", "job-2", "--yes", **guarded)
    [label] = set(re.findall(r"shjobs accept ([0-9a-f]{12})", done.stdout))
    held = workspace.sync(workspace.settings(**guarded))
    assert {status["reason"] for status in held.values()} == {"LargeChange"}
    assert all(label in status["message"] and "retried: 3 jobs" in status["message"] for status in held.values())
    assert run(workspace, "accept", label, **guarded).returncode == 0
    assert (set(phases(workspace, **guarded).values()), workspace.posts()) == ({"Succeeded"}, 6)


def test_names_that_share_one_run_are_priced_once_and_the_shown_hash_releases_it(workspace: Workspace) -> None:
    fail_next(workspace, 2)
    for name, west in (("one", 14.41), ("same", 14.41), ("other", 14.42)):
        workspace.write(f"{name}.yaml", ndvi(name, west))
    assert set(phases(workspace).values()) == {"Failed"}
    guarded = {"SHJOBS_LARGE_CHANGE_JOBS": "1"}
    done = run(workspace, "retry", "same", "one", "other", "--yes", **guarded)
    label = shown_hash(done, "2 runs again: about 20.00 PU, up to 20.00 PU")
    assert "  same  0.00 PU  shares the run of one\n" in done.stdout
    held = workspace.sync(workspace.settings(**guarded))
    assert {name: status["reason"] for name, status in held.items()} == {
        "one": "LargeChange", "same": "SharedRun", "other": "LargeChange",
    }  # fmt: skip
    assert run(workspace, "accept", label, **guarded).returncode == 0
    assert (set(phases(workspace, **guarded).values()), workspace.posts()) == ({"Succeeded"}, 4)


def shown_hash(done: Done, headline: str) -> str:
    assert done.stdout.startswith(headline), done.stdout + done.stderr
    [label] = set(re.findall(r"shjobs accept ([0-9a-f]{12})", done.stdout))
    return str(label)


def test_what_its_manifest_holds_is_not_in_the_price_of_a_retry(workspace: Workspace) -> None:
    fail_next(workspace, 3)
    for name in ("one", "other", "held"):
        workspace.write(f"{name}.yaml", ndvi(name))
    assert set(phases(workspace).values()) == {"Failed"}
    workspace.write("held.yaml", ndvi("held").replace("spec:\n", "spec:\n  hold: true\n"))
    guarded = {"SHJOBS_LARGE_CHANGE_JOBS": "1"}
    done = run(workspace, "retry", "held", "one", "other", "--yes", **guarded)
    label = shown_hash(done, "2 runs again: about 20.00 PU, up to 20.00 PU")
    assert "  held  10.00 PU  held (OnHold); Failed" in done.stdout
    assert "not in that price: 1 run that something else holds" in done.stdout
    phases(workspace, **guarded)
    assert run(workspace, "accept", label, **guarded).returncode == 0
    assert phases(workspace, **guarded) == {"held": "Held", "one": "Succeeded", "other": "Succeeded"}


def test_a_cell_whose_set_needs_a_yes_is_not_in_the_price_of_a_retry(workspace: Workspace) -> None:
    """A set that had an end when its cells failed, and has none now, asks under a hash of its own."""
    fail_next(workspace, 2)
    workspace.write("farm.yaml", months(begin="2022-06", end="2022-07"))
    workspace.sync()
    workspace.write("farm.yaml", months(begin="2022-06"))
    done = run(workspace, "retry", "farm-2022-06", "farm-2022-07", "--yes")
    assert done.stdout.startswith(
        "nothing is paid for again now:\n  farm-2022-06  10.00 PU  held (LargeChange); Failed"
    )
    workspace.sync()
    assert workspace.posts() == 2


def test_a_run_of_unknown_outcome_counts_once_for_all_names_that_share_it(workspace: Workspace) -> None:
    workspace.sandbox.faults.add(Fault(name="never-deliver", times=1))
    for name in ("one", "same"):
        workspace.write(f"{name}.yaml", ndvi(name, 14.41))
    assert phases(workspace) == {"one": "Unknown", "same": "Unknown"}
    fail_next(workspace)
    workspace.write("other.yaml", ndvi("other"))
    assert phases(workspace)["other"] == "Failed"
    done = run(workspace, "retry", "one", "same", "other", "--yes")
    assert "not 1 run of unknown outcome: --unknown retries them too" in done.stdout


def test_the_budget_holds_a_retry(failing: Workspace) -> None:
    tight = {"SHJOBS_MONTHLY_BUDGET": "15"}
    assert "5.00 PU are left of monthlyBudget" in run(failing, "retry", "ndvi", "--yes", **tight).stdout
    assert (phases(failing, **tight), failing.posts()) == ({"ndvi": "Held"}, 1)


def test_what_succeeded_is_not_retried(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    done = run(workspace, "retry", "ndvi", "--yes")
    assert (done.returncode, "ndvi is Succeeded: only what is Failed is retried" in done.stderr) == (2, True)


def test_of_a_set_only_the_failed_cells_are_repeated(workspace: Workspace) -> None:
    fail_next(workspace, 2)
    workspace.write("farm.yaml", farm(fields=4))
    workspace.sync()
    before = run(workspace, "get", "-l", "set=farm", "-o", "json").stdout
    done = run(workspace, "retry", "set/farm", "--yes")
    assert (done.returncode, done.stdout.startswith("2 runs again: about 20.00 PU")) == (0, True), done.stderr + before
    workspace.sync()
    assert workspace.posts() == 6
    assert "anna retried 2 of 2" in run(workspace, "events", "set/farm").stdout
    nothing = run(workspace, "retry", "farm", "--yes")
    assert (nothing.returncode, "nothing of farm is Failed" in nothing.stderr) == (2, True)


def test_a_command_of_the_most_runs_is_short_enough_for_the_inbox() -> None:
    runs = tuple((f"{'x' * 59}{number:04}", f"{'a' * 16}-r123456789-a123456789") for number in range(MOST_RUNS))
    assert len(Retry(runs=runs, by="\N{SNOWMAN}" * 100, unknown=True).model_dump_json().encode()) < LONGEST_COMMAND


@pytest.mark.parametrize(
    ("typed", "code", "posts"),
    [
        pytest.param(b"y\n", 0, 2, id="yes"),
        pytest.param(b"n\n", 2, 1, id="no"),
        pytest.param(b"\n", 2, 1, id="nothing"),
    ],
)
def test_on_a_terminal_it_is_asked_for(failing: Workspace, typed: bytes, code: int, posts: int) -> None:
    keyboard, end = pty.openpty()
    command = [sys.executable, "-m", "controller", "retry", "ndvi"]
    given = {"PYTHONPATH": str(ROOT), **failing.environment}
    with os.fdopen(keyboard, "wb", buffering=0) as keys, os.fdopen(end, "rb", buffering=0) as line:
        keys.write(typed)
        done = subprocess.run(command, cwd=failing.root, env=given, stdin=line, capture_output=True, check=False)
    assert (done.returncode, b"Pay for it again? [y/N]" in done.stderr) == (code, True), done.stderr
    failing.sync()
    assert failing.posts() == posts
