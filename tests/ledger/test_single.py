"""One job is read from its own rows, also where some of them are damaged, and without reading those of others."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.ledger.reads.reader import REJECTED, Reader
from controller.ledger.reads.single import (
    count_alike,
    near_names,
    rejected_as,
    sent_length,
    single_job,
    wanted_length,
)
from controller.ledger.store import Store
from tests.support.factories import DIGEST, OTHER_DIGEST, at, failed, job, succeeded

NAMES = ("ndvi-malta", "ndvi-malta-2", "ndvi-gozo", "water-tunis", "z")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path, {}) as opened:
        with opened.transaction():
            for name in NAMES:
                opened.save_job(job(name=name, path=f"{name}.yaml"), '{"a": 1}')
            opened.save_job(job(name="ndvi-gone", wanted=None))
            for number in range(4):
                each = failed if number else succeeded
                made = each(
                    job="z", number=0, rerun=number, request_id=f"id-{number}", intended_at=at(number), look_at=None
                )
                opened.add(made, '{"b": 12}')
            opened.set_fact(f"{REJECTED}bad.yaml", "bad: bad.yaml:1:1: E100 no\nworse: bad.yaml:9:1: E100 no")
        yield opened


def test_the_latest_submissions_come_first_and_the_others_are_counted(store: Store) -> None:
    found = single_job(store.reader(), "z", 3)
    assert found is not None
    assert ([each.rerun for each in found.submissions], found.older, found.spent) == ([3, 2, 1], 1, 18.5)
    assert found.is_whole


def test_a_name_without_rows_is_no_job(store: Store) -> None:
    assert single_job(store.reader(), "malta", 3) is None


@pytest.mark.parametrize(
    ("damage", "reruns"),
    [
        pytest.param("update job set wanted = '{' where name = 'z'", [3, 2, 1, 0], id="a job keeps its submissions"),
        pytest.param("update submission set evidence = '{' where rerun = 2", [3, 2, 1, 0], id="evidence is left out"),
        pytest.param(
            "update submission set digest = x'00' where rerun = 2", [3, 1, 0], id="a nameless one is left out"
        ),
    ],
)
def test_what_is_damaged_hides_nothing_else(store: Store, damage: str, reruns: list[int]) -> None:
    store._db.conn.execute(damage)
    found = single_job(store.reader(), "z", 9)
    assert found is not None
    assert ([each.rerun for each in found.submissions], found.is_whole) == (reruns, False)


@pytest.mark.parametrize(
    ("written", "near"),
    [
        pytest.param("ndvi-matla", ["ndvi-malta", "ndvi-malta-2"], id="two letters are exchanged"),
        pytest.param("water-tuni", ["water-tunis"], id="the last is missing"),
        pytest.param("ndvi-gone", ["ndvi-gozo"], id="a removed job is not meant"),
        pytest.param("", [], id="nothing is like nothing"),
        pytest.param("q" * 2000, [], id="a long one is like none"),
    ],
)
def test_the_names_that_were_probably_meant_are_found(store: Store, written: str, near: list[str]) -> None:
    assert near_names(store.reader(), written)[: len(near)] == near


def test_a_document_that_was_not_accepted_is_found_by_its_whole_name(store: Store) -> None:
    found = {name: rejected_as(store.reader(), name, 3) for name in ("bad", "worse", "wors", "bad.yaml")}
    assert found == {"bad": ["bad.yaml"], "worse": ["bad.yaml"], "wors": [], "bad.yaml": []}


def test_jobs_and_submissions_with_one_request_are_counted_up_to_a_limit(store: Store) -> None:
    assert [count_alike(store.reader(), DIGEST, most) for most in (2, 100)] == [4, len(NAMES) + 4]
    assert count_alike(store.reader(), OTHER_DIGEST, 100) == 0


def test_the_length_of_a_request_is_known_before_it_is_read(store: Store) -> None:
    reader = store.reader()
    assert (wanted_length(reader, "z"), wanted_length(reader, "none")) == (8, 0)
    assert (sent_length(reader, 1), sent_length(reader, 99)) == (9, 0)


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda reader: single_job(reader, "z", 3), id="a job"),
        pytest.param(lambda reader: near_names(reader, "zz"), id="near names"),
        pytest.param(lambda reader: rejected_as(reader, "bad", 1), id="a document that was not accepted"),
        pytest.param(lambda reader: count_alike(reader, DIGEST, 3), id="how many have one request"),
        pytest.param(lambda reader: wanted_length(reader, "z"), id="the length of a request"),
        pytest.param(lambda reader: sent_length(reader, 1), id="the length of what was sent"),
    ],
)
def test_no_question_reads_a_whole_table(store: Store, ask: Callable[[Reader], object]) -> None:
    reader, said = store.reader(), list[str]()
    reader._connection.set_trace_callback(said.append)
    ask(reader)
    reader._connection.set_trace_callback(None)
    plans = [str(row[3]) for sql in said for row in reader._connection.execute(f"explain query plan {sql}")]
    assert plans
    assert not [each for each in plans if each.startswith("SCAN") and "subquery" not in each]
