"""What the status file of a manifest says: a status for each of its documents.

`Reporter` asks for the files that a turn touched, `plan` and `rejections` for what a document declares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from controller.ledger.ledger import Ledger
from controller.lifecycle.phase import phase
from controller.lifecycle.status import document, rejected_status
from controller.limits.gate import Limits
from controller.model.job import Job
from controller.model.job_set import set_reference
from controller.model.reasons import JobState
from controller.reconcile.sets.set_documents import cells_with_states, set_status
from controller.reconcile.sets.set_tally import SetTally, tally_of
from controller.tree.declared.ownership import Declared
from controller.tree.tree import Tree


def status_documents(
    path: str, tree: Tree, ledger: Ledger, limits: Limits, now: datetime, deployment: str,
    tally: SetTally | None = None, states: Mapping[str, JobState] = {},
) -> list[dict[str, object]]:  # fmt: skip
    """One status for each document of a file; jobs held by a file that is broken now come with its problems.

    Without a `tally` the cells of sets are added up as they are now. `states` are those that are known already, by job.
    """
    return [
        set_status(
            item, tree, tally or tally_of(cells_with_states(item.set_name, tree, ledger, limits, now)), deployment
        )
        if isinstance(item, Declared) and item.is_set
        else rejected_status(item.name, item.problems)
        if isinstance(item, Declared)
        else document(item, rows, states.get(item.name) or phase(item, rows, limits, now), deployment)
        for item in jobs_of(path, tree, ledger)
        for rows in [ledger.of(item.name or "")]
    ]


def jobs_of(path: str, tree: Tree, ledger: Ledger) -> list[Job | Declared]:
    """What each document of a file declares: a job, a set, or itself while there is none."""
    declared = tree.documents(path)
    is_unknown = any(item.is_unnamed and not item.is_set for item in declared)
    held = iter(_held_by(path, declared, ledger) if is_unknown else ())
    found: list[Job | Declared] = []
    for item in declared:
        job = ledger.jobs.get(item.name or "")
        if job and job.wanted and job.path == path and (job.index == item.index or job.problems):
            found.append(job)
        elif item.is_unnamed and not item.is_set and (left := list(held)):
            found += [each if isinstance(each, Job) else replace(item, set_name=each) for each in left]
        else:
            found.append(item)
    return found


def _held_by(path: str, declared: Sequence[Declared], ledger: Ledger) -> list[Job | str]:
    """The jobs, and the names of the sets, last accepted from a file that now has an unnamed document.

    Those that a document names are left out.
    """
    named = {item.name or set_reference(item.set_name) for item in declared if item.name or item.set_name}
    found: dict[str, tuple[int, Job | str]] = {}
    for job in ledger.jobs.values():
        if job.path == path and job.wanted:
            cell = job.wanted.cell
            found[set_reference(cell.set_name) if cell else job.name] = job.index, cell.set_name if cell else job
    return [each for name, (_, each) in sorted(found.items(), key=lambda item: item[1][0]) if name not in named]
