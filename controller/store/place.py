"""Where the ledger lies, how it is opened to be read, and what its failures mean in a sentence."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.errors import StateError

FILE_NAME = "shjobs.db"
# SQLite calls some failures of a full disk an I/O error.
ROOM = "see that its disk has free space and can be written, then start again: nothing is lost"


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing; where a crash left the file half-way, SQLite itself first rolls it back."""
    for mode in ("ro", "rw"):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=10)
        try:
            connection.execute("select 1 from sqlite_master")
        except sqlite3.OperationalError:
            connection.close()
            if mode == "rw":
                raise
        else:
            return connection
    raise AssertionError("one of the two returned or raised")


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
