"""One job by its own rows: where its state follows from these, and from those of jobs with the same request.

A job that has its run, or that its own manifest holds, is where it is whatever the others do: neither a slot, nor the
budget, nor a batch changes it. So a hundred thousand other jobs need not be read. Of any other, and where something
was recorded that no turn has acted on, `case_alone` says nothing. What holds many alike, such as a large change, is
then as it was last reported, under the same conditions as what `get` shows (`case_reported`). For the rest, the queue
above all, the loop turns on a copy of the whole ledger.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from controller.ledger.lock import is_held
from controller.ledger.pause import is_paused
from controller.ledger.reads.reader import Reader
from controller.lifecycle.next_step import asked_for, follow, next_step, wish
from controller.lifecycle.phase import phase
from controller.lifecycle.transitions import interrupt
from controller.limits.budget import month_of, next_month
from controller.limits.gate import Limits
from controller.limits.peers import Peers
from controller.model.errors import StateError
from controller.model.job import Job
from controller.model.reasons import JobState, Reason
from controller.model.step import Wait
from controller.model.submission import Submission
from controller.operations.inspect.as_recorded import MANIFESTS, Recorded
from controller.operations.inspect.job_states import is_current
from controller.operations.inspect.why import Case
from controller.settings.settings import Settings

_OWN = frozenset(
    {
        *(Reason.REFUSED, Reason.ON_HOLD, Reason.WARNED, Reason.COST_UNKNOWN, Reason.APPROVAL_NEEDED),
        Reason.PAUSED,
    }
)
"""Why what a manifest asks for is not submitted, before anything is asked that other jobs have a part in."""

_HELD_TOGETHER = frozenset(
    {Reason.LARGE_CHANGE, Reason.OVERSPENT, Reason.BUDGET_EXCEEDED, Reason.TRIAL, Reason.WINDOW_LIMIT}
)
"""Why many jobs wait for an operator, or for money: it stays until one of them is ruled on again, and is reported."""


def case_alone(store: Reader, settings: Settings, name: str, now: datetime) -> Case | None:
    """What one turn would find of this job; None when that takes more than its own rows."""
    with suppress(StateError):  # a row that cannot be read: the loop knows what to make of it
        job = store.job(name)
        if job is not None and job.wanted is not None and not store.has_commands():
            return _case(store, settings, job, now)
    return None


def case_reported(store: Reader, settings: Settings, name: str, now: datetime) -> Case | None:
    """What was last reported of a job that is held together with others; None of any other."""
    with suppress(StateError):
        job, (reason, message) = store.job(name), store.reported(name)
        if job is None or job.wanted is None or store.has_commands() or is_paused(settings.state):
            return None
        is_held_together = reason in _HELD_TOGETHER and _is_of_now(reason, message, settings, now)
        if (
            is_held_together
            and Recorded(settings, store).has_same([job.path], MANIFESTS)
            and is_current(settings, store)
        ):
            own = [item for item in store.submissions(name, "") if item.job == name]
            state = JobState(reason=Reason(reason), message=message)
            until = _until(own, next_month(now) if reason == Reason.BUDGET_EXCEEDED else None, now)
            limits = Limits(policy=settings, timing=settings.timing, slots=0)
            return Case(job=job, submissions=own, job_state=state, limits=limits, until=until)
    return None


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


def _case(store: Reader, settings: Settings, job: Job, now: datetime) -> Case | None:
    assert job.wanted is not None, "checked before"
    found = _taken_over(store.submissions(job.name, job.wanted.digest), settings, now)
    alike = [each for each in store.wanting(job.wanted.digest) if each.name != job.name]
    owners = {item.job for item in found} - {job.name, *(each.name for each in alike)}
    known = [job, *alike, *(owner for each in sorted(owners) if (owner := store.job(each)))]
    limits = Limits(
        policy=settings, timing=settings.timing, slots=0, permits={}, paused=is_paused(settings.state),
        peers=Peers({each.name: each for each in known}, found),
    )  # fmt: skip
    own = [item for item in found if item.job == job.name]
    if not _is_settled(job, own, alike, limits, now):
        return None
    if not Recorded(settings, store).has_same((each.path for each in known if each.wanted), MANIFESTS):
        return None
    step = next_step(job, own, limits, now)
    until = step.until if isinstance(step, Wait) else None
    return Case(job=job, submissions=own, job_state=phase(job, own, limits, now), limits=limits, until=until)


def _taken_over(found: list[Submission], settings: Settings, now: datetime) -> list[Submission]:
    """As the loop starts from them: without a process that works on it, a POST under way was interrupted."""
    if is_held(settings.state):
        return found
    return [interrupt(item, now, settings.timing) if item.answer is None else item for item in found]


def _is_settled(job: Job, own: list[Submission], alike: list[Job], limits: Limits, now: datetime) -> bool:
    """Whether nothing but these rows has a part in it.

    What another of them is about to pay for needs no look: before any POST a turn on a copy would list the bucket.
    """
    has_cells = any(each.wanted and each.wanted.cell for each in (job, *alike))
    if alike and has_cells:
        return False  # which of them pays depends on what is ruled on their sets
    if isinstance(asked_for(job, own, limits, now), Wait):
        return True
    step = wish(job, own, limits, now)
    return not has_cells and isinstance(step, Wait) and step.reason in _OWN
