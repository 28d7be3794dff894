"""The tree at a git revision, taken as already submitted: the ledger that `plan --against` starts from.

The loop itself runs on that tree without a budget, so that exactly what it would have sent counts as submitted, long
ago. What the tree itself held back (`hold`, a missing approval) does not; its sets count as agreed to.
"""

import sys
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from controller.ledger.ledger import Ledger
from controller.limits.set_limits import labels_of
from controller.model.answers import Listing
from controller.model.files import READ, FileRecord
from controller.model.job import Job
from controller.model.reasons import Reason
from controller.model.submission import Outcome, Submission
from controller.operations.plan.simulate import foresee
from controller.reconcile.calls.workers import Call, ListObjects
from controller.reconcile.wiring import Assembly, copied_controller
from controller.settings.settings import Settings
from controller.tree.files import SUFFIXES

LONG_AGO = timedelta(days=366)
"""How long ago those submissions were made: outside the month of the budget and every back-off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Jobs with their bodies, their submissions, the files that declare them, and what was accepted with them."""

    jobs: tuple[tuple[Job, str], ...] = ()
    submissions: tuple[Submission, ...] = ()
    files: tuple[FileRecord, ...] = ()
    accepted: tuple[str, ...] = ()


def boundless(settings: Settings, **changed: object) -> Settings:
    """Settings under which every job that would be submitted is sent at once, not only as many as there are slots."""
    return settings.model_copy(update={"max_running": sys.maxsize, "requests_per_minute": sys.maxsize, **changed})


def unguarded(settings: Settings) -> Settings:
    """Settings under which neither the month's budget nor a large change holds anything."""
    free = {"large_change_processing_units": float(sys.maxsize), "large_change_jobs": sys.maxsize}
    return settings.model_copy(update={"monthly_budget": None, **free})


def nothing_listed(_look: ListObjects) -> Listing:
    """An empty listing, because no bucket is called."""
    return Listing()


EMPTY = Baseline()


def baseline(settings: Settings, root: Path, now: datetime) -> Baseline:
    """What the loop would have submitted from the tree at `root`, empty when there are no manifests."""
    if not any(path.suffix in SUFFIXES for path in root.rglob("*")):
        return EMPTY
    free = boundless(unguarded(settings), jobs=root, state=root / ".none", source="tree")  # all of it is of a commit
    calls, then = deque[Call](), now - LONG_AGO
    with copied_controller(free, lambda _unused: None, calls.append) as past:
        past.loop.agree_to_sets()
        past.loop.start(now)
        sight = foresee(past.loop, past.ledger, calls, nothing_listed, now, 0.0)
        return Baseline(
            jobs=tuple((job, past.ledger.wanted_body(job.name)) for job in past.ledger.jobs.values()),
            submissions=tuple(_ended(past.ledger.current(post), then) for post in sight.posts.values()),
            files=tuple(_files(past)),
            accepted=tuple(label for each in past.tree.sets.values() for label in labels_of(each)),
        )


def take_over(ledger: Ledger, known: Baseline, now: datetime) -> None:
    """Write the baseline into an empty ledger."""
    with ledger.transaction():
        for job, body in known.jobs:
            ledger.put_job(replace(job, history=None, problems=()), body)
        for submission in known.submissions:
            ledger.add(replace(submission, number=0))
        for label in known.accepted:
            ledger.accept(label, now)
        ledger.note_files(known.files, ())


def _ended(submission: Submission, then: datetime) -> Submission:
    return replace(
        submission,
        intended_at=then,
        answered_at=then,
        outcome=Outcome.SUCCEEDED,
        reason=Reason.DELIVERED,
        gone_at=then,
        finished_at=then,
        look_at=None,
    )


def _files(past: Assembly) -> Iterable[FileRecord]:
    """Every file as the ledger would record it; one with problems as never seen, so that it is read again."""
    clean = {record.path: record for record in past.ledger.files() if record.kind in READ}
    unclean = (path for path in past.tree.paths() if path not in clean)
    return [*clean.values(), *(FileRecord(path=path, kind="manifest", size=0) for path in unclean)]
