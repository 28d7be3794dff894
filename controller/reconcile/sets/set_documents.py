"""The status documents of a set and of its cells, from the ledger as it is now."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from controller.ledger.ledger import Ledger
from controller.lifecycle.phase import phase
from controller.lifecycle.set_status import CellCounts, set_document
from controller.lifecycle.status import document
from controller.limits.gate import Limits
from controller.model.job import Job
from controller.model.reasons import JobState
from controller.model.submission import Submission
from controller.reconcile.sets.set_tally import SetTally
from controller.tree.declared.ownership import Declared
from controller.tree.tree import Tree


def set_status(item: Declared, tree: Tree, tally: SetTally, deployment: str) -> dict[str, object]:
    """The status of a set; one whose name another document of the file has before it has no cells."""
    job_set = tree.sets.get(item.set_name)
    if job_set and (job_set.path, job_set.index) != item.place:
        return set_document(item.set_name, CellCounts(), None, item.problems, deployment)
    return set_document(item.set_name, tally.counts(item.path, item.set_name), job_set, item.problems, deployment)


def cell_documents(
    set_name: str, tree: Tree, ledger: Ledger, limits: Limits, now: datetime, deployment: str
) -> list[dict[str, object]]:  # fmt: skip
    """The status of each cell of a set, as of a job."""
    return [
        document(job, submissions, job_state, deployment)
        for job, submissions, job_state in cells_with_states(set_name, tree, ledger, limits, now)
    ]


def cells_with_states(
    set_name: str, tree: Tree, ledger: Ledger, limits: Limits, now: datetime
) -> Iterator[tuple[Job, Sequence[Submission], JobState]]:  # fmt: skip
    """The cells of a set, each with its submissions and its state."""
    for job in cells_of(set_name, tree, ledger):
        submissions = ledger.of(job.name)
        yield job, submissions, phase(job, submissions, limits, now)


def cells_of(name: str, tree: Tree, ledger: Ledger) -> list[Job]:
    """The jobs of a set, in the order of its axes; by name while its manifest cannot be read."""
    job_set = tree.sets.get(name)
    names = job_set.cells if job_set else sorted(ledger.jobs)
    found = (ledger.jobs[each] for each in names if each in ledger.jobs)
    return [job for job in found if job.wanted and job.wanted.cell and job.wanted.cell.set_name == name]
