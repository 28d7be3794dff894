"""The sandbox's own time, which may run faster than ours: a scale of 0.01 makes a minute of the service 0.6 seconds.

Created by `program` and passed to everything that waits, expires or is dated. Values sent to a client (expires_in,
Retry-After) are in the client's seconds.
"""

import time
from datetime import UTC, datetime, timedelta


class SandboxClock:
    """Starts when it is created; monotonic."""

    def __init__(self, scale: float = 1.0) -> None:
        self._scale = scale
        self._began = datetime.now(UTC)
        self._origin = time.monotonic()

    def seconds(self) -> float:
        """Seconds of the service since the start."""
        return (time.monotonic() - self._origin) / self._scale

    def now(self) -> datetime:
        """The service's current date."""
        return self._began + timedelta(seconds=self.seconds())

    def real(self, seconds: float) -> float:
        """Seconds of the service as real seconds."""
        return seconds * self._scale
