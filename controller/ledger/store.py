"""The ledger: everything that must outlive the process, in one SQLite file (DESIGN §6).

Only the deciding thread writes. Each public method that changes something belongs inside `transaction()`, which waits
until the whole file is known to be undamaged, and whose commit returns only when the rows are on the disk.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from sys import intern
from typing import Any, Self, TypeVar

from controller.ledger import inbox
from controller.ledger.commits.touched import CommitRows
from controller.ledger.labels import LabelGroups
from controller.ledger.location import (
    FILE_NAME,
    ROOM,
    ROOM_FOR_A_COPY,
    closed_on_error,
    read_only,
    said_plainly,
    unusable,
)
from controller.ledger.migrations import Database
from controller.ledger.opening import prepare, prepare_copy, private_database
from controller.ledger.outbox.rows import NoticeRows
from controller.ledger.permits import PermitRows, Retries
from controller.ledger.places import new_place
from controller.ledger.reads.reader import TERMS, Reader
from controller.ledger.rows.cells import checked_text, either, format_time, objects_of, read_time
from controller.ledger.rows.files import file_of
from controller.ledger.rows.jobs import job_of, wanted_text
from controller.ledger.rows.submissions import COLUMNS, MUTABLE, changes_of, row_of, submission_of
from controller.model.answers import StoredObject
from controller.model.errors import StateError
from controller.model.job import Job
from controller.model.submission import Submission

Read = TypeVar("Read")
LARGE_CHANGE = "largeChange"  # the fact that keeps its limits
_SAVE = f"update submission set {', '.join(f'{column} = :{column}' for column in MUTABLE)} where number = :number"
BINDINGS = {"deployment": "deployment", "account": "OAuth client"}


class Store:
    """One open ledger. A connection belongs to the thread that opened it."""

    def __init__(self, db: Database, path: Path = Path(FILE_NAME), *, is_copy: bool = False) -> None:
        self._db = db
        self._path = path
        # Text that is not UTF-8 must not make the other rows unreadable.
        db.conn.text_factory = lambda text: text.decode("utf-8", "replace")
        self._checked: Future[None] | None = None  # whether the file is undamaged; None: it was checked at once
        self.permits = PermitRows(db, self._rows)
        self.retries = Retries(db, self._rows)
        self.notices = NoticeRows(db.conn)
        self.commits = CommitRows(db.conn)
        self.unreadable: list[str] = []
        """The rows read so far that this version does not fully understand."""
        self._later = None if is_copy else self._objects_of  # what is read from a copy is shown after it is closed
        self._reread: set[str] = set()
        self._labels = LabelGroups(db.conn)

    @classmethod
    def open(cls, state: Path, bindings: Mapping[str, str | None]) -> Self:
        """The ledger in the state directory, created or migrated if needed; the caller holds the submitter's lock.

        Raises `StateError` when it is newer than this program, or belongs to another deployment or account.
        """
        path = state / FILE_NAME
        with said_plainly(path):
            state.mkdir(parents=True, exist_ok=True)
            with closed_on_error(cls(Database(sqlite3.connect(path, timeout=10)), path)) as store:
                store._checked = prepare(store._db, path)
                store._bind(path, bindings)
        return store

    @classmethod
    def copy_of(cls, state: Path) -> Self:
        """A copy of the ledger, empty when there is none yet; changes to it stay private."""
        path = state / FILE_NAME
        with said_plainly(path), closed_on_error(cls(private_database(), path, is_copy=True)) as store:
            if path.exists():
                with closing(read_only(path)) as file:
                    file.backup(store._db.conn)
            prepare_copy(store._db, path)
        return store

    def reader(self) -> Reader:
        """A reader of the same ledger; it is closed with this one."""
        return Reader(self._db.conn, self._path)

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            self._refuse_damaged()  # what a damaged ledger led to says less than that it is damaged
        finally:
            self.close()  # after the connection of the check: only the last one to be closed can empty the journal
        is_ours = isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError)
        if isinstance(error, sqlite3.Error) and not is_ours:
            raise unusable(self._path, error) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and on the disk when it is left; inside another one it is part of that.

        Raises `StateError` when the disk refuses.
        """
        conn = self._db.conn
        if conn.in_transaction:
            yield
            return
        self._refuse_damaged()
        try:
            with conn:
                # A transaction that reads first and then writes fails when another process wrote in between.
                conn.execute("begin immediate")
                yield
        except sqlite3.OperationalError as error:
            if self._later is None:
                raise StateError(
                    f"the temporary copy of the ledger cannot be written: {error}; {ROOM_FOR_A_COPY}"
                ) from error
            raise StateError(f"the ledger cannot be written: {error}; nothing more is submitted; {ROOM}") from error
        except sqlite3.IntegrityError:  # our bug
            raise
        except sqlite3.DatabaseError as error:
            raise unusable(self._path, error) from error

    # submissions

    def submissions(self) -> Iterator[Submission]:
        """Every submission ever made, oldest first."""
        read = partial(submission_of, later=self._later)
        for row in self._rows(f"select {', '.join(COLUMNS)} from submission order by number"):
            yield self._read(read, row, f"submission {row['number']}")

    def add(self, submission: Submission, body: str) -> int:
        """Store a new submission with its body, which holds no secrets; returns its number."""
        row = {**row_of(submission), "body": body}
        marks = ", ".join(f":{column}" for column in row)
        cursor = self._db.conn.execute(
            f"insert into submission ({', '.join(row)}, day, label_group) "
            f"values ({marks}, substr(:intended_at, 1, 10), (select label_group from job where name = :job))",
            row,
        )
        return int(cursor.lastrowid or 0)

    def save(self, submission: Submission) -> None:
        """Store the outcome of a submission."""
        self._db.conn.execute(_SAVE, changes_of(submission))

    def _objects_of(self, number: int) -> tuple[StoredObject, ...]:
        """What a submission delivered, as last seen in the bucket."""
        text = self._one("select evidence from submission where number = ?", [number])
        return objects_of(text if isinstance(text, str) else None)

    # jobs

    def jobs(self) -> Iterator[Job]:
        """Every job ever accepted, as last accepted."""
        for row in self._rows("select name, path, position, generation, wanted from job"):
            job = self._read(job_of, row, f"job {row['name']}")
            if job.wanted is None and row["wanted"]:
                self._reread.add(job.path)
            yield job

    def save_job(self, job: Job, body: str | None = None) -> None:
        """Store a job; `body` None keeps the stored one."""
        self._db.execute(
            "insert into job (name, path, position, generation, wanted, body, label_group, place) "
            "values (?, ?, ?, ?, ?, ?, ?, ?) "
            "on conflict (name) do update set path = excluded.path, position = excluded.position, "
            "generation = excluded.generation, wanted = excluded.wanted, body = coalesce(excluded.body, body), "
            "place = iif(excluded.body is null, place, excluded.place), "
            "label_group = iif(excluded.wanted is null, label_group, excluded.label_group)",
            [
                *(job.name, job.path, job.index, job.generation, wanted_text(job.wanted), body),
                *(self._labels.group_of(job), new_place(self._db.conn, body)),
            ],
        )

    def wanted_body(self, name: str) -> str:
        """The request body of the job as last accepted."""
        return str(self._one("select body from job where name = ?", [name]) or "{}")

    def reported(self) -> dict[str, str]:
        """The state last reported for each job."""
        return {intern(row["name"]): intern(str(row["told"])) for row in self._rows("select name, told from job")}

    def mark_reported(self, reported: Mapping[str, str], at: datetime) -> None:
        """Store the reported state of each of these jobs, and since when it is so."""
        time = format_time(at)
        self._db.conn.executemany(
            "update job set told = ?, reason = ?, changed_at = ? where name = ?",
            [(text, text.partition(":")[0], time, job) for job, text in reported.items()],
        )

    # files

    def files(self) -> Iterator[dict[str, Any]]:
        """The record of each file when it was last read; a file that is not among them is read again.

        In the order of their paths: what a scan compares one after another then lies together in memory.
        """
        rows = self._rows("select path, kind, size, mtime_ns, ctime_ns, inode, sha256, uses from file order by path")
        found = (self._read(file_of, row, f"file {row['path']}") for row in rows)
        return (file for file in found if file and file["path"] not in self._reread)

    def replace_files(self, changed: Iterable[Mapping[str, object]], gone: Iterable[str]) -> None:
        self._db.conn.executemany("delete from file where path = ?", [(path,) for path in gone])
        self._db.conn.executemany(
            "insert or replace into file values (:path, :kind, :size, :mtime_ns, :ctime_ns, :inode, :sha256, :uses)",
            [{**row, "uses": json.dumps(row["uses"])} for row in changed],
        )

    # reports

    def replace_statuses(self, reported: Mapping[str, str], gone: Iterable[str]) -> None:
        """Store the documents of these manifests, as JSON, and delete those of the `gone` ones."""
        self._db.conn.executemany("delete from status where path = ?", [(path,) for path in gone])
        self._db.conn.executemany("insert or replace into status values (?, ?)", reported.items())

    def add_event(self, at: datetime, reason: str, message: str, job: str = "", submission: str = "") -> None:
        """Append an event; none is ever changed or deleted."""
        self._db.conn.execute(
            "insert into event (at, job, submission, reason, message) values (?, ?, ?, ?, ?)",
            [format_time(at), job or None, submission or None, reason, message],
        )

    def last_event_at(self) -> datetime | None:
        """When the newest event was written."""
        text = self._one("select at from event order by number desc limit 1", [])
        return either(lambda: read_time(checked_text(text)), None)

    def fact(self, key: str) -> str | None:
        """A value of `meta`."""
        value = self._one("select value from meta where key = ?", [key])
        return None if value is None else str(value)

    def renew(self, terms: str, threshold: Sequence[float], kept: str) -> None:
        """When the terms differ, no file but the `kept` kind counts as read, and nothing as admitted.

        What is held as a large change stays held until a limit of the `threshold` is raised, whatever else changes.
        """
        if self.fact(TERMS) != terms:
            self._db.conn.execute("delete from file where kind <> ?", [kept])
            self.permits.drop_admitted()
            self.set_fact(TERMS, terms)
        before, limits = self.fact(LARGE_CHANGE) or "", " ".join(map(repr, threshold))
        if before != limits:
            if _is_raised(before, threshold):
                self.permits.drop_held()
            self.set_fact(LARGE_CHANGE, limits)

    def facts(self, start: str) -> dict[str, str]:
        """The values of `meta` whose keys begin with `start`, by the rest of the key."""
        rows = self._rows("select key, value from meta where substr(key, 1, ?) = ?", [len(start), start])
        return {str(row["key"])[len(start) :]: str(row["value"]) for row in rows}

    def forget_fact(self, key: str) -> None:
        self._db.execute("delete from meta where key = ?", [key])

    def set_fact(self, key: str, value: str) -> None:
        self._db.execute("insert or replace into meta (key, value) values (?, ?)", [key, value])

    def add_command(self, at: datetime, command: str) -> None:
        """Append a command for the process that runs the loop."""
        inbox.insert(self._db.conn, at, command)

    def pending_commands(self, longest: int) -> list[tuple[int, bytes]]:
        """The commands not yet taken, oldest first, as written, cut after `longest` bytes."""
        sql = (
            "select number, coalesce(substr(cast(command as blob), 1, ?), x'') command from inbox where done_at is null"
        )
        return [(row["number"], row["command"]) for row in self._rows(sql, [longest])]

    def has_commands(self) -> bool:
        """Whether there is a command not yet taken."""
        return self._one("select 1 from inbox where done_at is null limit 1", []) is not None

    def mark_done(self, number: int, at: datetime) -> None:
        self._db.execute("update inbox set done_at = ? where number = ?", [format_time(at), number])

    def _bind(self, path: Path, bindings: Mapping[str, str | None]) -> None:
        """One database belongs to one deployment and one OAuth client."""
        for key, value in bindings.items():
            known = self.fact(key)
            if value and known is None:
                with self.transaction():
                    self.set_fact(key, value)
            elif value and known != value:
                raise StateError(
                    f"{path} belongs to the {BINDINGS[key]} {known!r}, the settings name {value!r}; "
                    "use the former, or another state directory"
                )

    def _refuse_damaged(self) -> None:
        """Wait for the check of the file; raises `StateError` when it is damaged."""
        if self._checked is not None:
            self._checked.result()

    def _read(self, read: Callable[[Mapping[str, Any]], tuple[Read, bool]], row: Mapping[str, Any], name: str) -> Read:
        """The noun of a row, as far as it can be read; an unreadable row is noted."""
        found, is_whole = read(row)
        if not is_whole:
            self.unreadable.append(name)
        return found

    def _rows(self, sql: str, arguments: Sequence[object] = ()) -> Iterator[dict[str, Any]]:
        with said_plainly(self._path):
            cursor = self._db.execute(sql, list(arguments))
            names = [column[0] for column in cursor.description]
            for row in cursor:
                yield dict(zip(names, row, strict=True))

    def _one(self, sql: str, arguments: Sequence[object]) -> object:
        with said_plainly(self._path):
            row = self._db.execute(sql, list(arguments)).fetchone()
        return row[0] if row else None


def _is_raised(before: str, threshold: Sequence[float]) -> bool:
    """Whether a limit is higher than before; False when it is not known, as in the ledgers of earlier versions."""
    try:
        return any(now > float(then) for now, then in zip(threshold, before.split(), strict=False))
    except ValueError:
        return False
