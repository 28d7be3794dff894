"""The entry of one job in the plan, as JSON: its action, why, and what it costs now and cost before."""

from collections.abc import Sequence
from typing import Any

from controller.lifecycle.status import timestamp
from controller.model.errors import Problem
from controller.model.reasons import Phase
from controller.model.submission import Answer, Submission
from controller.operations.plan.actions import PRICED, QUIET, Action, Foreseen, action_of, last_sent, superseded
from controller.operations.plan.why import why


def describe_action(seen: Foreseen) -> dict[str, Any]:
    """The job's entry in the plan as JSON; keys without a value are left out."""
    action = action_of(seen)
    fields: dict[str, Any] = {
        "name": seen.job.name,
        "path": seen.job.path,
        "action": str(action),
        **(_sending(seen) if action is Action.SUBMIT else _job_state(seen, action)),
        "why": why(seen, action),
        "processingUnits": _amounts(seen) if action is not Action.SHARE else dict.fromkeys(("expected", "upper"), 0.0),
        "before": _before(seen),
        "digest": seen.job.wanted.digest if seen.job.wanted else None,
        "difference": seen.difference.document() if action not in QUIET else None,
        "superseded": [] if seen.ref else [_running(item) for item in superseded(seen)],
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
