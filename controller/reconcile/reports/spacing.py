"""When a status file is written: at once when it has news for its reader, else a moment later, and not too often.

The reporter asks it about every file that differs from what is to be written. A job passes through several states in
its first second, and a thousand cells of one set change all the time: no reader needs each of them. While submissions
are sent, many files without news wait some seconds more: writing them delays these, and the jobs soon go on.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import islice

from controller.model.timing import Timing

News = frozenset[Hashable]
"""What a file shows that a reader is to see at once."""
MOST_FORGOTTEN = 2
"""More are forgotten than noted."""
FEW = 20
"""So many files that wait delay no submission, and so give way to none."""
_RIPE = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Written:
    at: datetime
    news: News


class Spacing:
    """Which files were written within the last seconds, and which wait until they may be written again."""

    def __init__(self) -> None:
        self._written: dict[str, _Written] = {}  # the oldest first
        self._waiting: dict[str, datetime] = {}  # until when
        self._queue: list[tuple[datetime, str]] = []

    def puts_off(self, path: str, news: News, now: datetime, timing: Timing, *, gives_way: bool = False) -> bool:
        """Whether this file, which is not up to date, is written later since it shows no news.

        `gives_way`: submissions are on their way.
        """
        due_at, known = self._due_at(path, now, timing), self._known(path)
        if due_at + self._grace(timing, gives_way=gives_way) <= now or news - known:
            return False
        if path not in self._waiting:
            self._waiting[path] = due_at
            heappush(self._queue, (due_at, path))
        return True

    def note(self, path: str, news: News, now: datetime, timing: Timing) -> None:
        """This file is written now."""
        self.drop(path)
        self._forget(now, timing)
        self._written.pop(path, None)
        self._written[path] = _Written(now, news)

    def drop(self, path: str) -> None:
        """This file is up to date, or gone: it waits no more."""
        self._waiting.pop(path, None)

    def ripe(self, now: datetime | None, timing: Timing, *, gives_way: bool = False) -> list[str]:
        """The waiting files that may be written now, or all (None)."""
        found: list[str] = []
        while (due_at := self.next_at(now, timing, gives_way=gives_way)) and (now is None or due_at <= now):
            path = heappop(self._queue)[1]
            self._waiting[path] = _RIPE
            found.append(path)
        return found

    def next_at(self, now: datetime | None, timing: Timing, *, gives_way: bool = False) -> datetime | None:
        """When the next waiting file may be written; None: none waits."""
        while self._queue and self._waiting.get(self._queue[0][1]) != self._queue[0][0]:
            heappop(self._queue)
        if not self._queue:
            return None
        due_at = self._queue[0][0]
        is_far = now is not None and due_at > now + timedelta(seconds=max(timing.status_every, timing.status_after))
        if is_far:  # put off under a clock that was ahead
            return now
        return due_at + self._grace(timing, gives_way=gives_way)

    def _due_at(self, path: str, now: datetime, timing: Timing) -> datetime:
        """A while after the first change: others follow at once. A later time was written under a wrong clock."""
        if path in self._waiting:
            return self._waiting[path]
        due_at, written = now + timedelta(seconds=timing.status_after), self._written.get(path)
        is_known = written is not None and written.at <= now
        return max(due_at, written.at + timedelta(seconds=timing.status_every)) if written and is_known else due_at

    def _grace(self, timing: Timing, *, gives_way: bool) -> timedelta:
        """How much longer files without news wait while submissions are on their way."""
        seconds = timing.status_every - timing.status_after
        return timedelta(seconds=seconds if gives_way and len(self._waiting) > FEW else 0)

    def _known(self, path: str) -> News:
        return self._written[path].news if path in self._written else frozenset()

    def _forget(self, now: datetime, timing: Timing) -> None:
        """Drop what no longer puts anything off."""
        for path, written in list(islice(self._written.items(), MOST_FORGOTTEN)):
            if now - timedelta(seconds=timing.status_every) < written.at <= now:
                return
            del self._written[path]
