"""Reads the state of jobs, for commands that only show: from what the ledger last recorded, without running the loop.

Where there is no ledger yet, or the files are no longer those it recorded, the loop runs one turn on a copy, so that
the output is what the next turn would see.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from controller.analysis.terms import terms_of
from controller.ledger.location import is_there
from controller.ledger.lock import is_held
from controller.ledger.reader import Reader
from controller.model.errors import StateError
from controller.model.files import STATUS, FileRecord
from controller.model.job_set import set_reference
from controller.settings.settings import Settings
from controller.tree.files import Known
from controller.tree.walk import is_unchanged

Document = dict[str, Any]
SET = set_reference("")
"""Begins the name of a set where a job may have the same name."""


def job_states(settings: Settings, now: datetime) -> list[Document]:
    """The status documents of every manifest, in the order of the paths."""
    store = Reader.of(settings.state)
    if store is not None:
        with store:
            if is_held(settings.state) or _is_up_to_date(settings, store):
                with suppress(StateError):
                    reported = [{**each, "path": path} for path, documents in store.statuses() for each in documents]
                    if reported:  # a controller that has just started has recorded nothing yet
                        return reported
    return _rehearsed(settings, now)


def labels(settings: Settings) -> dict[str, dict[str, str]]:
    """The labels of every job that has any, as last accepted."""
    with _reader(settings) as store:
        return store.labels() if store else {}


def events(settings: Settings, jobs: Sequence[str], limit: int, after: int = 0) -> list[Document]:
    """The latest events after that number, newest last; none where there is no ledger yet."""
    with _reader(settings) as store:
        return store.events(jobs, limit, after) if store else []


def cells_by_name(settings: Settings, names: Sequence[str]) -> dict[str, list[str]]:
    """The cells of each of these names that means a set: `set/NAME`, or NAME where no job has it."""
    with _reader(settings) as store:
        meant = {
            name: name.removeprefix(SET) for name in names if store and (name.startswith(SET) or not store.is_job(name))
        }
        known = store.cells() if store and meant else {}
    return {name: known[set_name] for name, set_name in meant.items() if set_name in known}


@contextmanager
def _reader(settings: Settings) -> Iterator[Reader | None]:
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
    if store.terms() != terms_of(settings):
        return False
    known = Known(FileRecord(**row) for row in store.files(but=STATUS))
    return len(known) > 0 and is_unchanged(settings.jobs, known)


def _rehearsed(settings: Settings, now: datetime) -> list[Document]:
    from controller.reconcile.wiring import turned_copy

    with turned_copy(settings, now) as assembly:
        return [{**document, "path": path} for path, document in assembly.documents_by_path(now)]
