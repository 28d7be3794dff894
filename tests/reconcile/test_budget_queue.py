"""What the budget holds: when there is more left, as many go on as fit into it together, in the order of the queue."""

from collections.abc import Sequence

import pytest

from controller.limits.budget import Spending
from controller.model.job import Estimate, Job
from controller.reconcile.queues.budget_queue import BudgetQueue
from controller.reconcile.queues.group_queue import Turns
from tests.support.factories import at, job, wanted


def held(name: str, price: float, **different: object) -> Job:
    folder, bucket = name.partition("-")[0], different.pop("bucket", "my-bucket")
    return job(
        name=name,
        path=f"{folder}/{name}.yaml",
        wanted=wanted(estimate=Estimate(expected=price, upper=price), delivery_url=f"s3://{bucket}/x", **different),
    )


def left(units: float) -> Spending:
    return Spending(month="2026-03", budget=units)


def queue(*jobs: Job) -> BudgetQueue:
    """They wait in this order."""
    made = BudgetQueue(Turns())
    for number, each in enumerate(jobs):
        made.join(each, at(number))
    return made


@pytest.mark.parametrize(
    ("jobs", "units", "released"),
    [
        pytest.param([held("a-1", 20)], 19.9, [], id="not enough for any"),
        pytest.param([held("a-1", 20)], 20, ["a-1"], id="just enough"),
        pytest.param([held("a-1", 20), held("a-2", 20), held("a-3", 20)], 45, ["a-1", "a-2"], id="as many as fit"),
        pytest.param([held("a-1", 90), held("a-2", 20)], 45, ["a-2"], id="what is too dear is passed over"),
        pytest.param([held("a-1", 20), held("a-2", 30)], 45, ["a-1"], id="the first leaves too little for the second"),
        pytest.param([held("a-1", 20), held("a-2", 30, priority=5)], 45, ["a-2"], id="the more important one first"),
        pytest.param([held("a-1", 20), held("a-2", 20), held("b-1", 20)], 45, ["a-1", "b-1"], id="folders take turns"),
        pytest.param([held("a-1", 10), held("a-2", 20), held("b-1", 20)], 35, ["a-1", "b-1"], id="whatever the prices"),
        pytest.param([held("a-1", 0), held("a-2", 20)], -5, [], id="more was spent than the budget: nothing goes on"),
    ],
)
def test_what_goes_on_when_there_is_more_left(jobs: Sequence[Job], units: float, released: list[str]) -> None:
    assert sorted(queue(*jobs).release(left(units), is_more=True)) == released


def test_without_a_budget_or_a_change_nothing_goes_on() -> None:
    line = queue(held("a-1", 20))
    assert line.release(None, is_more=True) == set()
    assert line.release(left(100), is_more=False) == set()


def test_the_next_goes_on_once_the_first_was_decided_otherwise() -> None:
    line = queue(held("a-1", 20), held("a-2", 20))
    assert line.release(left(25), is_more=True) == {"a-1"}
    assert line.release(left(25), is_more=False) == set()
    line.settle("a-1")
    assert line.release(left(25), is_more=False) == {"a-2"}
    assert line.release(left(25), is_more=False) == set()


def test_while_the_first_is_queued_the_next_goes_on_only_if_there_is_more_left() -> None:
    line = queue(held("a-1", 20), held("a-2", 20))
    assert line.release(left(25), is_more=True) == {"a-1"}
    assert line.release(left(30), is_more=True) == {"a-2"}


def test_a_bucket_whose_jobs_stay_queued_holds_up_no_other() -> None:
    hanging, other = held("a-1", 20), held("a-3", 20, bucket="other")
    line = queue(hanging, held("a-2", 20), other, held("a-4", 5))
    assert line.release(left(25), is_more=True) == {"a-1", "a-4"}
    line.settle("a-4")
    assert line.release(left(25), is_more=False) == {"a-3"}


def test_what_left_does_not_go_on() -> None:
    line = queue(held("a-1", 20), held("a-2", 30))
    line.leave("a-1")
    assert line.release(left(25), is_more=True) == set()
    line.join(held("a-1", 20), at(9))
    assert line.release(left(25), is_more=True) == {"a-1"}
