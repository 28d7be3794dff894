"""Appends a command to the inbox of a ledger while another process may hold its lock; never creates or migrates it."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from controller.ledger.location import FILE_NAME, said_plainly, writable
from controller.ledger.rows.cells import format_time


def append(state: Path, at: datetime, commands: Iterable[str]) -> None:
    """Append all of them and commit; the caller has checked that the ledger has this program's schema.

    Raises `StateError` when it cannot be written.
    """
    path = state / FILE_NAME
    with said_plainly(path), closing(writable(path)) as connection, connection:
        connection.execute("pragma synchronous = full")
        for command in commands:
            insert(connection, at, command)


def insert(connection: sqlite3.Connection, at: datetime, command: str) -> None:
    """Add a row in the connection's current transaction."""
    connection.execute("insert into inbox (at, command) values (?, ?)", [format_time(at), command])
