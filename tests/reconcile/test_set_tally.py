"""Cells added up one by one: the same as all at once, whatever came before."""

from dataclasses import replace
from random import Random

import pytest

from controller.lifecycle.set_status import CellCounts, set_document
from controller.model.errors import Problem
from controller.model.job import Job, SetCell
from controller.model.job_set import JobSet
from controller.model.reasons import JobState, Phase, Reason
from controller.model.submission import Submission
from controller.reconcile.sets.set_tally import SetTally, tally_of
from controller.tree.status_files import LONGEST_OF_SET, status_bytes
from tests.support.factories import accepted, at, evidence, job, succeeded, wanted

REASONS = [each for each in Reason if each.phase is not Phase.REMOVED]
DONE, RUNS = JobState(reason=Reason.DELIVERED, message=""), JobState(reason=Reason.RUNNING, message="runs")


def cell(number: int, set_name: str = "alps", path: str = "alps.yaml", revision: str = "") -> Job:
    place = SetCell(set_name=set_name, recipe="r")
    return job(name=f"cell-{number:05}", path=path, wanted=wanted(cell=place, revision=revision))


def declared(*numbers: int) -> dict[str, JobSet]:
    return {"alps": JobSet(name="alps", path="alps.yaml", index=0, cells=tuple(cell(each).name for each in numbers))}


Row = tuple[Job, list[Submission], JobState]


def drawn(draw: Random, number: int) -> Row:
    """A job in a state of its own: a cell of one of two sets, in one of two files, an ordinary job, or removed."""
    found = cell(number, draw.choice(("alps", "farm")), draw.choice(("alps.yaml", "farm.yaml")), draw.choice("ab"))
    found = draw.choice((found, found, found, job(name=found.name), replace(found, wanted=None)))
    rows = draw.choice(
        ([], [accepted()], [succeeded(intended_at=at(-draw.randrange(900)), revision=draw.choice("cd"))])
    )
    return found, rows, JobState(reason=draw.choice(REASONS), message=draw.choice(("one", "two")))


@pytest.mark.parametrize("seed", range(10))
def test_what_is_kept_is_what_a_reader_adds_up_anew(seed: int) -> None:
    draw, tally, now = Random(seed), SetTally(), dict[str, Row]()
    for _ in range(600):
        row = drawn(draw, draw.randrange(40))
        now[row[0].name] = row
        tally.put(*row)
    fresh = tally_of(draw.sample([*now.values()], len(now)))
    places = [(path, name) for path in ("alps.yaml", "farm.yaml") for name in ("alps", "farm")]
    assert [tally.counts(*place) for place in places] == [fresh.counts(*place) for place in places]
    cells = [each for each, _, _ in now.values() if each.wanted and each.wanted.cell]
    assert sum(tally.counts(*place).due for place in places) == len(cells) > 0


def test_a_cell_that_leaves_or_moves_is_taken_out_of_its_set() -> None:
    tally = tally_of([(cell(1), [], RUNS), (cell(2), [], RUNS), (cell(3), [], RUNS)])
    assert tally.put(replace(cell(1), wanted=None), [], JobState(reason=Reason.REMOVED, message="")) == "alps"
    assert tally.put(cell(2, set_name="farm"), [], RUNS) == "farm"
    assert tally.put(cell(3, path="moved.yaml"), [], RUNS) == "alps"
    assert tally.counts("alps.yaml", "alps") == CellCounts()
    assert (tally.counts("alps.yaml", "farm").due, tally.counts("moved.yaml", "alps").due) == (1, 1)
    assert tally.put(job(), [], RUNS) == ""


def test_many_small_amounts_add_up_exactly_and_come_off_again() -> None:
    rows: list[list[Submission]] = [[succeeded(evidence=None, reserved=0.1)] for _ in range(1_000)]
    tally = tally_of((cell(n), row, RUNS) for n, row in enumerate(rows))
    assert tally.counts("alps.yaml", "alps").units == {"estimated": 20_000.0, "reserved": 100.0}
    for number in range(1, 1_000):
        tally.put(cell(number), [], RUNS)
    assert tally.counts("alps.yaml", "alps").units == {"estimated": 20_000.0, "reserved": 0.1}


