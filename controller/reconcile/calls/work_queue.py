"""A work queue: calls and the threads that carry them out, started when there is work and ended when there is none.

`workers` has one for each kind of call and each bucket.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

IDLE = 10.0  # seconds after which a thread without work ends

Item = TypeVar("Item")


class WorkQueue(Generic[Item]):
    """At most `most` threads at once; `act` is called with each item, in the order they came, and must not raise."""

    def __init__(self, name: str, most: int, act: Callable[[Item], None]) -> None:
        self._name = name
        self._most = most
        self._act = act
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._threads: set[threading.Thread] = set()
        self._idle = 0
        self._is_closed = False

    def put(self, item: Item) -> None:
        """Queue an item; returns at once."""
        with self._changed:
            self._items.append(item)
            if len(self._items) > self._idle and len(self._threads) < self._most:
                self._begin_thread()
            self._changed.notify()

    def is_stuck(self) -> bool:
        """Whether items wait without a thread, because the system refuses to start one; tries again first."""
        with self._changed:
            if self._items and not self._threads:
                self._begin_thread()
            return bool(self._items) and not self._threads

    def drain(self) -> list[Item]:
        """Take out the items not yet started."""
        with self._changed:
            found = list(self._items)
            self._items.clear()
        return found

    def close(self, patience: float) -> None:
        """Finish what is queued and under way, for up to `patience` seconds; what takes longer is abandoned."""
        with self._changed:
            self._is_closed = True
            threads = list(self._threads)
            self._changed.notify_all()
        ends_at = time.monotonic() + patience
        for thread in threads:
            thread.join(max(0.0, ends_at - time.monotonic()))

    def _begin_thread(self) -> None:
        """Start another thread if the system allows: else the item waits for the existing ones, or for `is_stuck`."""
        thread = threading.Thread(target=self._work, name=self._name, daemon=True)
        try:
            thread.start()
        except (RuntimeError, MemoryError) as error:
            log.warning("no thread can be started for %s now: %s; it is tried again", self._name, error)
        else:
            self._threads.add(thread)

    def _work(self) -> None:
        try:
            for item in iter(self._next, None):
                self._act(item)
        finally:
            with self._changed:
                self._threads.discard(threading.current_thread())

    def _next(self) -> Item | None:
        """The next item; None: there was none for a while, and the thread ends."""
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._items or self._is_closed, IDLE)
            self._idle -= 1
            if self._items:
                return self._items.popleft()
            self._threads.discard(threading.current_thread())  # before another thread puts an item and relies on it
            return None
