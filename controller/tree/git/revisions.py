"""The commit at which each request of a job was first seen.

The tree keeps one of these, and asks it about every job that changed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from controller.model.job import DIRTY, Job
from controller.tree.change import Body
from controller.tree.declared.ownership import is_other_request

if TYPE_CHECKING:
    from controller.tree.git.info import Checkout

LookAtGit = Callable[[], "Checkout | None"]


class Revisions:
    """`checkout` looks at git."""

    def __init__(self, checkout: LookAtGit) -> None:
        self._checkout = checkout
        self._dirty: set[str] = set()
        self._recorded: set[str] = set()  # what was dirty when this process started: perhaps for want of an answer
        self.are_known = True
        """Whether git could say, for all that was dated last, what the commit holds."""

    def remember(self, jobs: Iterable[Job]) -> None:
        """Start from the ledger."""
        self._recorded = {job.name for job in jobs if job.wanted and job.wanted.revision.endswith(DIRTY)}

    def dated(
        self, changed: dict[str, tuple[Job, Body | None]], jobs: Mapping[str, Job], *, is_quiet: bool
    ) -> tuple[tuple[Job, Body | None], ...]:
        """What `changed`, each new digest or raised `rerun` with its commit; `jobs` are those of the ledger.

        Git moves HEAD after the files: what was marked dirty during a checkout is checked again once the files are
        quiet, and what git could not compare once it can.
        """
        new = {name for name, (job, _) in changed.items() if _is_new(job, jobs.get(name))}
        names = self._dirty | new
        checkout = self._checkout() if names or self._recorded else None
        self.are_known = checkout is None or checkout.held is not None
        self._dirty = set() if self.are_known else names
        if checkout and self.are_known:
            names, self._recorded = names | self._recorded_at(checkout.commit, jobs), set()
        for name in sorted(names if self.are_known else new) if checkout else ():
            job, body = changed.get(name) or (jobs[name], None)
            dated = _at(checkout, job)
            if dated != job:
                changed[name] = (dated, body)
            if not is_quiet and dated.wanted and dated.wanted.revision.endswith(DIRTY):
                self._dirty.add(name)
        return tuple(changed.values())

    def _recorded_at(self, commit: str, jobs: Mapping[str, Job]) -> set[str]:
        """What was dirty at the start, and at this very commit."""
        wanted = ((name, jobs[name].wanted) for name in self._recorded if name in jobs)
        return {name for name, each in wanted if each and each.revision == f"{commit}{DIRTY}"}


def _is_new(job: Job, before: Job | None) -> bool:
    """Whether the job wants another request than before, or the same one again."""
    return job.wanted is not None and is_other_request(before.wanted if before else None, job.wanted)


def _at(checkout: "Checkout | None", job: Job) -> Job:
    if job.wanted is None or checkout is None:
        return job
    revision = checkout.revision_of(job.path, job.wanted.script)
    return replace(job, wanted=replace(job.wanted, revision=revision))
