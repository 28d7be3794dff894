"""One file of the tree: its record, and how it is read in one go.

The walk compares records with what it finds; the scan reads what differs.
"""

import gc
import os
import posixpath
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from controller.model.files import AREA, FOREIGN, USED, FileRecord, numbers_of
from controller.tree.ignore.lists import FolderIgnores
from controller.tree.regular_files import LARGEST, UnfitFileError, read_regular, resolve_below

LARGEST_FILE = LARGEST
LARGEST_AREA = 8_000_000  # bytes: the outline of a country in every detail
SUFFIXES = (".yaml", ".yml", ".json")
"""How the name of a manifest ends."""
MISSING = "does not exist"
_BULK = 1_000  # files of a load above which garbage collection costs more than it frees
_WORDS = {"manifest": "file", AREA: "file"}
_EXAMPLES = {"script": "ndvi.js", AREA: "alps.geojson"}
_LARGEST = {AREA: LARGEST_AREA}
Identity = tuple[int, int]
"""Device and inode of a folder, which are the same under each of its names."""


def stat_of(file: os.DirEntry[str]) -> os.stat_result | None:
    """The stat of an entry, links not followed; None when it cannot be read."""
    try:
        return file.stat(follow_symlinks=False)
    except OSError:
        return None


def identity_of(folder: str) -> Identity:
    """The identity of a folder; raises `OSError`."""
    found = os.stat(folder, follow_symlinks=False)
    return found.st_dev, found.st_ino


def identities_of(folders: Iterable[str]) -> set[Identity]:
    """The identities of those that are there."""
    found = set()
    for folder in folders:
        with suppress(OSError):
            found.add(identity_of(folder))
    return found


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, links not followed."""
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def is_link(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a link; a file system that does not list it is asked, and may fail."""
    try:
        return entry.is_symlink()
    except OSError:
        return False


def is_text(name: str) -> bool:
    """Whether a name can be stored and printed; one that is not UTF-8 cannot."""
    return not any("\ud800" <= each <= "\udfff" for each in name)


