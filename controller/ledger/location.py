"""Where the ledger is, how it is opened for reading, and its errors as messages."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from controller.ledger.snapshot import copy_to_memory, may_be_written
from controller.model.errors import StateError, truncate

MOUNTS = Path("/proc/self/mountinfo")
NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "fuse.sshfs", "fuse.glusterfs", "glusterfs", "lustre"}
    | {"afs", "ncpfs", "beegfs", "gpfs", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.mountpoint-s3", "davfs"}
)


def refuse_network_file_system(folder: Path, mounts: Path = MOUNTS) -> None:
    """Raise `StateError` when `folder`, or the nearest folder above that exists, is on a network file system.

    Where the system cannot say (no /proc), nothing is refused.
    """
    kind = _kind_of(folder, mounts)
    if kind in NETWORK:
        raise StateError(
            f"{folder} is on a network file system ({kind}), where locks and the database cannot be trusted; "
            "name a folder on a local disk with `state` in the settings"
        )


def _kind_of(folder: Path, mounts: Path) -> str:
    """The file system type of the longest mount point that holds the folder; see proc(5), mountinfo."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place, best, kind = Path(os.path.realpath(folder)), -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(before.split()[4].replace("\\040", " "))
        # Of two mounts at one point the later one is visible.
        if place.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), after.split()[0]
    return kind


FILE_NAME = "shjobs.db"
# SQLite calls some failures of a full disk an I/O error.
ROOM_FOR_A_COPY = "make room in the folder for temporary files, which TMPDIR names"
ROOM = "see that its disk has free space and can be written, then start again: nothing is lost"
OWNER = "run this as the user whose ledger it is, or let this user read it"

_SURROUNDINGS = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_NOMEM,
    }
)
"""SQLite's messages for problems outside the file's content."""


class _Closes(Protocol):
    def close(self) -> None: ...


Opened = TypeVar("Opened", bound=_Closes)


def is_there(state: Path) -> bool:
    """Whether the state directory has a ledger. Raises `StateError` without the right to see that."""
    path = state / FILE_NAME
    with said_plainly(path):
        return path.exists()


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing; after a crash in mid-transaction, SQLite itself first rolls it back.

    A file without write permission is read from a copy in memory.
    """
    if path.is_file() and not may_be_written(path):
        return copy_to_memory(path)
    try:
        return _opened(path, "ro")
    except sqlite3.OperationalError:
        return _opened(path, "rw")


def writable(path: Path) -> sqlite3.Connection:
    """A connection to an existing file."""
    return _opened(path, "rw")


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=10)
    with closed_on_error(connection):
        connection.execute("select 1 from sqlite_master")
    return connection


@contextmanager
def closed_on_error(opened: Opened) -> Iterator[Opened]:
    """Closes `opened` if the block raises."""
    try:
        yield opened
    except BaseException:
        opened.close()
        raise


def newer(path: Path, schema: str) -> StateError:
    """A ledger that this program does not understand yet."""
    return StateError(f"{path} was written by a newer version of shjobs (schema {schema!r}); use that one")


@contextmanager
def said_plainly(path: Path) -> Iterator[None]:
    """Turn SQLite and file system errors about the ledger into `StateError`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise unusable(path, error) from error
    except PermissionError as error:
        raise StateError(f"{path} cannot be used: {error.strerror}; {OWNER}") from error
    except OSError as error:
        raise StateError(f"{path} cannot be used: {error.strerror}") from error


@contextmanager
def understood(path: Path) -> Iterator[None]:
    """The same around reading rows: one that cannot be parsed means a damaged ledger."""
    try:
        with said_plainly(path):
            yield
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise damaged_error(
            path, f"a row cannot be read ({truncate(f'{type(error).__name__}: {error}', 100)})"
        ) from error


def unusable(path: Path, error: sqlite3.Error) -> StateError:
    """The error for a disk that is full or read-only, or for a file that is no longer a ledger."""
    if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF in _SURROUNDINGS:
        return StateError(f"{path} cannot be used: {error}; {ROOM}")
    return damaged_error(path, str(error))


def damaged_error(path: Path, reason: str) -> StateError:
    """The error for a ledger whose bytes are not those that were written."""
    return StateError(
        f"{path} cannot be used: {truncate(reason, 200)}. Restore it from a copy, or move it away together with its "
        "-wal and -shm files: the next start finds in the buckets what was paid for"
    )
