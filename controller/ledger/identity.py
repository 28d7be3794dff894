"""The identity of the state's files since this process first opened them: a replaced state stops it, not a new start.

`wiring` holds them; the loop, the workers and the daemon check that they are still there.
"""

import os
import weakref
from collections.abc import Iterable
from pathlib import Path

from controller.model.errors import StateError, StateLost


class Identity:
    """Holds the files once, until the process ends, even if the ledger is closed and reopened meanwhile."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[int, int] | None] = {}
        self._pins: list[int] = []
        weakref.finalize(self, _let_go, self._pins)

    def hold(self, paths: Iterable[Path]) -> None:
        """Record these files. Raises `StateLost` when files are already held and no longer there."""
        if not self._known:
            for path in paths:
                self._pins += _pinned(path)
                self._known[path] = _of(path)
        self.check()

    def lost(self) -> str:
        """What happened to the state, and what to do; "" while it is there.

        Raises `StateError` when that cannot be determined.
        """
        gone = next((path for path, known in self._known.items() if _of(path) != known), None)
        return _sentence(gone) if gone else ""

    def check(self) -> None:
        """Raise `StateLost` when the state was removed or replaced."""
        if words := self.lost():
            raise StateLost(words)


def _sentence(path: Path) -> str:
    return (
        f"{path} was removed or replaced while it was in use: nothing more is submitted, and no new ledger is created. "
        f"Put {path.parent} back, from where it was moved or from a backup; if there is none, run "
        "`shjobs adopt NAME REQUEST_ID` for each request id in the log. Then run `shjobs sync` again: it finds in the "
        "bucket what was sent"
    )


def _of(path: Path) -> tuple[int, int] | None:
    """The file's device and inode; None: it does not exist."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        words = f"{path} cannot be read: {error.strerror}; nothing more is submitted until it can"
        raise StateError(words) from None
    return found.st_dev, found.st_ino


def _pinned(path: Path) -> list[int]:
    """Keep the file's inode number from being reused; SQLite's locks on the file are not touched."""
    try:
        return [os.open(path, os.O_PATH | os.O_CLOEXEC)]
    except (OSError, AttributeError):
        return []


def _let_go(pins: list[int]) -> None:
    for pin in pins:
        os.close(pin)
