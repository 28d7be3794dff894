"""A hundred thousand finished jobs in a minute: the real loop makes the first, the others are copies of one of them.

A copy is every row of the job in the ledger, and its status file, with another name, request, digest and number. What
the real loop makes of the same manifests is equal, but for the times (tests/project/test_bench_grown.py).
"""

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rfc8785

from bench.finished import FOLDERS, NOWHERE, finish, manifests, path_of, settings_of, west_of
from controller.analysis.terms import terms_of, threshold_of
from controller.ledger.location import FILE_NAME
from controller.ledger.places import new_place
from controller.ledger.store import Store
from controller.manifest.digest import canonical
from controller.model.files import STATUS

REAL = 100
MODEL = 7  # the number of the job that is copied: none of its words is part of another's

_ROWS = {"job": "name", "submission": "job", "event": "job", "status": "path", "file": "path"}
"""The tables with rows of a job, and the column that says so."""

Cells = dict[str, Any]
"""A row of the ledger by its columns."""


def grow(
    root: Path, count: int, *, folders: int = FOLDERS, real: int = REAL, address: str = NOWHERE
) -> None:  # fmt: skip
    """Make so many manifests whose jobs are all Succeeded, in an empty folder, for a controller of this service."""
    real = min(real, count)
    manifests(root, real, folders=folders)
    finish(root)
    manifests(root, count - real, folders=folders, first=real)
    with sqlite3.connect(root / "state" / FILE_NAME) as db:
        db.row_factory = sqlite3.Row
        if count > real:
            _copy(db, root / "jobs.d", range(real, count), folders)
        _trust(db, root / "jobs.d")
    db.close()
    accept_terms(root, address)


def move(root: Path, count: int, before: int, after: int) -> None:
    """Take so many finished jobs from so many folders to so many others, as if they had been made there."""
    if before == after:
        return
    jobs = root / "jobs.d"
    with sqlite3.connect(root / "state" / FILE_NAME) as db:
        for number in range(count):
            old, new = path_of(number, before), path_of(number, after)
            (jobs / new).parent.mkdir(exist_ok=True)
            db.execute("update job set path = ? where name = ?", [new, f"job-{number}"])
            db.execute("update status set path = ? where path = ?", [new, old])
            for was, to in ((old, new), (status_of(old), status_of(new))):
                (jobs / was).rename(jobs / to)
                changed_at = (jobs / to).stat().st_ctime_ns
                db.execute("update file set path = ?, ctime_ns = ? where path = ?", [to, changed_at, was])
    db.close()
    for folder in jobs.iterdir():
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _copy(db: sqlite3.Connection, jobs: Path, numbers: range, folders: int) -> None:
    model = _Model.read(db, jobs, folders)
    offset = db.execute("select coalesce(max(number), 0) from submission").fetchone()[0] + 1 - numbers.start
    for number in numbers:
        words = model.words(number, number + offset, folders)
        (jobs / words["status_path"]).write_text(model.status % words, encoding="utf-8")
        for table, mould in model.rows:
            row = {name: value % words if isinstance(value, str) else value for name, value in mould.items()}
            if table == "file":
                row |= _seen(jobs / row["path"])
                row["sha256"] = _sha256(model.documents % words if row["kind"] == STATUS else _content(jobs, row))
            if table == "job":
                row["place"] = new_place(db, row["body"])
            db.execute(_insert(table, row), row)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """The rows and the status file of a job, with a mark wherever another job has another word."""

    rows: tuple[tuple[str, Cells], ...]
    status: str
    documents: str
    request: str
    """What is hashed for the digest."""

    @classmethod
    def read(cls, db: sqlite3.Connection, jobs: Path, folders: int) -> "_Model":
        path = path_of(MODEL, folders)
        status_path = status_of(path)
        paid = db.execute("select * from submission where job = ?", [f"job-{MODEL}"]).fetchone()
        marks = _marks(MODEL, paid["request_id"], paid["digest"], folders)
        keys = {"name": [f"job-{MODEL}"], "job": [f"job-{MODEL}"], "path": [path, status_path]}
        rows = tuple((table, _marked_row(row, marks)) for table, row in _rows(db, keys))
        [documents] = [row["documents"] for table, row in rows if table == "status"]
        request = rfc8785.dumps(canonical(json.loads(paid["body"]))).decode()
        return cls(
            rows=rows,
            status=_marked((jobs / status_path).read_text(encoding="utf-8"), marks),
            documents=documents,
            request=_marked(request, marks),
        )

    def words(self, number: int, row_number: int, folders: int) -> dict[str, str]:
        """The words of another job, by their marks."""
        digest = f"1:{_sha256(self.request % {'west': repr(west_of(number))})}"
        marks = _marks(number, f"{row_number:08x}-1111-4111-8111-111111111111", digest, folders)
        return {mark: word for word, mark in marks.items()}


def status_of(path: str) -> str:
    """Where the status of a manifest is, as the real loop has it by default."""
    return path.replace(".yaml", ".status.yaml")


def _marks(number: int, request_id: str, digest: str, folders: int) -> dict[str, str]:
    """The words that differ between jobs, each with its mark."""
    hexadecimal = digest.removeprefix("1:")
    return {
        path_of(number, folders): "path",
        status_of(path_of(number, folders)): "status_path",
        f"job-{number}": "name",
        hexadecimal: "digest",
        hexadecimal[:16]: "short",
        request_id: "request_id",
        repr(west_of(number)): "west",
    }


def _marked(text: str, marks: Mapping[str, str]) -> str:
    words = "|".join(map(re.escape, sorted(marks, key=len, reverse=True)))
    return re.sub(words, lambda found: f"%({marks[found[0]]})s", text.replace("%", "%%"))


def _marked_row(row: sqlite3.Row, marks: Mapping[str, str]) -> Cells:
    kept = {name: row[name] for name in row.keys() if name != "number"}  # noqa: SIM118  (a row iterates over values)
    return {name: _marked(value, marks) if isinstance(value, str) else value for name, value in kept.items()}


def _rows(db: sqlite3.Connection, keys: Mapping[str, list[str]]) -> Iterator[tuple[str, sqlite3.Row]]:
    for table, column in _ROWS.items():
        for key in keys[column]:
            for row in db.execute(f"select * from {table} where {column} = ? order by rowid", [key]):
                yield table, row


def _insert(table: str, row: Cells) -> str:
    return f"insert into {table} ({', '.join(row)}) values ({', '.join(f':{name}' for name in row)})"


def _trust(db: sqlite3.Connection, jobs: Path) -> None:
    """A file that was fresh when it was read would be read once more."""
    for (path,) in db.execute("select path from file where ctime_ns = 0").fetchall():
        db.execute("update file set ctime_ns = ? where path = ?", [(jobs / path).stat().st_ctime_ns, path])


def accept_terms(root: Path, address: str) -> None:
    """As a controller does when it starts: the files count as read under its settings, and not as new."""
    settings = settings_of(root, SHJOBS_BASE_URL=address)
    with Store.open(settings.state, {}) as store, store.transaction():
        known = list(store.files())
        store.renew(terms_of(settings), threshold_of(settings), kept=STATUS)
        store.replace_files(known, [])


def _seen(path: Path) -> Cells:
    found = path.stat()
    return {
        "size": found.st_size,
        "mtime_ns": found.st_mtime_ns,
        "ctime_ns": found.st_ctime_ns,
        "inode": found.st_ino,
    }


def _content(jobs: Path, row: Cells) -> str:
    path: str = row["path"]
    return (jobs / path).read_text(encoding="utf-8")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
