"""Which commits have news, for the status of commits: those of the jobs whose state changed, and those that are new.

A job may come to another commit without a change of state: a revert asks for what was delivered before.
"""

from collections.abc import Iterable
from datetime import datetime

from controller.ledger.commits.touched import CommitRows
from controller.model.job import Job


class Touched:
    """Finds the commits with news, and records them; without `rows` there are none."""

    def __init__(self, rows: CommitRows | None = None, jobs: Iterable[Job] = ()) -> None:
        """`jobs` are those of the ledger when the process began: their commits are no news."""
        self._rows = rows
        self._known = _revisions(jobs) if rows else set()

    def revisions(self, examined: Iterable[Job], changed: Iterable[Job]) -> set[str]:
        """The revisions of the `changed` jobs, and those of the `examined` ones that no job had before."""
        if self._rows is None:
            return set()
        unknown = _revisions(examined) - self._known
        self._known |= unknown
        return unknown | _revisions(changed)

    def record(self, revisions: Iterable[str], now: datetime) -> None:
        """Record that they have news, within the transaction of a report."""
        if self._rows is not None:
            self._rows.touch(revisions, now)


def _revisions(jobs: Iterable[Job]) -> set[str]:
    return {job.wanted.revision for job in jobs if job.wanted}
