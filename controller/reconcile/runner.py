"""Runs the loop: the small `while` around its turns, for `sync` until all is at rest, for `run` until it is stopped."""

import queue
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from types import FrameType

from controller.model.clock import Clock
from controller.model.errors import StateError, StateLost, truncate
from controller.reconcile.calls.unrecorded import Unrecorded, report_unsettled
from controller.reconcile.calls.workers import CallOutcome, Workers
from controller.reconcile.loop import Loop
from controller.reconcile.wiring import Inbox

LONGEST_PAUSE = 3600.0
PATIENCE = 25.0  # seconds; DESIGN §12 "stop on SIGTERM"
STUCK = 1.0  # seconds before retrying to start a thread that the system refused

Beat = Callable[[], float]
"""Called after each turn and each pause; returns how many seconds the next pause may take at most."""


class Stopped(BaseException):
    """A stop was requested in the middle of a turn that had not decided anything yet."""


class Flags:
    """Signals' and watchers' flags for the deciding thread. Setting one takes no lock: handlers may do it any time."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        """Wakes the deciding thread: the inbox of the ledger that is open now."""
        self.stopping = False
        self.woken = False
        self._may_raise = False

    def stop(self) -> None:
        """Request a stop."""
        self.stopping = True
        self.inbox.put(None)
        if self._may_raise:
            self._may_raise = False
            raise Stopped

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Inside, a stop takes effect at once: `stop` raises `Stopped` wherever the code is.

        A library may make another error of it, as pydantic does while it builds a schema, and that may be taken for one
        of what was being read. So a stop inside is a stop, whatever became of it.
        """
        self.check_stop()
        self._may_raise = True
        try:
            yield
        except Exception as error:
            if self.stopping:
                raise Stopped from error
            raise
        finally:
            self._may_raise = False
        self.check_stop()

    def check_stop(self) -> None:
        """Raise `Stopped` when a stop was requested."""
        if self.stopping:
            raise Stopped

    def wake(self) -> None:
        """Have the tree scanned again."""
        if not self.woken:
            self.woken = True
            self.inbox.put(None)


class Incoming:
    """Outcomes between the inbox and the ledger: what is taken out is kept here until the ledger has it."""

    def __init__(self, inbox: Inbox, unrecorded: Unrecorded) -> None:
        self._inbox = inbox
        self._unrecorded = unrecorded
        self._taken = unrecorded.take_all()
        self._is_refused = False

    def wait(self, seconds: float) -> list[CallOutcome]:
        """Wait for something to be received, then take everything there is."""
        before = len(self._taken)
        with suppress(queue.Empty):
            self._take(self._inbox.get(timeout=seconds) if seconds else self._inbox.get_nowait())
            while True:
                self._take(self._inbox.get_nowait())
        return self._taken[before:]

    def _take(self, outcome: CallOutcome | None) -> None:
        if outcome is not None:
            self._taken.append(outcome)

    def record(self, loop: Loop, now: datetime) -> None:
        """Record everything that was taken out, or nothing."""
        self._is_refused = True
        loop.record(self._taken, now)
        self._is_refused, self._taken = False, []

    def record_the_rest(self, loop: Loop, now: datetime) -> None:
        """Record what can be at the end, if the ledger has not refused it before."""
        self.wait(0)
        if not self._is_refused:
            with suppress(Exception):
                self.record(loop, now)

    def give_up(self, why: str) -> None:
        """Log what is not recorded by now, and keep it for a ledger that can be written."""
        self.wait(0)
        for outcome in self._taken:
            self._unrecorded.add(outcome, why)


def turn_to_rest(loop: Loop, inbox: Inbox, workers: Workers, clock: Clock, flags: Flags) -> None:
    """Run turns until every job is at rest, or a stop is requested; a POST under way then is awaited and recorded.

    Raises `StateError` when the ledger cannot be written, or when a status file could not be written to the end.
    """
    try:
        turn(loop, inbox, workers, clock, flags, until=lambda: loop.is_at_rest(clock.now()))
    except StateLost:
        report_unsettled(loop.unsettled())
        raise
    loop.check_status_files()


