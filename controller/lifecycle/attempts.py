"""What the submissions of a job say about its next attempt: which one counts, and whether another may be paid for.

Pure. `next_step` asks this of the job itself, `shared` of other jobs that have the same request.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import takewhile

from controller.limits.gate import ACCOUNT, Limits, backoff, jitter
from controller.model.answers import Refusal
from controller.model.job import Wanted
from controller.model.reasons import Reason
from controller.model.step import Submit, Wait
from controller.model.submission import Answer, Outcome, Submission

SPURIOUS_TRIES = 3
_PROBED = ACCOUNT | {Refusal.UNSENT}


def in_force(wanted: Wanted, submissions: Sequence[Submission]) -> Submission | None:
    """The submission that counts for the wanted digest: paid for now, or at any time before.

    A lower `rerun` than one already paid for is covered by that one: only a higher number pays. An unconfirmed attempt
    ranks behind one that was found after all and may still deliver.
    """
    known = [item for item in submissions if item.digest == wanted.digest and not item.is_refused]
    covering = [item for item in known if item.rerun >= wanted.rerun]
    if len(covering) < 2:
        return covering[0] if covering else None
    exact = [item for item in covering if item.rerun == wanted.rerun]
    latest = max(exact or covering, key=_order)
    if latest.answer is not Answer.UNCONFIRMED:
        return latest
    may_deliver = (item for item in covering if item.rerun == latest.rerun and item.answer is Answer.ACCEPTED)
    return max((item for item in may_deliver if item.outcome is not Outcome.FAILED), key=_order, default=latest)


def reason_of(submission: Submission, now: datetime, deadline: float | None = None) -> Reason:
    """The reason for the state of one submission; `deadline` is in seconds after the intent."""
    if submission.answer is None:
        return Reason.SUBMITTING
    if submission.is_refused:
        return Reason.REFUSED
    if submission.answer is Answer.UNCONFIRMED:
        return Reason.SEARCHING if submission.look_at else Reason.NEEDS_PERSON
    if submission.outcome is not None:
        return Reason(submission.reason)
    if submission.gone_at is not None:
        return Reason.VERIFYING
    overdue = deadline is not None and now >= submission.intended_at + timedelta(seconds=deadline)
    return Reason.OVERDUE if overdue else Reason.RUNNING


def pays_again(
    wanted: Wanted, current: Submission, submissions: Sequence[Submission], limits: Limits
) -> datetime | None:
    """When the next attempt may be paid for: a remaining retry, or the `onUnconfirmed: resubmit` setting.

    Not while results of a replaced attempt may still be found: it may even have failed.
    """
    is_lost = current.answer is Answer.UNCONFIRMED
    if not is_lost and (current.outcome is not Outcome.FAILED or current.rerun != wanted.rerun):
        return None
    attempts = [item for item in submissions if (item.digest, item.rerun) == (current.digest, current.rerun)]
    unconfirmed = [item for item in attempts if item.answer is Answer.UNCONFIRMED]
    runs = _runs(current, unconfirmed)
    if runs > wanted.retries or not all(_was_sought_in_vain(item) for item in unconfirmed):
        return None
    if is_lost:
        # A wrong clock may have dated its intent, but not the time at which the search was given up.
        lost_at = current.answered_at or current.intended_at
        return lost_at if limits.policy.on_unconfirmed == "resubmit" else None
    if not current.is_reported:
        return None
    wait = backoff(limits.timing.retry_first, limits.timing.retry_longest, runs)
    return (current.finished_at or current.intended_at) + timedelta(seconds=wait)


def refusal_of(
    submit: Submit, wanted: Wanted, submissions: Sequence[Submission], limits: Limits, now: datetime
) -> Wait | None:
    """Why a body that the service refused, or that could not be claimed, is not sent again, or not yet."""
    if is_refused_for_good(submit, wanted, submissions):
        return Wait(reason=Reason.REFUSED)
    rows = _rows_of(submit, wanted, submissions)
    refused = [item.refused.why for item in rows if item.refused]
    spurious = refused.count(Refusal.SPURIOUS)
    last = max((item for item in rows if item.answered_at), key=lambda item: item.answered_at or now, default=None)
    times = spurious + sum(1 for _ in takewhile(lambda why: why is Refusal.CLAIMED, reversed(refused)))
    if not times or last is None or last.answered_at is None:
        return None
    longest = limits.timing.unsent_longest if spurious else limits.timing.breaker_longest
    seconds = backoff(limits.timing.unsent_first, longest, times)
    # Jitter, so that two controllers that collided on one claim do not collide again at once.
    until = last.answered_at + timedelta(seconds=seconds * (1 + jitter("".join(last.claims))))
    return Wait(reason=Reason.BACKING_OFF, until=until) if until > now else None


def probes_in_vain(submit: Submit, wanted: Wanted, submissions: Sequence[Submission]) -> int:
    """How often in a row the submission was refused as a probe is, for which all jobs wait.

    The service may refuse the account what this one asks for alone (403 for one collection), and a body that was
    damaged in the ledger is never sent: so each further probe is another job's, whatever the priorities.
    """
    newest = reversed(_rows_of(submit, wanted, submissions))
    return sum(1 for _ in takewhile(lambda item: item.refused is not None and item.refused.why in _PROBED, newest))


def is_refused_for_good(submit: Submit, wanted: Wanted, submissions: Sequence[Submission]) -> bool:
    """Whether the service has said no to this body, so that it is not sent again."""
    refused = [item.refused.why for item in _rows_of(submit, wanted, submissions) if item.refused]
    spurious = refused.count(Refusal.SPURIOUS)
    return Refusal.BODY in refused or spurious >= SPURIOUS_TRIES


def _rows_of(submit: Submit, wanted: Wanted, submissions: Sequence[Submission]) -> list[Submission]:
    sought = (wanted.digest, submit.rerun, submit.attempt)
    return [item for item in submissions if (item.digest, item.rerun, item.attempt) == sought]


def last_end(submit: Submit, wanted: Wanted, submissions: Sequence[Submission]) -> datetime | None:
    attempts = (item for item in submissions if (item.digest, item.rerun) == (wanted.digest, submit.rerun))
    ends = (item.finished_at for item in attempts)
    return max((end for end in ends if end), default=None)


def _order(submission: Submission) -> tuple[int, int]:
    return submission.rerun, submission.attempt


def _was_sought_in_vain(submission: Submission) -> bool:
    seen = submission.evidence if submission.look_at is None else None
    return seen is not None and seen.readable and not seen.objects


def _runs(current: Submission, unconfirmed: Iterable[Submission]) -> int:
    """How many attempts up to `current` were runs that no later one replaces.

    The attempt number counts, not the known failures: in a new ledger earlier ones may not be settled.
    """
    return 1 + current.attempt - sum(item.attempt <= current.attempt for item in unconfirmed)