def printable_name(name: str) -> str:
    """A printable form of the name: bytes that are not UTF-8 are escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


def stat_below(root: str, path: str) -> os.stat_result | None:
    """The stat of what `path` resolves to below the real folder `root`; None: nothing there, or outside."""
    try:
        full = resolve_below(root, path)
        return os.stat(full, follow_symlinks=False) if full is not None else None
    except OSError:
        return None


def seen_at(full: Path, path: str, kind: str) -> FileRecord | None:
    """The record of a file from its stat alone, without its content; None: it does not exist."""
    try:
        return _record(path, kind, full.stat())
    except OSError:
        return None


def named_path(written: str, folder: str, kind: str) -> tuple[str, str]:
    """The path of the script, or area, that a manifest in `folder` names, and what is wrong with it ("": nothing)."""
    if not is_text(written):
        return "", "is no text that a file can be named with"
    path = posixpath.normpath(posixpath.join(folder, written))
    if written.startswith("/") or path.split("/")[0] == ".." or "\\" in written or "\0" in written:
        return "", f"must be relative to the manifest and inside the jobs folder, as {_EXAMPLES[kind]} is"
    if path.endswith(SUFFIXES):
        what = "a script" if kind == "script" else "GeoJSON"
        return "", f"must be {what}, such as {_EXAMPLES[kind]}; this is the name of a manifest"
    return path, ""


def read_file(root: str, path: str, kind: str) -> tuple[str, FileRecord, str]:
    """Text and record of a file below the real folder `root`, and its problem ("" if none)."""
    absent = FileRecord(path=path, kind=kind)
    try:
        full = resolve_below(root, path)
        if full is None:
            return "", absent, f"is a link that leads out of the jobs folder: copy the {_WORDS.get(kind, kind)} into it"
        content, found = read_regular(full, _LARGEST.get(kind, LARGEST_FILE))
    except FileNotFoundError:
        return "", absent, MISSING if kind in USED else "is a link to a file that does not exist"
    except UnfitFileError as error:
        is_regular = stat.S_ISREG(error.found.st_mode)
        advice = "; simplify the outline, which needs no more detail than a tile" if is_regular and kind == AREA else ""
        return (
            "",
            _record(path, kind, error.found),
            f"is {error.strerror if is_regular else 'not a regular file'}{advice}",
        )
    except OSError as error:
        # Recorded as never seen: it may become readable by the next scan without any change in its stat.
        return "", replace(absent, size=0), f"cannot be read: {error.strerror}"
    seen = _record(path, kind, found, sha256(content).hexdigest())
    try:
        return content.decode("utf-8").removeprefix("\ufeff"), seen, ""
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return "", seen, f"is not UTF-8 text (first in line {line}): save it as UTF-8"


def _record(path: str, kind: str, found: os.stat_result, digest: str = "") -> FileRecord:
    mtime_ns, ctime_ns, size, inode = numbers_of(found)
    return FileRecord(
        path=path, kind=kind, size=size, mtime_ns=mtime_ns, ctime_ns=ctime_ns, inode=inode, sha256=digest
    )  # fmt: skip


class Known:
    """Records by path. `files` holds those that a walk compares.

    `scripts`, areas among them, are compared by the manifests that use them; `users` maps files to the manifests that
    depend on them, `rare` each folder (`""`, `"a/b/"`) to the names that do not end in `.yaml`. `foreign` are the files
    that turned out to be no manifests. `ignored` is what the last scan found out about the ignore lists, by folder.
    `digests` are those of portions of folders in which everything was as known, while no record there has changed since
    (`Entries`).
    """

    def __init__(self, records: Iterable[FileRecord] = ()) -> None:
        self.files: dict[str, FileRecord] = {}
        self.scripts: dict[str, FileRecord] = {}
        self.users: dict[tuple[str, ...], set[str]] = {}
        self.rare: dict[str, set[str]] = {}
        self.foreign: set[str] = set()
        self.digests: dict[str, frozenset[bytes]] = {}
        self.ignored: Mapping[str, FolderIgnores] = {}
        for record in records:
            self.put(record)

    def __len__(self) -> int:
        return len(self.scripts) + len(self.files)

    def __iter__(self) -> Iterator[FileRecord]:
        yield from self.scripts.values()
        yield from self.files.values()

    def __contains__(self, path: str) -> bool:
        return path in self.files or path in self.scripts

    def get(self, path: str) -> FileRecord | None:
        return self.files.get(path) or self.scripts.get(path)

    def put(self, record: FileRecord) -> None:
        """Add the record of a file, replacing its earlier one."""
        path = record.path
        if path in self:
            self.drop(path)
        if record.kind in USED:
            self.scripts[path] = record
            return
        self._doubt(path)
        self.files[path] = record
        if record.kind == FOREIGN:
            self.foreign.add(path)
        if not path.endswith(".yaml"):
            folder, name = _parted(path)
            self.rare.setdefault(folder, set()).add(name)
        if record.uses:
            self.users.setdefault(record.uses, set()).add(path)

    def update(self, records: Iterable[FileRecord], gone: Iterable[str], ignored: Mapping[str, FolderIgnores]) -> None:
        """Take over what a scan found."""
        for path in gone:
            self.drop(path)
        for record in records:
            self.put(record)
        self.ignored = ignored

    def drop(self, path: str) -> FileRecord | None:
        """Remove the record of a file and return it."""
        record = self.files.pop(path, None)
        if record is None:
            return self.scripts.pop(path, None)
        self._doubt(path)
        self.foreign.discard(path)
        if not path.endswith(".yaml"):
            folder, name = _parted(path)
            _leave(self.rare, folder, name)
        if record.uses:
            _leave(self.users, record.uses, path)
        return record

    def _doubt(self, path: str) -> None:
        """A digest says nothing of a record that changes."""
        if self.digests:
            self.digests.pop(_parted(path)[0], None)


Group = TypeVar("Group")


def _leave(groups: dict[Group, set[str]], group: Group, member: str) -> None:
    """Take a member out of its group; one without members is removed."""
    members = groups[group]
    members.discard(member)
    if not members:
        del groups[group]


def _parted(path: str) -> tuple[str, str]:
    """`a/b/ndvi.yaml` as `a/b/` and `ndvi.yaml`."""
    place = path.rfind("/") + 1
    return path[:place], path[place:]


@contextmanager
def collector_paused() -> Iterator[None]:
    """With ten thousand results the garbage collector is the slowest part of a load, and there is no garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def freeze_if_many(loaded: int) -> None:
    """Never search again what a load of so many files left in memory: it stays as long as the process."""
    if loaded >= _BULK:
        gc.freeze()
