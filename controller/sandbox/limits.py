"""The limits of an account: calls per minute and processing units per month; asked by `routes` before anything else.

How many requests may run at once is kept by `requests`, which knows them. Source: reference page
"Asynchronous Processing API" §§6, 7.
"""

import math
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from controller.sandbox.ledger import Entry


class RateLimit:
    """A bucket of calls: `per_minute` at most at once, refilled steadily. `clock` counts seconds; 0 means no limit."""

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._capacity = float(per_minute)
        self._left = float(per_minute)
        self._clock = clock
        self._at = clock()
        self._lock = threading.Lock()

    def take(self) -> int:
        """Takes one call: 0 when there was one, else the milliseconds until there will be."""
        if not self._capacity:
            return 0
        with self._lock:
            now = self._clock()
            self._left = min(self._capacity, self._left + (now - self._at) * self._capacity / 60)
            self._at = now
            if self._left < 1:
                return math.ceil((1 - self._left) * 60_000 / self._capacity)
            self._left -= 1
            return 0


class Allowance:
    """Processing units an account may spend in a UTC month; `units` None means no limit."""

    def __init__(self, units: float | None, entries: list[Entry]) -> None:
        self._units = units
        self._spent: dict[str, float] = {}
        self._lock = threading.Lock()
        for entry in entries:
            if entry.event == "charged":
                self.spend(entry.processing_units or 0.0, entry.time[:7])

    def spend(self, units: float, month: str) -> None:
        """Adds to what `month` (YYYY-MM) has cost."""
        with self._lock:
            self._spent[month] = self._spent.get(month, 0.0) + units

    def is_exhausted(self, now: datetime) -> bool:
        """Whether nothing is left of the month `now` lies in."""
        if self._units is None:
            return False
        with self._lock:
            return self._spent.get(f"{now.astimezone(UTC):%Y-%m}", 0.0) >= self._units
