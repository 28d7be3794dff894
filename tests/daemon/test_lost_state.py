"""A state that is removed or replaced while it is in use ends the process, with every request id in the log."""

import os
import resource
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.conftest import Workspace, ndvi
from tests.support.charges import charges_by_prefix
from tests.support.forked import Forked
from tests.support.patience import LONGEST

pytestmark = pytest.mark.slow
NAMES = ("one", "two", "three")


class Started:
    """A command that runs, and what it says on the standard error output."""

    def __init__(self, process: Forked, log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def ended(self) -> int:
        return self.process.wait(LONGEST)

    def warnings(self, words: str) -> list[str]:
        return [line for line in self.log.splitlines() if "WARNING" in line and words in line]


@contextmanager
def started(workspace: Workspace, command: str, **changed: str) -> Iterator[Started]:
    given = {key: value for key, value in os.environ.items() if not key.startswith("SHJOBS_")}
    ours = {"SHJOBS_LISTEN": "127.0.0.1:0", "SHJOBS_SETTLE": "0s", "SHJOBS_PICTURES": "false"}
    log = workspace.root / f"{command}.log"
    log.write_bytes(b"")
    environment = {**given, **workspace.environment, **ours, **changed}
    process = Forked((command,), cwd=workspace.root, environment=environment, log=log)
    try:
        yield Started(process, log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(LONGEST)


def until(holds: Callable[[], object], what: str) -> None:
    ends_at = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < ends_at, f"never: {what}"
        time.sleep(0.01)


def removed(workspace: Workspace) -> None:
    shutil.rmtree(workspace.state)


def moved(workspace: Workspace) -> None:
    workspace.state.rename(workspace.root / "elsewhere")


def emptied(workspace: Workspace) -> None:
    for path in workspace.state.iterdir():
        path.unlink()


def remounted(workspace: Workspace) -> None:
    moved(workspace)
    workspace.state.mkdir()


def restored(workspace: Workspace) -> None:
    """An older copy, as of before the submissions."""
    moved(workspace)
    shutil.copytree(workspace.root / "backup", workspace.state)


@pytest.mark.parametrize(
    ("command", "loss"),
    [("sync", moved), ("sync", emptied), ("sync", remounted), ("run", removed), ("run", restored)],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_lost_state_sent_what_was_queued_and_dropped_the_id(
    workspace: Workspace, gate: threading.Event, command: str, loss: Callable[[Workspace], None]
) -> None:
    """The daemon even began a new ledger at once, and paid for the job under way a second time."""
    workspace.sync()
    shutil.copytree(workspace.state, workspace.root / "backup")
    for west, name in enumerate(NAMES):
        workspace.write(f"{name}.yaml", ndvi(name, 14.41 + west / 100))
    with started(workspace, command, SHJOBS_WORKERS="1") as process:
        until(workspace.posts, "the first POST was read")
        loss(workspace)
        if command == "run":
            time.sleep(1)  # most often it has seen the loss before the answer comes; `sync` sees both at once
        gate.set()
        assert process.ended() == 2, process.log
    assert workspace.posts() == 1
    [accepted] = [entry for entry in workspace.sandbox.ledger.entries() if entry.event == "accepted"]
    [line] = process.warnings(accepted.id)
    assert f"request {accepted.id} was accepted for {accepted.prefix}" in line
    said = process.log.splitlines()[-1]
    assert "was removed or replaced while it was in use" in said
    assert "`shjobs adopt NAME REQUEST_ID`" in said
    assert "Traceback" not in process.log
    assert {document["phase"] for document in workspace.sync().values()} == {"Succeeded"}
    assert workspace.posts() == len(charges_by_prefix(workspace.sandbox.ledger.entries())) == 3


def limited(process: Started, size: int) -> None:
    """No file may grow beyond so many bytes: what the process meets is a full disk."""
    resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


ROOM_FOR_THE_LOG = 16 << 10  # bytes: more than the log holds, and less than the ledger


def test_an_id_that_came_while_the_disk_was_full_was_dropped(workspace: Workspace, gate: threading.Event) -> None:
    """It was read from the inbox and thrown away; only the bucket, if it could be read, named it again."""
    workspace.write("ndvi.yaml", ndvi())
    with started(workspace, "run") as process:
        until(workspace.posts, "the POST was read")
        limited(process, ROOM_FOR_THE_LOG)
        gate.set()
        until(lambda: process.warnings("could not be recorded"), "the id is logged")
        limited(process, resource.RLIM_INFINITY)
        until(lambda: ": every declared output" in process.log, "it goes on")
    [accepted] = [entry for entry in workspace.sandbox.ledger.entries() if entry.event == "accepted"]
    [line] = process.warnings("could not be recorded")
    assert f"job ndvi: request {accepted.id} was accepted for {accepted.prefix}" in line
    with closing(sqlite3.connect(workspace.state / "shjobs.db")) as ledger:
        rows = ledger.execute("select request_id, answer, adopted, answered_at is null from submission").fetchall()
    assert rows == [(accepted.id, "accepted", 0, 0)]
    assert workspace.posts() == 1


def test_a_state_that_is_replaced_while_the_disk_is_full_begins_no_new_ledger(
    workspace: Workspace, gate: threading.Event
) -> None:
    workspace.write("ndvi.yaml", ndvi())
    with started(workspace, "run") as process:
        until(workspace.posts, "the POST was read")
        limited(process, ROOM_FOR_THE_LOG)
        gate.set()
        until(lambda: process.warnings("could not be recorded"), "the id is logged")
        emptied(workspace)
        limited(process, resource.RLIM_INFINITY)
        assert process.ended() == 2
    assert "was removed or replaced while it was in use" in process.log
    assert (workspace.posts(), list(workspace.state.iterdir())) == (1, [])
