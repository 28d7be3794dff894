"""Turn the loop: the small `while` around its turns, for `sync` until all is at rest, for `run` until asked to stop."""

import queue
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import FrameType

from controller.assembly import Inbox
from controller.clock import Clock
from controller.errors import StateError
from controller.loop import Loop
from controller.workers import CallOutcome, Workers

LONGEST_PAUSE = 3600.0
PATIENCE = 25.0  # seconds; DESIGN §12 "stop on SIGTERM"

Beat = Callable[[], float]
"""Called after each turn and each pause; answers how many seconds the next pause may take at the most."""


class Stopped(BaseException):
    """Somebody asked to stop in the midst of a turn that had not decided anything yet."""


class Flags:
    """What signals and watchers say to the deciding thread. Setting one takes no lock: a handler may do it any time."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self.stopping = False
        self.hinted = False
        self._may_raise = False

    def stop(self) -> None:
        """Come to an end."""
        self.stopping = True
        self._inbox.put(None)
        if self._may_raise:
            self._may_raise = False
            raise Stopped

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Inside, whoever asks to stop is not kept waiting: `stop` raises `Stopped` in the midst of what is done."""
        self.heed()
        self._may_raise = True
        try:
            yield
        finally:
            self._may_raise = False

    def heed(self) -> None:
        """Raise `Stopped` when somebody asked to stop."""
        if self.stopping:
            raise Stopped

    def hint(self) -> None:
        """Look at the tree again."""
        if not self.hinted:
            self.hinted = True
            self._inbox.put(None)


def turn_to_rest(loop: Loop, inbox: Inbox, workers: Workers, clock: Clock, flags: Flags) -> None:
    """Turn until every job is at rest, or until asked to stop; a POST under way then is awaited and recorded.

    Raises `StateError` when the ledger cannot be written, or when a status file could not be written to the end.
    """
    turn(loop, inbox, workers, clock, flags, until=lambda: loop.is_at_rest(clock.now()))
    loop.check_told()


def turn(
    loop: Loop,
    inbox: Inbox,
    workers: Workers,
    clock: Clock,
    flags: Flags,
    *,
    until: Callable[[], bool] = lambda: False,
    beat: Beat = lambda: LONGEST_PAUSE,
) -> None:
    """Turn `until` something holds or somebody asks to stop; then await and record a POST that is under way.

    Who stops is not kept by ten thousand status files: the next start writes what is missing. Raises `StateError` when
    the ledger cannot be written.
    """
    loop.start(clock.now())
    try:
        outcomes: list[CallOutcome] = []
        while True:
            loop.turn(outcomes, clock.now())
            if flags.stopping or until():
                break
            outcomes = _pause(loop, inbox, clock, flags, beat)
        is_settled = True
    except Stopped:
        is_settled = False  # part of the tree was read: nobody knows yet who declares what
    except StateError:
        workers.finish(PATIENCE)
        raise
    workers.stop(PATIENCE)
    loop.record(_heard(inbox, 0), clock.now())
    if is_settled:
        loop.tell(clock.now(), in_haste=flags.stopping)


@contextmanager
def heeding_signals(flags: Flags) -> Iterator[None]:
    """While inside, SIGINT and SIGTERM only raise a flag, and the second one leaves at once; SIGHUP hints."""

    def ask(number: int, _frame: FrameType | None) -> None:
        if flags.stopping:
            raise SystemExit(128 + number)
        flags.stop()

    def hint(_number: int, _frame: FrameType | None) -> None:
        flags.hint()

    handlers = {signal.SIGINT: ask, signal.SIGTERM: ask, signal.SIGHUP: hint}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pause(loop: Loop, inbox: Inbox, clock: Clock, flags: Flags, beat: Beat) -> list[CallOutcome]:
    """Wait until the loop has something to do: a call has ended, a time has come, or somebody nudges it."""
    while True:
        longest = beat()
        now = clock.now()
        wakes_at = loop.wakes_at(now)
        is_due = wakes_at is not None and wakes_at <= now
        heard = _heard(inbox, 0.0 if is_due else min(longest, _seconds(wakes_at, now)))
        if heard or is_due or flags.stopping or loop.is_nudged():
            return _gathered(heard, loop, inbox, clock, flags)


def _gathered(heard: list[CallOutcome], loop: Loop, inbox: Inbox, clock: Clock, flags: Flags) -> list[CallOutcome]:
    """What was heard, and what else is heard while nothing of it is urgent: a turn for many is cheaper."""
    ends_at = clock.now() + timedelta(seconds=loop.patience(heard))
    while heard and loop.patience(heard) and (left := _seconds(ends_at, clock.now())):
        if flags.stopping or flags.hinted:
            break
        heard = heard + _heard(inbox, left)
    return heard


def _seconds(until: datetime | None, now: datetime) -> float:
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
