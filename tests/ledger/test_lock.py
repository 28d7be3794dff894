"""The lock of the state directory: it dies with its holder, and whoever is refused is told who holds it."""

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from controller.ledger import lock
from controller.ledger.lock import is_held, submitter_lock
from controller.model.errors import StateError
from tests.support.patience import LONGEST

HOLD = """\
import sys
from pathlib import Path
from controller.ledger.lock import submitter_lock
with submitter_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def taken(state: Path) -> None:
    with submitter_lock(state):
        assert (state / "lock").read_text() == f"process {os.getpid()}"


def test_it_can_be_taken_again_after_it_was_given_back(tmp_path: Path) -> None:
    taken(tmp_path)
    assert (tmp_path / "lock").read_text() == ""
    taken(tmp_path)


def test_it_dies_with_a_killed_holder(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    given = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=given, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StateError, match=f"is in use by process {holder.pid}; only one"):
            taken(tmp_path)
        holder.kill()
    taken(tmp_path)


def test_whether_it_is_held_can_be_asked_without_trying_it(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    with submitter_lock(tmp_path):
        assert is_held(tmp_path)
    assert not is_held(tmp_path)


def test_a_holder_that_has_not_written_its_name_yet_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 77 pairs that raced for it, one loser came in between and named nobody."""
    monkeypatch.setattr(lock, "LOOKS", round(LONGEST / lock.PAUSE))
    with (tmp_path / "lock").open("wb", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        writer = threading.Timer(0.05, file.write, [b"process 4711"])
        writer.start()
        with pytest.raises(StateError, match="is in use by process 4711"):
            taken(tmp_path)
        writer.join()


def test_a_lock_that_cannot_be_written_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to("/dev/full")
    with pytest.raises(StateError, match="lock cannot be written: "):
        taken(tmp_path)
