"""Watches the surroundings for the loop: when to scan the tree, whether it is quiet, and what stops submissions.

A scan is due after a notification, periodically without one, once more after each scan that found a change, when the
next cell of a set becomes due or a time range begins or ends, and when another commit is checked out, where only that
counts.
Status files are half of the tree and cause no notification: they are compared once per scan interval.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from controller.ledger.pause import Look as LookAtStops
from controller.ledger.pause import Stops
from controller.limits.settling import Settling, Stillness
from controller.model.errors import StateLost
from controller.model.job import Job
from controller.model.timing import Timing
from controller.tree.change import Change
from controller.tree.tree import Tree

Scanned = Callable[[Change, float], None]
"""Receives what a scan found, and how many seconds it took."""

Interruptible = Callable[[], AbstractContextManager[object]]
"""Around a scan: a signal may interrupt it, since nothing was decided on it yet."""


class Scanner:
    """The last known state of the surroundings. `settle` is in seconds: how long the tree must have been quiet.

    `scanned` is called after each scan.
    """

    def __init__(
        self, tree: Tree, timing: Timing, stops: LookAtStops, settle: float, scanned: Scanned | None = None,
        interruptible: Interruptible = nullcontext,
    ) -> None:  # fmt: skip
        self._tree = tree
        self._timing = timing
        self._look_at_stops = stops
        self._stops = Stops()
        self._stillness = Stillness(settle=settle)
        self._scanned = scanned
        self._interruptible = interruptible
        self.scan_at: datetime | None = datetime.min.replace(tzinfo=UTC)
        self.scanned_at: datetime | None = None
        self._compared_at = datetime.min.replace(tzinfo=UTC)
        self.unready = ""
        """Why the tree cannot be read now; "" when it can."""

    @property
    def is_paused(self) -> bool:
        return self._stops.paused

    def settling(self, now: datetime) -> Settling | None:
        """Why nothing is submitted now; None: the tree can be read, and is quiet."""
        if self.unready:
            return Settling(message=f"{self.unready}; nothing is paid for until it can be read", until=None)
        return self._stillness.settling(now, self._timing)

    def rescan(self, at: datetime | None = None) -> None:
        """Scan again in the next turn after `at`; None: in the next turn."""
        self.scan_at = min(at, self.scan_at) if at and self.scan_at else None

    def is_woken(self) -> bool:
        """Whether a pause, a lock of git, the commit or the state has changed."""
        return self._look_at_stops() != self._stops

    def look(self, jobs: Mapping[str, Job], now: datetime) -> Change | None:
        """Scan the tree if that is due; None: it is not. Raises `StateLost` when the state is gone.

        What was scanned while a git command was running is scanned again after it.
        """
        was_locked = self._stillness.lock is not None
        stops = self._look_at_stops()
        lock = stops.lock
        self._stillness = self._stillness.locked_by(lock)
        was_ahead = self.scanned_at is not None and now < self.scanned_at  # what is due by the clock may be later now
        is_other = stops.commit != self._stops.commit
        is_due = (was_locked and not lock) or is_other or self.scan_at is None or self.scan_at <= now or was_ahead
        change = self._scan(jobs, now) if is_due else None
        self._stops = replace(self._look_at_stops(), commit=stops.commit) if is_due else stops  # it may move meanwhile
        self._stillness = self._stillness.locked_by(self._stops.lock or lock)
        if self._stops.lost:
            raise StateLost(self._stops.lost)
        return change

    def _scan(self, jobs: Mapping[str, Job], now: datetime) -> Change:
        began = time.monotonic()
        every = timedelta(seconds=self._timing.scan_every)
        is_time = not timedelta() <= now - self._compared_at < every
        if is_time:
            self._compared_at = now
        with self._interruptible():
            change = self._tree.refresh(jobs, now, statuses=is_time)
        changed = not change.ready or change.moved
        self._stillness = self._stillness.scanned(now, changed=changed)
        self.scanned_at, self.unready = now, change.reason
        self.scan_at = self._compared_at + every
        changes_at = self._tree.changes_at
        if changes_at and changes_at > now:  # a cell that is due already is in a folder that cannot be read now
            self.scan_at = min(self.scan_at, changes_at)
        if changed:
            self.scan_at = min(self.scan_at, now + timedelta(seconds=self._timing.scan_again))
        if self._stillness.still_at and not self._stillness.is_still:
            self.scan_at = min(self.scan_at, self._stillness.still_at)
        if self._scanned:
            self._scanned(change, time.monotonic() - began)
        return change
