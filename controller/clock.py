"""The only reader of time: a `Clock` is made at the door and handed to whoever needs it; decisions take its `now`.

Tests hand in their own sources.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Clock:
    """Wall time that never goes back: the wall at the start plus what the monotonic clock counted since."""

    __slots__ = ("_began", "_monotonic", "_started")

    def __init__(
        self, *, wall: Callable[[], datetime] = _utc_now, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._monotonic = monotonic
        self._started = wall().astimezone(UTC)
        self._began = monotonic()

    def now(self) -> datetime:
        """The time in UTC; a step of the machine's clock after the start does not show."""
        return self._started + timedelta(seconds=self._monotonic() - self._began)

    def monotonic(self) -> float:
        """Seconds from an unknown origin, for measuring and waiting."""
        return self._monotonic()
