"""Where the ledger lies, how it is opened to be read, and what its failures mean in a sentence."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from controller.errors import StateError

FILE_NAME = "shjobs.db"
# SQLite calls some failures of a full disk an I/O error.
ROOM = "see that its disk has free space and can be written, then start again: nothing is lost"


class _Closes(Protocol):
    def close(self) -> None: ...


Opened = TypeVar("Opened", bound=_Closes)


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing; where a crash left the file half-way, SQLite itself first rolls it back."""
    try:
        return _opened(path, "ro")
    except sqlite3.OperationalError:
        return _opened(path, "rw")


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=10)
    with closed_on_error(connection):
        connection.execute("select 1 from sqlite_master")
    return connection


@contextmanager
def closed_on_error(opened: Opened) -> Iterator[Opened]:
    """What was opened stays open, unless something goes wrong with it."""
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
    """Turn what SQLite and the file system say about the ledger into a sentence."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StateError(f"{path} cannot be used: {error}; {ROOM}") from error
    except sqlite3.DatabaseError as error:
        raise StateError(
            f"{path} cannot be used: {error}; restore it, or move it away to start from the bucket"
        ) from error
    except OSError as error:
        raise StateError(f"{path} cannot be used: {error.strerror}") from error