def test_an_amount_of_an_earlier_version_that_is_beyond_all_sums_ends_nothing() -> None:
    huge: list[list[Submission]] = [
        [succeeded(evidence=None, reserved=1e305)],
        [succeeded(evidence=evidence(spent=1e308))],
    ]
    tally = tally_of((cell(n), row, RUNS) for n, row in enumerate(huge))
    assert tally.counts("alps.yaml", "alps").units == {"estimated": 40.0, "reserved": 1e9, "spent": 1e9}


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param(["one", "one"], "one", id="cells that share a message: the message"),
        pytest.param(["two", "one"], "cell-00000: two", id="else the one of the first cell"),
    ],
)
def test_what_is_said_of_a_reason(messages: list[str], expected: str) -> None:
    rows: list[Row] = [(cell(n), [], JobState(reason=Reason.REFUSED, message=text)) for n, text in enumerate(messages)]
    assert tally_of(reversed(rows)).counts("alps.yaml", "alps").words == {Reason.REFUSED: expected}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param([(cell(1, revision="a"), [])], "a", id="before a submission that of the manifest"),
        pytest.param(
            [
                (cell(1), [succeeded(revision="old", intended_at=at(-900))]),
                (cell(2), [succeeded(revision="new", intended_at=at(-600))]),
            ],
            "new",
            id="that of the latest submission",
        ),
        pytest.param(
            [(cell(1, revision="later"), []), (cell(2), [accepted(revision="old")])],
            "later",
            id="what is not submitted yet is newer",
        ),
    ],
)
def test_the_revision_is_that_of_the_newest_cell(cells: list[tuple[Job, list[Submission]]], expected: str) -> None:
    rows = [(each, submissions, RUNS) for each, submissions in cells]
    assert tally_of(rows).counts("alps.yaml", "alps").revision == expected


def test_the_problems_of_cells_in_a_folder_that_cannot_be_read_are_those_of_the_set() -> None:
    problems = (Problem(path="a", message="cannot be read", code="E193"),)
    tally = tally_of([(replace(cell(1), problems=problems), [], RUNS), (cell(2), [], RUNS)])
    counts = tally.counts("alps.yaml", "alps")
    assert counts.problems == problems
    assert set_document("alps", counts, None, (), "sandbox")["manifest"] == {
        "accepted": False,
        "reason": "Rejected",
        "problems": ["a:1:1: E193: cannot be read"],
    }
    tally.put(cell(1), [], RUNS)
    assert tally.counts("alps.yaml", "alps").problems == ()


def test_a_set_becomes_complete_once() -> None:
    tally, sets = tally_of([(cell(1), [], RUNS), (cell(2), [], DONE)]), declared(1, 2)
    assert [*tally.completed(sets, {"alps"})] == []
    tally.put(cell(1), [], DONE)
    assert [name for name, _ in tally.completed(sets, {"alps"})] == ["alps"]
    assert [*tally.completed(sets, {"alps"})] == []
    tally.put(cell(1), [], RUNS)
    assert [*tally.completed(sets, {"alps"})] == []
    tally.put(cell(1), [], DONE)
    assert [name for name, _ in tally.completed(sets, {"alps"})] == ["alps"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param(set[str](), [], id="an earlier process reported every cell, and the set"),
        pytest.param({"alps"}, ["alps"], id="the last cell succeeded while no one looked"),
    ],
)
def test_a_set_that_is_complete_at_the_first_look(changed: set[str], expected: list[str]) -> None:
    tally = tally_of([(cell(1), [], DONE)])
    assert [name for name, _ in tally.completed(declared(1), changed)] == expected


@pytest.mark.parametrize(
    "unread",
    [
        pytest.param({}, id="the set cannot be read, or is not there yet"),
        pytest.param(
            {"alps": replace(declared(1)["alps"], path="other.yaml")}, id="another file declares a set of its name"
        ),
    ],
)
def test_a_set_that_was_complete_is_not_so_anew_after_it_could_not_be_read(unread: dict[str, JobSet]) -> None:
    tally = tally_of([(cell(1), [], DONE)])
    assert [*tally.completed(declared(1), set())] == []
    for state in (JobState(reason=Reason.REJECTED, message=""), DONE):
        tally.put(cell(1), [], state)
        assert [*tally.completed(unread, set())] == []
    tally.put(cell(1), [], DONE)
    assert [*tally.completed(declared(1), set())] == []


def test_a_set_whose_last_cell_succeeds_while_it_cannot_be_read_is_complete_when_it_can() -> None:
    tally = tally_of([(cell(1), [], DONE)])
    assert [*tally.completed({}, {"alps"})] == []
    tally.put(cell(1), [], DONE)
    assert [name for name, _ in tally.completed(declared(1), set())] == ["alps"]


def test_the_last_cell_that_does_not_succeed_leaves() -> None:
    tally = tally_of([(cell(1), [], DONE), (cell(2), [], RUNS)])
    assert [*tally.completed(declared(1, 2), {"alps"})] == []
    tally.put(replace(cell(2), wanted=None), [], JobState(reason=Reason.REMOVED, message=""))
    assert [name for name, _ in tally.completed(declared(1), {"alps"})] == ["alps"]


@pytest.mark.parametrize("seed", range(5))
def test_ten_thousand_cells_in_any_mix_fit_the_file(seed: int) -> None:
    draw, tally = Random(seed), SetTally()
    few = draw.sample(REASONS, draw.randrange(1, len(REASONS)))
    for number in range(10_000):
        text = f"{number} {draw.choice('xü')}" * draw.randrange(300)
        tally.put(cell(number), [accepted()], JobState(reason=draw.choice(few), message=text))
    counts = tally.counts("alps.yaml", "alps")
    assert counts.due == 10_000
    assert len(status_bytes([set_document("alps", counts, None, (), "sandbox")])) < LONGEST_OF_SET
