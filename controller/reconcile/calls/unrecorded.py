"""Outcomes that no ledger holds: none of their request ids is lost, since each one is logged and kept for later.

`runner` and `workers` add them; the daemon passes them to the next ledger that can be written, which finds their rows
by submission and intent.
"""

import logging
import queue
from collections.abc import Iterable

from controller.model.answers import Accepted, Refused
from controller.model.submission import Submission
from controller.reconcile.calls.workers import CallOutcome, Posted

log = logging.getLogger(__name__)

RECORD_MANUALLY = (
    "if `shjobs describe {job}` does not show it later, run `shjobs resolve {job} --request-id {id}`, "
    "or on a new ledger `shjobs adopt {job} {id}`"
)


class Unrecorded:
    """Outcomes of POSTs, from any thread, until they are taken. Other calls are repeated instead."""

    def __init__(self) -> None:
        self._kept: queue.SimpleQueue[Posted] = queue.SimpleQueue()
        self._reported: set[Posted] = set()

    def add(self, outcome: CallOutcome, why: str = "its answer came too late") -> None:
        """Log what would be lost, and keep it."""
        if isinstance(outcome, Posted):
            if outcome not in self._reported:
                log_unrecorded(outcome, why)
            self._reported.add(outcome)
            self._kept.put(outcome)

    def take_all(self) -> list[CallOutcome]:
        """Everything that was kept, oldest first; the caller is responsible for it from now on."""
        found: list[CallOutcome] = []
        try:
            while True:
                found.append(self._kept.get_nowait())
        except queue.Empty:
            return found


def report_unsettled(submissions: Iterable[Submission]) -> None:
    """One line for each request whose outcome only a lost ledger would have shown."""
    for item in submissions:
        if item.request_id and item.outcome is None:
            _warn(item, item.request_id, "the ledger that had it is gone")


def log_unrecorded(outcome: Posted, why: str) -> None:
    """One line for a POST that was, or may have been, accepted, and that the ledger does not show as such."""
    sent = outcome.call.submission
    fields = {"job": sent.job, "prefix": sent.prefix}
    match outcome.answer:
        case Accepted(request_id=id):
            _warn(sent, id, why)
        case Refused():
            pass  # nothing was submitted
        case answer:
            words = f"job {sent.job}: a request for {sent.prefix} may have been accepted, but {why}: {answer.message}"
            log.warning("%s", words, extra={"fields": fields})


def _warn(sent: Submission, id: str, why: str) -> None:
    command = RECORD_MANUALLY.format(job=sent.job, id=id)
    words = f"job {sent.job}: request {id} was accepted for {sent.prefix}, but {why}; {command}"
    log.warning("%s", words, extra={"fields": {"job": sent.job, "prefix": sent.prefix, "requestId": id}})
