"""What a month of a set needs, by the windows that became due last, and when it has too many cells."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.manifest.document import read_documents
from controller.manifest.validate import Broken, Script
from controller.model.job_set import Cost
from controller.sets.accept import ValidSet, accept_set
from controller.sets.pace import full_at, monthly, warnings
from tests.support.sets import Jobs, write

NOW = datetime(2024, 5, 10, tzinfo=UTC)
SCRIPT = """//VERSION=3
function setup() { return {input: ["B04"], output: {bands: 1}}; }
function evaluatePixel(s) { return [s.B04]; }
"""
SET = """\
apiVersion: shjobs/v1
kind: AsyncProcessSet
metadata: {name: farm}
spec:
  axes: {AXES}
  exclude: [EXCLUDE]
  template:
    evalscriptFile: red.js
    parameters: {keys: [KEYS]}
    request:
      input:
        bounds: {bbox: [14.40, 35.80, 14.50, 35.90]}
        data: [{type: sentinel-2-l2a, dataFilter: {timeRange: {from: 2022-06-20T00:00:00Z, to: 2022-06-30T23:59:59Z}}}]
      output:
        width: 600
        height: 600
        delivery: {s3: {url: s3://my-bucket/farm, credentialsRef: my-bucket}}
"""
VALUES = "i: {values: {a: {x: 1}, b: {x: 1}, c: {x: 1}, d: {x: 1}}}"


def written(axes: str, exclude: str) -> str:
    keys = ", ".join(f"${each}" for each in ("w", "v", "i") if f"{each}: {{" in axes)
    return SET.replace("AXES", axes).replace("EXCLUDE", exclude).replace("KEYS", keys)


def accepted(axes: str, exclude: str = "", until: datetime = NOW) -> ValidSet | Broken:
    """What the document of a set with these axes is found to be at a moment."""
    [document] = read_documents(written(axes, exclude), "farm.yaml")
    return accept_set(document, "farm.yaml", {}, lambda name: Script(path=name, text=SCRIPT), until)


def read_set(axes: str, exclude: str = "") -> ValidSet:
    """A set with these axes, as of now."""
    found = accepted(axes, exclude)
    assert isinstance(found, ValidSet), found
    return found


def costs(found: ValidSet) -> dict[datetime, Cost]:
    """Of the cells that are due, with 10 PU for each."""
    due: dict[datetime, Cost] = {}
    for cell in found.cells:
        if cell.due and cell.due <= NOW:
            due[cell.due] = due.get(cell.due, Cost()).plus(10.0, 10.0)
    return due


@pytest.mark.parametrize(
    ("axes", "exclude", "expected"),
    [
        pytest.param("w: {every: month, from: 2024-01}, " + VALUES, "", 40, id="a window a month"),
        pytest.param(VALUES + ", w: {every: month, from: 2024-01}", "", 40, id="with the calendar last"),
        pytest.param("w: {every: month, from: 2024-01, to: 2024-12}, " + VALUES, "", 40, id="most of it to come"),
        pytest.param("w: {every: dekad, from: 2024-01}, " + VALUES, "", 120, id="three windows a month"),
        pytest.param("w: {every: quarter, from: 2023}, " + VALUES, "", 40 / 3, id="a window every three months"),
        pytest.param("w: {every: year, from: 2020}, " + VALUES, "", 40 / 12, id="a window a year"),
        pytest.param("w: {every: week, from: 2024}, " + VALUES, "", 40 * 4.348, id="a window a week"),
        pytest.param("w: {every: day, from: 2024}, " + VALUES, "", 40 * 30.437, id="a window a day"),
        pytest.param(
            "w: {every: month, from: 2024-01}, " + VALUES, "{w: [2024-04, 2024-03], i: [b, c, d]}", 40,
            id="most cells of the latest ones left out",
        ),
        pytest.param(
            "w: {every: month, from: 2024-01}, " + VALUES, "{w: 2024-04}", 40, id="all cells of the latest left out"
        ),
        pytest.param(
            "w: {every: month, from: 2024-01}, " + VALUES, "{w: [2024-02, 2024-03, 2024-04], i: [b, c, d]}", 10,
            id="an earlier one says nothing of what follows",
        ),
        pytest.param(
            "w: {every: month, from: 2024-01}, v: {every: month, from: 2024-01}", "", 70,
            id="pairs of months: the fourth month brings seven",
        ),
        pytest.param(
            "w: {every: month, from: 2024-01, after: 1d}, v: {every: month, from: 2024-01, after: 5d}", "", 70,
            id="pairs of months that become due on two days",
        ),
        pytest.param(
            "w: {every: month, from: 2020-01, to: 2020-12}, v: {every: month, from: 2024-01}", "", 120,
            id="each month with twelve that are over",
        ),
        pytest.param(
            "w: {every: year, from: 2014, to: 2023}, v: {every: month, from: 2024-01}", "", 100,
            id="each month with ten years that are over",
        ),
        pytest.param(
            "w: {every: day, from: 2024-04-01}, v: {every: month, from: 2024-03, to: 2024-03}", "", 304.37,
            id="each day with a month that is over",
        ),
    ],
)  # fmt: skip
def test_a_month_is_judged_by_the_dearest_of_the_last_windows(axes: str, exclude: str, expected: float) -> None:
    """A set whose latest month was mostly left out, and one of pairs of months, said a fifth or less of it."""
    found = read_set(axes, exclude)
    needed = monthly(found.axes, costs(found))
    assert needed is not None
    assert [needed.upper, needed.expected] == pytest.approx([expected, expected], rel=1e-3)


@pytest.mark.parametrize(
    "axes", [pytest.param(VALUES, id="no windows"), pytest.param("w: {every: month, from: 2024-05}", id="none due")]
)
def test_a_set_without_windows_that_are_due_needs_no_known_amount(axes: str) -> None:
    found = read_set(axes)
    assert monthly(found.axes, costs(found)) is None


def test_a_window_without_an_upper_end_is_the_dearest() -> None:
    found = read_set("w: {every: month, from: 2024-01}")
    due = costs(found)
    due[min(due)] = Cost(jobs=1, expected=99.0, upper=None)
    assert monthly(found.axes, due) == Cost(jobs=1, expected=10.0, upper=10.0), "it is not among the last three"
    due[max(due)] = Cost(jobs=1, expected=5.0, upper=None)
    assert monthly(found.axes, due) == Cost(jobs=1, expected=5.0, upper=None)


HUNDRED = "i: {values: {" + ", ".join(f"v{number}: {{x: 1}}" for number in range(100)) + "}}"


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        pytest.param("w: {every: day, from: 2024-02-10}, " + HUNDRED, datetime(2024, 5, 21, tzinfo=UTC), id="soon"),
        pytest.param("w: {every: day, from: 2024-02-10, to: 2024-05-09}, " + HUNDRED, None, id="it has an end"),
        pytest.param("w: {every: month, from: 2024-01}, " + HUNDRED, None, id="in eight years"),
        pytest.param(
            "w: {every: month, from: 2017, after: 5d}, " + HUNDRED, datetime(2025, 6, 6, tzinfo=UTC), id="next year"
        ),
        pytest.param(
            "w: {every: day, from: 2024-02-04, after: 1d}, v: {every: day, from: 2024-02-03}",
            datetime(2024, 5, 15, tzinfo=UTC), id="pairs of days: 100 of one with 102 of the other",
        ),
        pytest.param(VALUES, None, id="no windows"),
    ],
)  # fmt: skip
def test_when_a_set_without_end_has_too_many_cells_is_known_two_years_before(
    axes: str, expected: datetime | None
) -> None:
    found = read_set(axes)
    assert full_at(found.axes, NOW) == expected
    if expected is not None:
        assert isinstance(accepted(axes, until=expected - timedelta(seconds=1)), ValidSet)
        broken = accepted(axes, until=expected)
        assert isinstance(broken, Broken)
        [problem] = broken.problems
        assert problem.message.endswith(
            "and a set has at most 10,000: write a later `from`; no cell is renamed, the windows before it count as "
            "removed, and what they delivered stays"
        )


@pytest.mark.parametrize(
    ("begin", "expected"),
    [
        pytest.param("2024-02-10", "from 2024-05-21 on there are more than 10,000 cells, and", id="in eleven days"),
        pytest.param("2024-03-30", "from 2024-07-09 on there are more than 10,000 cells, and", id="in two months"),
        pytest.param("2024-03-31", "", id="a day later"),
    ],
)
def test_a_set_that_will_soon_have_too_many_cells_is_warned_of(begin: str, expected: str) -> None:
    found = read_set("w: {every: day, from: BEGIN}, ".replace("BEGIN", begin) + HUNDRED)
    messages = [(each.code, each.field, each.message) for each in warnings(found, NOW)]
    assert [each[:2] for each in messages] == ([("W131", "spec.axes.w")] if expected else [])
    assert all(each[2].startswith(expected) for each in messages)


def test_the_warning_of_too_many_cells_is_shown_for_a_set_and_can_be_silenced(tmp_path: Path) -> None:
    left_out = "{i: [" + ", ".join(f"v{number}" for number in range(1, 100)) + "]}"  # they count all the same
    text = written("w: {every: day, from: 2024-02-10}, " + HUNDRED, left_out)
    jobs = Jobs(tmp_path / "jobs.d", {"set.yaml": text, "red.js": SCRIPT}, NOW)
    jobs.scan()
    assert jobs.problems("set.yaml") == []
    assert len(jobs.wanted) == 90
    assert "W131" in shown(jobs)
    write(jobs.root, {"set.yaml": "# shjobs: ignore W131 a later one is ready\n" + text})
    jobs.scan()
    assert "W131" not in shown(jobs)


def shown(jobs: Jobs) -> set[str]:
    """The codes of what is warned of."""
    return {each.code for item in jobs.tree.documents("set.yaml") for each in item.warnings}