def turn(
    loop: Loop,
    inbox: Inbox,
    workers: Workers,
    clock: Clock,
    flags: Flags,
    *,
    until: Callable[[], bool] = lambda: False,
    beat: Beat = lambda: LONGEST_PAUSE,
    unrecorded: Unrecorded | None = None,
) -> None:
    """Run turns `until` something holds or a stop is requested; then await and record a POST that is under way.

    This is done also when an error ends the turns; what cannot be recorded is logged, and kept in `unrecorded`.
    Raises `StateError` when the ledger cannot be written, and `StateLost` when it is gone.
    """
    incoming, why = Incoming(inbox, unrecorded or Unrecorded()), "there was no time to record it"
    try:
        incoming.record(loop, clock.now())
        loop.start(clock.now())
        is_settled = _turned(loop, incoming, workers, clock, flags, until, beat)
        workers.stop(PATIENCE)
        incoming.wait(0)
        incoming.record(loop, clock.now())
        if is_settled:
            loop.report(clock.now(), in_haste=flags.stopping)
        _check(workers)
    except Exception as error:
        why = f"it could not be recorded: {truncate(str(error) or type(error).__name__, 200)}"
        _wind_up(error, loop, incoming, workers, clock)
        raise
    finally:
        incoming.give_up(why)


def _turned(
    loop: Loop, incoming: Incoming, workers: Workers, clock: Clock, flags: Flags,
    until: Callable[[], bool], beat: Beat,
) -> bool:  # fmt: skip
    """Run turns to the end; returns whether the tree was read to its end.

    Ten thousand status files do not delay a stop: the next start writes what is missing.
    """
    try:
        while True:
            incoming.record(loop, clock.now())
            loop.turn([], clock.now())
            if flags.stopping or until():
                return True
            _pause(loop, incoming, workers, clock, flags, beat)
    except Stopped:
        return False  # part of the tree was read: it is not known yet which file declares what


def _wind_up(error: Exception, loop: Loop, incoming: Incoming, workers: Workers, clock: Clock) -> None:
    """Await what is under way, and record it if the ledger still can.

    Raises `StateLost` when the state is gone. An intent whose ledger exists but cannot be written is still sent: the
    bucket shows it later, while nothing could show that it was not sent.
    """
    is_of_the_state = isinstance(error, StateError | sqlite3.Error)
    if is_of_the_state and not workers.lost():
        workers.finish(PATIENCE)
    else:
        workers.stop(PATIENCE)
    if is_of_the_state:
        _check(workers)
    incoming.record_the_rest(loop, clock.now())


def _check(workers: Workers) -> None:
    if words := workers.lost():
        raise StateLost(words)


@contextmanager
def handling_signals(flags: Flags) -> Iterator[None]:
    """While inside, SIGINT and SIGTERM only set a flag, and the second one exits at once; SIGHUP wakes the loop."""

    def ask(number: int, _frame: FrameType | None) -> None:
        if flags.stopping:
            raise SystemExit(128 + number)
        flags.stop()

    def wake(_number: int, _frame: FrameType | None) -> None:
        flags.wake()

    handlers = {signal.SIGINT: ask, signal.SIGTERM: ask, signal.SIGHUP: wake}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pause(loop: Loop, incoming: Incoming, workers: Workers, clock: Clock, flags: Flags, beat: Beat) -> None:
    """Wait until the loop has something to do: a call has ended, something is due, or it was woken."""
    while True:
        longest = min(beat(), STUCK) if workers.are_stuck() else beat()
        now = clock.now()
        wakes_at = loop.wakes_at(now)
        is_due = wakes_at is not None and wakes_at <= now
        received = incoming.wait(0.0 if is_due else min(longest, _seconds(wakes_at, now)))
        if received or is_due or flags.stopping or loop.is_woken():
            _gather(received, loop, incoming, clock, flags)
            return


def _gather(received: list[CallOutcome], loop: Loop, incoming: Incoming, clock: Clock, flags: Flags) -> None:
    """Wait for further outcomes while none is urgent: one turn for many is cheaper."""
    ends_at = clock.now() + timedelta(seconds=loop.patience(received))
    while received and loop.patience(received) and (left := _seconds(ends_at, clock.now())):
        if flags.stopping or flags.woken:
            break
        received = received + incoming.wait(left)


def _seconds(until: datetime | None, now: datetime) -> float:
    return LONGEST_PAUSE if until is None else max(0.0, (until - now).total_seconds())
