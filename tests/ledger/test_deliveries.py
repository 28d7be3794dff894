"""What was delivered since an event is read by its number, and a long history is not read at all."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from controller.ledger.location import FILE_NAME
from controller.ledger.reads.deliveries import before_the_latest, deliveries
from controller.ledger.reads.reader import Reader
from controller.ledger.store import Store
from controller.model.reasons import Reason
from tests.support.factories import NOW, at

BINDINGS = {"deployment": "sandbox", "account": "me"}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Ten events, a minute apart; every second one is a delivery, the last in minute 8."""
    with Store.open(tmp_path, BINDINGS) as store, store.transaction():
        for minute in range(10):
            reason = Reason.RUNNING if minute % 2 else Reason.DELIVERED
            store.add_event(at(60 * minute), reason, "", f"job-{minute}", "0" * 16 + "-r0-a0")
    found = Reader.of(tmp_path)
    assert found is not None
    with found:
        yield found


def test_deliveries_are_read_from_an_event_on_oldest_first(reader: Reader) -> None:
    assert [each.number for each in deliveries(reader, 0, 10)] == [1, 3, 5, 7, 9]
    assert [each.number for each in deliveries(reader, 3, 2)] == [5, 7]
    assert list(deliveries(reader, 9, 10)) == []


def test_one_without_its_submission_is_known_all_the_same(reader: Reader) -> None:
    assert [each.submission for each in deliveries(reader, 8, 10)] == [None]


@pytest.mark.parametrize(
    ("most", "since", "event"),
    [
        pytest.param(2, timedelta(0), 6, id="so many at most"),
        pytest.param(50, timedelta(minutes=3), 4, id="none from before"),
        pytest.param(50, timedelta(hours=1), 10, id="all are from before"),
    ],
)
def test_a_beginning_is_found_before_the_latest(reader: Reader, most: int, since: timedelta, event: int) -> None:
    assert before_the_latest(reader, most, NOW + since) == event


def test_a_time_that_cannot_be_read_is_no_recent_one(reader: Reader, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as ledger, ledger:
        ledger.execute("update event set at = 'soon' where number in (3, 9)")
    assert before_the_latest(reader, 50, NOW) == 0
    assert before_the_latest(reader, 50, at(60 * 7)) == reader.last_event()
