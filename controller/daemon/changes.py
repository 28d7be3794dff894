"""What the daemon logs about jobs and manifests: one line for a change, as loud as what it asks for.

ERROR: nothing more happens until it is mended. WARNING: it costs, or may cost, or waits for an operator.
"""

import logging
from collections.abc import Mapping, Sequence
from itertools import islice

from controller.lifecycle.grouping import name_list
from controller.model.reasons import Phase, Reason
from controller.reconcile.rejections import Rejected
from controller.reconcile.reports.changes import StatusChange

log = logging.getLogger(__name__)

MOST_REJECTIONS = 10
"""Lines for one scan: what breaks a thousand manifests at once is one mistake."""

_LEVELS: Mapping[Phase | Reason, int] = {
    Phase.INVALID: logging.ERROR,
    Phase.FAILED: logging.ERROR,
    Phase.UNKNOWN: logging.ERROR,
    Phase.UNCONFIRMED: logging.WARNING,
    Phase.HELD: logging.WARNING,
    Reason.ACCOUNT_REFUSED: logging.ERROR,
    Reason.BREAKER_OPEN: logging.WARNING,
    Reason.CLOCK_DOUBTFUL: logging.WARNING,
    Reason.OVERDUE: logging.WARNING,
    Reason.RETRY_SCHEDULED: logging.WARNING,
    Reason.ON_HOLD: logging.INFO,
    Reason.PAUSED: logging.INFO,
}
"""By reason, else by phase; everything else is INFO."""


def level_of(reason: Reason) -> int:
    """How loud a state is."""
    return _LEVELS.get(reason, _LEVELS.get(reason.phase, logging.INFO))


def log_change(change: StatusChange) -> None:
    """Log a job's new state, or that of many jobs alike; a rejection is logged where it is found."""
    reason = change.job_state.reason
    if not change.changed or change.is_said or reason is Reason.REJECTED:
        return
    names = change.alike
    context: dict[str, object] = {"jobs": name_list(names)} if names else {"job": change.job.name}
    context |= {"phase": reason.phase, "reason": reason}
    if change.submission and change.submission.request_id and not names:
        context["requestId"] = change.submission.request_id
    fields = {"count": len(names)} if names else _fields(change)
    log.log(level_of(reason), "%s", change.job_state.message, extra={"context": context, "fields": fields})


def log_rejections(rejections: Sequence[Rejected]) -> None:
    """Log what a scan found to have no effect, or to be accepted again."""
    for item in islice(rejections, MOST_REJECTIONS):
        first = item.problems[0] if item.problems else None
        context = {"job": item.job} if item.job else {}
        fields: dict[str, object] = {"path": item.path, "reason": "Rejected" if first else "Accepted"}
        if first:
            fields |= {"kind": str(item.kind), "code": first.code, "line": first.line}
        level = logging.ERROR if first else logging.INFO
        log.log(level, "%s", item.message, extra={"context": context, "fields": fields})
    if (left := len(rejections) - MOST_REJECTIONS) > 0:
        bad = sum(bool(item.problems) for item in rejections[MOST_REJECTIONS:])
        level = logging.ERROR if bad else logging.INFO
        log.log(level, "and %s more, of which %s are not accepted: `shjobs check` names them all", left, bad)


def _fields(change: StatusChange) -> dict[str, object]:
    """What a machine wants to know of one job besides its state: the attempt, what it costs, and the commit."""
    submission, wanted = change.submission, change.job.wanted
    if submission is None:
        estimate = wanted.estimate if wanted else None
        found = {
            "processingUnits": estimate.upper if estimate else None,
            "revision": wanted.revision if wanted else None,
        }
    else:
        found = {
            "submission": submission.id,
            "processingUnits": submission.reserved if submission.spent is None else submission.spent,
            "revision": submission.revision,
        }
    return {key: value for key, value in found.items() if value not in (None, "")}
