"""The content of every status file: one is written only when its meaning changes, and again after an outside edit.

Called by the reporter. What was written is recorded as the file's stat and the hash of its documents, across restarts
too, so that nothing is rendered, opened or written while nothing happens. A file that cannot be written blocks
nothing and is tried again at the next scan.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from controller.model.errors import StateError
from controller.model.files import STATUS, FileRecord
from controller.tree.files import Known, seen_at
from controller.tree.status_files import manifests_of, status_path

log = logging.getLogger(__name__)

Documents = Sequence[Mapping[str, object]]


class StatusPlace(Protocol):
    """Where status documents go."""

    def path(self, manifest: str) -> Path | None: ...
    def write(self, manifest: str, documents: Documents, *, ours: bool = False) -> bool: ...
    def remove(self, manifest: str, *, ours: bool = False) -> None: ...
    def clear(self, status: str) -> None: ...


class StatusCache:
    """Every status file as last written. `records` is for the scan, which compares it with what it finds."""

    def __init__(self, status_place: StatusPlace) -> None:
        self._status_place = status_place
        self.records = Known()
        self._has_left = False
        self._edited: set[str] = set()
        """Those that we wrote, and whose file is no longer what we wrote: no record says it."""
        self._unsaved: dict[str, FileRecord | None] = {}
        self._unwritten: dict[str, StateError] = {}

    @property
    def problem(self) -> str:
        """Why status files are not up to date; "" when they are."""
        error = next(iter(self._unwritten.values()), None)
        return f"{len(self._unwritten)} status files are not up to date; {error}" if error else ""

    @property
    def unwritten(self) -> Collection[str]:
        """The manifests whose status could not be written, or removed."""
        return self._unwritten.keys()

    def remember(self, records: Iterable[FileRecord]) -> None:
        """Start with the records of an earlier process."""
        for record in records:
            self.records.put(record)
            self._has_left = True

    def touched(self, modified: Iterable[str], manifests: Collection[str]) -> set[str]:
        """Take modified status files; returns the manifests whose status must be written again.

        A status file that we wrote for a manifest that is gone is removed; the first call looks for these among
        everything an earlier process left.
        """
        again: set[str] = set()
        left = self.records.files if self._has_left else ()
        self._has_left = False
        for status in [*modified, *(each for each in left if not _owners(each, manifests))]:
            owners = _owners(status, manifests)
            self._forget(status)
            again |= owners
            if not owners:
                self._tried(status, partial(self._status_place.clear, status))
        return again

    def is_new(self, manifest: str, text: str) -> bool:
        """Whether the file holds anything but the documents that serialise to this JSON."""
        record = self.records.get(status_path(manifest))
        return record is None or record.sha256 != _hash_of(text)

    def post(self, manifest: str, documents: Documents, text: str) -> None:
        """Write these documents, which are `text` as JSON, if they are new."""
        if not self.is_new(manifest, text):
            return
        self._forget(status_path(manifest))
        if self._tried(manifest, partial(self._status_place.write, manifest, documents, ours=self._wrote(manifest))):
            self._note(manifest, _hash_of(text))

    def remove(self, manifest: str, manifests: Collection[str]) -> None:
        """Remove the status of a manifest that is gone, unless one of the others has its status in the same file."""
        if _owners(status_path(manifest), manifests):
            return
        self._forget(status_path(manifest))
        if self._tried(manifest, partial(self._status_place.remove, manifest, ours=self._wrote(manifest))):
            self._edited.discard(status_path(manifest))

    def unsaved(self) -> tuple[list[FileRecord], list[str]]:
        """What changed since the last call: records to save, and paths to delete."""
        changed, self._unsaved = self._unsaved, {}
        return [each for each in changed.values() if each], [path for path, each in changed.items() if each is None]

    def _note(self, manifest: str, digest: str) -> None:
        path = self._status_place.path(manifest)
        record = seen_at(path, status_path(manifest), STATUS) if path else None
        if record is not None:
            kept = self._unsaved[record.path] = replace(record, sha256=digest)
            self.records.put(kept)
            self._edited.discard(record.path)

    def _wrote(self, manifest: str) -> bool:
        """Whether we wrote a status file there before: what is there now is that file, edited or not."""
        path = status_path(manifest)
        return path in self.records or path in self._edited

    def _forget(self, status: str) -> None:
        if self.records.drop(status):
            self._unsaved[status] = None
            self._edited.add(status)

    def _tried(self, path: str, act: Callable[[], object]) -> bool:
        """Whether the disk allowed it; the first refusal for a path is logged."""
        try:
            act()
        except StateError as error:
            if path not in self._unwritten:
                log.error("%s", error)
            self._unwritten[path] = error
            return False
        self._unwritten.pop(path, None)
        return True


def _owners(status: str, manifests: Collection[str]) -> set[str]:
    return {each for each in manifests_of(status) if each in manifests}


def _hash_of(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
