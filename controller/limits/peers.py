"""Which jobs want one request and which submissions have it: equal requests are paid for once, under one name.

Kept current by the ledger and read by `shared`. Looking up one request touches only the jobs that have it, and a change
names only the others with the same request, however many jobs there are.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from controller.model.job import Job
from controller.model.submission import Submission

Rank = tuple[int, str]
"""The highest `rerun` first, since its run serves the lower ones too; then by name."""


class Peers:
    """Jobs and submissions by the digest of their request."""

    def __init__(self, jobs: Iterable[Job] = (), submissions: Iterable[Submission] = ()) -> None:
        self._jobs: dict[str, Job] = {}
        self._ranks: dict[str, list[Rank]] = {}
        self._runs: dict[str, dict[int, Submission]] = {}
        self._changed: set[str] = set()
        for job in jobs:
            self.declare(job)
        for submission in submissions:
            self.keep(submission)
        self._changed.clear()

    def declare(self, job: Job) -> None:
        """A job as it is now."""
        before = self._jobs.get(job.name)
        self._jobs[job.name] = job
        if before is not None and (before.wanted, before.problems) == (job.wanted, job.problems):
            return
        if before is not None and before.wanted is not None:
            ranks = self._ranks[before.wanted.digest]
            del ranks[bisect_left(ranks, _rank(before))]
            self._changed.add(before.wanted.digest)
        if job.wanted is not None:
            insort(self._ranks.setdefault(job.wanted.digest, []), _rank(job))
            self._changed.add(job.wanted.digest)

    def keep(self, submission: Submission) -> None:
        """A submission as it is now; when it is only checked again, nothing follows for others."""
        rows = self._runs.setdefault(submission.digest, {})
        before = rows.get(submission.number)
        rows[submission.number] = submission
        if before is None or _meaning(before) != _meaning(submission):
            self._changed.add(submission.digest)

    def runs(self, digest: str) -> Sequence[Submission]:
        """The submissions of a request, of all jobs, oldest first."""
        return list(self._runs.get(digest, {}).values())

    def wanting(self, digest: str) -> Iterator[Job]:
        """The declared jobs that want a request, in the order in which they would pay for it."""
        return (self._jobs[name] for _, name in self._ranks.get(digest, ()))

    def job(self, name: str) -> Job | None:
        return self._jobs.get(name)

    def alike(self, names: Iterable[str]) -> set[str]:
        """The names that want what one of these wants."""
        digests = {wanted.digest for name in names if (job := self._jobs.get(name)) and (wanted := job.wanted)}
        return {name for digest in digests for _, name in self._ranks.get(digest, ())}

    def take_changed(self) -> set[str]:
        """The names that want a request of which something changed since the last call."""
        changed, self._changed = self._changed, set()
        return {name for digest in changed for _, name in self._ranks.get(digest, ())}


def _rank(job: Job) -> Rank:
    assert job.wanted is not None, "a removed job wants nothing"
    return -job.wanted.rerun, job.name


def _meaning(submission: Submission) -> tuple[Submission, bool]:
    """What others see of it: not when it is checked next, but whether it is."""
    return replace(submission, look_at=None, missing_at=None, evidence=None), submission.look_at is None
