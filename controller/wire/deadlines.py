"""One thread for all deadlines: what exceeds its deadline is interrupted.

`exchange` aborts connections with it. A thread for each exchange would cost more than the exchange.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count


class Watchdog:
    """Watches blocks of code in any thread. Its own thread starts with the first of them, and ends with the process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watched: dict[int, tuple[float, Callable[[], object]]] = {}
        self._numbers = count()
        self._wakes_at: float | None = None

    @contextmanager
    def watching(self, seconds: float, interrupt: Callable[[], object]) -> Iterator[None]:
        """Call `interrupt` once, unless the block ends within `seconds`; never after it ended."""
        number = next(self._numbers)
        with self._changed:
            self._watch(number, time.monotonic() + seconds, interrupt)
        try:
            yield
        finally:
            with self._changed:
                self._watched.pop(number, None)

    def _watch(self, number: int, ends_at: float, interrupt: Callable[[], object]) -> None:
        if self._wakes_at is None:
            threading.Thread(target=self._run, name="deadlines", daemon=True).start()  # may fail: nothing changes
            self._wakes_at = ends_at
        elif ends_at < self._wakes_at:
            self._changed.notify()
        self._watched[number] = (ends_at, interrupt)

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for number in [each for each, (ends_at, _) in self._watched.items() if ends_at <= now]:
                    with suppress(Exception):  # one that fails must not end the deadlines of all others
                        self._watched.pop(number)[1]()
                self._wakes_at = min((ends_at for ends_at, _ in self._watched.values()), default=now + IDLE)
                self._changed.wait(self._wakes_at - now)


IDLE = 60.0  # seconds between two checks when there is nothing to watch
