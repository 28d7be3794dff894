"""What stops many jobs alike is said once, with their number."""

import json

import pytest

from controller.cli.output.plan_table import join_equal_rows
from controller.lifecycle.grouping import common, name_list, together
from controller.model.reasons import Reason
from controller.operations.plan.plan import plan
from tests.conftest import Workspace, ndvi
from tests.support.command import shjobs

MANY = 12


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param("aaaa", ["aaaa"], id="many alike are one"),
        pytest.param("aaa", ["a", "a", "a"], id="three are not many"),
        pytest.param("abaaac", ["aaaa", "b", "c"], id="where the first stood"),
        pytest.param("xxxxx", ["x"] * 5, id="those without a key stand alone"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_what_is_said_together(items: str, expected: list[str]) -> None:
    assert ["".join(group) for group in together(items, lambda each: None if each == "x" else each)] == expected


def test_names() -> None:
    assert name_list(["a"]) == "a"
    assert name_list(["a", "b", "c"]) == "3 jobs (a, b, c)"
    assert name_list([*"abcde"]) == "5 jobs (a, b, c and 2 more)"


def test_only_what_stops_many_alike_has_something_in_common() -> None:
    assert {common(reason) for reason in Reason if reason.phase in ("Failed", "Running", "Succeeded", "Unknown")} == {
        None
    }


@pytest.fixture
def held(workspace: Workspace) -> Workspace:
    """Many jobs, all part of one large change."""
    for number in range(MANY):
        workspace.write(f"job-{number:02}.yaml", ndvi(f"job-{number:02}", 14.3 + number / 100))
    return workspace


GUARDED = {"SHJOBS_LARGE_CHANGE_JOBS": "2"}
NAMES = "12 jobs (job-00, job-01, job-02 and 9 more)"
STOPS = [
    pytest.param(GUARDED, "LargeChange", id="a large change"),
    pytest.param({"SHJOBS_MONTHLY_BUDGET": "0.001"}, "BudgetExceeded", id="a budget"),
    pytest.param({"PAUSE": "1"}, "Paused", id="a pause"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("given", "reason"), STOPS)
def test_many_jobs_held_alike_are_one_line_of_sync_one_event_one_row_and_one_note(
    held: Workspace, given: dict[str, str], reason: str
) -> None:
    environment = {**held.environment, **{key: value for key, value in given.items() if key.startswith("SHJOBS_")}}
    if "PAUSE" in given:
        held.state.mkdir()
        (held.state / "PAUSE").touch()
    done = shjobs("sync", cwd=held.root, environment=environment)
    assert len([line for line in done.stderr.splitlines() if "Held" in line]) == 1
    assert f"{NAMES}  Held  " in done.stderr
    assert len([line for line in done.stdout.splitlines() if f": {reason}: " in line]) == 1
    events = shjobs("events", "-n", "100", cwd=held.root, environment=environment).stdout.splitlines()
    assert [line.split("  ")[1] for line in events if f"  {reason}  " in line] == [NAMES]
    rows = [json.loads(line) for line in shjobs("events", "-o", "json", cwd=held.root).stdout.splitlines()]
    assert [row["jobs"] for row in rows if row["reason"] == reason] == [MANY]
    alone = shjobs("events", "job-07", cwd=held.root, environment=environment).stdout
    assert f"job-07  {reason}  " in alone
    table = shjobs("plan", cwd=held.root, environment=environment).stdout
    assert (table.count(NAMES), table.count("  hold  ")) == (1, 1)
    comment = shjobs("plan", "-o", "markdown", cwd=held.root, environment=environment).stdout
    assert comment.count("| hold |") == 1


def test_the_row_of_many_has_the_sum_of_their_units(held: Workspace) -> None:
    found = plan(held.settings(**GUARDED))
    (row,) = join_equal_rows(found["jobs"])
    assert row["processingUnits"]["upper"] == pytest.approx(
        sum(job["processingUnits"]["upper"] for job in found["jobs"])
    )
