"""Turn the loop: the small `while` around its turns, and the signals that end it."""

import queue
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType

from controller.assembly import Inbox
from controller.clock import Clock
from controller.errors import StateError
from controller.loop import Loop
from controller.workers import CallOutcome, Workers

LONGEST_PAUSE = 3600.0
PATIENCE = 25.0  # seconds; DESIGN §12 "stop on SIGTERM"


def turn_to_rest(loop: Loop, inbox: Inbox, workers: Workers, clock: Clock, stopping: threading.Event) -> None:
    """Turn until every job is at rest, or until asked to stop; a POST under way then is awaited and recorded.

    Raises `StateError` when the ledger cannot be written, or when a status file could not be written to the end.
    """
    loop.start(clock.now())
    try:
        _turn(loop, inbox, clock, stopping)
    except StateError:
        workers.finish(PATIENCE)
        raise
    workers.stop(PATIENCE)
    loop.record(_heard(inbox, 0), clock.now())
    loop.check_told()


def _turn(loop: Loop, inbox: Inbox, clock: Clock, stopping: threading.Event) -> None:
    outcomes: list[CallOutcome] = []
    while True:
        loop.turn(outcomes, clock.now())
        if stopping.is_set() or loop.is_at_rest(clock.now()):
            break
        now = clock.now()
        outcomes = _heard(inbox, _pause(loop.wakes_at(now), now))


@contextmanager
def stopped_by_signals(stopping: threading.Event, inbox: Inbox) -> Iterator[None]:
    """While inside, SIGINT and SIGTERM only raise the flag and wake the loop; the second one leaves at once."""

    def ask(number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            raise SystemExit(128 + number)
        stopping.set()
        inbox.put(None)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pause(until: datetime | None, now: datetime) -> float:
    return LONGEST_PAUSE if until is None else max(0.0, (until - now).total_seconds())


def _heard(inbox: Inbox, seconds: float) -> list[CallOutcome]:
    """Wait for something to be heard, then take everything that is there."""
    heard: list[CallOutcome | None] = []
    try:
        heard.append(inbox.get(timeout=seconds) if seconds else inbox.get_nowait())
        while True:
            heard.append(inbox.get_nowait())
    except queue.Empty:
        return [outcome for outcome in heard if outcome is not None]
