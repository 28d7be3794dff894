"""Keeps two writes of a status file apart, since the cells of a set change many times a second."""

from datetime import datetime, timedelta

APART = timedelta(seconds=1)


class Spacing:
    """When each file was written last, and which wait until they may be written again."""

    def __init__(self) -> None:
        self._written_at: dict[str, datetime] = {}
        self._waiting: dict[str, None] = {}

    def note(self, path: str, now: datetime) -> None:
        """This file was written."""
        self._written_at[path] = now

    def puts_off(self, path: str, now: datetime) -> bool:
        """Whether it is too early to write this file again: then it waits."""
        if is_early := self._due_at(path, now) > now:
            self._waiting[path] = None
        return is_early

    def ripe(self, now: datetime | None) -> list[str]:
        """The waiting files that may be written now, or all (None); they wait no more."""
        found = [path for path in self._waiting if now is None or self._due_at(path, now) <= now]
        for path in found:
            del self._waiting[path]
        return found

    def next_at(self, now: datetime) -> datetime | None:
        """When the next waiting file may be written; None: none waits."""
        return min((self._due_at(path, now) for path in self._waiting), default=None)

    def _due_at(self, path: str, now: datetime) -> datetime:
        """A file written at a later time was written under a wrong clock: it is due."""
        written_at = self._written_at.get(path)
        return now if written_at is None or written_at > now else written_at + APART
