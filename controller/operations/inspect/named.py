"""The status documents of single jobs and sets, from the rows of these alone: a hundred thousand others cost nothing.

A job is in the file that its row names, a set in that of its cells. A document that is not accepted has no row of its
own; the ledger has a note of each.
"""

from collections.abc import Container, Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from controller.ledger.lock import is_held
from controller.ledger.pause import is_paused
from controller.ledger.reads.reader import Reader
from controller.lifecycle.conditions import is_of_set
from controller.model.errors import StateError
from controller.model.job import Job
from controller.model.job_set import set_reference
from controller.model.reasons import Reason
from controller.operations.inspect.as_recorded import MANIFESTS, Recorded
from controller.operations.inspect.job_states import SET, Document, is_current
from controller.settings.settings import Settings

_STAYS = frozenset(
    {
        *(Reason.ERROR_REPORTED, Reason.REFUSED, Reason.NOTHING_DELIVERED, Reason.PARTLY_DELIVERED),
        *(Reason.BUCKET_UNREADABLE, Reason.NEEDS_PERSON, Reason.LARGE_CHANGE, Reason.TRIAL, Reason.WINDOW_LIMIT),
        *(Reason.ON_HOLD, Reason.WARNED, Reason.COST_UNKNOWN, Reason.APPROVAL_NEEDED),
    }
)
"""Where a cell stays until a manifest changes or an operator says something."""


def states_named(settings: Settings, names: Sequence[str], now: datetime) -> list[Document] | None:
    """The status documents that have one of these names, as last reported, by path.

    None when the ledger does not say it of each of them, or their files are no longer those that it recorded.
    """
    store = Reader.of(settings.state)
    if store is None:
        return None
    with store, suppress(StateError):
        jobs = {name: job for name in names if (job := store.job(name)) and job.wanted}
        found = [*_reported(store, names, jobs)]
        cells = [_cell(store, settings, job, now) for job in jobs.values() if _set_of(job)]
        every = [*found, *filter(None, cells)]
        known = {each for document in every for each in names_of(document, jobs)}
        if known.issuperset(names) and _is_up_to_date(settings, store, found):
            return every
    return None


def names_of(document: Document, jobs: Container[str]) -> Iterator[str]:
    """The names by which a document may be asked for: a set, and with it its cells, gives way to a job of that name."""
    name = str(document.get("name"))
    set_name = name if is_of_set(document) else str(document.get("set", ""))
    if not is_of_set(document):
        yield name
    if set_name:
        yield set_reference(set_name)
        yield from [set_name] if set_name not in jobs else []


def set_reported(settings: Settings, name: str, now: datetime) -> Document | None:
    """The status of the set that is meant, as last reported; None when the next turn may see it otherwise.

    That is so when its cells wait for what may end at any moment, such as a slot, or more of them become due.
    """
    store = Reader.of(settings.state)
    if store is None or is_paused(settings.state):
        return None
    with store, suppress(StateError):
        is_job = not name.startswith(SET) and store.is_job(name)
        found = [] if is_job or store.has_commands() else [*filter(is_of_set, _reported(store, [name], {}))]
        if len(found) == 1 and _STAYS.issuperset(found[0].get("reasons", {})) and not _grows(found[0], now):
            paths = [each["path"] for each in found]
            if Recorded(settings, store).has_same(paths, MANIFESTS) and is_current(settings, store):
                return found[0]
    return None


def _grows(document: Document, now: datetime) -> bool:
    """Whether more of its cells are due than when it was reported."""
    following = document.get("next")
    return following is not None and datetime.fromisoformat(following["at"]) <= now


def _reported(store: Reader, names: Sequence[str], jobs: dict[str, Job]) -> Iterator[Document]:
    """What was reported with one of these names, in the files that may have it."""
    sets = {name.removeprefix(SET) for name in names if name not in jobs}
    cells = [job for each in sorted(sets) for job in store.cells_of(each, most=1)]
    paths = {job.path for job in (*jobs.values(), *cells)} | {
        *store.rejected_paths([*names, *map(set_reference, sets)])
    }
    documents: list[Document] = [{**each, "path": path} for path in sorted(paths) for each in store.statuses_of(path)]
    taken = {*jobs, *(str(each.get("name")) for each in documents if not is_of_set(each))}
    return (each for each in documents if not {*names_of(each, taken)}.isdisjoint(names))


def _is_up_to_date(settings: Settings, store: Reader, found: Sequence[Document]) -> bool:
    """Whether the files of these are as recorded; a process that works on them sees to it itself."""
    return is_held(settings.state) or Recorded(settings, store).has_same(each["path"] for each in found)


def _set_of(job: Job) -> str:
    return job.wanted.cell.set_name if job.wanted and job.wanted.cell else ""


def _cell(store: Reader, settings: Settings, job: Job, now: datetime) -> Document | None:
    """The status document of a cell, which only that of its set is recorded of; None: its own rows do not say it."""
    from controller.lifecycle.status import document
    from controller.operations.inspect.single.alone import case_alone

    case = case_alone(store, settings, job.name, now)
    if case is None:
        return None
    status = document(job, case.submissions, case.job_state, settings.deployment.name)
    return {**status, "path": job.path, "set": _set_of(job)}
