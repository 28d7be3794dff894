"""Reads how things stand, for commands that only show: from what the ledger was told last, without turning the loop.

Where there is no ledger yet, or the files are no longer those it was told about, the loop is turned once on a copy, so
that what is shown is what the next turn would see.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from controller.errors import StateError
from controller.loader import STATUS, FileRecord, Known, is_unchanged
from controller.lock import is_held
from controller.settings import Settings
from controller.store.reader import Reader

Document = dict[str, Any]


def standings(settings: Settings, now: datetime) -> list[Document]:
    """The status documents of every manifest, in the order of the paths."""
    store = Reader.of(settings.state)
    if store is not None:
        with store:
            if is_held(settings.state) or _is_up_to_date(settings, store):
                with suppress(StateError):
                    return [{**each, "path": path} for path, documents in store.statuses() for each in documents]
    return _rehearsed(settings, now)


def labels(settings: Settings) -> dict[str, dict[str, str]]:
    """The labels of every job that has any, as last accepted."""
    store = Reader.of(settings.state)
    if store is None:
        return {}
    with store:
        return store.labels()


def events(settings: Settings, jobs: Sequence[str], limit: int, after: int = 0) -> list[Document]:
    """The latest events after that number, newest last; none where there is no ledger yet."""
    store = Reader.of(settings.state)
    if store is None:
        return []
    with store:
        return store.events(jobs, limit, after)


def _is_up_to_date(settings: Settings, store: Reader) -> bool:
    """Whether the files are those that the ledger was told about."""
    known = Known(FileRecord(**row) for row in store.files(but=STATUS))
    return len(known) > 0 and is_unchanged(settings.jobs, known)


def _rehearsed(settings: Settings, now: datetime) -> list[Document]:
    from controller.assembly import rehearsal

    with rehearsal(settings, lambda _news: None, lambda _call: None) as assembly:
        assembly.loop.start(now, takes_over=not is_held(settings.state))
        assembly.loop.turn([], now)
        return [
            {**document, "path": path}
            for path in sorted(assembly.tree.paths())
            for document in assembly.documents_of(path, now)
        ]
