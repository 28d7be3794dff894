"""Why a job is in its current state, in one paragraph: what it waits for, and what would change that.

Pure: `shjobs why` passes in what the loop found. The reasons themselves are explained in `docs/reasons.md`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from controller.lifecycle.attempts import in_force
from controller.limits.gate import Limits
from controller.model.job import Job
from controller.model.reasons import JobState, Reason
from controller.model.submission import Outcome, Submission


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One job and its context.

    `running` are the jobs that occupy slots at the service, `waiting` how many are queued for one, `until` is when
    this one is next checked automatically.
    """

    job: Job
    submissions: Sequence[Submission]
    job_state: JobState
    limits: Limits
    running: Sequence[str] = ()
    waiting: int = 0
    until: datetime | None = None


_CHANGES = {
    Reason.REJECTED: "Nothing is submitted until the manifest is fixed; `shjobs check` shows every problem at once.",
    Reason.UNCOMMITTED: "It goes on by itself once a commit holds its files as they are.",
    Reason.ON_HOLD: "It is submitted when `spec.hold` is false.",
    Reason.PAUSED: "Then it is submitted by itself when its turn comes.",
    Reason.CLOCK_DOUBTFUL: "It goes on by itself when the clock is right again.",
    Reason.APPROVAL_NEEDED: "A `spec.maxProcessingUnits` that covers it is a yes; a cheaper request needs none.",
    Reason.CREDENTIAL_MISSING: "It goes on when the key pair is there: `run` sees files, a variable needs a restart.",
    Reason.COST_UNKNOWN: "A `spec.maxProcessingUnits` says how much may be reserved for it.",
    Reason.WARNED: "It goes on when the warning is gone, or a comment with a reason silences it.",
    Reason.HISTORY_UNKNOWN: "It goes on by itself once the bucket can be listed.",
    Reason.TRIAL: "Nothing is paid for the others until then; a trial needs no yes, what follows it does.",
    Reason.WINDOW_LIMIT: "It holds all cells of that window that are not paid for yet, and no other.",
    Reason.LARGE_CHANGE: "If it is accepted, all of it is submitted; if it is reverted, nothing is paid.",
    Reason.BUDGET_EXCEEDED: "Submissions that settle for less than was reserved make room, too.",
    Reason.OVERSPENT: "Nothing is submitted until an operator has accepted it.",
    Reason.EXAMINING: "It is submitted by itself once its script is known to end.",
    Reason.NOT_SELECTED: "It goes on with the next run of `sync` or `run` that is not limited to other labels.",
    Reason.LISTING: "It goes on by itself.",
    Reason.BACKING_OFF: "It is tried again by itself.",
    Reason.ACCOUNT_REFUSED: "One job at a time is sent as a probe; when it is accepted, all others follow.",
    Reason.BREAKER_OPEN: "One job at a time is sent as a canary; when it is answered, all others follow.",
    Reason.SHARED_RUN: "Nothing is paid for it; it is submitted itself only when no run is left that it can share.",
    Reason.SUBMITTING: "The service's answer is awaited for two minutes at most.",
    Reason.SEARCHING: "If found, it is followed; if not found within `unconfirmedGrace`, an operator decides.",
    Reason.NEEDS_PERSON: "It never goes on by itself: it may have been paid for.",
    Reason.RUNNING: "It ends when the service says so; it cannot be cancelled.",
    Reason.OVERDUE: "It ends when the service says so; it cannot be cancelled.",
    Reason.VERIFYING: "It is settled when the bucket shows an outcome, and called Unknown when it does not in time.",
    Reason.DELIVERED: "A changed request or a higher `rerun` would be submitted, and paid for.",
    Reason.REUSED: "It costs nothing. A changed request or a higher `rerun` would be submitted, and paid for.",
    Reason.ERROR_REPORTED: "A changed request, or a higher `rerun` for the same one, would be submitted, and paid for.",
    Reason.REFUSED: "Nothing was paid. A changed request would be submitted.",
    Reason.NOTHING_DELIVERED: "Late evidence still settles it. A higher `rerun` pays again.",
    Reason.PARTLY_DELIVERED: "Late evidence still settles it. A higher `rerun` pays again.",
    Reason.BUCKET_UNREADABLE: "It is settled once the bucket can be read.",
    Reason.REMOVED: "If the manifest is restored, its history applies again, and nothing is paid for twice.",
}

