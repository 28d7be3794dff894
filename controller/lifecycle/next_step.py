"""The next step of a job: the one rule from which `plan`, `sync` and `run` all act.

Pure: it takes the job, its submissions, the limits and the time. It first looks for a reason to do nothing. While a
call for a job is in flight, the loop does not call it again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from controller.lifecycle.attempts import in_force, last_end, pays_again, probes_in_vain, reason_of, refusal_of
from controller.lifecycle.shared import shared_reason, shared_run
from controller.limits.budget import next_month, reservation
from controller.limits.gate import Limits
from controller.limits.guard import key_of
from controller.limits.holds import hold_reason, stop_reason
from controller.model.job import History, Job, Wanted
from controller.model.reasons import Reason, rejection
from controller.model.step import Ask, List, Step, Submit, Wait
from controller.model.submission import Answer, Submission, digest16
from controller.model.timing import Timing

PASSING = frozenset(
    {Reason.BACKING_OFF, Reason.BREAKER_OPEN, Reason.RETRY_SCHEDULED, Reason.SEARCHING, Reason.SETTLING}
)


def next_step(job: Job, submissions: Sequence[Submission], limits: Limits, now: datetime) -> Step:
    """What to do for a job now. What the manifest asks for goes first, then what an open submission needs."""
    first = wish(job, submissions, limits, now)
    if not isinstance(first, Wait):
        return first
    steps = [follow(submission, now) for submission in submissions]
    due = [step for step in steps if not isinstance(step, Wait)]
    if due:
        return due[0]
    times = [step.until for step in (first, *steps) if isinstance(step, Wait) and step.until]
    until = min(times, default=None)
    if until:
        return Wait(reason=first.reason, until=until, behind=first.behind)
    return _lasting(first.reason, first.behind)


@lru_cache(maxsize=256)
def _lasting(reason: Reason, behind: int) -> Wait:
    """Kept once for all jobs that wait for the same."""
    return Wait(reason=reason, behind=behind)


def wish(job: Job, submissions: Sequence[Submission], limits: Limits, now: datetime) -> Step:
    """What the manifest, as last accepted, asks for beyond what was submitted, as far as the limits allow."""
    return granted(asked_for(job, submissions, limits, now), job, submissions, limits, now)


def granted(asked: Submit | Wait, job: Job, submissions: Sequence[Submission], limits: Limits, now: datetime) -> Step:
    """The same of what is known to be asked for."""
    return asked if isinstance(asked, Wait) else _pay(asked, job, submissions, limits, now)


def asked_for(job: Job, submissions: Sequence[Submission], limits: Limits, now: datetime) -> Submit | Wait:
    """The submission that the manifest asks for now, regardless of the limits.

    With problems it asks for nothing, whatever was accepted before: only what was paid for is tracked. Nor does it for
    what is, or will be, paid for under another name.
    """
    wanted = job.wanted
    if wanted is None:
        return Wait(reason=_rejection(job) if job.problems else Reason.REMOVED)
    shared = shared_run(job, submissions, limits)
    if shared is not None:
        return Wait(reason=shared_reason(shared))
    current = in_force(wanted, submissions)
    if current is None:
        return Wait(reason=_rejection(job)) if job.problems else Submit(rerun=wanted.rerun, attempt=0)
    again = pays_again(wanted, current, submissions, limits)
    if again is None or job.problems:
        return Wait(reason=reason_of(current, now, wanted.deadline))
    if again > now:
        return Wait(reason=Reason.RETRY_SCHEDULED, until=again)
    return Submit(rerun=wanted.rerun, attempt=current.attempt + 1)


def due_submission(job: Job, submissions: Sequence[Submission], limits: Limits, now: datetime) -> Submit | None:
    """The submission that would be paid for now except for what also stops other jobs: the guard rules on these."""
    asked = asked_for(job, submissions, limits, now)
    if isinstance(asked, Wait) or job.wanted is None or refusal_of(asked, job.wanted, submissions, limits, now):
        return None
    return None if hold_reason(job.name, job.wanted, limits) else asked


def _rejection(job: Job) -> Reason:
    return rejection(each.code for each in job.problems)


def is_at_rest(wait: Wait, submissions: Sequence[Submission], now: datetime, timing: Timing) -> bool:
    """Whether `sync` may leave the job: nothing of it runs, and what it waits for is not imminent."""
    if any(item.outcome is None and item.answer in (None, Answer.ACCEPTED) for item in submissions):
        return False
    if wait.reason is Reason.QUEUED:
        return False
    soon = wait.until is not None and wait.until <= now + timedelta(seconds=timing.sync_patience)
    return not (soon and wait.reason in PASSING)


def follow(submission: Submission, now: datetime) -> Step:
    """What an open submission needs, in force or superseded; a settled one needs nothing."""
    reason = reason_of(submission, now)
    if submission.answer in (None, Answer.REFUSED) or submission.look_at is None:
        return Wait(reason=reason)
    if submission.look_at > now:
        return Wait(reason=reason, until=submission.look_at)
    if submission.answer is Answer.ACCEPTED and submission.gone_at is None:
        return Ask(submission=submission)
    return _look_for(submission)


def _look_for(submission: Submission) -> List:
    """The listing that a submission needs: of its delivery prefix, or, while searching, with its claims too."""
    prefix, only = submission.prefix, ""
    if submission.answer is Answer.UNCONFIRMED:
        prefix, _, only = submission.prefix.rpartition("/")
    return List(prefix=prefix, credentials_ref=submission.credentials_ref, only=only, submission=submission)


def _pay(submit: Submit, job: Job, submissions: Sequence[Submission], limits: Limits, now: datetime) -> Step:
    """The submission itself, or what must come first."""
    wanted = job.wanted
    assert wanted is not None, "a removed job wants nothing"
    refusal = refusal_of(submit, wanted, submissions, limits, now)
    if refusal:
        return refusal
    waits_for = hold_reason(job.name, wanted, limits) or stop_reason(wanted, limits)
    if waits_for is Reason.UNCOMMITTED and limits.settling:
        return Wait(reason=Reason.SETTLING, until=limits.settling.until)  # git moves HEAD after it wrote the files
    if waits_for:
        return Wait(reason=waits_for)
    guarded = _guarded(submit, job, wanted, limits, now)
    if guarded:
        return guarded
    behind = probes_in_vain(submit, wanted, submissions)
    if limits.opens_at and limits.opens_at > now:
        return Wait(reason=limits.reason, until=limits.opens_at, behind=behind)
    step = _history(job, wanted, limits, now, last_end(submit, wanted, submissions))
    may_go = limits.may_begin(wanted.bucket) if isinstance(step, List) else limits.slots > 0
    return (step or submit) if may_go else Wait(reason=limits.reason, behind=behind)


def _guarded(submit: Submit, job: Job, wanted: Wanted, limits: Limits, now: datetime) -> Step | None:
    """What the money rules say. What needs an operator comes before what passes by itself, to avoid flicker."""
    permit = limits.permit(key_of(job.name, wanted.digest, submit.rerun, submit.attempt))
    if permit and not permit.is_admitted:
        return _listed_first(job, wanted, permit.is_listed, limits, now) or Wait(reason=Reason.LARGE_CHANGE)
    if permit and limits.overspent:
        return Wait(reason=Reason.OVERSPENT)
    if permit and limits.spending and not limits.spending.allows(reservation(wanted)):
        return Wait(reason=Reason.BUDGET_EXCEEDED, until=next_month(now))
    if limits.settling:
        return Wait(reason=Reason.SETTLING, until=limits.settling.until)
    if permit:
        return None
    return _listed_first(job, wanted, is_asked(job), limits, now) or Wait(reason=Reason.LISTING)


def _listed_first(job: Job, wanted: Wanted, is_listed: bool, limits: Limits, now: datetime) -> List | Wait | None:
    """The listing for earlier submissions before approval of a large change is requested; None when it is done."""
    step = None if is_listed or is_read(job, limits) else _history(job, wanted, limits, now)
    return Wait(reason=Reason.LISTING) if isinstance(step, List) and not limits.may_look(wanted.bucket) else step


def is_asked(job: Job) -> bool:
    """Whether this process listed the bucket for earlier submissions of the wanted digest."""
    return job.history is not None and job.wanted is not None and job.history.digest == job.wanted.digest


def is_read(job: Job, limits: Limits) -> bool:
    """Whether that listing succeeded, or an operator answered instead."""
    return is_asked(job) and (limits.history_known or (job.history is not None and job.history.readable))


def _history(
    job: Job, wanted: Wanted, limits: Limits, now: datetime, since: datetime | None = None
) -> List | Wait | None:
    """The listing for earlier submissions that must precede a POST; None when there is a recent one.

    A retry needs one from after `since`, the end of the previous run: others may have submitted meanwhile.
    """
    history = job.history
    is_past = history is not None and since is not None and history.at < since
    if history is None or history.digest != wanted.digest or is_past or _is_stale(history, limits, now):
        prefix = f"{wanted.delivery_url}/{job.name}"
        return List(prefix=prefix, credentials_ref=wanted.credentials_ref, only=digest16(wanted.digest))
    if history.readable or limits.history_known:
        return None
    return Wait(reason=Reason.HISTORY_UNKNOWN, until=history.at + timedelta(seconds=limits.timing.history_retry))


def _is_stale(history: History, limits: Limits, now: datetime) -> bool:
    valid = limits.timing.history_valid if history.readable else limits.timing.history_retry
    return now >= history.at + timedelta(seconds=valid)
