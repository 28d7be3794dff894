"""The phase of a job, derived each time it is reported and never stored.

It is that of the submission in force; an error in the manifest never hides a running request. Messages contain no
"last checked" times, so that a status file changes only when its meaning does.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from controller.lifecycle.attempts import in_force
from controller.lifecycle.next_step import asked_for, granted
from controller.lifecycle.shared import shared_message, shared_run
from controller.limits.budget import overspent_hash, reservation
from controller.limits.gate import Limits
from controller.limits.guard import Permit, key_of
from controller.limits.set_limits import held_words, yes_words
from controller.limits.warned import held_message, holding_warnings
from controller.model.job import Job
from controller.model.reasons import JobState, Phase, Reason, rejection
from controller.model.step import Submit, Wait
from controller.model.submission import Submission
from controller.settings.environment import variable_of

_UNDER_WAY = frozenset({Phase.SUBMITTING, Phase.UNCONFIRMED, Phase.RUNNING, Phase.VERIFYING})
MENDED_FIRST = "nothing more is submitted until the manifest is mended"
_SENTENCES = {
    Reason.REJECTED: "the manifest cannot be accepted; see manifest.problems",
    Reason.EXAMINING: "the evalscript is still being examined",
    Reason.UNCOMMITTED: "only what is committed is paid for",
    Reason.ON_HOLD: "spec.hold is true; set it to false to submit",
    Reason.PAUSED: "submissions are paused for all jobs; what runs is followed; `shjobs resume` goes on",
    Reason.CLOCK_DOUBTFUL: "nothing is paid for while the clock is in doubt; what runs is followed",
    Reason.COST_UNKNOWN: "the cost has no upper end; set spec.maxProcessingUnits to the most it may cost",
    Reason.NOT_SELECTED: "this run submits jobs with other labels; the next one without `-l` submits it",
    Reason.LISTING: "part of a large change: the bucket is listed first, for what was already paid for",
    Reason.QUEUED: "will be submitted when a slot is free",
    Reason.BACKING_OFF: "the request was not taken; will be tried again",
    Reason.ACCOUNT_REFUSED: "the service refuses this account or address; one probe goes out now and then",
    Reason.BREAKER_OPEN: "an earlier submission got no answer; one canary goes out now and then",
    Reason.RETRY_SCHEDULED: "the run failed; a paid retry is left and will be submitted",
    Reason.SUBMITTING: "the request is being sent",
    Reason.SEARCHING: "the POST got no clear answer; the bucket is searched for its request",
    Reason.NEEDS_PERSON: "a POST without an answer, and the bucket names no request; use `shjobs resolve`",
    Reason.RUNNING: "the service is working on it",
    Reason.OVERDUE: "the service is still working on it, past spec.deadline; it cannot be cancelled",
    Reason.VERIFYING: "finished at the service; waiting until the evidence in the bucket is settled",
    Reason.DELIVERED: "every declared output is in the bucket",
    Reason.REMOVED: "the manifest is gone; nothing in the bucket was touched",
}


def phase(job: Job, submissions: Sequence[Submission], limits: Limits, now: datetime) -> JobState:
    """The state of the job now, with a sentence the user can act on."""
    asked = asked_for(job, submissions, limits, now)
    step, permit = granted(asked, job, submissions, limits, now), _permit(asked, job, limits)
    reason = step.reason if isinstance(step, Wait) else _reason_meanwhile(job, permit, limits)
    shared = shared_run(job, submissions, limits)
    message = shared_message(shared) if shared else _message(job, submissions, limits, permit, reason)
    is_held = _waits_for_mending(job, submissions, limits, now)
    approved = _approved_by(job, submissions, permit, reason)
    parts = (message, approved and f"approved by {approved}", MENDED_FIRST if is_held else "")
    words = "; ".join(filter(None, parts))
    return JobState(reason=reason, message=words, shared=shared) if shared else _alone(reason, words)


@lru_cache(maxsize=1024)
def _alone(reason: Reason, words: str) -> JobState:
    """Kept once for all jobs with the same state."""
    return JobState(reason=reason, message=words)


def _approved_by(job: Job, submissions: Sequence[Submission], permit: Permit | None, reason: Reason) -> str:
    """Who approved what is about to be paid for, or is under way; "" when no one had to."""
    if permit is not None:
        return permit.approved_by if reason.phase is Phase.PENDING else ""
    current = in_force(job.wanted, submissions) if job.wanted else None
    return current.approved_by if current and reason.phase in _UNDER_WAY else ""


def _waits_for_mending(job: Job, submissions: Sequence[Submission], limits: Limits, now: datetime) -> bool:
    """Whether the last accepted manifest asks for a submission, now or later, that its problems block."""
    if not job.problems or rejection(each.code for each in job.problems) is Reason.EXAMINING:
        return False
    asked = asked_for(replace(job, problems=()), submissions, limits, now)
    return isinstance(asked, Submit) or asked.reason is Reason.RETRY_SCHEDULED


def _permit(asked: Submit | Wait, job: Job, limits: Limits) -> Permit | None:
    """The guard's ruling on what the manifest asks for; None: there is nothing to rule on, or not yet."""
    if isinstance(asked, Wait) or job.wanted is None:
        return None
    return limits.permit(key_of(job.name, job.wanted.digest, asked.rerun, asked.attempt))


def _reason_meanwhile(job: Job, permit: Permit | None, limits: Limits) -> Reason:
    """A new listing of a history that could not be read keeps the state as it is, so that it does not flicker."""
    history, wanted = job.history, job.wanted
    is_known = limits.history_known or not history or history.readable or not wanted or history.digest != wanted.digest
    if not is_known:
        return Reason.HISTORY_UNKNOWN
    return Reason.QUEUED if permit and permit.is_admitted else Reason.LISTING


