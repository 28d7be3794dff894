"""What stops payments from outside the files: the file PAUSE, git's lock on the tree, a state that was taken away.

The loop looks at both in every turn before it decides; `shjobs pause` and `resume` write and remove the file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from controller.limits.settling import IndexLock
from controller.model.errors import StateError, cut

FILE_NAME = "PAUSE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stops:
    """What was found: a pause, git's index lock if there is one, and what became of the state if it was taken away."""

    paused: bool = False
    lock: IndexLock | None = None
    lost: str = ""


Look = Callable[[], Stops]


def stops_of(lock: Callable[[], IndexLock | None], state: Path, lost: Callable[[], str] = lambda: "") -> Look:
    """Looks at the brakes: `lock` finds git's index lock, `state` may hold a PAUSE file, or may be `lost`."""

    def look() -> Stops:
        return Stops(paused=is_paused(state), lock=lock(), lost=lost())

    return look


def is_paused(state: Path) -> bool:
    """Whether the file is there; one that cannot be looked at counts as there."""
    try:
        (state / FILE_NAME).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def pause(state: Path, who: str, now: datetime) -> bool:
    """Pause; answers False when it was paused already, by whomever."""
    path = state / FILE_NAME
    try:
        state.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(f"paused by {who} at {now:%Y-%m-%dT%H:%M:%SZ}\n")
    except FileExistsError:
        if is_paused(state):
            return False
        raise StateError(f"{path} cannot be written: {state} is a file") from None
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}") from error
    return True


def resume(state: Path) -> bool:
    """Go on; answers False when nothing was paused."""
    path = state / FILE_NAME
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise StateError(f"{path} cannot be removed: {error.strerror}") from error
    return True


def who_paused(state: Path) -> str:
    """The words in the file; a person may have made it with any words, or none."""
    try:
        return cut((state / FILE_NAME).read_text(encoding="utf-8", errors="replace"), 200)
    except OSError:
        return ""
