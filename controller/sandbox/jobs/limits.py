"""The limits of an account, per minute and per month: calls and processing units; `routes` checks them first.

The number of concurrent requests is counted by `requests`, which holds them. Source: reference page
"Asynchronous Processing API" §§6, 7.
"""

import math
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from controller.sandbox.ledger import Entry


class RateLimit:
    """A token bucket: at most `per_minute` at once, refilled steadily. `clock` counts seconds; 0 means no limit."""

    def __init__(self, per_minute: float, clock: Callable[[], float]) -> None:
        self._capacity = float(per_minute)
        self._left = float(per_minute)
        self._clock = clock
        self._at = clock()
        self._lock = threading.Lock()

    def take(self, amount: float = 1.0) -> int:
        """Takes `amount`: returns 0 when available, else the milliseconds until it will be. 0 waits for any debt."""
        if not self._capacity:
            return 0
        with self._lock:
            self._refill()
            if self._left < amount:
                return math.ceil((amount - self._left) * 60_000 / self._capacity)
            self._left -= amount
            return 0

    def owe(self, amount: float) -> None:
        """Takes `amount` even if it is not available."""
        with self._lock:
            self._refill()
            self._left -= amount

    def _refill(self) -> None:
        now = self._clock()
        self._left = min(self._capacity, self._left + (now - self._at) * self._capacity / 60)
        self._at = now


class Allowance:
    """What an account may use in a UTC month: processing units and requests; None means no limit."""

    def __init__(self, units: float | None, requests: int | None, entries: list[Entry]) -> None:
        self._most = (units, requests)
        self._used: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()
        for entry in entries:
            self.note(entry)

    def note(self, entry: Entry) -> None:
        """Counts a ledger entry: charged units and accepted requests."""
        month, units = entry.time[:7], entry.processing_units or 0.0 if entry.event == "charged" else 0.0
        with self._lock:
            spent, requests = self._used.get(month, (0.0, 0))
            self._used[month] = (spent + units, requests + (entry.event == "accepted"))

    def is_exhausted(self, now: datetime) -> bool:
        """Whether nothing is left of the month of `now`."""
        with self._lock:
            used = self._used.get(f"{now.astimezone(UTC):%Y-%m}", (0.0, 0))
        return any(most is not None and amount >= most for amount, most in zip(used, self._most, strict=True))
