"""The state of the loop's clock: whether it is in doubt, and what to do when the doubt begins and ends.

The loop checks it at the beginning of each turn. While the clock is in doubt nothing is submitted and nothing is given
up; when the service confirms it again, what a wrong clock has dated or given up is resumed.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from controller.ledger.ledger import Ledger
from controller.lifecycle.transitions import resume_search
from controller.model.skew import TOLERANCE, doubt
from controller.model.timing import Timing

log = logging.getLogger(__name__)


class Timekeeper:
    """`ahead` returns how many seconds the service is ahead of this machine (None: not known yet).

    `ask` queries the service for its time, and wakes the loop with the answer; None: no queries from here.
    """

    def __init__(
        self, ledger: Ledger, timing: Timing, ahead: Callable[[], float | None] = lambda: None,
        ask: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._timing = timing
        self._ahead = ahead
        self._ask = ask
        self._seen: float | None = None
        self._asks_at: datetime | None = None
        self._is_asking = self._is_answered = self._was_answered = False
        self.doubt = ""

    @property
    def is_sure(self) -> bool:
        """Whether time may be a reason to give something up: not before the requested answer was checked."""
        return not self.doubt and (self._asks_at is None or self._was_answered)

    @property
    def is_asking(self) -> bool:
        """Whether the service's answer on the doubt is still awaited, or has just come."""
        return (bool(self.doubt) and self._is_asking and not self._was_answered) or self.is_new()

    def is_new(self) -> bool:
        """Whether the service has given an answer that the loop has not acted on."""
        ahead = self._ahead()
        return self._is_answered or (ahead is None) != (self._seen is None) or _is_off(ahead) != _is_off(self._seen)

    def wakes_at(self) -> datetime | None:
        """When the service is queried again; None: nothing is in doubt."""
        return self._asks_at if self.doubt and not self._is_asking else None

    def look(self, now: datetime) -> bool:
        """Compare the clock; returns whether all jobs must be decided again, since it is right after all."""
        self._was_answered = self._was_answered or self._is_answered
        self._is_answered, self._seen = False, self._ahead()
        before, found = self.doubt, doubt(now, self._ledger.newest_moment, self._seen)
        if self._seen is None and not found:
            found = self._ledger.doubt or ""  # the service's answer to an earlier process
        self.doubt = before if before and _about(before) == _about(found) else found
        if self.doubt != before:
            self._report(now)
        self._ask_if_needed(now)
        return self._seen is not None and not self.doubt and self._take_up(now)

    def _ask_if_needed(self, now: datetime) -> None:
        """Query once when something could be given up, and periodically while the clock is in doubt."""
        every = timedelta(seconds=self._timing.clock_again)
        is_due = self._asks_at is None or (self.doubt and not now < self._asks_at <= now + every)
        is_wanted = self.doubt or (self._seen is None and self._ledger.followed.is_waiting)
        if self._ask and not self._is_asking and is_due and is_wanted:
            self._asks_at, self._is_asking = now + every, True
            self._ask(self._answered)

    def _answered(self) -> None:
        self._is_answered, self._is_asking = True, False  # in this order: another thread reads them

    def _report(self, now: datetime) -> None:
        with self._ledger.transaction():
            if self._seen is not None:
                self._ledger.note_doubt(self.doubt)
            if self.doubt:
                log.warning("nothing is paid for: %s", self.doubt)
                self._ledger.add_event(now, "ClockDoubtful", self.doubt)
            else:
                log.info("the clock can be trusted again")
                self._ledger.add_event(now, "ClockRight", "the clock can be trusted again")

    def _take_up(self, now: datetime) -> bool:
        newest = self._ledger.newest_moment
        is_ahead = newest is not None and newest > now + timedelta(seconds=TOLERANCE)
        if self._ledger.doubt is None and not is_ahead:
            return False
        with self._ledger.transaction():
            self._ledger.redate([resume_search(item, now) for item in self._ledger.everything()], now)
        return True


def _is_off(ahead: float | None) -> bool:
    return ahead is not None and abs(ahead) > TOLERANCE


def _about(doubt: str) -> str:
    """The doubt without its number, so that it is reported once."""
    return doubt.partition(" is about ")[2].partition(" ")[2].partition(" ")[2]
