"""One file of the tree: what is remembered of it, and how it is read in one go.

The walk compares records with what it finds; the comparison reads what differs.
"""

import os
import stat
from dataclasses import dataclass, replace
from hashlib import sha256
from io import FileIO
from pathlib import Path

LARGEST_FILE = 1_000_000  # bytes
READ = ("manifest", "script")
BROKEN = "broken"
STATUS = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """What is remembered of a file to see whether it changed. `path` is relative to the root.

    `kind` is "manifest", "script", "status", or "broken": a manifest with problems, which a restart reads again to tell
    them. `uses` names the files a manifest depends on. `sha256` is that of the
    bytes, of a status file that of its documents. A file that is not there has `size` -1. Times are in nanoseconds.
    """

    path: str
    kind: str
    size: int = -1
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0
    sha256: str = ""
    uses: tuple[str, ...] = ()

    def has(self, found: os.stat_result | None) -> bool:
        """Whether this is the file that was seen, as far as stat can tell."""
        if found is None:
            return self.size == -1
        return (
            self.mtime_ns == found.st_mtime_ns
            and self.ctime_ns == found.st_ctime_ns
            and self.size == found.st_size
            and self.inode == found.st_ino
        )


def stat_of(file: os.DirEntry[str] | Path) -> os.stat_result | None:
    """The stat behind a name, links followed; None when there is none to be had."""
    try:
        return file.stat()
    except OSError:
        return None


def seen_at(full: Path, path: str, kind: str) -> FileRecord | None:
    """The record of a file as its stat shows it, without its content; None: it is not there."""
    found = stat_of(full)
    if found is None:
        return None
    return FileRecord(
        path=path, kind=kind, size=found.st_size, mtime_ns=found.st_mtime_ns, ctime_ns=found.st_ctime_ns,
        inode=found.st_ino,
    )  # fmt: skip


def read(full: Path, path: str, kind: str) -> tuple[str, FileRecord, str]:
    """Text and record of a file, and what is wrong with it ("" when nothing is)."""
    absent = FileRecord(path=path, kind=kind)
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer.
        descriptor = os.open(full, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            found = os.fstat(descriptor)
            is_regular, is_small = stat.S_ISREG(found.st_mode), found.st_size <= LARGEST_FILE
            content = FileIO(descriptor, closefd=False).readall() if is_regular and is_small else b""
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return "", absent, "does not exist" if kind == "script" else "is a link to a file that does not exist"
    except OSError as error:
        # Remembered as never seen: it may be readable at the next scan without any other sign.
        return "", replace(absent, size=0), f"cannot be read: {error.strerror}"
    seen = FileRecord(
        path=path,
        kind=kind,
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
        ctime_ns=found.st_ctime_ns,
        inode=found.st_ino,
        sha256=sha256(content).hexdigest() if is_regular and is_small else "",
    )
    if not seen.sha256:
        return "", seen, f"is larger than {LARGEST_FILE} bytes" if is_regular else "is not a regular file"
    try:
        return content.decode("utf-8").removeprefix("\ufeff"), seen, ""
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return "", seen, f"is not UTF-8 text (first in line {line}): save it as UTF-8"
