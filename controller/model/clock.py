"""The only reader of time: entry points create a `Clock` and pass it down; decisions take its `now`.

Tests pass their own sources.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta

from controller.model.skew import TOLERANCE, date_of, settled_offset


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Clock:
    """Wall time that never goes back: the wall time at the start plus the monotonic time since."""

    __slots__ = ("_began", "_monotonic", "_started", "_wall")

    def __init__(
        self, *, wall: Callable[[], datetime] = _utc_now, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self.set()

    def set(self) -> None:
        """Restart from the current wall time."""
        self._started = self._wall().astimezone(UTC)
        self._began = self._monotonic()

    def step(self) -> float:
        """How far, in seconds, the wall clock has stepped since: it was set, or the machine slept."""
        return (self._wall().astimezone(UTC) - self.now()).total_seconds()

    def now(self) -> datetime:
        """The time in UTC; a step of the machine's clock after the start does not show."""
        return self._started + timedelta(seconds=self._monotonic() - self._began)

    def today(self) -> date:
        """The date in UTC."""
        return self.now().date()

    def monotonic(self) -> float:
        """Seconds from an unknown origin, for measuring and waiting."""
        return self._monotonic()


class ServiceClock:
    """How far the service is ahead of a clock, by the Date header of its responses. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        """The clock was set: earlier readings are void."""
        self._reading: float | None = None
        self._step = 0.0
        self.ahead: float | None = None
        """Seconds; None: the service has not responded yet."""

    def receive(self, headers: Mapping[str, str]) -> None:
        """A response just arrived with these headers."""
        date = date_of(headers)
        if date is not None:
            reading = (date - self._clock.now()).total_seconds()
            self.ahead = settled_offset(self.ahead, self._reading, reading)
            self._reading, self._step = reading, self._clock.step()

    @property
    def is_off(self) -> bool:
        """Whether the clock is wrong according to the service."""
        return self.ahead is not None and abs(self.ahead) > TOLERANCE

    @property
    def is_odd(self) -> bool:
        """Whether its latest reading, even if it is the only one, says so."""
        return self._reading is not None and abs(self._reading) > TOLERANCE

    @property
    def is_unsettled(self) -> bool:
        """Whether the latest reading needs confirmation: it is odd, or the machine slept or its clock was set since."""
        return self.is_odd != self.is_off or abs(self._clock.step() - self._step) > TOLERANCE

    @property
    def is_to_be_set(self) -> bool:
        """Whether the machine's own time is right again, and only the clock is not."""
        return self.is_off and abs((self.ahead or 0.0) - self._clock.step()) <= TOLERANCE
