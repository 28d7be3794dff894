"""Outcomes that no ledger holds: none of their request ids is lost, since each one is logged and kept for later.

`turning` and `workers` add them; the daemon gives them to the next ledger that can be written, which finds their rows
again by submission and intent.
"""

import logging
import queue

from controller.answers import Accepted, Refused
from controller.workers import CallOutcome, Posted

log = logging.getLogger(__name__)

BY_HAND = "if `shjobs get` does not come to show it, name it: `shjobs resolve {job} --request-id {id}`"
BY_HAND_ON_A_NEW_LEDGER = "or, where there is no such submission, `shjobs adopt {job} {id}`"


class Unrecorded:
    """Outcomes of POSTs, from any thread, until somebody takes them. What other calls answered is asked for again."""

    def __init__(self) -> None:
        self._kept: queue.SimpleQueue[Posted] = queue.SimpleQueue()

    def add(self, outcome: CallOutcome, why: str) -> None:
        """Log what would be lost, and keep it."""
        if isinstance(outcome, Posted):
            report(outcome, why)
            self._kept.put(outcome)

    def taken(self) -> list[CallOutcome]:
        """Everything that was kept, oldest first; it is whoever takes it who keeps it now."""
        found: list[CallOutcome] = []
        try:
            while True:
                found.append(self._kept.get_nowait())
        except queue.Empty:
            return found


def report(outcome: Posted, why: str) -> None:
    """One line for a POST that was, or may have been, accepted, and that the ledger does not show as such."""
    sent = outcome.call.submission
    told = {"job": sent.job, "prefix": sent.prefix}
    match outcome.answer:
        case Accepted(request_id=id):
            by_hand = f"{BY_HAND}, {BY_HAND_ON_A_NEW_LEDGER}".format(job=sent.job, id=id)
            words = f"job {sent.job}: request {id} was accepted for {sent.prefix}, but {why}; {by_hand}"
            log.warning("%s", words, extra={"fields": {**told, "requestId": id}})
        case Refused():
            pass  # nothing was paid for
        case answer:
            words = f"job {sent.job}: a request for {sent.prefix} may have been accepted, but {why}: {answer.message}"
            log.warning("%s", words, extra={"fields": told})
