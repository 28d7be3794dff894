"""One job by its own rows: where its state follows from these, and from those of jobs with the same request.

A job that has its run, or that its own manifest holds, is where it is whatever the others do: neither a slot, nor the
budget, nor a batch changes it. So a hundred thousand other jobs need not be read. Of any other, and where something
was recorded that no turn has acted on, `case_alone` says nothing: then see `reported`.
"""

from contextlib import suppress
from datetime import datetime

from controller.ledger.lock import is_held
from controller.ledger.pause import is_paused
from controller.ledger.reads.reader import Reader
from controller.lifecycle.attempts import in_force
from controller.lifecycle.next_step import asked_for, next_step, wish
from controller.lifecycle.phase import phase
from controller.lifecycle.shared import shared_run
from controller.lifecycle.transitions import interrupt
from controller.limits.gate import Limits
from controller.limits.peers import Peers
from controller.model.errors import StateError
from controller.model.job import Job
from controller.model.reasons import Reason
from controller.model.step import Wait
from controller.model.submission import Outcome, Submission
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


def case_alone(store: Reader, settings: Settings, name: str, now: datetime) -> Case | None:
    """What one turn would find of this job; None when that takes more than its own rows."""
    with suppress(StateError):  # a row that cannot be read: the loop knows what to make of it
        job = store.job(name)
        if job is not None and not store.has_commands():
            return _case(store, settings, job, now) if job.wanted else _case_of_removed(store, settings, job, now)
    return None


def _case_of_removed(store: Reader, settings: Settings, job: Job, now: datetime) -> Case | None:
    """The same of a job that no file declares, if no file has changed since: any of them may declare it again."""
    if not is_current(settings, store):
        return None
    own = [item for item in store.submissions(job.name, "") if item.job == job.name]
    own = _taken_over(own, settings, now)
    limits = Limits(policy=settings, timing=settings.timing, slots=0)
    step = next_step(job, own, limits, now)
    until = step.until if isinstance(step, Wait) else None
    return Case(job=job, submissions=own, job_state=phase(job, own, limits, now), limits=limits, until=until)


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
    assert job.wanted is not None, "checked before"
    if limits.policy.source == "committed" and in_force(job.wanted, own) is None:
        return False  # whether it, or who shares its request, is committed takes a look at all files
    has_cells = any(each.wanted and each.wanted.cell for each in (job, *alike))
    if alike and has_cells and not _is_served(job, own, limits):
        return False  # which of them pays depends on what is ruled on their sets
    if isinstance(asked_for(job, own, limits, now), Wait):
        return True
    step = wish(job, own, limits, now)
    return not has_cells and isinstance(step, Wait) and step.reason in _OWN


def _is_served(job: Job, own: list[Submission], limits: Limits) -> bool:
    """Whether it has a run, its own or another's, whatever is ruled on the sets of the cells with its request."""
    assert job.wanted is not None, "checked before"
    shared = shared_run(job, own, limits)
    if shared is None:
        return in_force(job.wanted, own) is not None
    return shared.run is not None and shared.run.outcome is not Outcome.FAILED
