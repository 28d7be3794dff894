"""What `plan` reports for one job: the action, why, and what it costs now and cost before.

Pure. `plan` runs the loop on a copy and passes in the state before and after; nothing here decides what is submitted,
it only names what the loop decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from controller.lifecycle.attempts import in_force
from controller.lifecycle.status import timestamp
from controller.model.errors import Problem
from controller.model.job import Job, Wanted
from controller.model.reasons import JobState, Phase
from controller.model.submission import Answer, Outcome, Submission
from controller.operations.plan.diff import Difference

NAMED_FIELDS = 3
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
    if _returns_to(seen) is not None:
        return Action.RETURN
    return GOING_ON.get(seen.job_state.phase, Action.UNCHANGED)


def describe_action(seen: Foreseen) -> dict[str, Any]:
    """The job's entry in the plan as JSON; keys without a value are left out."""
    action = action_of(seen)
    fields: dict[str, Any] = {
        "name": seen.job.name,
        "path": seen.job.path,
        "action": str(action),
        **(_sending(seen) if action is Action.SUBMIT else _job_state(seen, action)),
        "why": _why(seen, action),
        "processingUnits": _amounts(seen) if action is not Action.SHARE else dict.fromkeys(("expected", "upper"), 0.0),
        "before": _before(seen),
        "digest": seen.job.wanted.digest if seen.job.wanted else None,
        "difference": seen.difference.document() if action not in QUIET else None,
        "superseded": [] if seen.ref else [_running(item) for item in _superseded(seen)],
        "sharedWith": seen.job_state.shared.owner if seen.job_state.shared else None,
        "warnings": _texts(seen.job.wanted.warnings) if seen.job.wanted and action in PRICED else [],
        "problems": _texts(seen.job.problems),
    }
    return {key: value for key, value in fields.items() if value not in (None, "", [], {})}


def rejected_action(name: str | None, path: str, problems: Sequence[Problem]) -> dict[str, Any]:
    """The same for a document that declares no job."""
    fields = {
        "name": name,
        "path": path,
        "action": str(Action.INVALID),
        "why": "the manifest cannot be accepted",
        "problems": _texts(problems),
    }
    return {key: value for key, value in fields.items() if value}


def last_sent(seen: Foreseen) -> Submission | None:
    """The submission to compare the job's desired state with: the latest accepted, else the latest refused."""
    taken = [item for item in seen.known if not item.is_refused] or seen.known
    return max(taken, key=_age, default=None)


def _job_state(seen: Foreseen, action: Action) -> dict[str, str]:
    """Phase and reason, unless they describe a submission that is only assumed from a revision."""
    is_stopped = seen.job_state.phase in (Phase.HELD, Phase.PENDING)
    if seen.ref and not (is_stopped and action in (Action.HOLD, Action.WAIT, Action.UNCHANGED)):
        return {}
    return {"phase": str(seen.job_state.phase), "reason": str(seen.job_state.reason)}


def _sending(seen: Foreseen) -> dict[str, Any]:
    assert seen.planned is not None, "it would be sent"
    return {
        "submission": seen.planned.id,
        "prefix": seen.planned.prefix,
        "generation": seen.planned.generation,
        "due": timestamp(seen.due),
        "historyAssumed": seen.is_history_assumed or None,
    }


def _amounts(seen: Foreseen) -> dict[str, float]:
    """The cost of the job's request in PU: expected, at most, and reserved if it is submitted."""
    estimate = seen.job.wanted.estimate if seen.job.wanted else None
    amounts = {
        "expected": estimate.expected if estimate else None,
        "upper": estimate.upper if estimate else None,
        "reserved": seen.planned.reserved if seen.planned else None,
    }
    return {key: round(amount, 4) for key, amount in amounts.items() if amount is not None}


def _before(seen: Foreseen) -> dict[str, Any]:
    """The last submission: its estimate if still known, its reservation, its actual cost. PU."""
    last = last_sent(seen)
    if last is None:
        return {}
    wanted = seen.was.wanted if seen.was else None
    estimate = wanted.estimate if wanted and wanted.digest == last.digest else None
    amounts = {
        "expected": estimate.expected if estimate else None,
        "upper": estimate.upper if estimate else None,
        "reserved": last.reserved,
        "spent": last.spent,
    }
    fields = {} if seen.ref else {"submission": last.id, "submittedAt": timestamp(last.intended_at)}
    return fields | {key: round(amount, 4) for key, amount in amounts.items() if amount is not None}


def _sharing(seen: Foreseen) -> Action:
    """A job without a run of its own: it takes over that of another name now, or has done so before."""
    was, wanted = seen.was.wanted if seen.was else None, seen.job.wanted
    is_new = was is None or wanted is None or (was.digest, was.rerun) != (wanted.digest, wanted.rerun)
    if is_new or seen.is_run_new:
        return Action.SHARE
    return (
        Action.FOLLOW if seen.job_state.phase is Phase.PENDING else GOING_ON.get(seen.job_state.phase, Action.UNCHANGED)
    )