def _message(
    job: Job, submissions: Sequence[Submission], limits: Limits, permit: Permit | None, reason: Reason
) -> str:  # fmt: skip
    """The fixed sentence of the reason, with the message of the service or the bucket."""
    sentence = _SENTENCES.get(reason, "")
    words = _words(job, submissions, limits, permit, reason)
    return "; ".join(part for part in (sentence, words) if part)


def _words(job: Job, submissions: Sequence[Submission], limits: Limits, permit: Permit | None, reason: Reason) -> str:
    match reason:
        case Reason.LARGE_CHANGE:
            return _large_change(job, permit, limits)
        case Reason.UNCOMMITTED:
            return limits.uncommitted(job.name)
        case Reason.TRIAL | Reason.WINDOW_LIMIT:
            return _held_by_set(job, limits, reason)
        case Reason.BUDGET_EXCEEDED:
            return _budget(job, limits)
        case Reason.CLOCK_DOUBTFUL:
            return limits.doubt
        case Reason.OVERSPENT:
            return overspending(limits.overspent) if limits.overspent else ""
        case Reason.SETTLING:
            return limits.settling.message if limits.settling else ""
        case Reason.WARNED:
            return held_message(holding_warnings(job.wanted.warnings if job.wanted else (), limits.policy.hold_on))
        case Reason.APPROVAL_NEEDED:
            return _approval(job, limits)
        case Reason.CREDENTIAL_MISSING:
            return _keys_wanted((job.wanted and job.wanted.credentials_ref) or "")
        case Reason.HISTORY_UNKNOWN:
            why = job.history.message if job.history else ""
            return f"the bucket cannot be listed, so it is unknown what was already paid for: {why}"
        case Reason.ACCOUNT_REFUSED | Reason.BREAKER_OPEN:
            return limits.message
        case Reason.BACKING_OFF:
            return limits.message or _last_refusal(job, submissions)
        case Reason.REFUSED:
            return _last_refusal(job, submissions)
        case Reason.REJECTED | Reason.EXAMINING | Reason.REMOVED | Reason.DELIVERED:
            return ""
    current = in_force(job.wanted, submissions) if job.wanted else None
    if current is None:
        return ""
    unread = _unread(current) if reason in (Reason.VERIFYING, Reason.SEARCHING) else ""
    return "; ".join(filter(None, (current.message, unread)))


def _unread(submission: Submission) -> str:
    """Why the bucket does not show what became of it; "" when it can be read."""
    seen = submission.evidence
    return f"the bucket cannot be read: {seen.message}" if seen is not None and not seen.readable else ""


def overspending(submission: Submission) -> str:
    """What happened, and what lets submissions go on."""
    return (
        f"{submission.job} ({submission.id}) cost {submission.spent or 0:,.2f} PU, but {submission.reserved or 0:,.2f} "
        f"were reserved: the estimate is too low; `shjobs accept {overspent_hash(submission)}` lets submissions go on"
    )


def _held_by_set(job: Job, limits: Limits, reason: Reason) -> str:
    cell = job.wanted.cell if job.wanted else None
    ruling = limits.set_ruling(cell)
    return held_words(reason, ruling, cell.window) if ruling and cell else ""


def _large_change(job: Job, permit: Permit | None, limits: Limits) -> str:
    if permit is None or permit.batch is None:
        return ""
    batch, policy = permit.batch, limits.policy
    cell = job.wanted.cell if job.wanted else None
    ruling = limits.set_ruling(cell)
    if ruling and cell and ruling.needs_yes(job.name, cell):
        return yes_words(batch, ruling)
    many = "one submission" if batch.jobs == 1 else f"{batch.jobs:,} submissions"
    return (
        f"{many} of up to {batch.units:,.2f} PU became due at once ({batch.cause}); "
        f"more than {policy.large_change_jobs:,} or {policy.large_change_processing_units:,.0f} PU need "
        f"approval: `shjobs plan` shows them, and `shjobs accept {batch.hash}`, or a committed Approval of it, "
        "releases exactly these"
    )


def _budget(job: Job, limits: Limits) -> str:
    spending = limits.spending
    if spending is None or job.wanted is None:
        return ""
    return (
        f"may cost up to {reservation(job.wanted) or 0:,.2f} PU, but {max(0.0, spending.left or 0.0):,.2f} are left of "
        f"monthlyBudget ({spending.budget or 0:,.0f} PU) in {spending.month} (UTC): {spending.spent:,.2f} spent, "
        f"{spending.reserved:,.2f} reserved; make it cheaper, raise monthlyBudget, or wait for the next month"
    )


def _approval(job: Job, limits: Limits) -> str:
    upper = job.wanted.estimate.upper if job.wanted and job.wanted.estimate else None
    return (
        f"may cost up to {upper or 0:,.2f} PU, above approvalAbove ({limits.policy.approval_above:,.0f} PU); "
        f"set spec.maxProcessingUnits to at least that to approve it"
    )


def _last_refusal(job: Job, submissions: Sequence[Submission]) -> str:
    """The service's own message about the wanted body."""
    digest = job.wanted.digest if job.wanted else ""
    refused = [item for item in submissions if item.refused and item.digest == digest]
    return refused[-1].message if refused else ""


def _keys_wanted(credential: str) -> str:
    access, secret = (variable_of(f"credentials.{credential}.{key}") for key in ("accessKey", "secretAccessKey"))
    return f"the credential {credential!r} has no key pair here; set {access} and {secret}, or name their files"
