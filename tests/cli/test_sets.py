"""The commands that take a set, or the label that its cells have."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.cli.output.set_words import progress_words
from controller.cli.output.tables import document_key
from controller.lifecycle.conditions import is_of_set, target
from controller.operations.inspect.describe_set import explain_set
from controller.operations.inspect.forecast import forecast
from controller.sandbox.faults.faults import Fault
from tests.conftest import Workspace, ndvi
from tests.support.command import Done, shjobs
from tests.support.small_set import farm, months

pytestmark = pytest.mark.slow

CELLS = ["farm-f0", "farm-f1", "farm-f2"]


@pytest.fixture
def mixed(workspace: Workspace) -> Workspace:
    """A set of three cells, and a job."""
    workspace.write("farm.yaml", farm(labels="team: agri"))
    workspace.write("ndvi.yaml", ndvi())
    return workspace


def run(workspace: Workspace, *arguments: str) -> Done:
    done = shjobs(*arguments, cwd=workspace.root, environment=dict(workspace.environment))
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def names(done: Done) -> list[str]:
    return sorted(each["name"] for each in json.loads(done.stdout))


def test_what_the_cells_delivered_is_fetched_by_the_label(mixed: Workspace, tmp_path: Path) -> None:
    mixed.sync()
    run(mixed, "fetch", "-l", "set=farm", "--output", str(tmp_path / "out"))
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == CELLS


def run_any(workspace: Workspace, *arguments: str) -> Done:
    return shjobs(*arguments, cwd=workspace.root, environment=dict(workspace.environment))


def progress(document: dict[str, Any]) -> str:
    return progress_words(document) if is_of_set(document) else str(document["phase"])


@pytest.fixture
def failed(workspace: Workspace) -> Workspace:
    """A set of three cells, of which the first to run has failed, beside a job of the same name."""
    workspace.sandbox.faults.add(Fault(name="run-fails", times=1))
    workspace.write("farm.yaml", farm(labels="team: agri"))
    workspace.sync()
    workspace.write("ndvi.yaml", ndvi("farm"))
    workspace.sync()
    return workspace


@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        pytest.param([], {"farm": "Succeeded", "set/farm": "2/3 Succeeded, 1 Failed"}, id="a set is one row"),
        pytest.param(["farm"], {"farm": "Succeeded"}, id="a job goes before a set of its name"),
        pytest.param(["set/farm"], {"set/farm": "2/3 Succeeded, 1 Failed"}, id="the set by its full name"),
        pytest.param(["--phase", "Failed"], {"set/farm": "2/3 Succeeded, 1 Failed"}, id="a set with a failed cell"),
        pytest.param(["-l", "team=agri"], {"set/farm": "2/3 Succeeded, 1 Failed"}, id="a label of the set"),
    ],
)
def test_a_set_is_one_row(failed: Workspace, arguments: list[str], rows: dict[str, str]) -> None:
    documents = json.loads(run_any(failed, "get", *arguments, "-o", "json").stdout)
    found = {document_key(each): progress(each) for each in documents}
    assert found == rows
    table = run_any(failed, "get", *arguments).stdout
    assert all(any(row in line for line in table.splitlines()) for row in rows.values())


@pytest.mark.parametrize(
    "arguments",
    [["set/farm", "--cells"], ["-l", "set=farm"], ["-l", "set"], CELLS, ["--cells", "-l", "team=agri"]],
    ids=" ".join,
)
def test_its_cells_are_rows_where_they_are_asked_for(failed: Workspace, arguments: list[str]) -> None:
    done = run_any(failed, "get", *arguments, "-o", "json")
    found = {each["name"]: (each["phase"], each["set"], each["path"]) for each in json.loads(done.stdout)}
    assert sorted(found) == CELLS
    assert sorted(phase for phase, _, _ in found.values()) == ["Failed", "Succeeded", "Succeeded"]
    assert {each[1:] for each in found.values()} == {("farm", "farm.yaml")}
    assert done.returncode == 1


def test_a_sync_of_cells_alone_says_what_became_of_each(failed: Workspace) -> None:
    done = run_any(failed, "sync", "-l", "set=farm")
    assert (done.returncode, [line.split()[0] for line in done.stdout.splitlines()[1:4]]) == (1, CELLS)


def counted(**cells: int) -> dict[str, Any]:
    return {"kind": "AsyncProcessSetStatus", "name": "alps", "phase": "Failed", "cells": {"due": 492, **cells}}


@pytest.mark.parametrize(
    ("room", "words"),
    [
        pytest.param(10_000, "480/492 Succeeded, 2 Failed, 10 Running", id="a pipe"),
        pytest.param(38, "480/492 Succeeded, 2 Failed", id="80 columns"),
        pytest.param(26, "480/492, 2 Failed", id="40 columns"),
        pytest.param(12, "480/492", id="20 columns"),
    ],
)
def test_how_far_a_set_is_is_said_in_the_room_there_is(room: int, words: str) -> None:
    assert progress_words(counted(Succeeded=480, Failed=2, Running=10), room) == words


def test_a_set_is_described_with_what_to_do_about_its_cells(failed: Workspace) -> None:
    found = json.loads(run(failed, "describe", "set/farm", "-o", "json").stdout)
    assert (found["kind"], found["labels"], found["path"]) == (
        "AsyncProcessSetDescription", {"team": "agri"}, "farm.yaml",
    )  # fmt: skip
    assert found["cells"] == {"due": 3, "Succeeded": 2, "Failed": 1}
    assert found["commands"] == {"ErrorReported": "shjobs retry set/farm"}
    text = run(failed, "describe", "set/farm").stdout
    [cell] = found["notSucceeded"]["Failed"]
    assert text.startswith("set/farm\n  manifest")
    assert f"not Succeeded\n  Failed: {cell}\n  1 ErrorReported: " in text
    assert "\n    shjobs retry set/farm\n" in text
    assert run(failed, "describe", "farm").stdout.startswith("farm\n  manifest    ndvi.yaml\n")
    assert json.loads(run(failed, "describe", cell, "-o", "json").stdout)["phase"] == "Failed"


def test_the_windows_of_a_set_are_described_each_with_its_cells(workspace: Workspace) -> None:
    workspace.write("farm.yaml", months(end="2022-07"))
    workspace.sync()
    found = json.loads(run(workspace, "describe", "farm", "-o", "json").stdout)
    windows = [(each["window"], each["cells"], each["succeeded"]) for each in found["windows"]]
    assert windows == [("2022-06", 1, 1), ("2022-07", 1, 1)]
    assert sum(each["processingUnits"]["spent"] for each in found["windows"]) == found["processingUnits"]["spent"]
    lines = run(workspace, "describe", "farm").stdout.splitlines()
    assert ["2022-06", "1", "1"] in [line.split()[:3] for line in lines]


def test_why_a_set_is_where_it_is(failed: Workspace) -> None:
    said = run(failed, "why", "set/farm").stdout
    assert said.startswith("farm: 2 of 3 cells that are due are Succeeded; 1 is Failed (ErrorReported: ")
    assert said.endswith("), `shjobs retry set/farm`.\n")
    assert run(failed, "why", "farm").stdout.startswith("farm is Succeeded")


def status(**different: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": "alps", "manifest": {"accepted": True}, "cells": {"due": 492, "Succeeded": 480}}
    return plain | different


HELD = "12 submissions of up to 40.00 PU became due: `shjobs accept 0123456789ab` releases exactly these"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param(
            status(cells={"due": 3, "Succeeded": 3}), "alps: all 3 cells that are due are Succeeded.", id="complete"
        ),
        pytest.param(
            status(cells={"due": 0}, next={"at": "2024-08-05T00:00:00Z"}),
            "alps: no cell is due yet. The next cells become due at 2024-08-05T00:00:00Z.",
            id="its first window has not ended",
        ),
        pytest.param(
            status(reasons={"LargeChange": 12}, messages={"LargeChange": HELD}),
            f"alps: 480 of 492 cells that are due are Succeeded; 12 are Held (LargeChange: {HELD}), "
            "`shjobs accept 0123456789ab`.",
            id="held until it is accepted",
        ),
        pytest.param(
            status(reasons={"NothingDelivered": 1}, messages={"NothingDelivered": "nothing is there"}),
            "alps: 480 of 492 cells that are due are Succeeded; 1 is Unknown (NothingDelivered: nothing is there), "
            "`shjobs retry set/alps --unknown`.",
            id="of unknown outcome",
        ),
        pytest.param(
            status(reasons={"NeedsPerson": 1}, notSucceeded={"Unconfirmed": ["alps-a"]}),
            "alps: 480 of 492 cells that are due are Succeeded; 1 is Unconfirmed (NeedsPerson), "
            "`shjobs describe alps-a`.",
            id="an operator must resolve it",
        ),
        pytest.param(
            status(manifest={"accepted": False, "problems": ["alps.yaml:1:1: not YAML"]}, reasons={}),
            "alps: 480 of 492 cells that are due are Succeeded; its manifest cannot be accepted as it is now "
            "(alps.yaml:1:1: not YAML).",
            id="its manifest is broken",
        ),
    ],
)
def test_a_set_is_explained_by_reason(document: dict[str, Any], words: str) -> None:
    assert explain_set(document) == words


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(
            ["set/farm", "--for", "Complete=60%"], 0, "set/farm: 2/3 Succeeded, 1 Failed\n", id="enough of it"
        ),
        pytest.param(
            ["set/farm", "--for", "Complete"], 1, "set/farm: will not be Complete by itself: Failed (", id="not all"
        ),
        pytest.param(["set/farm", "--for", "Complete=67%"], 1, "will not be Complete=67% by itself", id="not enough"),
        pytest.param(["farm", "--for", "Complete"], 0, "farm: Succeeded\n", id="a job of its name"),
        pytest.param(["set/farm", "--for", "Failed"], 0, "set/farm: 2/3 Succeeded, 1 Failed\n", id="a phase"),
    ],
)
def test_a_set_is_waited_for(failed: Workspace, arguments: list[str], code: int, words: str) -> None:
    done = run_any(failed, "wait", *arguments, "--timeout", "60s")
    assert (done.returncode, words in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr


def test_a_cell_is_waited_for_like_a_job_and_windows_to_come_are_not(workspace: Workspace) -> None:
    now = datetime.now(UTC)
    first = f"{now - timedelta(days=70):%Y-%m}"
    workspace.write("farm.yaml", months(begin=first, end=f"{now.year + 1}-12"))
    workspace.sync()
    cells = json.loads(run(workspace, "get", "farm", "-o", "json").stdout)[0]["cells"]
    assert (cells["due"] in (2, 3), cells["later"] > 12) == (True, True)
    done = run(workspace, "wait", "farm", "--for", "Complete", "--timeout", "5s")
    assert done.stdout == f"farm: {cells['due']}/{cells['due']} Succeeded\n"
    assert run(workspace, "wait", f"farm-{first}", "--timeout", "5s").stdout == f"farm-{first}: Succeeded\n"


@pytest.mark.parametrize(
    ("cells", "share", "met", "hopeless"),
    [
        pytest.param({"due": 100, "Succeeded": 95, "Running": 5}, 95, True, False, id="as much as is waited for"),
        pytest.param({"due": 100, "Succeeded": 94, "Running": 6}, 95, False, False, id="not yet"),
        pytest.param({"due": 100, "Failed": 5, "Running": 95}, 95, False, False, id="it may still get there"),
        pytest.param({"due": 100, "Failed": 3, "Unknown": 3, "Running": 94}, 95, False, True, id="too many are lost"),
        pytest.param({"due": 100, "Succeeded": 1, "Held": 99}, 100, False, False, id="what is held may be released"),
        pytest.param({"due": 0}, 100, False, False, id="nothing is due yet"),
        pytest.param({"due": 3, "Succeeded": 3}, 100, True, False, id="all of it"),
    ],
)
def test_a_share_of_a_set(cells: dict[str, int], share: float, met: bool, hopeless: bool) -> None:
    document = {"kind": "AsyncProcessSetStatus", "phase": "Running", "reason": "Running", "cells": cells}
    aim = target(f"Complete={share:g}%")
    assert (aim.is_met(document), aim.is_hopeless(document)) == (met, hopeless)


def test_of_a_set_what_its_cells_delivered_is_fetched(failed: Workspace, tmp_path: Path) -> None:
    done = run_any(failed, "fetch", "set/farm", "--output", str(tmp_path / "out"))
    assert (done.returncode, done.stderr) == (0, "1 job of 3 passed over: not Succeeded\n")
    there = {each.name for each in (tmp_path / "out").iterdir()}
    assert (len(there), there < set(CELLS)) == (2, True)
    run(failed, "fetch", "farm", "--output", str(tmp_path / "job"))
    assert [each.name for each in (tmp_path / "job").iterdir()] == ["farm"]


def test_the_events_of_a_set_are_those_of_its_cells_too(failed: Workspace) -> None:
    run(failed, "retry", "set/farm", "--yes")
    failed.sync()
    about = {line.split()[1] for line in run(failed, "events", "set/farm", "-n", "100").stdout.splitlines()}
    assert about == {"set/farm", *CELLS}
    assert {line.split()[1] for line in run(failed, "events", "farm").stdout.splitlines()} == {"farm"}


@pytest.mark.parametrize("label", ["set=farm", "team=agri"])
def test_a_plan_and_a_sync_of_a_label_are_about_the_cells(mixed: Workspace, label: str) -> None:
    planned = json.loads(run(mixed, "plan", "-l", label, "-o", "json").stdout)["jobs"]
    assert sorted(each["name"] for each in planned) == CELLS
    run(mixed, "sync", "-l", label)
    assert mixed.posts() == 3


def test_what_a_set_cost_this_month_is_added_up(mixed: Workspace) -> None:
    mixed.sync()
    groups = json.loads(run(mixed, "budget", "--by", "set", "-o", "json").stdout)["groups"]
    assert [(each.get("label"), each["submissions"], each["spent"]) for each in groups] == [
        ("farm", 3, 30.0), (None, 1, 10.0),
    ]  # fmt: skip


def november(year: int) -> datetime:
    return datetime(year, 11, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize("year", [2025, 2099], ids=["past", "future"])
def test_what_sets_will_ask_for_is_forecast_by_month(workspace: Workspace, year: int) -> None:
    """A window of a day, due a day after its end: the last of November is due on 2 December."""
    daily = months("daily", begin=f"{year}-11-01", after="1d").replace("every: month", "every: day")
    workspace.write("daily.yaml", daily)
    workspace.write("monthly.yaml", months("monthly", begin=f"{year}-09", end=f"{year}-10"))
    assert forecast(workspace.settings(), november(year)) == [
        {
            "set": "daily",
            "thisMonth": {"jobs": 20, "estimated": 200.0, "upper": 200.0},
            "nextMonth": {"jobs": 31, "estimated": 310.0, "upper": 310.0},
        }
    ]


@pytest.mark.parametrize(("every", "begin", "number"), [("month", "", 1), ("dekad", "-d1", 3)])
def test_a_budget_shows_what_sets_will_ask_for(workspace: Workspace, every: str, begin: str, number: int) -> None:
    last = f"{datetime.now(UTC).year + 2}-12{begin}"
    goes_on = months(begin=f"{datetime.now(UTC):%Y-%m}{begin}", end=last).replace("every: month", f"every: {every}")
    workspace.write("farm.yaml", goes_on)
    workspace.sync()
    [found] = json.loads(run(workspace, "budget", "-o", "json").stdout)["forecast"]
    assert (found["set"], found["nextMonth"]["jobs"]) == ("farm", number)
    row = run(workspace, "budget").stdout.splitlines()[-1].split()
    assert (row[0], row[4:]) == ("farm", [str(number), f"{10 * number}.00", f"{10 * number}.00"])
    assert "forecast" not in json.loads(run(workspace, "budget", "--month", "2026-03", "-o", "json").stdout)
