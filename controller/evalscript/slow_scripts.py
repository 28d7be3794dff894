"""The scripts that timed out, by the hash of the question: each costs its time once, not at every start.

One small file in the state directory. It is a cache: an unreadable file counts as empty, a failed write is ignored. It
is valid for this version of the program and for one day, since the machine may have been the cause.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from controller import __version__

FILE_NAME = "slow-scripts.json"
LASTS = timedelta(days=1)
MOST = 10_000  # scripts


class SlowScripts:
    """The entries still valid at `now`. Without `keeps` nothing is written: for commands that only read."""

    def __init__(self, state: Path, now: Callable[[], datetime], *, keeps: bool = False) -> None:
        self._path = state / FILE_NAME
        self._now = now
        self._keeps = keeps
        self._found = _read(self._path)

    def has(self, key: str) -> bool:
        """Whether it timed out less than a day ago."""
        at = self._found.get(key)
        return at is not None and abs(self._now() - at) < LASTS

    def note(self, key: str) -> None:
        """It timed out just now."""
        now = self._now()
        lasting = [(each, at) for each, at in self._found.items() if abs(now - at) < LASTS and each != key]
        self._found = dict([*lasting, (key, now)][-MOST:])
        if self._keeps:
            _write(self._path, self._found)


def _read(path: Path) -> dict[str, datetime]:
    try:
        kept = json.loads(path.read_bytes())
        if kept["version"] != __version__:
            return {}
        found = {str(key): datetime.fromisoformat(at) for key, at in kept["scripts"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {key: at for key, at in found.items() if at.tzinfo is not None}


def _write(path: Path, found: dict[str, datetime]) -> None:
    kept = {"version": __version__, "scripts": {key: at.isoformat() for key, at in found.items()}}
    temporary = path.with_suffix(".tmp")
    with suppress(OSError):
        temporary.write_text(json.dumps(kept), encoding="utf-8")
        temporary.replace(path)
