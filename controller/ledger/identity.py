"""Which files the state was made of when this process opened it first: a replaced state is an end, not a beginning.

`assembly` takes hold of them; the loop, the workers and the daemon ask whether they are still there.
"""

import os
import weakref
from collections.abc import Iterable
from pathlib import Path

from controller.model.errors import StateError, StateLost


class Identity:
    """Takes hold once, for as long as the process lives, whatever is closed and opened again meanwhile."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[int, int] | None] = {}
        self._pins: list[int] = []
        weakref.finalize(self, _let_go, self._pins)

    def hold(self, paths: Iterable[Path]) -> None:
        """Remember these files. Raises `StateLost` when others were held, and are not there any more."""
        if not self._known:
            for path in paths:
                self._pins += _pinned(path)
                self._known[path] = _of(path)
        self.check()

    def lost(self) -> str:
        """What became of the state, and what to do; "" while it is there.

        Raises `StateError` when that cannot be seen.
        """
        gone = next((path for path, known in self._known.items() if _of(path) != known), None)
        return _sentence(gone) if gone else ""

    def check(self) -> None:
        """Raise `StateLost` when the state was taken away."""
        if words := self.lost():
            raise StateLost(words)


def _sentence(path: Path) -> str:
    return (
        f"{path} was removed or replaced while it was in use: nothing more is submitted, and no other ledger is begun. "
        f"Put {path.parent} back, from where it was moved or from a backup; if there is none, say "
        "`shjobs adopt NAME REQUEST_ID` for each request id in the log. Then run `shjobs sync` again: it finds in the "
        "bucket what was sent"
    )


def _of(path: Path) -> tuple[int, int] | None:
    """What tells a file from every other one; None: there is none."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        words = f"{path} cannot be looked at: {error.strerror}; nothing more is submitted until it can"
        raise StateError(words) from None
    return found.st_dev, found.st_ino


def _pinned(path: Path) -> list[int]:
    """Keep the file's inode number from being given to another one; SQLite's locks on the file are not touched."""
    try:
        return [os.open(path, os.O_PATH | os.O_CLOEXEC)]
    except (OSError, AttributeError):
        return []


def _let_go(pins: list[int]) -> None:
    for pin in pins:
        os.close(pin)