def _why(seen: Foreseen, action: Action) -> str:
    match action:
        case Action.SUBMIT:
            return _why_submitted(seen)
        case Action.RETURN:
            return _why_returned(seen)
        case Action.INVALID if seen.job.wanted is not None and seen.job_state.phase is not Phase.INVALID:
            stays = f"at {seen.ref}" if seen.ref else f"last accepted ({seen.job_state.phase})"
            return f"the manifest cannot be accepted; the job stays as {stays}"
        case Action.INVALID:
            return "the manifest cannot be accepted"
        case Action.UNCHANGED if seen.ref and seen.job_state.phase in (Phase.HELD, Phase.PENDING):
            return f"held back as at {seen.ref}: {seen.job_state.message}"
        case Action.UNCHANGED if seen.ref:
            return f"the same request as at {seen.ref}"
        case Action.UNCHANGED if seen.job_state.phase is not Phase.SUCCEEDED:
            return f"{seen.job_state.phase}: {seen.job_state.message}"
        case Action.REMOVE:
            runs_on = bool(_superseded(seen)) and not seen.ref
            return f"the manifest is gone; {'what is running is followed to its end' if runs_on else 'results stay'}"
        case Action.SHARE if seen.ref and seen.job_state.shared:
            return f"shares the run of {seen.job_state.shared.owner!r}, which has the same request: nothing is paid"
    return seen.job_state.message


def _why_submitted(seen: Foreseen) -> str:
    notes = [
        _cause(seen),
        "no history is assumed" if seen.is_history_assumed and not seen.ref else "",
        _retries(seen),
    ]
    return "; ".join(note for note in notes if note)


def _cause(seen: Foreseen) -> str:
    """New, changed, a rerun or a further attempt."""
    planned, earlier = seen.planned, seen.submissions
    assert planned is not None, "it would be sent"
    same = [item for item in earlier if item.digest == planned.digest]
    if not same:
        return _first(seen) if not earlier else f"changed{_fields(seen.difference)}"
    attempts = [item for item in same if item.rerun == planned.rerun and item.attempt < planned.attempt]
    if attempts:
        last = max(attempts, key=lambda item: item.attempt)
        state = "failed" if last.outcome is Outcome.FAILED else "got no clear answer"
        return f"attempt {planned.attempt + 1}: attempt {last.attempt + 1} {state}"
    if all(item.rerun < planned.rerun for item in same):
        wanted = seen.job.wanted
        return f"rerun {planned.rerun}" + (f", retried by {wanted.retried_by}" if wanted and wanted.raised else "")
    return "it was refused before and is sent again"


def _first(seen: Foreseen) -> str:
    return "not submitted before" if seen.was and seen.was.wanted else "new"


def _fields(found: Difference) -> str:
    """`: input.bounds.bbox[2], evalscript`: the first few things that changed."""
    paths = [*(["evalscript"] if found.script else []), *(field["path"] for field in found.fields)]
    more = len(paths) + found.more_fields - NAMED_FIELDS
    named = ", ".join(paths[:NAMED_FIELDS]) + (f" and {more} more" if more > 0 else "")
    return f": {named}" if named else ""


def _retries(seen: Foreseen) -> str:
    left = seen.job.wanted.retries - seen.planned.attempt if seen.job.wanted and seen.planned else 0
    return f"up to {left} paid {'retry' if left == 1 else 'retries'} if it fails" if left > 0 else ""


def _is_untouched(seen: Foreseen) -> bool:
    """Whether request and conditions are the same as before: whatever holds the job held it then, too."""
    was, wanted = seen.was.wanted if seen.was else None, seen.job.wanted
    return was is not None and wanted is not None and _conditions(was) == _conditions(wanted)


def _conditions(wanted: Wanted) -> tuple[object, ...]:
    ceiling = (wanted.hold, wanted.max_processing_units, wanted.estimate, [each.code for each in wanted.warnings])
    return (wanted.digest, wanted.rerun, wanted.retries, wanted.delivery_url, wanted.credentials_ref, *ceiling)


def _returns_to(seen: Foreseen) -> Submission | None:
    """The submission that is in force for the job now and was not before."""
    current = in_force(seen.job.wanted, seen.submissions) if seen.job.wanted else None
    former = in_force(seen.was.wanted, seen.known) if seen.was and seen.was.wanted else None
    return current if current and (former is None or former.id != current.id) else None


def _why_returned(seen: Foreseen) -> str:
    current = _returns_to(seen)
    assert current is not None, "it returns"
    was_known = any(item.id == current.id for item in seen.known)
    what = "returns to" if was_known else "found in the bucket:"
    day = f"{current.intended_at:%Y-%m-%d}"
    return f"{what} the submission of {day} ({seen.job_state.phase}); nothing is paid"


def _superseded(seen: Foreseen) -> list[Submission]:
    """Submissions that the job no longer wants but that have not ended."""
    current = in_force(seen.job.wanted, seen.submissions) if seen.job.wanted else None
    return [item for item in seen.submissions if item is not current and item is not seen.planned and _is_open(item)]


def _is_open(item: Submission) -> bool:
    return item.outcome is None and item.answer is not Answer.REFUSED


def _running(item: Submission) -> dict[str, Any]:
    fields = {
        "submission": item.id,
        "requestId": item.request_id,
        "submittedAt": timestamp(item.intended_at),
        "reserved": item.reserved,
        "state": _state(item),
    }
    return {key: value for key, value in fields.items() if value is not None}


def _state(item: Submission) -> str:
    if item.answer is not Answer.ACCEPTED:
        return "unconfirmed"
    return "verifying" if item.gone_at else "running"


def _texts(problems: Sequence[Problem]) -> list[str]:
    return [str(problem) for problem in problems]


def _age(item: Submission) -> tuple[datetime, int]:
    return item.intended_at, item.number
