"""The rate limiter: a steady allowance of calls, and patience when the service asks for it."""

import pytest

from controller.rate import Rate
from tests.factories import NOW, at

SIXTY = Rate.begun(60, NOW)
"""One call a second, and ten seconds' worth at once."""


@pytest.mark.parametrize(
    ("rate", "seconds", "left"),
    [
        pytest.param(SIXTY, 0, 10, id="a burst at the start"),
        pytest.param(SIXTY, 3600, 10, id="what is not used is not saved up"),
        pytest.param(SIXTY.taken(NOW, 10), 0, 0, id="the burst is used"),
        pytest.param(SIXTY.taken(NOW, 10), 0.9, 0, id="not quite one more"),
        pytest.param(SIXTY.taken(NOW, 10), 3, 3, id="one more with every second"),
        pytest.param(SIXTY.taken(NOW, 13), 2, 0, id="more was taken than there was"),
        pytest.param(SIXTY.held(at(30)), 29.9, 0, id="the service asked for patience"),
        pytest.param(SIXTY.held(at(30)), 30, 10, id="and that is over"),
        pytest.param(SIXTY.held(at(30)).held(at(5)), 10, 0, id="the longer patience counts"),
        pytest.param(Rate.begun(1, NOW), 0, 1, id="never less than one call"),
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
        pytest.param(SIXTY.taken(NOW, 10), 5, 5, id="each a second after the other"),
        pytest.param(SIXTY.held(at(30)), 1, 30, id="not before the patience is over"),
    ],
)
def test_when_a_call_may_go_out(rate: Rate, nth: int, opens_at: float) -> None:
    assert rate.opens_at(NOW, nth) == at(opens_at)


def test_over_an_hour_no_more_calls_go_out_than_allowed() -> None:
    rate, made = SIXTY, 0
    for tenth in range(36_000):
        now = at(tenth / 10)
        made, rate = made + rate.left(now), rate.taken(now, rate.left(now))
    assert 3600 <= made <= 3600 + 10
