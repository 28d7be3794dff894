"""Whether the tree has settled: nothing is paid for while it is still being written (DESIGN §8 "Settle").

Pure. The loop passes what its scans saw and the git lock it found, so a new commit is seen as a whole or not at all.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from controller.model.timing import Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexLock:
    """Git's lock on its index: while it exists, a git command is working on the tree."""

    path: str
    since: datetime

    def is_stale(self, now: datetime, timing: Timing) -> bool:
        """So old that no git command can still be running."""
        return now - self.since >= timedelta(seconds=timing.lock_stale)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """Why nothing is paid for yet; `until` None: an operator must act."""

    message: str
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stillness:
    """When the tree last changed. `settle` is in seconds; `moved_at` is the last scan that saw a change."""

    settle: float
    moved_at: datetime | None = None
    is_still: bool = False
    lock: IndexLock | None = None

    @property
    def still_at(self) -> datetime | None:
        """When it will have settled, if no change is seen until then; None: no change was seen."""
        return None if self.moved_at is None else self.moved_at + timedelta(seconds=self.settle)

    def scanned(self, now: datetime, *, changed: bool) -> Self:
        """After a scan: the tree has settled when it saw no change and the last change is long enough ago."""
        after = replace(self, moved_at=now if changed else self.moved_at)
        return replace(after, is_still=after.still_at is None or now >= after.still_at)

    def locked_by(self, lock: IndexLock | None) -> Self:
        """After a check for git's lock: what was written under it is only trusted after one more scan."""
        return replace(self, lock=lock, is_still=self.is_still and self.lock is None)

    def settling(self, now: datetime, timing: Timing) -> Settling | None:
        """Why nothing is paid for now; None: the tree has settled."""
        if self.lock is not None:
            return _locked(self.lock, now, timing)
        if self.is_still:
            return None
        until = max(now, self.still_at or now)
        message = f"the files changed just now; will be submitted when they have been still for {self.settle:g} s"
        return Settling(message=message, until=until)


def _locked(lock: IndexLock, now: datetime, timing: Timing) -> Settling:
    if lock.is_stale(now, timing):
        message = (
            f"git's index lock {lock.path} is older than {timing.lock_stale:g} s; "
            "if no git command is at work, remove that file"
        )
        return Settling(message=message, until=None)
    message = f"a git command is at work; will be submitted when its lock {lock.path} is gone"
    return Settling(message=message, until=now + timedelta(seconds=timing.lock_again))
