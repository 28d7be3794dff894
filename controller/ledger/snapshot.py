"""An in-memory snapshot of a ledger that may be read but not written (another user's, a read-only mount).

SQLite writes files beside a database even to read it. So its files are copied to a private folder and read there;
nothing is left beside the ledger, where it could block the process that works with it.
"""

import os
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from controller.model.errors import StateError

TRIES = 20
PAUSE = 0.05  # seconds between two tries
_LOG_HEADER = 32  # bytes; its salts change whenever the log is restarted

_Files = tuple[bytes, bytes, bytes]
"""The database, its write-ahead log, and the journal of a transaction interrupted by a crash; empty: there is none."""


def may_be_written(path: Path) -> bool:
    """Whether SQLite may use the database in place."""
    return os.access(path, os.R_OK | os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)


def copy_to_memory(path: Path) -> sqlite3.Connection:
    """The whole database in memory, with everything that is committed. Raises OSError or `StateError`."""
    database, log, journal = _files(path)
    memory = sqlite3.connect(":memory:")
    try:
        with tempfile.TemporaryDirectory(prefix="shjobs-") as folder:
            copy = Path(folder) / path.name
            for suffix, content in (("", database), ("-wal", log), ("-journal", journal)):
                if content or not suffix:
                    copy.with_name(f"{path.name}{suffix}").write_bytes(content)
            with closing(sqlite3.connect(copy)) as file:
                file.backup(memory)
    except BaseException:
        memory.close()
        raise
    return memory


def _files(path: Path) -> _Files:
    """The files as they were at one moment."""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE)
        before = _moment(path)
        files = path.read_bytes(), _read(path, "-wal"), _read(path, "-journal")
        if _moment(path) == before and files[1][:_LOG_HEADER] == before[1]:
            return files
    raise StateError(f"{path} is being written to without a pause, and can only be copied; try again later")


def _moment(path: Path) -> tuple[object, ...]:
    """What stays the same as long as copies of the files are consistent.

    Until the log is restarted it holds every page written into the database meanwhile, and what is appended later is a
    later commit. Without a log, the database must be untouched.
    """
    found, log, journal = path.stat(), _read(path, "-wal", _LOG_HEADER), _read(path, "-journal")
    return (found.st_ino, log, journal, None if log else (found.st_mtime_ns, found.st_ctime_ns, found.st_size))


def _read(path: Path, suffix: str, most: int = -1) -> bytes:
    try:
        with path.with_name(f"{path.name}{suffix}").open("rb") as file:
            return file.read(most)
    except FileNotFoundError:
        return b""
