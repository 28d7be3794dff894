"""The cells of sets as jobs, and what a name of the command line means: a job, or a set. On a copy of the ledger.

A set has one status document, and that alone is recorded; the documents of its cells are made when they are asked for.
"""

from collections.abc import Container, Iterator
from datetime import datetime
from typing import Any

from controller.lifecycle.conditions import is_of_set
from controller.lifecycle.phase import phase
from controller.lifecycle.status import document
from controller.model.job import Job
from controller.operations.inspect.job_states import SET
from controller.reconcile.wiring import Assembly

Document = dict[str, Any]


def set_of(name: str, jobs: Container[str], sets: Container[str]) -> str:
    """The set that is meant: `set/NAME`, or NAME where no job has it; "" when a job is."""
    if name.startswith(SET):
        return name.removeprefix(SET)
    return name if name not in jobs and name in sets else ""


def set_name_of(job: Job) -> str:
    """The set of a job that is declared now; "" when it has none."""
    return job.wanted.cell.set_name if job.wanted and job.wanted.cell else ""


def set_names(assembly: Assembly) -> set[str]:
    """Every set that has cells, also one whose manifest cannot be read now."""
    return {*assembly.tree.sets, *map(set_name_of, assembly.ledger.jobs.values())} - {""}


def set_documents(assembly: Assembly, now: datetime) -> dict[str, Document]:
    """The status document of every set with its path, by name; of two with one name that of the one with cells."""
    found: list[Document] = [
        {**each, "path": path} for path, each in assembly.documents_by_path(now) if is_of_set(each)
    ]
    return {str(each["name"]): each for each in sorted(found, key=lambda each: bool(each["cells"]["due"]))}


def documents_with_cells(assembly: Assembly, now: datetime) -> list[Document]:
    """The status documents of every file, each with its path: of a set with cells those of its cells, with its name."""
    return list(_with_cells(assembly, now))


def _with_cells(assembly: Assembly, now: datetime) -> Iterator[Document]:
    for path, each in assembly.documents_by_path(now):
        set_name = str(each.get("name")) if is_of_set(each) else ""
        cells = assembly.cell_documents(set_name, now) if set_name else []
        yield from ({**cell, "path": path, "set": set_name} for cell in cells)
        if not cells:
            yield {**each, "path": path}


def cell_document(assembly: Assembly, name: str, now: datetime) -> Document | None:
    """The status document of one cell; None when no set declares it now."""
    job = assembly.ledger.jobs.get(name)
    if job is None or not set_name_of(job):
        return None
    submissions = assembly.ledger.of(name)
    state = phase(job, submissions, assembly.loop.limits(), now)
    return {**document(job, submissions, state, assembly.deployment), "path": job.path, "set": set_name_of(job)}
