"""What would happen to one job: the action that `plan` names.

Pure. `plan` runs the loop on a copy and passes in the state before and after; nothing here decides what is submitted,
it only names what the loop decided. `why` says why, `entry` what is shown of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from controller.lifecycle.attempts import in_force
from controller.model.job import Job, Wanted
from controller.model.reasons import JobState, Phase
from controller.model.submission import Answer, Submission
from controller.operations.plan.diff import Difference

SAME = Difference()


class Action(StrEnum):
    """What would happen to a job."""

    SUBMIT = "submit"
    RETURN = "return"
    SHARE = "share"
    HOLD = "hold"
    WAIT = "wait"
    INVALID = "invalid"
    REMOVE = "remove"
    FOLLOW = "follow"
    SEARCH = "search"
    UNCHANGED = "unchanged"


QUIET = frozenset({Action.FOLLOW, Action.SEARCH, Action.UNCHANGED})
"""Nothing changes for these jobs: running submissions continue, and finished ones stay."""

PRICED = (Action.SUBMIT, Action.HOLD, Action.WAIT)
"""What is, or will be, paid for."""

BY_PHASE = {
    Phase.INVALID: Action.INVALID,
    Phase.HELD: Action.HOLD,
    Phase.PENDING: Action.WAIT,
    Phase.REMOVED: Action.REMOVE,
}
GOING_ON = {
    Phase.SUBMITTING: Action.FOLLOW,
    Phase.RUNNING: Action.FOLLOW,
    Phase.VERIFYING: Action.FOLLOW,
    Phase.UNCONFIRMED: Action.SEARCH,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """One job before and after the simulation.

    `was` is the job in the ledger, None when it had none; `known` its submissions then. `submissions` are those after
    the simulation, without `planned`, the one that would be sent at `due` (None: at once). `difference` is relative to
    the body sent last. `is_run_new`: the run of another name that the job shares was not in the ledger. `ref` is the
    revision that replaces the ledger, if there is one: then dates and ids of submissions mean nothing.
    """

    job: Job
    was: Job | None
    known: Sequence[Submission]
    submissions: Sequence[Submission]
    planned: Submission | None
    job_state: JobState
    difference: Difference = SAME
    due: datetime | None = None
    is_run_new: bool = False
    is_history_assumed: bool = False
    ref: str = ""


def action_of(seen: Foreseen) -> Action:
    """What would happen to the job."""
    if seen.planned is not None:
        return Action.SUBMIT
    if seen.job.problems:
        return Action.INVALID
    if seen.job_state.shared is not None:
        return _sharing(seen)
    found = BY_PHASE.get(seen.job_state.phase)
    if found in (Action.HOLD, Action.WAIT) and seen.ref and _is_untouched(seen):
        return Action.UNCHANGED
    if found is not None:
        return found
    if returns_to(seen) is not None:
        return Action.RETURN
    return GOING_ON.get(seen.job_state.phase, Action.UNCHANGED)


def last_sent(seen: Foreseen) -> Submission | None:
    """The submission to compare the job's desired state with: the latest accepted, else the latest refused."""
    taken = [item for item in seen.known if not item.is_refused] or seen.known
    return max(taken, key=_age, default=None)


def returns_to(seen: Foreseen) -> Submission | None:
    """The submission that is in force for the job now and was not before."""
    current = in_force(seen.job.wanted, seen.submissions) if seen.job.wanted else None
    former = in_force(seen.was.wanted, seen.known) if seen.was and seen.was.wanted else None
    return current if current and (former is None or former.id != current.id) else None


def superseded(seen: Foreseen) -> list[Submission]:
    """Submissions that the job no longer wants but that have not ended."""
    current = in_force(seen.job.wanted, seen.submissions) if seen.job.wanted else None
    return [item for item in seen.submissions if item is not current and item is not seen.planned and _is_open(item)]


def _sharing(seen: Foreseen) -> Action:
    """A job without a run of its own: it takes over that of another name now, or has done so before."""
    was, wanted = seen.was.wanted if seen.was else None, seen.job.wanted
    is_new = was is None or wanted is None or (was.digest, was.rerun) != (wanted.digest, wanted.rerun)
    if is_new or seen.is_run_new:
        return Action.SHARE
    return (
        Action.FOLLOW if seen.job_state.phase is Phase.PENDING else GOING_ON.get(seen.job_state.phase, Action.UNCHANGED)
    )


def _is_untouched(seen: Foreseen) -> bool:
    """Whether request and conditions are the same as before: whatever holds the job held it then, too."""
    was, wanted = seen.was.wanted if seen.was else None, seen.job.wanted
    return was is not None and wanted is not None and _conditions(was) == _conditions(wanted)


def _conditions(wanted: Wanted) -> tuple[object, ...]:
    ceiling = (wanted.hold, wanted.max_processing_units, wanted.estimate, [each.code for each in wanted.warnings])
    return (wanted.digest, wanted.rerun, wanted.retries, wanted.delivery_url, wanted.credentials_ref, *ceiling)


def _is_open(item: Submission) -> bool:
    return item.outcome is None and item.answer is not Answer.REFUSED


def _age(item: Submission) -> tuple[datetime, int]:
    return item.intended_at, item.number
