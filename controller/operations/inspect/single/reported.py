"""One job as it was last reported, where its own rows do not say enough.

What holds many alike, such as a large change, stays until one of them is ruled on again. What passes by itself, the
queue above all, is what a process at work last reported: it is at most a second old. Without such a process, and for
the rest, the loop turns on a copy of the whole ledger.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from controller.ledger.lock import is_held
from controller.ledger.pause import is_paused
from controller.ledger.reads.reader import Reader
from controller.ledger.reads.traffic import counted, newest_submissions, refusals, renewed_at, running
from controller.lifecycle.next_step import follow
from controller.limits.budget import month_of, next_month
from controller.limits.gate import Limits, is_decisive, narrow
from controller.limits.throttle import counts_since, slots_at
from controller.limits.trail import Trail
from controller.model.answers import Refusal
from controller.model.errors import StateError
from controller.model.job import Job
from controller.model.reasons import JobState, Reason
from controller.model.step import Wait
from controller.model.submission import Submission
from controller.operations.inspect.as_recorded import MANIFESTS, Recorded
from controller.operations.inspect.job_states import is_current
from controller.operations.inspect.why import Case
from controller.reconcile.queue import QUEUING
from controller.settings.settings import Settings

_HELD_TOGETHER = frozenset(
    {
        *(Reason.LARGE_CHANGE, Reason.OVERSPENT, Reason.BUDGET_EXCEEDED, Reason.TRIAL, Reason.WINDOW_LIMIT),
        Reason.UNCOMMITTED,
    }
)
"""Why many jobs wait for an operator, or for money: it stays until one of them is ruled on again, and is reported."""


_PASSING = frozenset({*QUEUING, Reason.LISTING, Reason.CLOCK_DOUBTFUL})
"""What holds a job until others are done, or the service, the bucket or the clock is well again."""
_LATEST = 300
"""So many submissions say how the service last answered; if they do not, the whole ledger is asked."""


def case_reported(store: Reader, settings: Settings, name: str, now: datetime) -> Case | None:
    """What was last reported of a job, where that is what a turn would find; None where it may not be."""
    with suppress(StateError):
        job, (reason, message) = store.job(name), store.reported(name)
        if job is None or job.wanted is None or store.has_commands() or is_paused(settings.state):
            return None
        known = _Reported(job=job, submissions=_own(store, name), reason=reason, message=message)
        if reason in _HELD_TOGETHER and _is_of_now(reason, message, settings, now):
            return _held_together(store, settings, known, now)
        if reason in _PASSING and is_held(settings.state):
            return _passing(store, settings, known, now)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reported:
    """A job with its own submissions and what was last reported of it."""

    job: Job
    submissions: Sequence[Submission]
    reason: str
    message: str

    @property
    def state(self) -> JobState:
        return JobState(reason=Reason(self.reason), message=self.message)


def _own(store: Reader, name: str) -> list[Submission]:
    return [item for item in store.submissions(name, "") if item.job == name]


def _held_together(store: Reader, settings: Settings, known: _Reported, now: datetime) -> Case | None:
    if not Recorded(settings, store).has_same([known.job.path], MANIFESTS) or not is_current(settings, store):
        return None
    until = _until(known.submissions, next_month(now) if known.reason == Reason.BUDGET_EXCEEDED else None, now)
    limits = Limits(policy=settings, timing=settings.timing, slots=0)
    return Case(job=known.job, submissions=known.submissions, job_state=known.state, limits=limits, until=until)


def _passing(store: Reader, settings: Settings, known: _Reported, now: datetime) -> Case | None:
    """A job that is on its way, with what is under way beside it."""
    busy = running(store)
    limits = _limits(store, settings, len(busy), now)
    if limits is None or not Recorded(settings, store).has_same([known.job.path], MANIFESTS):
        return None
    is_closed = limits.opens_at is not None and limits.opens_at > now
    if known.reason in QUEUING and limits.reason != known.reason:
        return None  # the service has answered meanwhile
    opens_at = limits.opens_at if is_closed and known.reason in QUEUING else None
    return Case(
        job=known.job,
        submissions=known.submissions,
        job_state=known.state,
        limits=limits,
        running=sorted(set(busy)),
        waiting=counted(store, QUEUING),
        until=_until(known.submissions, opens_at, now),
    )


def _limits(store: Reader, settings: Settings, busy: int, now: datetime) -> Limits | None:
    """How the service lets submissions through; None: the latest of them do not say it."""
    timing, newest = settings.timing, newest_submissions(store, _LATEST)
    if len(newest) == _LATEST and not any(map(is_decisive, newest)):
        return None
    trail = Trail()
    for each in newest:
        trail.keep(each)
    crowded = refusals(store, Refusal.CONCURRENCY, counts_since(now, timing))
    slots = slots_at(settings.max_running, crowded, now, timing) - busy
    free = Limits(policy=settings, timing=timing, slots=slots, renewed_at=renewed_at(store, now))
    return narrow(free, trail.newest(now))


def _is_of_now(reason: str, message: str, settings: Settings, now: datetime) -> bool:
    """Whether the budget that it speaks of is that of this month and these settings."""
    budget = f"monthlyBudget ({settings.monthly_budget or 0:,.0f} PU) in {month_of(now)} (UTC)"
    if reason == Reason.OVERSPENT:
        return settings.monthly_budget is not None
    return reason != Reason.BUDGET_EXCEEDED or budget in message


def _until(own: Sequence[Submission], until: datetime | None, now: datetime) -> datetime | None:
    """When it is checked next, with what is still open of earlier requests; None: now, or never by itself."""
    steps = [follow(item, now) for item in own]
    times = [until, *(step.until for step in steps if isinstance(step, Wait))]
    return min(filter(None, times), default=None) if all(isinstance(step, Wait) for step in steps) else None
