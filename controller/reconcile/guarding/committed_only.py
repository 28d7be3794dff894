"""Which jobs ask for what no commit holds: with `source = "committed"` these are held, whatever was accepted of them.

The loop calls it after each scan: first it compares, outside of any transaction, then it says which jobs are concerned.
The hold is not stored, but follows from the files and git: it ends by itself when the commit does, and a restart
compares everything again before anything is paid for.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace

from controller.ledger.ledger import Ledger
from controller.lifecycle.attempts import in_force
from controller.manifest.approval import Approval
from controller.model.job import DIRTY, Job
from controller.tree.change import Change
from controller.tree.git.committed import Committed
from controller.tree.tree import Tree


class CommittedOnly:
    """`committed` None: the files count as they are."""

    def __init__(self, tree: Tree, ledger: Ledger, committed: Committed | None) -> None:
        self._tree = tree
        self._ledger = ledger
        self._committed = committed
        self._differing: Set[str] | None = frozenset()
        """The files of which something else is said than before; None: all."""

    def flaw(self, name: str) -> str:
        """Why the files of this job do not count, as a sentence; "" when they do."""
        job = self._ledger.jobs.get(name)
        if self._committed is None or job is None:
            return ""
        return self._committed.flaw(self._files_of(job))

    def compare(self, change: Change | None) -> None:
        """Compare what a scan found with the commit, which may take as long as the scan; nothing is stored."""
        if self._committed is None or change is None or not change.ready:
            return
        read = {record.path for record in (*change.clean, *change.unclean)} | {*change.gone}
        found = self._committed.look(change.commit, self._tree.files, read)
        self._differing = None if found is None or self._differing is None else self._differing | found

    def take_changed(self) -> Set[str]:
        """The jobs of which something else is said than at the last call."""
        differing, self._differing = self._differing, frozenset()
        if self._committed is None:
            return frozenset()
        names = {job.name for job in _declared(self._ledger.jobs, differing) if self._is_one_of(job, differing)}
        for name in names:
            self._date(self._ledger.jobs[name])
        return names | self._ledger.peers.alike(names)

    def _date(self, job: Job) -> None:
        """What is still to be paid for is of the first commit that holds it, not of the one that was edited."""
        wanted = job.wanted
        if wanted is None or self._committed is None or (wanted.revision and not wanted.revision.endswith(DIRTY)):
            return
        if not self.flaw(job.name) and in_force(wanted, self._ledger.of(job.name)) is None:
            self._ledger.put_job(replace(job, wanted=replace(wanted, revision=self._committed.commit)))

    def counting(self, approvals: Mapping[str, Approval]) -> Mapping[str, Approval]:
        """Those of these approvals whose file is still in the commit that is checked out, by hash."""
        if self._committed is None:
            return approvals
        return {label: each for label, each in approvals.items() if not self._committed.flaw([each.path])}

    def _is_one_of(self, job: Job, paths: Set[str] | None) -> bool:
        return paths is None or not paths.isdisjoint(self._files_of(job))

    def _files_of(self, job: Job) -> tuple[str, ...]:
        """The manifest with the script it names; of a cell, all that the files of its set name, areas included."""
        wanted = job.wanted
        if wanted is not None and wanted.cell is not None:
            return (job.path, *self._tree.uses(job.path))
        return (job.path, wanted.script) if wanted is not None and wanted.script else (job.path,)


def _declared(jobs: Mapping[str, Job], differing: Set[str] | None) -> Iterator[Job]:
    """Those that a file declares; none when there is nothing to say of any file."""
    return (job for job in jobs.values() if job.wanted is not None) if differing is None or differing else iter(())
