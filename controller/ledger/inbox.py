"""Appends a command to the inbox of a ledger beside whoever holds its lock: the ledger is neither made nor migrated."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from controller.ledger.location import FILE_NAME, said_plainly, writable
from controller.ledger.rows import written


def append(state: Path, at: datetime, command: str) -> None:
    """Append and commit, for who has seen that the ledger is of this program's schema.

    Raises `StateError` when it cannot be written.
    """
    path = state / FILE_NAME
    with said_plainly(path), closing(writable(path)) as connection, connection:
        connection.execute("pragma synchronous = full")
        insert(connection, at, command)


def insert(connection: sqlite3.Connection, at: datetime, command: str) -> None:
    """One more row, in the transaction that the connection is in."""
    connection.execute("insert into inbox (at, command) values (?, ?)", [written(at), command])
