"""The daemon's senders: a thread for each sink of the settings, none without one.

The loop only says that something changed; what is sent is in the ledger, and nothing of the loop waits for it.
"""

import time
from collections.abc import Callable, Sequence

from controller.model.clock import Clock
from controller.notify.opening import opener_of
from controller.notify.tally import Tally
from controller.notify.worker import Worker
from controller.settings.settings import Settings

PATIENCE = 2.0  # seconds that a stop waits for what is being sent


class Notifier:
    """The threads of all sinks, and what they report."""

    def __init__(self, settings: Callable[[], Settings], clock: Clock) -> None:
        """`settings` gives those with the secrets last read."""
        first = settings()
        self.tally = Tally(tuple(each.name for each in first.sinks))
        openers = ((each.name, opener_of(each, settings, clock.now, self.tally)) for each in first.sinks)
        self._workers: Sequence[Worker] = tuple(
            Worker(name, opener, clock.now, first.timing.notify_every) for name, opener in openers
        )
        self._is_started = self._is_changed = False

    def changed(self) -> None:
        """A state was reported: there may be an event when this turn is stored."""
        self._is_changed = True

    def turned(self) -> None:
        """A turn is stored. The first one starts the threads: the ledger exists now."""
        if not self._is_started:
            self._is_started = True
            for worker in self._workers:
                worker.start()
        elif self._is_changed:
            for worker in self._workers:
                worker.wake()
        self._is_changed = False

    def stop(self) -> None:
        """Stop all threads. What is being sent after `PATIENCE` is abandoned, and sent again after the next start."""
        if not self._is_started:
            return
        for worker in self._workers:
            worker.stop()
        ends_at = time.monotonic() + PATIENCE
        for worker in self._workers:
            worker.join(max(0.0, ends_at - time.monotonic()))
