"""Copied jobs are what the real loop makes of the same manifests, and a controller has nothing to do for them."""

import json
import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bench.finished import BEGAN, finish, loop_on, manifests, path_of
from bench.grown import grow, move
from controller.ledger.location import FILE_NAME
from controller.model.files import STATUS
from controller.model.submission import Outcome
from controller.reconcile.calls.workers import Call

pytestmark = pytest.mark.slow

COUNT, FOLDERS, REAL = 30, 4, 9
NUMBER = 23
JOB = f"job-{NUMBER}"


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("grown")
    grow(root, COUNT, folders=FOLDERS, real=REAL)
    return root


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("real")
    manifests(root, COUNT, folders=FOLDERS)
    finish(root)
    return root


STATS = {"mtime_ns", "ctime_ns", "inode"}
COMPARED: dict[str, tuple[str, str, set[str]]] = {
    "what is wanted of the job": ("job", "name", {"place"}),  # the number of a row of its own
    "what was paid for": ("submission", "job", {"number"}),
    "what happened to it": ("event", "job", {"number"}),
    "what is reported of it": ("status", "path", set()),
    "what is known of its files": ("file", "path", STATS),
}


@pytest.mark.parametrize(("table", "column", "other"), COMPARED.values(), ids=COMPARED)
def test_a_copy_is_what_the_real_loop_writes(
    grown: Path, real: Path, table: str, column: str, other: set[str]
) -> None:  # fmt: skip
    copied, written = [_rows(root, table, column, other) for root in (grown, real)]
    assert copied == written
    assert copied


def test_each_copy_is_where_its_request_says(grown: Path, real: Path) -> None:
    sql = "select west, south, east, north from job join place on place.number = place where name = ?"
    places = []
    for root in (grown, real):
        with _ledger(root) as db:
            places += [tuple(row) for row in db.execute(sql, [JOB])]
    assert len(places) == 2 and places[0] == places[1]


def test_its_status_file_is_what_the_real_loop_writes(grown: Path, real: Path) -> None:
    path = f"jobs.d/{path_of(NUMBER, FOLDERS)}".replace(".yaml", ".status.yaml")
    copied, written = [(root / path).read_text().replace(_request_id(root), "the request") for root in (grown, real)]
    assert copied == written


def test_a_controller_that_starts_reads_no_file_and_makes_no_call(grown: Path) -> None:
    before, now = _everything(grown), BEGAN + timedelta(days=2)
    calls = deque[Call]()
    with loop_on(grown, calls) as (loop, ledger):
        loop.start(now)
        loop.turn((), now)
        assert len(ledger.jobs) == COUNT
        assert not any(job.problems for job in ledger.jobs.values())
        assert all(item.outcome is Outcome.SUCCEEDED for item in ledger.everything())
        loop.report(now)
    assert not calls
    assert _everything(grown) == before


def test_jobs_that_were_moved_are_as_if_they_had_been_made_there(tmp_path: Path, grown: Path) -> None:
    grow(tmp_path, COUNT, folders=7, real=REAL)
    move(tmp_path, COUNT, 7, FOLDERS)
    for table, column, other in COMPARED.values():
        assert _rows(tmp_path, table, column, other) == _rows(grown, table, column, other)
    assert _names(tmp_path) == _names(grown)
    with closing(sqlite3.connect(tmp_path / "state" / FILE_NAME)) as db:
        for path, changed_at in db.execute("select path, ctime_ns from file"):
            assert (tmp_path / "jobs.d" / path).stat().st_ctime_ns == changed_at


def _names(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in (root / "jobs.d").rglob("*"))


def _rows(root: Path, table: str, column: str, other: set[str]) -> list[str]:
    """The rows of the job, each as JSON, without the columns that differ in any two ledgers."""
    with _ledger(root) as db:
        query = f"select * from {table} where {column} glob ? order by {column}, rowid"
        found = db.execute(query, [f"*{JOB}*"]).fetchall()
    rows = [{name: each[name] for name in each.keys() if name not in other} for each in found]  # noqa: SIM118
    for row in rows:
        if row.get("kind") == STATUS:
            del row["sha256"]  # of the status with the request's id, which is compared in the rows of `status`
    return [json.dumps(row).replace(_request_id(root), "the request") for row in rows]


def _request_id(root: Path) -> str:
    with _ledger(root) as db:
        [found] = db.execute("select request_id from submission where job = ?", [JOB]).fetchone()
    return str(found)


def _everything(root: Path) -> list[str]:
    with _ledger(root) as db:
        return list(db.iterdump())


@contextmanager
def _ledger(root: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(root / "state" / FILE_NAME)) as db:
        db.row_factory = sqlite3.Row
        yield db
