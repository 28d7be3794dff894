"""Why `plan` foresees an action for a job, in the words of its reader.

Pure, as `actions` is: it names what the loop decided.
"""

from controller.model.reasons import Phase
from controller.model.submission import Outcome
from controller.operations.plan.actions import Action, Foreseen, returns_to, superseded
from controller.operations.plan.diff import Difference

NAMED_FIELDS = 3


def why(seen: Foreseen, action: Action) -> str:
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
            runs_on = bool(superseded(seen)) and not seen.ref
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


def _why_returned(seen: Foreseen) -> str:
    current = returns_to(seen)
    assert current is not None, "it returns"
    was_known = any(item.id == current.id for item in seen.known)
    what = "returns to" if was_known else "found in the bucket:"
    day = f"{current.intended_at:%Y-%m-%d}"
    return f"{what} the submission of {day} ({seen.job_state.phase}); nothing is paid"
