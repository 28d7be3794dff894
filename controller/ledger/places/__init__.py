"""Where on Earth the jobs of the ledger are: each job has the number of a row of `place`, which is its own.

Numbers follow each other as jobs do, so that a map of a hundred thousand jobs reads both tables from end to end.
"""

import json
import re
import sqlite3

from controller.ledger.rows.cells import CANNOT_BE_READ
from controller.manifest.footprint import Footprint, footprint

_BOUNDS = re.compile(r'"bounds":\s*')
_decode = json.JSONDecoder().raw_decode
_ADD = "insert into place (west, south, east, north) values (?, ?, ?, ?)"


def new_place(connection: sqlite3.Connection, body: str | None) -> int | None:
    """The number of a new row with the footprint of a request; None where there is none that can be read."""
    found = _footprint_of(body)
    if found is None:
        return None
    return connection.execute(_ADD, (found.west, found.south, found.east, found.north)).lastrowid


def place_all(connection: sqlite3.Connection) -> None:
    """Give every job of an older ledger its place."""
    rows = connection.execute("select rowid, body from job where body is not null order by rowid")
    found = [(new_place(connection, body), row) for row, body in rows]
    connection.executemany("update job set place = ? where rowid = ?", found)


def _footprint_of(body: str | None) -> Footprint | None:
    """The first key of this name is that of `input`. The rest, with its script, is not parsed: that takes longer."""
    try:
        found = _BOUNDS.search(body) if body else None
        return footprint(_decode(body, found.end())[0]) if body and found else None
    except (*CANNOT_BE_READ, OverflowError):
        return None
