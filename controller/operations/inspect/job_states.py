"""Reads the state of jobs, for commands that only show: from what the ledger last recorded, without running the loop.

Where there is no ledger yet, or the files are no longer those it recorded, the loop runs one turn on a copy, so that
the output is what the next turn would see.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import chain, islice
from typing import Any

from controller.analysis.terms import terms_of
from controller.ledger.location import is_there
from controller.ledger.lock import is_held
from controller.ledger.reads.reader import Reader
from controller.lifecycle.conditions import is_of_set
from controller.limits.selection import is_selected
from controller.model.errors import StateError
from controller.model.files import STATUS, FileRecord
from controller.model.job_set import SET_LABEL, set_reference
from controller.operations.inspect.as_recorded import Recorded, has_same_commit
from controller.settings.settings import Settings
from controller.tree.files import Known, collector_paused
from controller.tree.walk import is_unchanged

Document = dict[str, Any]
SET = set_reference("")
"""Begins the name of a set where a job may have the same name."""


def job_states(
    settings: Settings, now: datetime, early: int = 0, labels: Sequence[str] = ()
) -> Iterator[Document]:  # fmt: skip
    """The status documents of every manifest, in the order of the paths, as they are read.

    With `labels` only those of jobs that have all of them, each `LABEL` or `LABEL=VALUE`, and of sets whose cells do.
    Where there are more, those of the first `early` files come before the whole tree was compared with the ledger, if
    these files are as recorded. Should another turn out to differ, what is different of them is repeated.
    """
    shown, store = _Shown(), Reader.of(settings.state)
    if store is not None:
        with store, suppress(StateError):
            if (yield from _reported(settings, store, early, labels, shown)):
                return
    yield from filter(shown.is_new, _rehearsed(settings, now, labels))


class _Shown:
    """What was shown of the ledger before it turned out that it does not say all."""

    def __init__(self) -> None:
        self.early: list[Document] = []
        self.last = ""

    def is_new(self, document: Document) -> bool:
        """Whether it was not shown, or differs from one that was shown early."""
        return document["path"] > self.last or bool(self.early and document not in self.early)


def _reported(
    settings: Settings, store: Reader, early: int, labels: Sequence[str], shown: _Shown
) -> Generator[Document, None, bool]:  # fmt: skip
    """What was last reported; returns whether that is all, and as the files are now."""
    meant = _Meant(store.labelled(labels)) if labels else None
    rows = store.statuses(meant.paths if meant else None)
    if not is_held(settings.state):
        first = list(islice(rows, early))
        if early and len(first) == early and Recorded(settings, store).has_same(path for path, _ in first):
            shown.early, shown.last = [*filter(meant, _with_paths(first))], first[-1][0]
            yield from shown.early
        else:
            rows = chain(first, rows)
        if not _is_up_to_date(settings, store):
            return False
        shown.early = []
    for document in filter(meant, _with_paths(rows)):
        shown.last = document["path"]
        yield document
    return store.has_statuses()  # a controller that has just started has recorded nothing yet


class _Meant:
    """Says of a status document whether its job, or each cell of its set, has the labels that are asked for."""

    def __init__(self, labelled: Iterable[tuple[str, str, Mapping[str, str]]]) -> None:
        self.paths: set[str] = set()
        self._names: set[str] = set()
        self._sets: set[str] = set()
        for name, path, labels in labelled:
            self.paths.add(path)
            self._names.add(name)
            self._sets.add(labels.get(SET_LABEL, ""))

    def __call__(self, document: Document) -> bool:
        return str(document.get("name")) in (self._sets if is_of_set(document) else self._names)


def _with_paths(rows: Iterable[tuple[str, list[Document]]]) -> Iterator[Document]:
    return ({**each, "path": path} for path, documents in rows for each in documents)


def is_current(settings: Settings, store: Reader) -> bool:
    """Whether what was last reported is what there is: a process works on it, or no file has changed since."""
    return is_held(settings.state) or _is_up_to_date(settings, store)


def labels(settings: Settings) -> dict[str, Mapping[str, str]]:
    """The labels of every job that has any, as last accepted."""
    with open_reader(settings) as store:
        return {name: each for name, _, each in store.labelled()} if store else {}


def events(settings: Settings, jobs: Sequence[str], limit: int) -> list[Document]:
    """The latest events, newest last; none where there is no ledger yet."""
    with open_reader(settings) as store:
        return store.events(jobs, limit) if store else []


def last_event(settings: Settings) -> int:
    """The number of the latest event; 0 where there is none."""
    with open_reader(settings) as store:
        return store.last_event() if store else 0


def events_between(settings: Settings, jobs: Sequence[str], limit: int, after: int, last: int) -> list[Document]:
    """The latest events after the one with a number, up to the one with another, newest last."""
    with open_reader(settings) as store:
        return store.events(jobs, limit, after, last + 1) if store else []


def event_subjects(settings: Settings, names: Sequence[str]) -> list[str]:
    """What the events of these names are about now: jobs, and where no job has a name its set, with the cells."""
    with open_reader(settings) as store:
        return [*dict.fromkeys(each for name in names for each in _subjects(store, name))]


def _subjects(store: Reader | None, name: str) -> list[str]:
    if store and not name.startswith(SET) and store.is_job(name):
        return [name]
    set_name = name.removeprefix(SET)
    cells = [job.name for job in store.cells_of(set_name)] if store else []
    return [set_reference(set_name), *(cells or [name])]  # without cells it may be a job that was removed


def cells_by_name(settings: Settings, names: Sequence[str]) -> dict[str, list[str]]:
    """The cells of each of these names that means a set: `set/NAME`, or NAME where no job has it."""
    with open_reader(settings) as store:
        meant = {
            name: name.removeprefix(SET) for name in names if store and (name.startswith(SET) or not store.is_job(name))
        }
        known = {name: [job.name for job in store.cells_of(each)] for name, each in meant.items()} if store else {}
    return {name: cells for name, cells in known.items() if cells}


@contextmanager
def open_reader(settings: Settings) -> Iterator[Reader | None]:
    """The ledger to read, an older version's as a migrated copy; None where there is none yet."""
    reader = Reader.of(settings.state)
    if reader is not None:
        with reader:
            yield reader
    elif is_there(settings.state):
        from controller.ledger.store import Store

        with Store.copy_of(settings.state) as store:
            yield store.reader()
    else:
        yield None


def _is_up_to_date(settings: Settings, store: Reader) -> bool:
    """Whether the files are those that the ledger recorded, under the current terms."""
    if store.terms() != terms_of(settings) or not has_same_commit(settings, store):
        return False
    with collector_paused():
        known = Known(FileRecord(**row) for row in store.files(but=STATUS))
        return len(known) > 0 and is_unchanged(settings.jobs, known)


def _rehearsed(settings: Settings, now: datetime, labels: Sequence[str]) -> list[Document]:
    from controller.reconcile.wiring import turned_copy

    with collector_paused(), turned_copy(settings, now) as assembly:
        declared = ((each, each.wanted) for each in assembly.ledger.jobs.values() if each.wanted)
        selected = ((job.name, job.path, dict(it.labels)) for job, it in declared if is_selected(it.labels, labels))
        meant = _Meant(selected) if labels else None
        found = ({**document, "path": path} for path, document in assembly.documents_by_path(now))
        return [*filter(meant, found)]
