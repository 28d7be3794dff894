"""A few worker threads and their scheduled actions: how the sandbox runs, finishes and delays requests."""

import heapq
import itertools
import logging
import threading
from collections.abc import Callable

from controller.sandbox.clock import SandboxClock

logger = logging.getLogger(__name__)

Action = Callable[[], None]


class Schedule:
    """Runs each action once it is due (seconds of the clock), the earliest first.

    An action that raises is logged and costs no worker. After `stop`, actions that have not started are dropped.
    """

    def __init__(self, workers: int, clock: SandboxClock) -> None:
        self._clock = clock
        self._due: list[tuple[float, int, Action]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._threads = [
            threading.Thread(target=self._work, name=f"sandbox-worker-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def at(self, due: float, action: Action) -> None:
        """Schedules `action` for `due`; a time in the past means as soon as a worker is free."""
        with self._changed:
            heapq.heappush(self._due, (due, next(self._order), action))
            self._changed.notify()

    def stop(self, seconds: float = 10.0) -> bool:
        """Lets running actions finish, waiting at most `seconds` for each thread; returns whether all did."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(seconds)
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while action := self._next():
            try:
                action()
            except Exception:  # the net of each action: without its worker every later request would run for ever
                logger.exception("an action of the sandbox")

    def _next(self) -> Action | None:
        with self._changed:
            while not self._stopped:
                wait = self._clock.real(self._due[0][0] - self._clock.seconds()) if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait if wait is None else min(wait, threading.TIMEOUT_MAX))
            return None
