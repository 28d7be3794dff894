"""What submissions amount to by day, month and label, as the ledger adds it up."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from controller.ledger.reads.amounts import Amount, per_day, per_label, per_month
from controller.ledger.reads.reader import Reader
from controller.ledger.store import Store
from controller.limits.budget import Spending
from controller.model.answers import Accepted, Refusal, Refused
from controller.model.submission import Evidence
from tests.support.factories import NOW, job, submission, wanted

AGRI, WATER = (("team", "agri"), ("set", "alps")), (("team", "water"),)
JOBS = {"alps-1": AGRI, "alps-2": AGRI, "lake": WATER, "moor": ()}
PAID = [("alps-1", 0, 3.0), ("alps-2", 1, 4.5), ("lake", 1, None), ("moor", 40, 2.0)]
"""Job, days after `NOW`, and what it cost; each reserved 20."""


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with Store.open(tmp_path, {}) as store, store.transaction():
        for name, labels in JOBS.items():
            store.save_job(job(name=name, history=None, wanted=wanted(labels=labels)), "{}")
        for name, days, cost in PAID:
            intent = submission(job=name, number=0, intended_at=NOW + timedelta(days=days), reserved=20.0)
            done = intent.answered(Accepted(request_id=f"id-{name}"), NOW, NOW)
            seen = Evidence(at=NOW, since=NOW, readable=True, spent=cost)
            store.save(replace(done, number=store.add(intent, "{}"), evidence=seen))
        intent = submission(job="lake", number=0, attempt=1, reserved=20.0)
        refused = intent.answered(Refused(why=Refusal.RATE, message="slow down"), NOW, None)
        store.save(replace(refused, number=store.add(intent, "{}")))
    found = Reader.of(tmp_path)
    assert found is not None
    with closing(found):
        yield found


DAYS = {
    "2026-03-01": Amount(submissions=1, spent=3.0),
    "2026-03-02": Amount(submissions=2, spent=4.5, reserved=20.0),
    "2026-04-10": Amount(submissions=1, spent=2.0),
}


def test_a_day_has_what_was_spent_and_what_is_reserved_and_nothing_that_was_refused(reader: Reader) -> None:
    assert per_day(reader) == DAYS
    assert per_day(reader, NOW.date(), NOW.date()) == {"2026-03-01": DAYS["2026-03-01"]}
    assert per_day(reader, labels=["team=water"]) == {"2026-03-02": Amount(submissions=1, reserved=20.0)}


def test_a_month_has_the_same_sums_as_the_budget(reader: Reader, tmp_path: Path) -> None:
    with Store.open(tmp_path, {}) as store:
        march = Spending(month="2026-03")
        for each in store.submissions():
            march = march.counting(each) if each.intended_at.month == 3 else march
    found = per_month(per_day(reader))["2026-03"]
    assert (found.spent, found.reserved, found.adopted) == (march.spent, march.reserved, march.adopted)


def spent_by(reader: Reader, name: str) -> Mapping[str, float]:
    first, last = NOW.date(), NOW.date().replace(day=31)
    return {value: amount.spent for value, amount in per_label(reader, name, first, last).items()}


def test_a_month_is_told_apart_by_label_and_by_set(reader: Reader) -> None:
    assert spent_by(reader, "team") == {"agri": 7.5, "water": 0.0}
    assert spent_by(reader, "set") == {"alps": 7.5, "": 0.0}


def test_a_label_that_is_added_later_counts_for_what_was_paid_before_and_stays_when_the_job_is_removed(
    reader: Reader, tmp_path: Path
) -> None:
    with Store.open(tmp_path, {}) as store, store.transaction():
        store.save_job(job(name="alps-2", history=None, wanted=wanted(labels=WATER)))
        store.save_job(job(name="alps-1", history=None, wanted=None))
    assert spent_by(reader, "team") == {"agri": 3.0, "water": 4.5}
