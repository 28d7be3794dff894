"""What a turn costs does not grow with the jobs that take no part in it, counted in instructions, not in time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from bench.finished import outcome
from controller.model.answers import StillRunning
from controller.model.job import Job
from controller.reconcile.calls.workers import Get
from tests.support.crowds import Crowd, crowd, crowd_job
from tests.support.instructions import instructions

FEW, MANY = 100, 3_000
RUNNING = 40
UNBOUNDED = {"large_change_jobs": 1_000_000, "large_change_processing_units": 1e9}
SPENT = FEW * 18.5 + RUNNING * 20.0
"""What the finished jobs cost, and the running ones hold."""


def poll(site: Crowd) -> None:
    """A poll that brings nothing new, and all turns until the next one."""
    call = site.next_get()
    site.turn(site.answer(call, StillRunning(status="RUNNING")))
    site.loop.wakes_at(site.now)
    site.loop.is_at_rest(site.now)
    site.loop.health()


def end(site: Crowd) -> None:
    """A run that ends: two polls, two listings, and what follows from it."""
    first = site.next_get()
    outcomes = [outcome(first)]
    while not site.ledger.of(first.job)[-1].outcome:
        calls = site.turn(*outcomes)
        outcomes = [
            outcome(call)
            if not isinstance(call, Get) or call.job == first.job
            else site.answer(call, StillRunning(status="RUNNING"))
            for call in calls
        ]
        if not outcomes:
            site.now = max(site.loop.wakes_at(site.now) or site.now, site.now + timedelta(milliseconds=1))


def nothing(site: Crowd) -> None:
    """A turn in which nothing happens."""
    site.turn()
    site.loop.wakes_at(site.now)
    site.loop.is_at_rest(site.now)
    site.loop.health()


def listed(site: Crowd) -> None:
    """A listing that must come before an operator is asked, and the next one that follows from it."""
    site.begun += site.turn(outcome(site.begun.pop(0)))


@contextmanager
def finished(number: int) -> Iterator[Crowd]:
    with crowd(number, RUNNING) as site:
        yield site


@contextmanager
def queued(number: int) -> Iterator[Crowd]:
    with crowd(FEW, RUNNING, _jobs(number), **UNBOUNDED) as site:
        yield site


@contextmanager
def over_budget(number: int) -> Iterator[Crowd]:
    """After two runs that cost half of what was reserved there is enough for one more."""
    with crowd(FEW, RUNNING, _jobs(number), monthly_budget=SPENT + 5, **UNBOUNDED) as site:
        yield site


@contextmanager
def held(number: int) -> Iterator[Crowd]:
    """They wait for an operator, as a large change."""
    with crowd(FEW, RUNNING, _jobs(number)) as site:
        yield site


@contextmanager
def unlisted(number: int) -> Iterator[Crowd]:
    """A large change whose bucket must be listed, job by job."""
    with crowd(FEW, RUNNING, [replace(each, history=None) for each in _jobs(number)]) as site:
        yield site


def _jobs(number: int) -> list[Job]:
    return [crowd_job(10_000 + each) for each in range(number)]


WORKS = (poll, end, nothing)


def costs(site: Crowd, works: Sequence[Callable[[Crowd], None]]) -> dict[str, int]:
    """The instructions of each of these, twice, once it has been done before; they are done one after the other."""
    found = {}
    for work in works:
        work(site)
        found[work.__name__] = instructions(partial(work, site)) + instructions(partial(work, site))
    return found


@pytest.mark.parametrize(
    ("site_of", "works"),
    [
        pytest.param(finished, WORKS, id="finished"),
        pytest.param(queued, WORKS, id="queued"),
        pytest.param(over_budget, WORKS, id="held by the budget"),
        pytest.param(held, WORKS, id="held for an operator"),
        pytest.param(unlisted, (listed,), id="waiting for their listing"),
    ],
)
def test_a_turn_costs_the_same_beside_a_hundred_jobs_and_beside_thousands(
    site_of: Callable[[int], Any], works: Sequence[Callable[[Crowd], None]]
) -> None:
    with site_of(FEW) as site:
        few = costs(site, works)
    with site_of(MANY) as site:
        many = costs(site, works)
    assert min(few.values()) > 100
    assert {name: (few[name], cost) for name, cost in many.items() if cost > 1.1 * few[name]} == {}