_PROBES = {Reason.ACCOUNT_REFUSED: "The next probe goes", Reason.BREAKER_OPEN: "The next canary goes"}


def explain(case: Case, now: datetime) -> str:
    """The paragraph."""
    return " ".join(_sentences(case, now))


def explain_reported(name: str, job_state: JobState) -> str:
    """The same as far as it follows from what was last reported alone."""
    said = f"{name} is {job_state.phase} ({job_state.reason}): {job_state.message}."
    return " ".join(filter(None, (said, _CHANGES.get(job_state.reason))))


def _sentences(case: Case, now: datetime) -> Iterator[str]:
    reason = case.job_state.reason
    yield f"{case.job.name} is {case.job_state.phase} ({reason}): {case.job_state.message}."
    current = in_force(case.job.wanted, case.submissions) if case.job.wanted else None
    if case.job.problems and reason is not Reason.REJECTED:
        yield f"Its manifest cannot be accepted as it is now ({case.job.problems[0]}), so it stays as last accepted."
    if reason is Reason.QUEUED:
        yield from _queued(case)
    if current is not None and reason in (Reason.RUNNING, Reason.OVERDUE, Reason.VERIFYING, Reason.SEARCHING):
        yield f"It was submitted {ago(now - current.intended_at)} ago{_named(current)}."
    if reason in _CHANGES:
        yield _CHANGES[reason]
    if case.until is not None and case.until > now:
        at = f"{case.until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        yield f"{_PROBES.get(reason, 'It is checked again')} in {ago(case.until - now)}, at {at}."
    if reason is Reason.ACCOUNT_REFUSED or _is_unread(case, current):
        yield "Corrected credentials are tried at once: at a restart, as a file that `run` sees, or by `shjobs sync`."
    older = [item for item in case.submissions if item is not current and _is_open(item)]
    if older:
        yield f"{_and(item.id for item in older)} of an earlier request {_are(older)} also still followed."


def _is_unread(case: Case, current: Submission | None) -> bool:
    """Whether a bucket that cannot be read is what it waits for."""
    if case.job_state.reason is Reason.HISTORY_UNKNOWN:
        return True
    seen = current.evidence if current and current.outcome in (None, Outcome.UNKNOWN) else None
    return seen is not None and not seen.readable


def _queued(case: Case) -> Iterator[str]:
    limits, running = case.limits, len(case.running)
    if limits.opens_at is not None:
        yield f"The service asked for a pause until {limits.opens_at.astimezone(UTC):%H:%M:%S} UTC."
    if running:
        slots = running + max(0, limits.slots)
        yield f"{running} of {slots} slots are in use: {_and(case.running)}."
    others = case.waiting - 1
    if others > 0:
        yield f"{others} other {'job is' if others == 1 else 'jobs are'} queued with it."
    yield "It is submitted by itself when its turn comes."


def ago(time: timedelta) -> str:
    """A rough duration: `40 s`, `12 min`, `3 h`, `2 days`."""
    seconds = max(0, round(time.total_seconds()))
    for limit, unit, name in ((120, 1, "s"), (120 * 60, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{seconds // unit} {name}"
    return f"{seconds // 86400} days"


def _named(submission: Submission) -> str:
    return f" as request {submission.request_id}" if submission.request_id else ""


def _is_open(submission: Submission) -> bool:
    return not submission.is_refused and submission.outcome in (None, Outcome.UNKNOWN) and bool(submission.look_at)


def _and(words: Iterable[str]) -> str:
    """`a, b and c`; only the first few of many."""
    found = list(words)
    if len(found) > 5:
        return f"{', '.join(found[:4])} and {len(found) - 4} more"
    return " and ".join([*([", ".join(found[:-1])] if found[1:] else []), found[-1]])


def _are(items: Sequence[object]) -> str:
    return "is" if len(items) == 1 else "are"
