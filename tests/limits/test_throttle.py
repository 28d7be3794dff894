"""The rate limiter: a steady allowance of calls, patience when the service asks for it, and who goes first."""

import pytest

from controller.limits.throttle import Rate
from controller.model.answers import NoAnswer, Refusal, Refused
from controller.model.job import Job
from controller.model.reasons import Reason
from controller.model.step import Ask, List, Step, Submit, Wait
from controller.reconcile.calls.workers import CallOutcome, Get, Got, Post, Posted
from controller.reconcile.pace import Pace
from tests.support.factories import NOW, accepted, at, job, submission

SIXTY = Rate.start(60, NOW)
"""One call a second, and ten seconds' worth at once."""


@pytest.mark.parametrize(
    ("rate", "seconds", "left"),
    [
        pytest.param(SIXTY, 0, 10, id="a burst at the start"),
        pytest.param(SIXTY, 3600, 10, id="what is not used is not saved up"),
        pytest.param(SIXTY.after_calls(NOW, 10), 0, 0, id="the burst is used"),
        pytest.param(SIXTY.after_calls(NOW, 10), 0.9, 0, id="not quite one more"),
        pytest.param(SIXTY.after_calls(NOW, 10), 3, 3, id="one more with every second"),
        pytest.param(SIXTY.after_calls(NOW, 13), 2, 0, id="more was taken than there was"),
        pytest.param(SIXTY.hold_until(at(30)), 29.9, 0, id="the service asked for patience"),
        pytest.param(SIXTY.hold_until(at(30)), 30, 10, id="and that is over"),
        pytest.param(SIXTY.hold_until(at(30)).hold_until(at(5)), 10, 0, id="the longer patience counts"),
        pytest.param(Rate.start(1, NOW), 0, 1, id="never less than one call"),
    ],
)
def test_how_many_calls_may_go_out(rate: Rate, seconds: float, left: int) -> None:
    assert rate.left(at(seconds)) == left


@pytest.mark.parametrize(
    ("rate", "nth", "opens_at"),
    [
        pytest.param(SIXTY, 1, 0, id="now"),
        pytest.param(SIXTY, 10, 0, id="the last of the burst"),
        pytest.param(SIXTY, 11, 1, id="the first after the burst"),
        pytest.param(SIXTY.after_calls(NOW, 10), 5, 5, id="each a second after the other"),
        pytest.param(SIXTY.hold_until(at(30)), 1, 30, id="not before the patience is over"),
    ],
)
def test_when_a_call_may_go_out(rate: Rate, nth: int, opens_at: float) -> None:
    assert rate.opens_at(NOW, nth) == at(opens_at)


def test_over_an_hour_no_more_calls_go_out_than_allowed() -> None:
    rate, made = SIXTY, 0
    for tenth in range(36_000):
        now = at(tenth / 10)
        made, rate = made + rate.left(now), rate.after_calls(now, rate.left(now))
    assert 3600 <= made <= 3600 + 10


PAY = Submit(rerun=0, attempt=0)
LOOK = List(prefix="s3://my-bucket/ndvi", credentials_ref="my-bucket")


def due(**steps: Step) -> list[tuple[Job, Step]]:
    return [(job(name=name), step) for name, step in steps.items()]


def asks(since: float) -> Ask:
    return Ask(submission=accepted(look_at=at(since)))


@pytest.mark.parametrize(
    ("steps", "put_off"),
    [
        pytest.param({"a": PAY, "b": asks(-1)}, {}, id="there is room for both"),
        pytest.param({"a": asks(-9), "b": PAY, "c": PAY}, {"a": 1}, id="submissions go first"),
        pytest.param(
            {"a": asks(-1), "b": asks(-2), "c": asks(-3)}, {"a": 1}, id="who has waited longest is asked first"
        ),
        pytest.param({"c": asks(-1), "a": asks(-1), "b": asks(-1)}, {"c": 1}, id="of equals, the first by name"),
        pytest.param({"a": PAY, "b": PAY, "c": asks(-1), "d": asks(-1)}, {"c": 1, "d": 2}, id="each in its own turn"),
        pytest.param({"a": PAY, "b": PAY, "c": LOOK}, {}, id="the bucket is no call to the service"),
        pytest.param({"a": PAY, "b": PAY, "c": PAY}, {}, id="who may submit was asked before"),
    ],
)
def test_submissions_go_before_status_requests(steps: dict[str, Step], put_off: dict[str, float]) -> None:
    """Seven calls at once, two of them for status requests, and one more with every second."""
    pace = Pace(60)
    pace.admit(due(**{f"before-{n}": PAY for n in range(3)}), NOW)
    waits = {name: Wait(reason=Reason.RUNNING, until=at(seconds)) for name, seconds in put_off.items()}
    assert pace.admit(due(**steps), NOW) == due(**(steps | waits))


@pytest.mark.parametrize(
    ("per_minute", "left"),
    [
        pytest.param(100, 8, id="a hundred a minute"),
        pytest.param(12, 1, id="twelve a minute"),
        pytest.param(6, 0, id="six a minute: a single call cannot be shared"),
    ],
)
def test_status_requests_leave_room_for_submissions_that_become_ready_a_moment_later(
    per_minute: int, left: int
) -> None:
    pace = Pace(per_minute)
    pace.admit(due(**{f"job-{n}": asks(-1) for n in range(100)}), NOW)
    assert pace.rate(NOW).left(NOW) == left


GET = Get(submission=accepted())
POST = Post(submission=submission(), body="{}", role_arn=None)


@pytest.mark.parametrize(
    ("outcome", "left"),
    [
        pytest.param(Got(call=GET, answer=NoAnswer(message="429", retry_after=30.0)), 0, id="a status request"),
        pytest.param(
            Posted(call=POST, answer=Refused(why=Refusal.RATE, message="429", retry_after=30.0)), 0, id="a submission"
        ),
        pytest.param(
            Posted(call=POST, answer=Refused(why=Refusal.CONCURRENCY, message="429", retry_after=30.0)), 10,
            id="too many run at once: another matter",
        ),
        pytest.param(Got(call=GET, answer=NoAnswer(message="no answer")), 10, id="nothing was asked"),
    ],
)  # fmt: skip
def test_nothing_goes_out_while_the_service_asks_for_patience(outcome: CallOutcome, left: int) -> None:
    pace = Pace(60)
    pace.receive([outcome], NOW)
    assert pace.rate(NOW).left(at(29)) == left
    assert pace.rate(NOW).left(at(30)) == 10
