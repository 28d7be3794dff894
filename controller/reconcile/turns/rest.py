"""Whether nothing more will happen soon, which ends `sync`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from controller.ledger.ledger import Ledger
from controller.lifecycle.next_step import PASSING, is_at_rest
from controller.lifecycle.shared import shared_run
from controller.limits.gate import Limits
from controller.limits.selection import is_selected
from controller.model.reasons import Reason
from controller.model.step import Wait
from controller.model.submission import Submission
from controller.reconcile.queue import QUEUING, JobQueue

IMMINENT = PASSING | {Reason.QUEUED, Reason.SHARED_RUN}


def are_at_rest(queue: JobQueue, ledger: Ledger, limits: Limits, now: datetime) -> bool:
    """Whether every job may be left as it is. A queued job waits for the gate as it is now.

    Only what may be the reason not to is looked at: runs whose outcome is awaited, and waits that may end soon.
    """
    if limits.doubt:
        return True  # nothing is submitted and nothing is given up: it would not end
    if limits.settling and limits.settling.until:
        return False
    if any(_counts(name, ledger, limits) for name in ledger.followed.open_jobs()):
        return False
    return all(
        is_at_rest(
            replace(wait, until=wait.until or limits.opens_at) if wait.reason in QUEUING else wait,
            _runs(name, wait, ledger, limits),
            now,
            limits.timing,
        )
        for name, wait in queue.waits(IMMINENT)
        if _counts(name, ledger, limits)
    )


def _counts(name: str, ledger: Ledger, limits: Limits) -> bool:
    """Whether it is one of the jobs that are to be submitted; what was removed is followed to its end."""
    job = ledger.jobs.get(name)
    return job is not None and (job.wanted is None or is_selected(job.wanted.labels, limits.selector))


def _runs(name: str, wait: Wait, ledger: Ledger, limits: Limits) -> Sequence[Submission]:
    """The submissions of a job, with the run of another name that it waits for, if there is one."""
    own = ledger.of(name)
    shared = shared_run(ledger.jobs[name], own, limits) if wait.reason is Reason.SHARED_RUN else None
    return [*own, shared.run] if shared and shared.run else own
