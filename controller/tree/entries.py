"""The entries of a folder, compared with what is known of them: the inner loop of a scan without changes.

A file that is as known costs a look at its record, which is seldom in the processor's caches if there are a hundred
thousand. So a portion of a large folder that was found as known leaves a digest of its names and stats, and while that
is the same, no record is looked at. `Known` drops the digests of a folder with any change of a record there.
"""

import marshal
import os
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice

from controller.model.files import FileRecord
from controller.tree.files import Known, is_link, stat_of

_BATCH = 256  # entries of a folder in memory at once
_LEAST = 32  # entries that are worth a digest
_WITHOUT_REFERENCES = 2  # a format of marshal in which equal values are always the same bytes


class Same:
    """Files that are there as they are known: the records of some, and of portions only the folder and the names."""

    __slots__ = ("portions", "records")

    def __init__(self) -> None:
        self.records: list[FileRecord] = []
        self.portions: list[tuple[str, str]] = []

    def __len__(self) -> int:
        return len(self.records) + sum(names.count("/") + 1 for _, names in self.portions)

    def paths(self) -> Iterator[str]:
        """Relative to the root."""
        yield from (record.path for record in self.records)
        yield from (folder + name for folder, names in self.portions for name in names.split("/"))

    def add(self, other: "Same") -> None:
        self.records += other.records
        self.portions += other.portions


Found = tuple[Same, list[os.DirEntry[str]]]
"""Of a folder: what is there as known, and the other entries."""


class Entries:
    """Compares folders with the known manifests and status files.

    `is_known_link` says of a link whether it leads to what is known. `count` is called with how many entries follow.
    With `has_digests`, digests are used and kept.
    """

    def __init__(
        self, known: Known, statuses: Known, is_known_link: Callable[[str, FileRecord], bool],
        count: Callable[[int], None], *, has_digests: bool,
    ) -> None:  # fmt: skip
        self._known, self._statuses = known, statuses
        self._is_known_link = is_known_link
        self._count = count
        self.has_digests = has_digests

    def compare(self, folder: str, relative: str) -> Found:
        """List a folder. Entries are dropped soon, since each keeps its stat; raises `OSError`."""
        same = Same()
        others: list[os.DirEntry[str]] = []
        digests: list[bytes] = []
        with os.scandir(folder) as entries:
            while batch := list(islice(entries, _BATCH)):
                self._count(len(batch))
                digest = stat_digest(batch) if self.has_digests and len(batch) >= _LEAST else b""
                if digest and self._has_digest(relative, digest):
                    same.portions.append((relative, "/".join([entry.name for entry in batch])))
                elif not self._sort(batch, relative, same.records, others):
                    continue
                digests.append(digest)
        if any(digests):
            for known in (self._known, self._statuses):
                known.digests[relative] = frozenset(filter(None, digests))
        return same, others

    def _has_digest(self, relative: str, digest: bytes) -> bool:
        return all(digest in known.digests.get(relative, ()) for known in (self._known, self._statuses))

    def _sort(
        self, batch: Sequence[os.DirEntry[str]], relative: str, same: list[FileRecord], others: list[os.DirEntry[str]]
    ) -> bool:
        """Add each entry to the same or to the others; returns whether all are as known, and none is a link."""
        manifest, status = self._known.files.get, self._statuses.files.get
        before, links = len(others), 0
        for entry in batch:
            path = relative + entry.name
            record = manifest(path) or status(path)
            if record is None:
                others.append(entry)
            elif record.has(stat_of(entry)):
                same.append(record)
            elif is_link(entry) and self._is_known_link(path, record):
                same.append(record)
                links += 1
            else:
                others.append(entry)
        return len(others) == before and not links


def stat_digest(batch: Sequence[os.DirEntry[str]]) -> bytes:
    """The digest of the names and stats of some entries; b"" if one of them is a folder, or cannot be read."""
    values: list[str | int] = []
    try:
        for entry in batch:
            if entry.is_dir(follow_symlinks=False):  # it would keep its stat, and a folder is never as known
                return b""
            found = entry.stat(follow_symlinks=False)
            values += (entry.name, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
    except OSError:
        return b""
    return blake2b(marshal.dumps(values, _WITHOUT_REFERENCES), digest_size=16).digest()
