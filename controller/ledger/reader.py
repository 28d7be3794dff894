"""Reads the ledger while another process may be writing it: for read-only commands.

It needs nothing but SQLite, so that they start fast.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Self

from pydantic_core import from_json

from controller.ledger.location import FILE_NAME, closed_on_error, is_there, newer, read_only, said_plainly, understood
from controller.ledger.rows import file_of, job_of
from controller.lifecycle.grouping import FEW, common, name_list
from controller.model.errors import StateError
from controller.model.reasons import Phase

SCHEMA = ("first", "second", "third", "operators_word", "claims", "approvals", "retries")
"""The migrations applied to a ledger of this program, oldest first."""
_PHASES = frozenset(map(str, Phase))
TERMS = "terms"
"""The key in `meta` of the terms under which the files were accepted."""


class Reader:
    """One ledger, opened for reading only; close it when done."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        connection.text_factory = partial(str, encoding="utf-8", errors="replace")

    @classmethod
    def of(cls, state: Path) -> Self | None:
        """The reader of a state directory; None when it has no ledger, or one with an older schema.

        Raises `StateError` when the schema is newer.
        """
        path = state / FILE_NAME
        if not is_there(state):
            return None
        with said_plainly(path), closed_on_error(cls(read_only(path), path)) as reader:
            found = reader._schema()
        if found == SCHEMA:
            return reader
        reader.close()
        if unknown := [name for name in found if name not in SCHEMA]:
            raise newer(path, unknown[-1])
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def terms(self) -> str:
        """The terms under which the files were accepted; "" when unknown."""
        row = self._connection.execute("select value from meta where key = ?", [TERMS]).fetchone()
        return str(row[0]) if row else ""

    def statuses(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """The status documents of every manifest by its path, as last reported, ordered by path.

        Raises `StateError` when one cannot be read.
        """
        for row in self._rows("select path, documents from status order by path"):
            yield row["path"], _documents(row["path"], row["documents"])

    def files(self, but: str) -> Iterator[dict[str, Any]]:
        """The record of each file when it was last read, except for one kind."""
        sql = "select path, kind, size, mtime_ns, ctime_ns, inode, sha256, uses from file where kind <> ?"
        for row in self._rows(sql, [but]):
            file, _ = file_of(row)
            if file is not None:
                yield file

    def labels(self) -> dict[str, dict[str, str]]:
        """The labels of every job that has any."""
        jobs = (job_of(row)[0] for row in self._rows("select name, path, position, generation, wanted from job"))
        return {job.name: dict(job.wanted.labels) for job in jobs if job.wanted and job.wanted.labels}

    def cells(self) -> dict[str, list[str]]:
        """The jobs of every set that are declared now, by the name of the set."""
        found: dict[str, list[str]] = {}
        for row in self._rows("select name, path, position, generation, wanted from job order by name"):
            wanted = job_of(row)[0].wanted
            if wanted and wanted.cell:
                found.setdefault(wanted.cell.set_name, []).append(str(row["name"]))
        return found

    def is_job(self, name: str) -> bool:
        """Whether a job of this name is declared now."""
        sql = "select 1 from job where name = ? and wanted is not null"
        # A name is ASCII; an argument of the command line may be no text at all, which SQLite refuses.
        return name.isascii() and any(True for _ in self._rows(sql, [name]))

    def events(self, jobs: Sequence[str] = (), limit: int = 20, after: int = 0) -> list[dict[str, Any]]:
        """The latest events after that number, of these jobs or of all, newest last.

        For all jobs, or many, what stops many of them alike at one time is a single event, with their number as `jobs`.
        """
        among = f"and job in ({', '.join('?' * len(jobs))})" if jobs else ""
        sql = f"select * from event where number > ? {among} order by number desc"
        with understood(self._path):
            rows = self._rows(sql, [after, *jobs])
            found = list(islice(rows if 0 < len(jobs) <= FEW else _joined(rows), limit))[::-1]
            for row in found:
                datetime.fromisoformat(row["at"])
            return found

    def _schema(self) -> tuple[str, ...]:
        try:
            rows = self._connection.execute("select name from _sqlite_migrations order by id")
            return tuple(row[0] for row in rows)
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            return ()

    def _rows(self, sql: str, arguments: Sequence[object] = ()) -> Iterator[dict[str, Any]]:
        with said_plainly(self._path):
            cursor = self._connection.execute(sql, arguments)
            names = [column[0] for column in cursor.description]
            for row in cursor:
                yield dict(zip(names, row, strict=True))


def _joined(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Adjacent events of one time that stop many jobs for the same reason, as one row."""
    for (_, reason, _), group in groupby(rows, lambda row: (row["at"], str(row["reason"]), row["job"] is None)):
        same = list(group)
        if common(reason) is None or len(same) <= FEW:
            yield from same
            continue
        shown = {"job": name_list([str(row["job"]) for row in reversed(same)]), "jobs": len(same)}
        yield {**same[-1], **shown, "submission": None, "number": same[0]["number"]}


def _documents(path: str, text: str) -> list[dict[str, Any]]:
    try:
        found = from_json(text)
        if all(each["phase"] in _PHASES and each["manifest"] is not None for each in found):
            return list(found)
    except (ValueError, TypeError, KeyError):
        pass
    raise StateError(f"what was last reported of {path} cannot be read")
