"""One thread for each sink, so that one which hangs delays no other, and no turn of the loop."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from controller.model.errors import ShjobsError, truncate
from controller.notify.sender import Sender

log = logging.getLogger(__name__)

FIRST_RETRY, LONGEST_RETRY = 2.0, 60.0  # seconds before a ledger that could not be used is tried again
SHORTEST = 0.05  # seconds between two rounds

IsStopping = Callable[[], bool]
Opener = Callable[[IsStopping], Sender]
"""Creates the sender of a sink, in the thread that uses it. What it is given says whether to end."""


class Worker:
    """Runs the sender of one sink until it is stopped."""

    def __init__(self, name: str, opener: Opener, now: Callable[[], datetime], every: float) -> None:
        """`every`: the longest pause between two rounds, in seconds."""
        self._name, self._open, self._now, self._every = name, opener, now, every
        self._woken, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"notify-{name}", daemon=True)
        self._sender: Sender | None = None
        self._problem = ""

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Something may have happened that this sink hears of."""
        self._woken.set()

    def stop(self) -> None:
        """Ask it to stop; `join` waits for it."""
        self._stopped.set()
        self._woken.set()

    def join(self, seconds: float) -> None:
        """Wait that long for what is under way; it is then abandoned, and sent again after the next start."""
        self._thread.join(seconds)

    def _run(self) -> None:
        retry = FIRST_RETRY
        while not self._stopped.is_set():
            self._woken.clear()  # before the round, so that nothing that happens during it is lost
            pause = self._round()
            if pause is None:  # being woken does not mend a ledger
                self._stopped.wait(retry)
                retry = min(LONGEST_RETRY, 2 * retry)
            else:
                retry = FIRST_RETRY
                self._woken.wait(pause)
        self._close()

    def _round(self) -> float | None:
        """How long to wait for the next round, in seconds; None when the ledger cannot be used."""
        try:
            if self._sender is None:
                self._sender = self._open(self._stopped.is_set)
            due_at = self._sender.run_once(self._now())
        except ShjobsError as error:
            self._failed(truncate(str(error)))
            return None
        except Exception as error:  # noqa: BLE001  one sink's bug must not end its thread; its text may hold a secret
            self._failed(f"this should not happen: {type(error).__name__}")
            return None
        self._problem = ""
        seconds = (due_at - self._now()).total_seconds() if due_at else self._every
        return min(max(seconds, SHORTEST), self._every)

    def _failed(self, problem: str) -> None:
        """Log a problem when it begins, and open everything anew for the next round."""
        if problem != self._problem:
            log.error("notify %s: %s", self._name, problem)
        self._problem = problem
        self._close()

    def _close(self) -> None:
        delivery, self._sender = self._sender, None
        if delivery is not None:
            with suppress(Exception):
                delivery.close()
