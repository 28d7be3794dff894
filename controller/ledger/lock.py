"""One process at a time may submit: a file lock that the kernel releases when its holder exits."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from controller.model.errors import StateError

FILE_NAME = "lock"
LOOKS = 100
PAUSE = 0.01  # seconds between two tries
LOCKS = Path("/proc/locks")
READS = 3  # the kernel returns the list in pieces, and a change in between may hide a line


@contextmanager
def submitter_lock(state: Path) -> Iterator[None]:
    """Hold the state directory's lock; raises `StateError` naming the holder when another process has it."""
    path = state / FILE_NAME
    try:
        state.mkdir(parents=True, exist_ok=True)
        file = path.open("ab+", buffering=0)
    except OSError as error:
        raise StateError(f"{path} cannot be opened: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateError(f"{state} is in use by {_holder(file)}; only one process at a time may submit") from None
        try:
            file.truncate(0)
            file.write(f"process {os.getpid()}".encode())
        except OSError as error:
            raise StateError(f"{path} cannot be written: {error.strerror}") from error
        try:
            yield
        finally:
            # The next holder must not be mistaken for us before it has written its own name.
            file.truncate(0)


def is_held(state: Path) -> bool:
    """Whether a process on this machine holds the lock."""
    return bool(holder(state))


def holder(state: Path) -> str:
    """Who holds the lock; empty when no one does, or when the system cannot say.

    Read from the kernel, since trying the lock would disturb other processes.
    """
    try:
        inode = (state / FILE_NAME).stat().st_ino
        return next(filter(None, (_named(inode) for _ in range(READS))), "")
    except OSError:
        return ""


def _named(inode: int) -> str:
    locks = LOCKS.read_text(encoding="ascii", errors="replace")
    held = (line.split() for line in locks.splitlines() if "FLOCK" in line and f":{inode} " in line)
    return next((f"process {fields[4]}" for fields in held), "")


def _holder(file: FileIO) -> str:
    """Who holds the lock; the name is written a moment after the lock was taken."""
    for _ in range(LOOKS):
        file.seek(0)
        name = file.read().decode(errors="replace")
        if name:
            return name
        time.sleep(PAUSE)
    return "another process"
