"""Reads the ledger while another process may be writing it: for read-only commands.

It needs nothing but SQLite, so that they start fast.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic_core import from_json

from controller.ledger.labels import has_labels, labels_in
from controller.ledger.location import (
    FILE_NAME,
    closed_on_error,
    is_there,
    newer,
    read_only,
    said_plainly,
    understood,
)
from controller.ledger.rows.files import file_of
from controller.ledger.rows.jobs import job_of
from controller.ledger.rows.submissions import COLUMNS, submission_of
from controller.lifecycle.grouping import FEW, common, name_list
from controller.model.errors import StateError
from controller.model.files import FileRecord
from controller.model.job import Job
from controller.model.reasons import Phase
from controller.model.submission import Submission

Read = TypeVar("Read")
SCHEMA = (
    *("first", "second", "third", "operators_word", "claims", "approvals", "retries", "lookups", "listing", "places"),
    "outbox",
    "touched_commits",
    "bound_commands",
)
"""The migrations applied to a ledger of this program, oldest first."""
_PHASES = frozenset(map(str, Phase))
TERMS = "terms"
"""The key in `meta` of the terms under which the files were accepted."""
REJECTED = "rejected "
"""Begins the keys in `meta` of what was recorded of the files that are not accepted; the path follows."""
_NEVER = 1 << 62  # the number of no event
PORTION = 256  # status documents read at once
_JOB = "select name, path, position, generation, wanted from job"
_LABELLED = """
select job.name, job.path, labels
from (select name each, label_group from job where label_group is not null and {}) found
cross join job on job.name = each cross join label_group on number = found.label_group
where job.wanted is not null
"""
_FILE = "select path, kind, size, mtime_ns, ctime_ns, inode, sha256, uses from file"
_IN_WANTED = "case when typeof(wanted) = 'text' and json_valid(wanted) then json_extract(wanted, '$.{}') end = ?"
"""As the indices of `job` have it, so that SQLite uses them."""
_HAS_DIGEST, HAS_SET = _IN_WANTED.format("digest"), _IN_WANTED.format("cell.set_name")


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
        if set(found) == set(SCHEMA):
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

    def statuses(self, paths: Collection[str] | None = None) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """The status documents of every manifest, or of these, by its path, as last reported, ordered by path.

        They are read in portions: who shows them may take long, and what is being read keeps the log from shrinking.
        Raises `StateError` when one cannot be read.
        """
        for rows in self._statuses() if paths is None else self._statuses_at(sorted(paths)):
            for row in rows:
                yield row["path"], _documents(row["path"], row["documents"])

    def _statuses(self) -> Iterator[Sequence[dict[str, Any]]]:
        sql = "select path, documents from status where path > ? order by path limit ?"
        last = ""
        while rows := list(self.rows(sql, [last, PORTION])):
            yield rows
            last = rows[-1]["path"]

    def _statuses_at(self, paths: Sequence[str]) -> Iterator[Sequence[dict[str, Any]]]:
        for start in range(0, len(paths), PORTION):
            portion = paths[start : start + PORTION]
            among = ", ".join("?" * len(portion))
            yield list(self.rows(f"select path, documents from status where path in ({among}) order by path", portion))

    def has_statuses(self) -> bool:
        """Whether anything was reported."""
        return any(True for _ in self.rows("select 1 from status limit 1"))

    def statuses_of(self, path: str) -> list[dict[str, Any]]:
        """The status documents of one manifest, as last reported; none where nothing was.

        Raises `StateError` when one cannot be read.
        """
        rows = self.rows("select documents from status where path = ?", [path])
        return [document for row in rows for document in _documents(path, row["documents"])]

    def rejected_paths(self, names: Iterable[str]) -> list[str]:
        """The files in which a document of one of these names was not accepted when they were last read."""
        sql = "select key, value from meta where key >= ? and key < ?"
        rows = self.rows(sql, [REJECTED, f"{REJECTED}\U0010ffff"])
        starts = tuple(f"{name}: " for name in names)
        named = (row for row in rows if any(line.startswith(starts) for line in str(row["value"]).split("\n")))
        return [str(row["key"]).removeprefix(REJECTED) for row in named]

    def file(self, path: str) -> FileRecord | None:
        """The record of one file when it was last read; None when there is none that can be read."""
        found = [file_of(row)[0] for row in self.rows(f"{_FILE} where path = ?", [path])]
        return FileRecord(**found[0]) if found and found[0] else None

    def files(self, but: str) -> Iterator[dict[str, Any]]:
        """The record of each file when it was last read, except for one kind."""
        for row in self.rows(f"{_FILE} where kind <> ?", [but]):
            file, _ = file_of(row)
            if file is not None:
                yield file

    def labelled(self, selector: Sequence[str] = ()) -> Iterator[tuple[str, str, Mapping[str, str]]]:
        """Each declared job that has every `LABEL` or `LABEL=VALUE` of the selector: its name, path and labels.

        Without a selector, each that has any label.
        """
        where, arguments = has_labels(selector)
        for row in self.rows(_LABELLED.format(where), arguments):
            yield str(row["name"]), str(row["path"]), labels_in(row["labels"])

    def job(self, name: str) -> Job | None:
        """A job as last accepted; None when there is none. Raises `StateError` when it cannot be read."""
        found = self._jobs(f"{_JOB} where name = ?", [name])
        return found[0] if found else None

    def wanting(self, digest: str) -> list[Job]:
        """The declared jobs that want a request. Raises `StateError` when one cannot be read."""
        return self._jobs(f"{_JOB} where {_HAS_DIGEST}", [digest])

    def cells_of(self, set_name: str, most: int = -1) -> list[Job]:
        """The declared jobs of a set, by name, `most` of them at most. Raises `StateError` when one cannot be read."""
        return self._jobs(f"{_JOB} where {HAS_SET} order by name limit ?", [set_name, most])

    def wanted_request(self, name: str) -> dict[str, Any]:
        """The request of the job as last accepted, without secrets. Raises `StateError` when it is damaged."""
        return self._request("select body from job where name = ?", name)

    def sent_request(self, number: int) -> dict[str, Any]:
        """The same as a submission sent it, with the delivery URL as in the manifest."""
        return self._request("select body from submission where number = ?", number)

    def reported(self, name: str) -> tuple[str, str]:
        """Reason and message last reported of a job; empty where nothing was."""
        rows = self.rows("select told from job where name = ?", [name])
        reason, _, message = next((str(row["told"]) for row in rows), "").partition(": ")
        return reason, message

    def submissions(self, job: str, digest: str) -> list[Submission]:
        """Those of a job and those of a request, of all jobs, oldest first.

        Raises `StateError` when one cannot be read.
        """
        sql = f"select {', '.join(COLUMNS)} from submission where job = ? or digest = ? order by number"
        return [self._whole(submission_of(row)) for row in self.rows(sql, [job, digest])]

    def latest_revision(self) -> str:
        """The commit of the latest submission that has one, among the last thousand; "" without any."""
        sql = (
            "select revision from (select number, revision from submission order by number desc limit 1000) "
            "where revision <> '' order by number desc limit 1"
        )
        return next((str(row["revision"]) for row in self.rows(sql)), "")

    def has_commands(self) -> bool:
        """Whether there is a command that no turn has taken yet."""
        return any(True for _ in self.rows("select 1 from inbox where done_at is null limit 1"))

    def is_job(self, name: str) -> bool:
        """Whether a job of this name is declared now."""
        return any(True for _ in self.rows("select 1 from job where name = ? and wanted is not null", [name]))

    def events(
        self, jobs: Sequence[str] = (), limit: int = 20, after: int = 0, before: int = _NEVER
    ) -> list[dict[str, Any]]:
        """The latest events between two numbers, of these jobs or of all, newest last.

        For all jobs, or many, what stops many of them alike at one time is a single event, with their number as `jobs`
        and the number of the first of them as `since`.
        """
        among = f"and job in ({', '.join('?' * len(jobs))})" if jobs else ""
        sql = f"select * from event where number > ? and number < ? {among} order by number desc"
        with understood(self._path):
            rows = self.rows(sql, [after, before, *jobs])
            found = list(islice(rows if 0 < len(jobs) <= FEW else _joined(rows), limit))[::-1]
            for row in found:
                datetime.fromisoformat(row["at"])
            return found

    def last_event(self) -> int:
        """The number of the latest event; 0 without any."""
        return max(
            (int(row["number"]) for row in self.rows("select number from event order by number desc limit 1")),
            default=0,
        )

    def _request(self, sql: str, key: object) -> dict[str, Any]:
        body = next((str(row["body"]) for row in self.rows(sql, [key]) if row["body"]), "{}")
        with understood(self._path):
            found = json.loads(body)
            if not isinstance(found, dict):
                raise TypeError("a request is an object")
            return found

    def _jobs(self, sql: str, arguments: Sequence[object]) -> list[Job]:
        return [self._whole(job_of(row)) for row in self.rows(sql, arguments)]

    def _whole(self, read: tuple[Read, bool]) -> Read:
        """What was read, unless part of it could not be."""
        found, is_whole = read
        if not is_whole:
            raise StateError(f"{self._path}: a row of it cannot be read by this version")
        return found

    def _schema(self) -> tuple[str, ...]:
        try:
            rows = self._connection.execute("select name from _sqlite_migrations order by id")
            return tuple(row[0] for row in rows)
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            return ()

    def rows(self, sql: str, arguments: Sequence[object] = ()) -> Iterator[dict[str, Any]]:
        """The rows of a query by column name. Raises `StateError` when the ledger cannot be read."""
        with said_plainly(self._path):
            cursor = self._connection.execute(sql, [*map(_storable, arguments)])
            names = [column[0] for column in cursor.description]
            for row in cursor:
                yield dict(zip(names, row, strict=True))


def _storable(argument: object) -> object:
    """A name given on a command line may be no text at all, which SQLite refuses: then nothing has it."""
    return argument.encode(errors="backslashreplace").decode() if isinstance(argument, str) else argument


def _joined(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Adjacent events of one time that stop many jobs for the same reason, as one row."""
    for (_, reason, _), group in groupby(rows, lambda row: (row["at"], str(row["reason"]), row["job"] is None)):
        same = list(group)
        if common(reason) is None or len(same) <= FEW:
            yield from same
            continue
        shown = {"job": name_list([str(row["job"]) for row in reversed(same)]), "jobs": len(same)}
        yield {**same[-1], **shown, "submission": None, "number": same[0]["number"], "since": same[-1]["number"]}


def _documents(path: str, text: str) -> list[dict[str, Any]]:
    try:
        found = from_json(text)
        if all(each["phase"] in _PHASES and each["manifest"] is not None for each in found):
            return list(found)
    except (ValueError, TypeError, KeyError):
        pass
    raise StateError(f"what was last reported of {path} cannot be read")
