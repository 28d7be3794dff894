"""Very many running requests and the rate limit: each is polled in its turn, and no submission waits for that."""

from collections import deque
from datetime import datetime, timedelta

import pytest

from bench.finished import outcome
from controller.limits.polls import POLL_SHARE
from controller.limits.throttle import BURST
from controller.model.answers import StillRunning
from controller.reconcile.calls.workers import Call, CallOutcome, Get, Got, Post
from tests.support.crowds import Crowd, crowd, crowd_job
from tests.support.factories import NOW, TIMING

UNBOUNDED = {"large_change_jobs": 1_000_000, "large_change_processing_units": 1e9}
DONE_EVERY = timedelta(minutes=5)


class Service:
    """A service where requests run for ever, except for those that are `done`; it notes when it was called."""

    def __init__(self) -> None:
        self.done: set[str] = set()
        self.polls: list[datetime] = []
        self.longest = timedelta()
        self.freed = deque[datetime]()
        self.waits: list[timedelta] = []
        self._polled_at: dict[str, datetime] = {}

    def answer(self, call: Call, now: datetime) -> CallOutcome:
        match call:
            case Get(submission=item):
                self.polls.append(now)
                if item.job not in self.done:
                    self.longest = max(self.longest, now - self._polled_at.get(item.job, NOW))
                    self._polled_at[item.job] = now
                    return Got(call=call, answer=StillRunning(status="RUNNING"))
                if item.missing_at and now >= item.missing_at + timedelta(seconds=TIMING.gone_again):
                    self.freed.append(now)
            case Post(submission=item):
                self._polled_at[item.job] = now
                self.waits.append(now - self.freed.popleft())
        return outcome(call)


def follow(site: Crowd, hours: float) -> tuple[Service, int]:
    """So many hours, with a request that is done every five minutes; also the most polls that were overdue at once."""
    service, outcomes, overdue = Service(), list[CallOutcome](), 0
    running, done_at, ends_at = deque(each.job for each in site.ledger.everything()), NOW, NOW + timedelta(hours=hours)
    while site.now < ends_at:
        if site.now >= done_at:
            service.done.add(running.popleft())
            done_at += DONE_EVERY
            due = (each.look_at for each in site.ledger.everything() if each.is_running)
            overdue = max(overdue, sum(1 for look_at in due if look_at and look_at < site.now))
        outcomes = [service.answer(call, site.now) for call in site.turn(*outcomes)]
        if not outcomes:
            site.now = max(site.loop.wakes_at(site.now) or site.now, site.now + timedelta(milliseconds=1))
    return service, overdue


@pytest.mark.parametrize(
    ("running", "per_minute", "hours", "minutes"),
    [
        pytest.param(100, 100, 1, 5, id="a hundred, at a hundred a minute: every five minutes, as ever"),
        pytest.param(1000, 100, 1, 20, id="a thousand: every twenty minutes"),
        pytest.param(300, 30, 1, 20, id="three hundred, at thirty a minute: every twenty minutes, too"),
    ],
)
def test_polls_follow_very_many_requests_and_let_submissions_go_first(
    running: int, per_minute: int, hours: float, minutes: float
) -> None:
    queued = [crowd_job(running + number) for number in range(int(hours * 13))]
    with crowd(0, running, queued, 60 * minutes / running, requests_per_minute=per_minute, **UNBOUNDED) as site:
        service, overdue = follow(site, hours)
    ends = len(service.waits)
    assert ends >= 5
    assert service.longest <= timedelta(minutes=minutes) * (1 + TIMING.poll_jitter) + timedelta(seconds=BURST)
    assert len(service.polls) <= POLL_SHARE * per_minute * 60 * hours + 3 * len(service.done) + running
    assert overdue <= per_minute * BURST / 60
    assert max(service.waits) <= timedelta(seconds=60 / per_minute)
