"""Looking needs no right to write: another user's ledger, a read-only mount, and a state that may not even be read."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from controller.ledger.location import FILE_NAME, read_only
from controller.ledger.snapshot import copy_to_memory
from controller.ledger.store import Store
from tests.conftest import Workspace, ndvi
from tests.support.rights import bound, mounted

pytestmark = pytest.mark.slow
OTHER = 65534

LOOKS = {
    "get": ["get"],
    "describe": ["describe", "ndvi"],
    "why": ["why", "ndvi"],
    "events": ["events"],
    "plan": ["plan"],
    "budget": ["budget"],
    "wait": ["wait", "ndvi", "--for", "Succeeded", "--timeout", "5s"],
    "fetch": ["fetch", "ndvi"],
    "check": ["check"],
    "config": ["config", "show"],
    "doctor": ["doctor"],
}
ACTS = {"sync": ["sync"], "run": ["run", "--no-listen"], "pause": ["pause"], "accept": ["accept", "0" * 12]}


def of_another_user(state: Path) -> None:
    for path in (*state.iterdir(), state):
        if os.geteuid() == 0:
            os.chown(path, OTHER, OTHER)
        path.chmod(0o555 if path.is_dir() else 0o444)


def without_rights(state: Path) -> None:
    of_another_user(state)
    state.chmod(0o000)


def unreadable(state: Path) -> None:
    of_another_user(state)
    (state / FILE_NAME).chmod(0o000)


@contextmanager
def read_only_mount(state: Path) -> Iterator[None]:
    with mounted(["--bind", str(state), str(state)], ["-o", "remount,bind,ro", str(state)], at=state):
        yield


@pytest.fixture
def synced(workspace: Workspace) -> Iterator[Workspace]:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    yield workspace
    workspace.state.chmod(0o755)


def test_another_users_ledger_can_be_looked_at(synced: Workspace) -> None:
    """SQLite wanted to make files beside it: `unable to open database file`."""
    before = sorted(each.name for each in synced.state.iterdir())
    of_another_user(synced.state)
    for name, done in bound(synced, LOOKS).items():
        assert done.returncode == (1 if name == "doctor" else 0), done.stdout + done.stderr
        assert "cannot be used" not in done.stdout + done.stderr, name
        assert name not in ("get", "describe", "wait") or "Succeeded" in done.stdout
    assert sorted(each.name for each in synced.state.iterdir()) == before


def test_a_ledger_on_a_read_only_mount_can_be_looked_at(synced: Workspace) -> None:
    with read_only_mount(synced.state):
        for name, done in bound(synced, LOOKS).items():
            assert done.returncode == (1 if name == "doctor" else 0), done.stdout + done.stderr
            assert "cannot be used" not in done.stdout + done.stderr, name


@pytest.mark.parametrize("close", [without_rights, unreadable], ids=["no rights at all", "the ledger unreadable"])
def test_what_may_not_be_read_is_said_in_a_sentence(synced: Workspace, close: Callable[[Path], None]) -> None:
    """It ended with 70: this should not happen."""
    close(synced.state)
    for name, done in bound(synced, {**LOOKS, **ACTS}).items():
        shown = done.stdout + done.stderr
        assert "Traceback" not in shown
        assert done.returncode == {"check": 0, "config": 0, "doctor": 1}.get(name, 2), shown
        assert not done.returncode or "Permission denied" in shown or "cannot be written" in shown, shown


def test_what_is_committed_but_only_in_the_log_is_seen(tmp_path: Path) -> None:
    with Store.open(tmp_path, {}) as store:
        with store.transaction():
            store.set_fact("seen", "yes")
        assert (tmp_path / f"{FILE_NAME}-wal").stat().st_size > 0
        of_another_user(tmp_path)
        with closing(copy_to_memory(tmp_path / FILE_NAME)) as copy:
            assert copy.execute("select value from meta where key = 'seen'").fetchall() == [("yes",)]
        tmp_path.chmod(0o755)


def test_a_copy_beside_a_writer_is_always_of_one_moment(tmp_path: Path) -> None:
    """Both rows change in each transaction, with a checkpoint after every few: no copy shows one without the other."""
    path, stop = tmp_path / FILE_NAME, threading.Event()
    with closing(sqlite3.connect(path)) as db:
        db.executescript(
            "pragma journal_mode = wal; create table pair (a, b, padding); insert into pair values (0, 0, '')"
        )

    def write() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("pragma wal_autocheckpoint = 3")
            number = 0
            while not stop.wait(0.001):
                number += 1
                db.execute("update pair set a = ?, b = ?, padding = ?", [number, number, "x" * 9000])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = []
        for _ in range(30):
            with closing(copy_to_memory(path)) as copy:
                assert copy.execute("pragma integrity_check").fetchall() == [("ok",)]
                [(a, b)] = copy.execute("select a, b from pair").fetchall()
            assert a == b
            seen.append(a)
    finally:
        stop.set()
        writer.join()
    assert seen == sorted(seen)


def test_the_owner_reads_in_place(tmp_path: Path) -> None:
    Store.open(tmp_path, {}).close()
    with closing(read_only(tmp_path / FILE_NAME)) as db:
        assert Path(db.execute("pragma database_list").fetchall()[0][2]).name == FILE_NAME
    with suppress(FileNotFoundError):
        (tmp_path / f"{FILE_NAME}-shm").unlink()
