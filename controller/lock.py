"""One process at a time may submit: a file lock that the kernel drops when its holder dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.errors import StateError

FILE_NAME = "lock"


@contextmanager
def submitter_lock(state: Path) -> Iterator[None]:
    """Hold the state directory's lock; raises `StateError` that names the holder when somebody else does."""
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
            file.seek(0)
            holder = file.read().decode(errors="replace").strip() or "another process"
            raise StateError(f"{state} is in use by {holder}; only one process at a time may submit") from None
        try:
            file.truncate(0)
            file.write(f"process {os.getpid()}".encode())
        except OSError as error:
            raise StateError(f"{path} cannot be written: {error.strerror}") from error
        yield
