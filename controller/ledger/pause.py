"""What stops submissions from outside the manifests: the file PAUSE, git's lock on the tree, a removed state.

Another commit is noticed with them, where only that counts: it changes no file.

The loop checks them in every turn before it decides; `shjobs pause` and `resume` write and remove the file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from controller.limits.settling import IndexLock
from controller.model.errors import StateError, truncate

FILE_NAME = "PAUSE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stops:
    """What was found: a pause, git's index lock if there is one, and what happened to the state if it was removed.

    `commit` is the one that is checked out, "" where it is not asked for.
    """

    paused: bool = False
    lock: IndexLock | None = None
    lost: str = ""
    commit: str = ""


Look = Callable[[], Stops]


def stops_of(
    lock: Callable[[], IndexLock | None], state: Path, lost: Callable[[], str] = str, commit: Callable[[], str] = str
) -> Look:
    """Checks all stops: `lock` finds git's index lock, `state` may hold a PAUSE file, or may be `lost`."""

    def look() -> Stops:
        return Stops(paused=is_paused(state), lock=lock(), lost=lost(), commit=commit())

    return look


def is_paused(state: Path) -> bool:
    """Whether the file exists; when that cannot be determined, it counts as existing."""
    try:
        (state / FILE_NAME).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def pause(state: Path, who: str, now: datetime) -> bool:
    """Pause; returns False when it was paused already."""
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
    """Resume; returns False when nothing was paused."""
    path = state / FILE_NAME
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise StateError(f"{path} cannot be removed: {error.strerror}") from error
    return True


def who_paused(state: Path) -> str:
    """The text in the file; a user may have created it with any text, or none."""
    try:
        return truncate((state / FILE_NAME).read_text(encoding="utf-8", errors="replace"), 200)
    except OSError:
        return ""
