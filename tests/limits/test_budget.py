"""The money of a month: what counts, what is left, and when an actual cost was more than was reserved for it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from controller.limits.budget import (
    Spending,
    counted_units,
    hash_of,
    is_overspent,
    month_of,
    next_month,
    overspent_hash,
    reservation,
)
from controller.model.answers import Refusal
from controller.model.job import Estimate
from controller.model.submission import Submission
from tests.support.factories import (
    accepted,
    evidence,
    failed,
    refused,
    submission,
    succeeded,
    unconfirmed,
    unknown,
    wanted,
)

MARCH = Spending(month="2026-03", budget=100.0)


def dear(spent: float, **different: object) -> Submission:
    return succeeded(**{"reserved": 20.0, "evidence": evidence(spent=spent)} | different)


@pytest.mark.parametrize(
    ("row", "units"),
    [
        pytest.param(submission(), 20.0, id="an intent: its reservation"),
        pytest.param(accepted(), 20.0, id="it runs: its reservation"),
        pytest.param(unconfirmed(), 20.0, id="nobody knows whether it was taken: its reservation"),
        pytest.param(unknown(), 20.0, id="nobody knows how it ended: its reservation"),
        pytest.param(succeeded(), 18.5, id="its cost is known"),
        pytest.param(failed(), 0.0, id="it failed, and the request copy says that it cost nothing"),
        pytest.param(failed(evidence=evidence(spent=None)), 20.0, id="it failed, and nobody knows what it cost"),
        pytest.param(refused(Refusal.BODY), 0.0, id="it was refused"),
        pytest.param(submission(reserved=None), 0.0, id="a row from before reservations were kept"),
    ],
)
def test_what_a_submission_counts_for(row: Submission, units: float) -> None:
    assert counted_units(row) == units


def test_a_month_follows_a_submission_from_its_reservation_to_its_cost() -> None:
    reserved = MARCH.counting(accepted())
    assert (reserved.spent, reserved.reserved, reserved.left) == (0.0, 20.0, 80.0)
    settled = reserved.counting(accepted(), -1).counting(succeeded())
    assert (settled.spent, settled.reserved, settled.left) == (18.5, 0.0, 81.5)


def test_sums_that_go_up_and_down_leave_no_dust() -> None:
    rows = [accepted(reserved=each / 10) for each in range(1, 100)]
    sums = MARCH
    for row in rows:
        sums = sums.counting(row)
    for row in rows:
        sums = sums.counting(row, -1)
    assert sums == MARCH


@pytest.mark.parametrize(
    ("spending", "units", "allowed"),
    [
        pytest.param(MARCH, 100.0, True, id="exactly what is left"),
        pytest.param(MARCH, 100.01, False, id="a little more than is left"),
        pytest.param(MARCH.after_submit(99.0), 2.0, False, id="others of the same turn reserved it"),
        pytest.param(MARCH.counting(dear(130.0)), 0.01, False, id="more was spent than the budget"),
        pytest.param(MARCH, None, True, id="no reservation"),
        pytest.param(Spending(month="2026-03"), 1e9, True, id="no budget"),
        pytest.param(Spending(month="2026-03", budget=0.0), 0.005, False, id="a budget of nothing"),
    ],
)
def test_what_may_be_reserved(spending: Spending, units: float | None, allowed: bool) -> None:
    assert spending.allows(units) is allowed


def test_what_was_found_in_the_bucket_makes_the_sum_a_lower_bound() -> None:
    found = MARCH.counting(succeeded(adopted=True))
    assert (found.spent, found.is_lower_bound, MARCH.counting(succeeded()).is_lower_bound) == (18.5, True, False)


@pytest.mark.parametrize(
    ("upper", "ceiling", "reserved"),
    [
        pytest.param(20.0, None, 20.0, id="the upper end"),
        pytest.param(20.0, 8.0, 8.0, id="a lower ceiling"),
        pytest.param(20.0, 90.0, 20.0, id="a higher ceiling"),
        pytest.param(None, 90.0, 90.0, id="no upper end: the ceiling"),
        pytest.param(None, None, None, id="neither"),
    ],
)
def test_the_reservation(upper: float | None, ceiling: float | None, reserved: float | None) -> None:
    asked = wanted(estimate=Estimate(expected=1, upper=upper), max_processing_units=ceiling)
    assert reservation(asked) == reserved


@pytest.mark.parametrize(
    ("time", "month", "following"),
    [
        pytest.param(datetime(2026, 3, 31, 23, 59, tzinfo=UTC), "2026-03", datetime(2026, 4, 1, tzinfo=UTC), id="last"),
        pytest.param(datetime(2026, 12, 1, tzinfo=UTC), "2026-12", datetime(2027, 1, 1, tzinfo=UTC), id="December"),
        pytest.param(
            datetime(2026, 4, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            "2026-03",
            datetime(2026, 4, 1, tzinfo=UTC),
            id="April here is still March in UTC",
        ),
    ],
)
def test_months_are_utc(time: datetime, month: str, following: datetime) -> None:
    assert (month_of(time), next_month(time)) == (month, following)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(dear(20.0), False, id="exactly its reservation"),
        pytest.param(dear(20.01), False, id="the service rounds"),
        pytest.param(dear(20.02), True, id="more than its reservation"),
        pytest.param(dear(40.0, reserved=None), False, id="nothing was reserved"),
        pytest.param(dear(40.0, adopted=True), False, id="somebody else paid for it"),
        pytest.param(accepted(), False, id="its cost is not known"),
    ],
)
def test_overspent(row: Submission, expected: bool) -> None:
    assert is_overspent(row) is expected


def test_a_hash_stands_for_exactly_its_set() -> None:
    assert hash_of(["a", "b"]) == hash_of(["b", "a"])
    assert len({hash_of([]), hash_of(["a"]), hash_of(["a", "b"]), hash_of(["ab"]), hash_of(["a", "c"])}) == 5


def test_every_overspent_submission_has_a_hash_of_its_own() -> None:
    assert overspent_hash(dear(40.0)) != overspent_hash(dear(40.0, rerun=1))
