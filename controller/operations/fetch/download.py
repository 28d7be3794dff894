"""A resumable download: the part that has arrived is kept, and the file gets its final name only when complete.

`fetch` writes one for each output. A small record beside the files holds what was fetched from where, so that an
existing file is not fetched again, and one that the user changed is not lost.
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import Enum, auto
from io import FileIO
from pathlib import Path
from typing import Any

from controller.model.errors import UsageError

RECORD = ".fetched.json"
PREVIEW = "preview"
"""The record of a picture that was made here, in place of an address."""
_MD5 = re.compile("[0-9a-f]{32}")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteObject:
    """The object to download."""

    href: str
    etag: str
    bytes: int


class Found(Enum):
    """What exists at the path of the download."""

    NOTHING = auto()
    SAME = auto()
    """The same object."""
    OLDER = auto()
    """Another object, fetched before and unchanged since: it may be replaced."""
    CHANGED = auto()
    """Fetched before, but changed since."""
    FOREIGN = auto()
    """A file that was not fetched."""


def find_local(target: Path, origin: RemoteObject) -> Found:
    """What exists at `target`. A file that was not fetched counts as the same when its MD5 is the object's ETag.

    Raises `UsageError` when it cannot be read.
    """
    try:
        stat = target.stat()
    except (FileNotFoundError, NotADirectoryError):
        return Found.NOTHING
    except OSError as error:
        raise UsageError(f"{target} cannot be looked at: {error.strerror}") from error
    known = _record(target.parent).get(target.name)
    if known is not None:
        if (known.get("bytes"), known.get("mtime_ns")) != (stat.st_size, stat.st_mtime_ns):
            return Found.CHANGED
        return Found.SAME if {**known, "mtime_ns": 0} == {**asdict(origin), "mtime_ns": 0} else Found.OLDER
    is_same = stat.st_size == origin.bytes and _MD5.fullmatch(origin.etag) and _md5(target) == origin.etag
    return Found.SAME if is_same else Found.FOREIGN


class PartFile:
    """One download in progress; `size` is how many bytes have arrived."""

    def __init__(self, target: Path, part: Path, file: FileIO, origin: RemoteObject) -> None:
        self._target = target
        self._part = part
        self._file = file
        self._origin = origin
        self.size = part.stat().st_size
        if self.size > origin.bytes:
            self._file.truncate(0)
            self.size = 0

    def add(self, piece: bytes) -> None:
        self._file.write(piece)
        self.size += len(piece)

    def head(self, length: int) -> bytes:
        """The first bytes."""
        with self._part.open("rb") as file:
            return file.read(length)

    def drop(self) -> None:
        """Discard what arrived."""
        self._part.unlink(missing_ok=True)

    def finish(self) -> None:
        """Record where the file came from, then give it its final name."""
        os.fsync(self._file.fileno())
        _put(self._part, self._target, self._origin)
        for older in self._target.parent.glob(f".{self._target.name}.*.part"):
            older.unlink(missing_ok=True)


def write_preview(target: Path, png: bytes) -> None:
    """Write a picture that was made here of a raster, in place of an earlier one.

    Raises `OSError`, and `UsageError` when another file is there: an output, or one of the user's.
    """
    origin = RemoteObject(href=PREVIEW, etag=hashlib.md5(png, usedforsecurity=False).hexdigest(), bytes=len(png))
    found, known = find_local(target, origin), _record(target.parent).get(target.name, {"href": PREVIEW})
    if found in (Found.CHANGED, Found.FOREIGN) or (found is Found.OLDER and known["href"] != PREVIEW):
        raise UsageError(f"{target} is there already, and not recorded as a preview: move it away")
    temporary = target.with_name(f".{target.name}.tmp")
    temporary.write_bytes(png)
    _put(temporary, target, origin)


@contextmanager
def part_file(target: Path, origin: RemoteObject) -> Iterator[PartFile]:
    """The partial download of `target`, to resume. It is kept on exit, unless it was finished or dropped.

    Raises `UsageError` when the disk fails, or when another process is writing it.
    """
    stamp = hashlib.sha256(f"{origin.href}\n{origin.etag}\n{origin.bytes}".encode()).hexdigest()[:8]
    part = target.with_name(f".{target.name}.{stamp}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield PartFile(target, part, file, origin)
    except BlockingIOError:
        raise UsageError(f"{target} is being fetched by another process") from None
    except OSError as error:
        advice = "what arrived is kept: run it again, or name another folder with --output DIRECTORY"
        raise UsageError(f"{error.filename or target} cannot be written: {error.strerror}; {advice}") from error


def _record(folder: Path) -> dict[str, dict[str, Any]]:
    """What was fetched into the folder, by file name; empty when unknown."""
    try:
        known = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    entries = known.items() if isinstance(known, dict) else ()
    return {name: each for name, each in entries if isinstance(each, dict)}


def _put(part: Path, target: Path, origin: RemoteObject) -> None:
    """Give a whole file its name, once it is recorded."""
    known = _record(target.parent)
    known[target.name] = {**asdict(origin), "mtime_ns": part.stat().st_mtime_ns}
    _replace(target.parent / RECORD, json.dumps(known, indent=2))
    part.replace(target)


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
