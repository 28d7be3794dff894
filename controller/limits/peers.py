"""Which jobs want one request and which submissions have it: equal requests are paid for once, under one name.

Kept current by the ledger and read by `shared`. Looking up one request touches only the jobs that have it, and a change
names only the others with the same request, however many jobs there are.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from controller.model.job import Job
from controller.model.submission import Submission

Rank = tuple[int, str]
"""The highest `rerun` first, since its run serves the lower ones too; then by name."""


class Peers:
    """Jobs and submissions by the digest of their request."""

    def __init__(self, jobs: Mapping[str, Job], submissions: Iterable[Submission] = ()) -> None:
        self._jobs = jobs
        self._names: dict[str, tuple[str, ...]] = {}
        self._runs: dict[str, tuple[Submission, ...]] = {}
        self._changed: set[str] = set()
        for digest, names in _by_digest(jobs.values()).items():
            self._names[digest] = tuple(sorted(names, key=self._rank) if len(names) > 1 else names)
        for submission in submissions:
            self.keep(submission)
        self._changed.clear()

    def declare(self, job: Job) -> None:
        """A job as it will be in `jobs`, where it still is as it was before."""
        before = self._jobs.get(job.name)
        if before is not None and (before.wanted, before.problems) == (job.wanted, job.problems):
            return
        if before is not None and before.wanted is not None:
            names = self._names[before.wanted.digest]
            at = bisect_left(names, _rank(before), key=self._rank)
            self._names[before.wanted.digest] = names[:at] + names[at + 1 :]
            self._changed.add(before.wanted.digest)
        if job.wanted is not None:
            names = self._names.get(job.wanted.digest, ())
            at = bisect_left(names, _rank(job), key=self._rank)
            self._names[job.wanted.digest] = (*names[:at], job.name, *names[at:])
            self._changed.add(job.wanted.digest)

    def keep(self, submission: Submission) -> None:
        """A submission as it is now; when it is only checked again, nothing follows for others."""
        rows = self._runs.get(submission.digest, ())
        before = next((item for item in rows if item.number == submission.number), None)
        self._runs[submission.digest] = with_row(rows, submission)
        if before is None or not _mean_alike(before, submission):
            self._changed.add(submission.digest)

    def runs(self, digest: str) -> Sequence[Submission]:
        """The submissions of a request, of all jobs, oldest first."""
        return self._runs.get(digest, ())

    def wanting(self, digest: str) -> Iterator[Job]:
        """The declared jobs that want a request, in the order in which they would pay for it."""
        return (self._jobs[name] for name in self._names.get(digest, ()))

    def is_alone(self, name: str, digest: str) -> bool:
        """Whether no other declared job wants this request."""
        return self._names.get(digest, (name,)) == (name,)

    def job(self, name: str) -> Job | None:
        return self._jobs.get(name)

    def alike(self, names: Iterable[str]) -> set[str]:
        """The names that want what one of these wants."""
        digests = {wanted.digest for name in names if (job := self._jobs.get(name)) and (wanted := job.wanted)}
        return {name for digest in digests for name in self._names.get(digest, ())}

    def take_changed(self) -> set[str]:
        """The names that want a request of which something changed since the last call."""
        changed, self._changed = self._changed, set()
        return {name for digest in changed for name in self._names.get(digest, ())}

    def _rank(self, name: str) -> Rank:
        return _rank(self._jobs[name])


def with_row(rows: tuple[Submission, ...], submission: Submission) -> tuple[Submission, ...]:
    """These rows with this one as it is now; a new one comes last."""
    if any(item.number == submission.number for item in rows):
        return tuple(submission if item.number == submission.number else item for item in rows)
    return (*rows, submission)


def _by_digest(jobs: Iterable[Job]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for job in jobs:
        if job.wanted is not None:
            found.setdefault(job.wanted.digest, []).append(job.name)
    return found


def _rank(job: Job) -> Rank:
    assert job.wanted is not None, "a removed job wants nothing"
    return -job.wanted.rerun, job.name


def _mean_alike(before: Submission, now: Submission) -> bool:
    """Whether others see the same of it: not when it is checked next, but whether it is."""
    looked_at = replace(before, look_at=now.look_at, missing_at=now.missing_at, evidence=now.evidence)
    return (before.look_at is None) == (now.look_at is None) and looked_at == now
