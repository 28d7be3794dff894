"""The money rules through the real parts: a budget, a large change, a pause, and a person's yes to each."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from controller.reconcile.wiring import copied_controller
from controller.sandbox.faults.faults import Fault
from tests.conftest import Workspace, ndvi
from tests.support.command import shjobs

pytestmark = pytest.mark.slow

GUARDED = {"SHJOBS_LARGE_CHANGE_JOBS": "2"}
SMALLEST = 10.0
"""Processing units that the smallest request costs at the sandbox, and is expected to cost."""


def run(workspace: Workspace, *arguments: str, **changed: str) -> str:
    """What a command prints; it must end well."""
    done = shjobs(*arguments, cwd=workspace.root, environment={**workspace.environment, **changed})
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def budget(workspace: Workspace, **changed: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(workspace, "budget", "-o", "json", **changed))
    return found


def reasons(workspace: Workspace, **changed: str) -> dict[str, str]:
    return {name: status["reason"] for name, status in workspace.sync(workspace.settings(**changed)).items()}


def three_jobs(workspace: Workspace) -> list[Path]:
    return [workspace.write(f"{number}.yaml", ndvi(f"job-{number}", 14.4 + number / 100)) for number in range(3)]


def ceiling(text: str, units: float) -> str:
    return text.replace("spec:\n", f"spec:\n  maxProcessingUnits: {units:g}\n")


def test_a_budget_is_a_ceiling_and_a_raised_one_lets_the_rest_go(workspace: Workspace) -> None:
    three_jobs(workspace)
    found = reasons(workspace, SHJOBS_MONTHLY_BUDGET="25")
    assert sorted(found.values()) == ["BudgetExceeded", "Delivered", "Delivered"]
    assert (budget(workspace, SHJOBS_MONTHLY_BUDGET="25")["left"], workspace.posts()) == (5, 2)
    assert set(reasons(workspace, SHJOBS_MONTHLY_BUDGET="30").values()) == {"Delivered"}
    assert workspace.posts() == 3


def test_the_message_of_a_held_job_tells_every_amount(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    message = workspace.sync(workspace.settings(SHJOBS_MONTHLY_BUDGET="9"))["ndvi"]["message"]
    assert re.sub(r"\d{4}-\d\d", "MONTH", message) == (
        "may cost up to 10.00 PU, but 9.00 are left of monthlyBudget (9 PU) in MONTH (UTC): 0.00 spent, 0.00 reserved; "
        "make it cheaper, raise monthlyBudget, or wait for the next month"
    )


def test_a_cost_above_its_reservation_stops_the_next_until_a_person_says_yes(workspace: Workspace) -> None:
    workspace.write("dear.yaml", ceiling(ndvi("dear"), SMALLEST / 2))
    assert reasons(workspace, SHJOBS_MONTHLY_BUDGET="1000") == {"dear": "Delivered"}
    workspace.write("next.yaml", ndvi("next", 14.41))
    assert reasons(workspace, SHJOBS_MONTHLY_BUDGET="1000")["next"] == "Overspent"
    assert workspace.posts() == 1
    [held] = budget(workspace, SHJOBS_MONTHLY_BUDGET="1000")["overspent"]
    assert (held["job"], held["reserved"], held["spent"]) == ("dear", SMALLEST / 2, SMALLEST)
    assert f"{held['hash']}: submissions go on after dear" in run(workspace, "accept", held["hash"])
    assert reasons(workspace, SHJOBS_MONTHLY_BUDGET="1000")["next"] == "Delivered"


def test_a_large_change_waits_for_its_hash_and_then_goes_out_whole(workspace: Workspace) -> None:
    three_jobs(workspace)
    assert set(reasons(workspace, **GUARDED).values()) == {"LargeChange"}
    [waiting] = budget(workspace, **GUARDED)["waiting"]
    assert (waiting["jobs"], waiting["processingUnits"], waiting["cause"]) == (3, 3 * SMALLEST, "new: 3 jobs")
    said = run(workspace, "accept", waiting["hash"], **GUARDED)
    assert said.startswith(f"{waiting['hash']}: 3 of up to 30.00 PU are released (new: 3 jobs)\n")
    assert set(reasons(workspace, **GUARDED).values()) == {"Delivered"}
    assert (workspace.posts(), budget(workspace, **GUARDED)["waiting"]) == (3, [])


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param("approvalAbove = 400", id="another setting"),
        pytest.param("largeChangeProcessingUnits = 900", id="a stricter limit of large changes"),
    ],
)
def test_what_remains_of_a_large_change_waits_on_when_settings_change(workspace: Workspace, setting: str) -> None:
    """Without one of its three jobs it is no longer large, and was released by a restart."""
    paths = three_jobs(workspace)
    reasons(workspace, **GUARDED)
    paths[0].write_text("spec: [")
    changed(workspace, "timeScale", f"{setting}\ntimeScale")
    assert sorted(reasons(workspace, **GUARDED).values()) == ["LargeChange", "LargeChange", "Rejected"]
    [waiting] = budget(workspace, **GUARDED)["waiting"]
    assert (waiting["jobs"], workspace.posts()) == (2, 0)
    run(workspace, "accept", waiting["hash"], **GUARDED)
    assert sorted(reasons(workspace, **GUARDED).values()) == ["Delivered", "Delivered", "Rejected"]


def test_another_job_that_joins_later_is_not_covered_by_the_yes(workspace: Workspace) -> None:
    three_jobs(workspace)
    reasons(workspace, **GUARDED)
    [waiting] = budget(workspace, **GUARDED)["waiting"]
    workspace.write("0.yaml", ndvi("job-0", 14.49))  # an edited job is another one
    run(workspace, "accept", waiting["hash"], **GUARDED)
    assert "LargeChange" in reasons(workspace, **GUARDED).values()


def test_what_is_held_for_a_batch_that_is_missing_is_not_let_through(workspace: Workspace) -> None:
    three_jobs(workspace)
    reasons(workspace, **GUARDED)
    [waiting] = budget(workspace, **GUARDED)["waiting"]
    with closing(sqlite3.connect(workspace.state / "shjobs.db")) as ledger, ledger:
        ledger.execute("delete from batch")
    assert set(reasons(workspace, **GUARDED).values()) == {"LargeChange"}
    assert (workspace.posts(), budget(workspace, **GUARDED)["waiting"]) == (0, [waiting])


def test_a_hash_may_be_accepted_before_its_change_is_there(workspace: Workspace) -> None:
    paths = three_jobs(workspace)
    [label] = set(re.findall(r"shjobs accept ([0-9a-f]{12})", run(workspace, "plan", "-o", "json", **GUARDED)))
    for path in paths:
        path.unlink()
    workspace.write("other.yaml", ndvi("other", 14.3))
    reasons(workspace, **GUARDED)
    assert "it is remembered, and releases exactly that set" in run(workspace, "accept", label, **GUARDED)
    three_jobs(workspace)
    assert set(reasons(workspace, **GUARDED).values()) == {"Delivered"}


@pytest.mark.parametrize("label", ["0123", "g" * 12, "0123456789AB"])
def test_what_is_no_hash_is_refused(workspace: Workspace, label: str) -> None:
    done = shjobs("accept", label, cwd=workspace.root, environment=dict(workspace.environment))
    assert (done.returncode, done.stderr) == (
        2,
        f"shjobs: {label!r} is no hash of twelve hexadecimal digits; `shjobs budget` shows those that wait for a yes\n",
    )


def test_a_pause_stops_submissions_and_nothing_else(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    state = workspace.state
    assert run(workspace, "pause") == f"paused {state}: nothing more is submitted; `shjobs resume` goes on\n"
    assert reasons(workspace) == {"ndvi": "Paused"}
    again = run(workspace, "pause")
    assert re.fullmatch(rf"{state} is already paused by .+ on .+ at .+Z; `shjobs resume` goes on\n", again)
    assert "paused by" in run(workspace, "budget")
    assert run(workspace, "resume") == f"resumed {state}: `shjobs sync`, or the running controller, submits again\n"
    assert run(workspace, "resume") == f"{state} was not paused\n"
    assert (reasons(workspace), workspace.posts()) == ({"ndvi": "Delivered"}, 1)


def test_nothing_is_paid_for_while_git_holds_its_index_lock(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    (workspace.root / ".git").mkdir()
    lock = workspace.root / ".git" / "index.lock"
    lock.touch()
    assert reasons(workspace) == {"ndvi": "Settling"}  # the lock became stale, so it needs a person
    assert workspace.posts() == 0
    lock.unlink()
    assert reasons(workspace) == {"ndvi": "Delivered"}


def with_retries(text: str, retries: int) -> str:
    return text.replace("spec:\n", f"spec:\n  retries: {retries}\n")


@pytest.fixture
def retried(workspace: Workspace) -> Workspace:
    """A job that failed, and whose retry was accepted during a pause that is over."""
    workspace.sandbox.faults.add(Fault(name="run-fails", times=1))
    workspace.write("ndvi.yaml", ndvi())
    assert reasons(workspace) == {"ndvi": "ErrorReported"}
    run(workspace, "pause")
    workspace.write("ndvi.yaml", with_retries(ndvi(), 1))
    reasons(workspace)
    run(workspace, "resume")
    return workspace


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        pytest.param("width:", "widht:", id="a typo in a field"),
        pytest.param("spec:", "spec: [", id="no YAML at all"),
        pytest.param("credentialsRef: my-bucket", "credentialsRef: other", id="a credential that does not exist"),
        pytest.param("function setup", "fnction setup", id="a script that cannot be loaded"),
    ],
)
def test_a_paid_retry_does_not_go_out_while_the_manifest_is_broken(retried: Workspace, right: str, wrong: str) -> None:
    retried.write("ndvi.yaml", with_retries(ndvi(), 0).replace(right, wrong))
    status = retried.sync()["ndvi"]
    assert (retried.posts(), status["reason"], status["manifest"]["accepted"]) == (1, "ErrorReported", False)
    assert status["message"].endswith("; nothing more is submitted until the manifest is mended")
    retried.write("ndvi.yaml", with_retries(ndvi(), 1))
    assert (reasons(retried), retried.posts()) == ({"ndvi": "Delivered"}, 2)


def test_nothing_is_paid_for_while_the_tree_is_empty(retried: Workspace) -> None:
    away = (retried.jobs / "ndvi.yaml").rename(retried.root / "away.yaml")
    (retried.jobs / "ndvi.status.yaml").unlink()
    reasons(retried)
    assert retried.posts() == 1
    away.rename(retried.jobs / "ndvi.yaml")
    assert (reasons(retried), retried.posts()) == ({"ndvi": "Delivered"}, 2)


def test_a_manifest_that_was_broken_when_the_controller_stopped_pays_nothing_before_it_is_read(
    retried: Workspace,
) -> None:
    retried.write("ndvi.yaml", "spec: [")
    reasons(retried)
    (retried.jobs / "ndvi.yaml").rename(retried.root / "away.yaml")
    (retried.jobs / "ndvi.status.yaml").unlink()
    reasons(retried)
    assert retried.posts() == 1


RENAMED = {
    **{f"SHJOBS_CREDENTIALS_MY_BUCKET_{key}": "" for key in ("ACCESS_KEY", "SECRET_ACCESS_KEY")},
    **{f"SHJOBS_CREDENTIALS_OTHER_{key}": "canary" for key in ("ACCESS_KEY", "SECRET_ACCESS_KEY")},
}
"""The keys of a credential that is called `other` now."""


def changed(workspace: Workspace, old: str, new: str) -> None:
    """Another text in the settings file."""
    path = workspace.root / "shjobs.toml"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.fixture
def waiting(workspace: Workspace) -> Workspace:
    """Three jobs that were accepted, and admitted, while there was no budget left for them."""
    three_jobs(workspace)
    assert set(reasons(workspace, SHJOBS_MONTHLY_BUDGET="5").values()) == {"BudgetExceeded"}
    return workspace


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        pytest.param("credentials.my-bucket", "credentials.other", "Rejected", id="the credential is gone"),
        pytest.param('"s3://my-bucket/"', '"s3://my-bucket/other"', "Rejected", id="it may be used for less"),
        pytest.param('"s3://my-bucket/"', '"s3://another"', "Rejected", id="it is for another bucket"),
        pytest.param("timeScale", "approvalAbove = 5\ntimeScale", "ApprovalNeeded", id="approval is needed for less"),
        pytest.param("timeScale", "largeChangeJobs = 2\ntimeScale", "LargeChange", id="fewer jobs are a large change"),
        pytest.param(
            "timeScale",
            "largeChangeProcessingUnits = 5\ntimeScale",
            "LargeChange",
            id="a smaller sum is a large change",
        ),
    ],
)
def test_what_was_accepted_under_other_settings_is_not_paid_for(
    waiting: Workspace, old: str, new: str, reason: str
) -> None:
    changed(waiting, old, new)
    assert set(reasons(waiting, **(RENAMED if "credentials" in new else {})).values()) == {reason}
    assert waiting.posts() == 0
    changed(waiting, new, old)
    assert (set(reasons(waiting).values()), waiting.posts()) == ({"Delivered"}, 3)


def test_what_was_accepted_under_other_settings_is_not_paid_for_while_its_file_cannot_be_read(
    waiting: Workspace,
) -> None:
    changed(waiting, "timeScale", "approvalAbove = 400\ntimeScale")
    waiting.jobs.rename(waiting.root / "away")
    waiting.jobs.mkdir()
    reasons(waiting)
    waiting.jobs.rmdir()
    waiting.jobs.mkdir()
    waiting.write("new.yaml", "spec: [")
    (waiting.root / "away").rename(waiting.jobs / "back")
    for number in range(3):
        (waiting.jobs / "back" / f"{number}.yaml").write_text("spec: [")
    reasons(waiting)
    assert waiting.posts() == 0


def test_what_is_shown_is_what_holds_under_the_settings_of_now(waiting: Workspace) -> None:
    changed(waiting, '"s3://my-bucket/"', '"s3://my-bucket/other"')
    assert {job["reason"] for job in json.loads(run(waiting, "get", "-o", "json"))} == {"Rejected"}
    assert {job["action"] for job in json.loads(run(waiting, "plan", "-o", "json"))["jobs"]} == {"invalid"}


def test_nothing_is_read_anew_when_only_the_budget_changed(waiting: Workspace) -> None:
    with copied_controller(waiting.settings(), lambda _news: None, lambda _call: None) as assembly:
        assert {file.path for file in assembly.ledger.files()} >= {"0.yaml", "1.yaml", "2.yaml"}


def test_the_account_of_a_month_is_a_page_for_a_person(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    reported = run(workspace, "budget", SHJOBS_MONTHLY_BUDGET="100")
    assert re.sub(r"\d{4}-\d\d \(UTC\)", "MONTH", reported) == (
        "MONTH, sandbox\n"
        "  budget    100.00 PU\n"
        "  spent     10.00 PU\n"
        "  reserved  0.00 PU\n"
        "  left      90.00 PU\n"
        "  one job   above 500.00 PU it needs maxProcessingUnits\n"
        "  at once   more than 50 jobs or 1,000.00 PU need a yes\n"
        "  prices    cdse, 2025-03 (Copernicus Data Space Ecosystem documentation, Overview/ProcessingUnit)\n"
    )


PRICED = {"SHJOBS_PRICE_PER_PROCESSING_UNIT": "0.01", "SHJOBS_CURRENCY": "eur"}


def test_a_price_of_a_unit_shows_plan_and_budget_in_money(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    assert "in money: about 0.10 EUR, at most 0.10 EUR reserved (0.01 a PU)\n" in run(workspace, "plan", **PRICED)
    assert "in money: about 0.10 EUR" in run(workspace, "plan", "-o", "markdown", **PRICED)
    prices = json.loads(run(workspace, "plan", "-o", "json", **PRICED))["prices"]
    assert (prices["perUnit"], prices["currency"]) == (0.01, "EUR")
    workspace.sync()
    reported = run(workspace, "budget", **PRICED)
    assert "  spent     10.00 PU, 0.10 EUR\n" in reported
    assert "  one PU    0.01 EUR\n" in reported
    assert "EUR" not in run(workspace, "budget") + run(workspace, "plan")


def test_the_account_by_month_and_by_label(workspace: Workspace) -> None:
    for name, labels in (("a", "{team: agri}"), ("b", "{team: agri}"), ("c", "{team: water}"), ("d", "{size: s}")):
        text = ndvi(name, 14.4 + ord(name) / 2000)
        workspace.write(f"{name}.yaml", text.replace("metadata:\n", f"metadata:\n  labels: {labels}\n"))
    workspace.sync()
    groups = json.loads(run(workspace, "budget", "--by", "team", "-o", "json"))["groups"]
    assert groups == [
        {"label": "agri", "submissions": 2, "spent": 20.0, "reserved": 0.0},
        {"label": "water", "submissions": 1, "spent": 10.0, "reserved": 0.0},
        {"submissions": 1, "spent": 10.0, "reserved": 0.0},
    ]
    [month] = json.loads(run(workspace, "budget", "--by", "month", "-o", "json"))["groups"]
    assert (month["submissions"], month["spent"]) == (4, 40.0)
    lines = run(workspace, "budget", "--by", "team", **PRICED).splitlines()
    assert [line.split() for line in lines[-4:]] == [
        ["LABEL", "SUBMISSIONS", "SPENT", "RESERVED", "MONEY"],
        ["agri", "2", "20.00", "0.00", "0.20", "EUR"],
        ["water", "1", "10.00", "0.00", "0.10", "EUR"],
        ["(none)", "1", "10.00", "0.00", "0.10", "EUR"],
    ]


def test_another_month_is_counted_alone(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    earlier = json.loads(run(workspace, "budget", "--month", "2020-02", "--by", "team", "-o", "json"))
    assert (earlier["month"], earlier["spent"], earlier["groups"]) == ("2020-02", 0.0, [])
    done = shjobs("budget", "--month", "March", cwd=workspace.root)
    assert (done.returncode, "--month: 'March' is no month; write it like 2026-03" in done.stderr) == (2, True)


def test_after_a_lost_database_the_account_is_a_lower_bound_and_says_so(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    for path in workspace.state.glob("shjobs.db*"):
        path.unlink()
    workspace.sync()
    reported = run(workspace, "budget", SHJOBS_MONTHLY_BUDGET="100")
    assert "spent     at least 10.00 PU" in reported
    assert "left      at most 90.00 PU" in reported
    assert "so more may have been spent" in reported
