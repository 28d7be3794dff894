"""Lists of jobs by page, filtered, sorted and counted in an index of the ledger."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from controller.ledger.reads.amounts import per_day, per_label
from controller.ledger.reads.listing import Filter, list_jobs, reason_counts
from controller.ledger.reads.order import Position, Urgency, urgency_of
from controller.ledger.reads.reader import Reader
from controller.ledger.reads.rejected import (
    STAYS_IN_FORCE,
    RecordedRejection,
    rejected_changes,
    rejection_sentence,
)
from controller.ledger.reads.traffic import counted, running
from controller.ledger.store import Store
from controller.model.answers import Accepted
from controller.model.errors import UsageError
from controller.model.job import SetCell
from controller.model.reasons import Phase, Reason
from tests.support.factories import NOW, REQUEST_ID, at, job, submission, wanted

HOUR = 3600
AGRI, WATER = (("team", "agri"),), (("team", "water"), ("note", 'a "quoted": word'))
REPORTED = {
    "alps-1": ("Delivered: done", 1 * HOUR, (*AGRI, ("set", "alps"))),
    "alps-2": ("ErrorReported: no data: none", 2 * HOUR, (*AGRI, ("set", "alps"))),
    "lake": ("Running: since noon", 3 * HOUR, WATER),
    "moor": ("Queued: 3 before it", 4 * HOUR, ()),
    "river": ("Reused: as before", 5 * HOUR, WATER),
    "shore": ("LargeChange: accept it", 0 * HOUR, AGRI),
    "swamp": ("NeedsPerson: resolve it", 6 * HOUR, ()),
    "tarn": ("", None, AGRI),
    "weir": ("Removed: forgotten", 7 * HOUR, ()),
}
"""By name: what was reported, how many seconds after `NOW`, and the labels."""
REJECTIONS = {
    "bad.yaml": "bad: bad.yaml:1:2: E101 no size",
    "more.yaml": f"lake: more.yaml:1:1: E102 no url; {STAYS_IN_FORCE}\nset/hills: E103 no axes\n: E104 no name",
}


def filled(state: Path) -> None:
    """The ledger of the jobs above."""
    with Store.open(state, {}) as store, store.transaction():
        for name, (told, seconds, labels) in REPORTED.items():
            cell = SetCell(set_name="alps", recipe="r", window="") if name.startswith("alps") else None
            path = "more.yaml" if name == "lake" else f"{name}.yaml"
            store.save_job(job(name=name, path=path, history=None, wanted=wanted(labels=labels, cell=cell)), "{}")
            if seconds is not None:
                store.mark_reported({name: told}, at(seconds))
        store.save_job(job(name="weir", path="weir.yaml", history=None, wanted=None))
        for path, lines in REJECTIONS.items():
            store.set_fact(f"rejected {path}", lines)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    filled(tmp_path)
    found = Reader.of(tmp_path)
    assert found is not None
    with found:
        yield found


IN_ORDER = ["swamp", "shore", "", "bad", "set/hills", "alps-2", "moor", "lake", "tarn", "river", "alps-1", "weir"]


def names(reader: Reader, wanted: Filter) -> list[str]:
    return [row.name for row in list_jobs(reader, wanted).rows]


def test_what_needs_an_operator_comes_first_then_what_failed_runs_and_is_done(reader: Reader) -> None:
    assert names(reader, Filter()) == IN_ORDER


@pytest.mark.parametrize("size", [1, 2, 5, 11, 12])
def test_the_pages_of_any_size_are_the_whole_list(reader: Reader, size: int) -> None:
    found: list[str] = []
    after: Position | None = None
    while True:
        listed = list_jobs(reader, Filter(), size, after)
        found += [row.name for row in listed.rows]
        assert (len(listed.rows) <= size, listed.total) == (True, len(IN_ORDER))
        if listed.next is None:
            break
        after = Position.parse(str(listed.next))
    assert found == IN_ORDER


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param(Filter(phases=[Phase.SUCCEEDED]), ["river", "alps-1"], id="one phase"),
        pytest.param(Filter(phases=[Phase.FAILED, Phase.RUNNING]), ["alps-2", "lake"], id="two phases"),
        pytest.param(Filter(phases=[Phase.INVALID]), ["", "bad", "set/hills"], id="documents without a job"),
        pytest.param(Filter(phases=[Phase.PENDING]), ["moor", "tarn"], id="nothing is reported yet: Pending"),
        pytest.param(Filter(labels=["team=agri"]), ["shore", "alps-2", "tarn", "alps-1"], id="a label"),
        pytest.param(Filter(labels=["team"], text="r"), ["shore", "tarn", "river"], id="any value, and text"),
        pytest.param(Filter(labels=["team=agri", "set=alps"]), ["alps-2", "alps-1"], id="two labels"),
        pytest.param(Filter(labels=['note=a "quoted": word']), ["lake", "river"], id="a label with quotes"),
        pytest.param(Filter(labels=["quoted"]), [], id="words inside the value of a label are no label"),
        pytest.param(Filter(labels=["team=ag"]), [], id="the beginning of a value is another value"),
        pytest.param(Filter(set_name="alps"), ["alps-2", "alps-1"], id="the cells of a set"),
        pytest.param(Filter(set_name="hills"), ["set/hills"], id="a set that was never accepted"),
        pytest.param(Filter(text="ALPS"), ["alps-2", "alps-1"], id="part of the name, in capitals"),
        pytest.param(Filter(text="%"), [], id="no pattern: the character itself"),
    ],
)
def test_only_what_fits_is_listed_and_counted(reader: Reader, wanted: Filter, expected: list[str]) -> None:
    listed = list_jobs(reader, wanted)
    assert ([row.name for row in listed.rows], listed.total) == (expected, len(expected))


def test_the_numbers_of_the_phases_are_those_without_the_chosen_ones(reader: Reader) -> None:
    listed = list_jobs(reader, Filter(phases=[Phase.FAILED], set_name="alps"))
    whole = list_jobs(reader, Filter(set_name="alps"))
    assert listed.phases == whole.phases == {Phase.SUCCEEDED: 1, Phase.FAILED: 1}
    assert reason_counts(reader, Filter(text="lake")) == {"Running": 1}


def test_a_row_has_the_job_its_labels_and_what_was_reported_when(reader: Reader) -> None:
    [row] = list_jobs(reader, Filter(text="alps-2")).rows
    assert (row.phase, row.reason, row.message) == (Phase.FAILED, Reason.ERROR_REPORTED, "no data: none")
    assert (row.changed_at, row.labels) == (at(2 * HOUR), {"team": "agri", "set": "alps"})
    assert row.job is not None
    assert row.job.wanted is not None
    assert (row.path, row.job.wanted.cell) == ("alps-2.yaml", SetCell(set_name="alps", recipe="r", window=""))


def test_a_row_says_why_a_newer_manifest_is_not_accepted(reader: Reader) -> None:
    [row] = list_jobs(reader, Filter(text="lake")).rows
    assert (row.phase, row.rejected) == (Phase.RUNNING, f"more.yaml:1:1: E102 no url; {STAYS_IN_FORCE}")


@pytest.mark.parametrize(
    ("path", "line", "expected"),
    [
        pytest.param("winter.yaml", "alps-1: E194 twice", [("alps-1", Phase.INVALID, "")], id="in another file"),
        pytest.param("alps-1.yaml", "alps-1: E194 twice", [("alps-1", Phase.INVALID, "")], id="in the same file"),
        pytest.param(
            "winter.yaml", f"alps-1: no; {STAYS_IN_FORCE}", [("alps-1", Phase.INVALID, "")], id="copied words"
        ),
        pytest.param("alps-1.yaml", f"alps-1: no; {STAYS_IN_FORCE}", [], id="its own manifest"),
        pytest.param("weir.yaml", "weir: E101 no size", [("weir", Phase.INVALID, "")], id="of a job that was removed"),
        pytest.param("alps.yaml", f"set/alps: no; {STAYS_IN_FORCE}", [], id="the manifest of a set in force"),
        pytest.param("b.yaml", "set/alps: E194 twice", [("set/alps", Phase.INVALID, "")], id="another set of its name"),
    ],
)
def test_a_second_document_of_a_name_is_a_row_of_its_own(
    tmp_path: Path, path: str, line: str, expected: list[tuple[str, Phase, str]]
) -> None:
    filled(tmp_path)
    with Store.open(tmp_path, {}) as store, store.transaction():
        for each in REJECTIONS:
            store.forget_fact(f"rejected {each}")
        store.set_fact(f"rejected {path}", line)
    with closing(reader_of(tmp_path)) as reader:
        rows = list_jobs(reader, Filter(phases=[Phase.INVALID])).rows
        changes, _ = rejected_changes(reader, 3)
    assert [(row.name, row.phase, row.rejected) for row in rows] == expected
    assert changes == (0 if expected else 1)


def test_what_is_rejected_of_jobs_in_force_is_counted_apart(reader: Reader) -> None:
    first = RecordedRejection(name="lake", path="more.yaml", message=f"more.yaml:1:1: E102 no url; {STAYS_IN_FORCE}")
    assert rejected_changes(reader, 3) == (1, [first])
    assert rejection_sentence(reader) == "bad.yaml:1:2: E101 no size (and 3 more without effect)"


def test_a_job_that_is_invalid_already_is_not_counted_again(tmp_path: Path) -> None:
    with Store.open(tmp_path, {}) as store, store.transaction():
        store.save_job(job(name="lake", path="lake.yaml", history=None, wanted=wanted()), "{}")
        store.mark_reported({"lake": "Rejected: no url"}, NOW)
        store.set_fact("rejected lake.yaml", f"lake: E102 no url; {STAYS_IN_FORCE}")
    with closing(reader_of(tmp_path)) as reader:
        assert (reason_counts(reader, Filter()), rejected_changes(reader, 3)) == ({"Rejected": 1}, (0, []))


@pytest.mark.parametrize(
    "message",
    [
        pytest.param('no "size"', id="quotes"),
        pytest.param("no \\\\ size \\", id="backslashes"),
        pytest.param(r"no \nsize \" \u0041", id="what is an escape elsewhere"),
        pytest.param('no","size]', id="the end of a JSON string"),
        pytest.param("no\tsize \x1b[31m \x7f", id="control characters"),
        pytest.param("no size: مالطا 马耳他 \U0001f6f0", id="letters of any script"),
        pytest.param("", id="nothing"),
    ],
)
def test_the_problems_of_rejected_documents_are_listed_as_they_were_recorded(tmp_path: Path, message: str) -> None:
    with Store.open(tmp_path, {}) as store, store.transaction():
        store.set_fact("rejected a.yaml", f"first: {message}\nsecond: other")
    with closing(reader_of(tmp_path)) as reader:
        rows = list_jobs(reader, Filter()).rows
    assert [(row.name, row.message) for row in rows] == [("first", message), ("second", "other")]


def test_a_row_has_the_submission_in_force(tmp_path: Path) -> None:
    filled(tmp_path)
    intent = submission(job="lake", number=0)
    paid = intent.answered(Accepted(request_id=REQUEST_ID), NOW, NOW)
    with Store.open(tmp_path, {}) as store, store.transaction():
        first = store.add(intent, "{}")
        store.save(replace(paid, number=first))
        store.add(submission(job="lake", number=0, digest="1:" + "c" * 64), "{}")
    with closing(reader_of(tmp_path)) as reader:
        [row] = list_jobs(reader, Filter(text="lake")).rows
    assert row.submission == replace(paid, number=first)


def reader_of(state: Path) -> Reader:
    found = Reader.of(state)
    assert found is not None
    return found


def test_every_reason_has_its_place_in_the_order() -> None:
    assert {
        urgency: {str(each) for each in Reason if urgency_of(each) is urgency} for urgency in list(Urgency)[1:2]
    } == {Urgency.FAILED: {"ErrorReported", "Refused", "NothingDelivered", "PartlyDelivered", "BucketUnreadable"}}
    assert all(urgency_of(each) is Urgency.NEEDS_OPERATOR for each in Reason if each.phase is Phase.HELD)
    assert urgency_of("NoSuchReason") is urgency_of("") is Urgency.ON_ITS_WAY


@pytest.mark.parametrize("text", ["", "x", "9 - a", "1", "1 -", "² - a", "10 - a"])
def test_a_position_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Position.parse(text)


# speed


QUERIES: Mapping[str, Callable[[Reader], object]] = {
    "first page": lambda reader: list_jobs(reader, Filter(), 3),
    "next page": lambda reader: list_jobs(
        reader,
        Filter(),
        3,
        Position(urgency=Urgency.ON_ITS_WAY, changed_at="2026-03-01T16:00:00.000000+00:00", key="m"),
    ),
    "one phase of a team": lambda reader: list_jobs(reader, Filter(phases=[Phase.FAILED], labels=["team=agri"])),
    "cells of a set with a text": lambda reader: list_jobs(reader, Filter(set_name="alps", text="1")),
    "counts": lambda reader: reason_counts(reader, Filter()),
    "days": per_day,
    "days of a team": lambda reader: per_day(reader, NOW.date(), NOW.date(), ["team=agri"]),
    "sets": lambda reader: per_label(reader, "set"),
    "slots in use": running,
    "queued": lambda reader: counted(reader, ["Queued", "BackingOff"]),
}
INDICES = ("COVERING INDEX job_by_reason", "COVERING INDEX submission_by_day", "INDEX submission_running")


@pytest.mark.parametrize("query", QUERIES)
def test_what_is_filtered_sorted_and_added_up_is_read_from_an_index_alone(tmp_path: Path, query: str) -> None:
    filled(tmp_path)
    statements: list[str] = []
    with closing(sqlite3.connect(tmp_path / "shjobs.db")) as connection:
        connection.set_trace_callback(statements.append)
        QUERIES[query](Reader(connection, tmp_path))
        connection.set_trace_callback(None)
        plans = [
            [str(row[3]) for row in connection.execute(f"explain query plan {each}")]
            for each in statements
            if ("from job where" in each or "from submission where" in each)
            and not any(word in each for word in ("json_each", "job in ("))
        ]
    read = [line for plan in plans for line in plan if " job" in line or " submission" in line]
    assert read
    assert all(any(index in line for index in INDICES) for line in read)
    assert not [line for plan in plans for line in plan if "TEMP B-TREE" in line]


def characters_cut(state: Path, documents: int) -> int:
    """How many characters SQLite cut pieces from to count the rejected documents of one file."""
    found = 0

    def substr(text: str, first: int, length: int | None = None) -> str:
        nonlocal found
        found += len(text)
        return text[first - 1 :] if length is None else text[first - 1 : max(first - 1 + length, 0)]

    lines = "\n".join(f"job-{number:04}: a.yaml:1:2: E101 no size" for number in range(documents))
    with Store.open(state, {}) as store, store.transaction():
        store.set_fact("rejected a.yaml", lines)
    with closing(sqlite3.connect(state / "shjobs.db")) as connection:
        for count in (2, 3):
            connection.create_function("substr", count, substr, deterministic=True)
        assert reason_counts(Reader(connection, state), Filter()) == {"Rejected": documents}
    return found


def test_ten_times_the_rejected_documents_of_a_file_are_ten_times_the_work(tmp_path: Path) -> None:
    assert characters_cut(tmp_path, 1000) < 11 * characters_cut(tmp_path, 100)
