"""Delivers the messages of one sink: makes those that are due, sends them, and records in the outbox what became of it.

A message is stored before it is sent and marked afterwards, so a crash in between sends it again with the same id.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Protocol

from controller.ledger.outbox.history import SinkCounts
from controller.ledger.outbox.outbox import FURTHEST
from controller.model.notices.event import Message
from controller.model.timing import Timing
from controller.notify.retries import is_put_off, is_too_old, retry_pause
from controller.notify.sender import NotSent, SendOutcome
from controller.notify.tally import Backlog, Result, Tally
from controller.settings.sinks import Sink

log = logging.getLogger(__name__)


Send = Callable[[Sink, Message, datetime], SendOutcome]
"""Sends a message once; the time is now."""
MOST_KEPT = timedelta(days=30)
"""How long what was sent is kept for the page."""
PRUNE_EVERY = timedelta(hours=6)


class MessageStore(Protocol):
    """What is needed of the outbox."""

    def form(self, sink: Sink, now: datetime) -> None: ...

    def due(self, sink_name: str, now: datetime) -> list[Message]: ...

    def sent(self, message: Message, at: datetime) -> None: ...

    def failed(self, message: Message, at: datetime, error: str, next_at: datetime) -> None: ...

    def given_up(self, message: Message, at: datetime) -> None: ...

    def counts(self) -> list[SinkCounts]: ...

    def prune(self, before: datetime) -> None: ...

    def close(self) -> None: ...


class MessageSender:
    """A `Sender` of messages.

    When the other side does not answer, nothing else is sent to it until its pause is over; when it refuses one
    message, or one of its addresses does not take it, the others still go.
    """

    def __init__(
        self,
        sink: Callable[[], Sink],
        outbox: MessageStore,
        send: Send,
        timing: Timing,
        *,
        tally: Tally,
        jitter: Callable[[], float],
        now: Callable[[], datetime],
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """`sink` is asked before each round: its secrets may have changed. `jitter` gives numbers from 0 to 1."""
        self._sink, self._outbox, self._send, self._timing = sink, outbox, send, timing
        self._tally, self._jitter, self._now, self._is_stopping = tally, jitter, now, is_stopping
        self._failures = 0  # in a row, of those that concern all messages
        self._is_failing = False
        self._paused_until: datetime | None = None
        self._prune_at: datetime | None = None

    def close(self) -> None:
        self._outbox.close()

    def run_once(self, now: datetime) -> datetime | None:
        """Make the messages that are due and send them, the oldest first."""
        sink = self._sink()
        self._outbox.form(sink, now)
        if not is_put_off(self._paused_until, now, FURTHEST):
            self._paused_until = None
            self._send_all(sink, now)
        self._report(sink, now)
        return self._paused_until

    def _send_all(self, sink: Sink, now: datetime) -> None:
        dropped = 0
        for message in self._due(sink, now):
            if is_too_old(message.made_at, message.attempts, self._timing, now):
                dropped += self._give_up(message)
            else:
                self._deliver(sink, message)
        if dropped:
            log.error("notify %s: %d given up, which no try could deliver in time", sink.name, dropped)

    def _due(self, sink: Sink, now: datetime) -> Iterator[Message]:
        """What is due, each once, until the receiver does not answer or a stop is requested."""
        seen: set[str] = set()
        while messages := [each for each in self._outbox.due(sink.name, now) if each.id not in seen]:
            for message in messages:
                if self._is_stopping() or self._paused_until:
                    return
                seen.add(message.id)
                yield message

    def _report(self, sink: Sink, now: datetime) -> None:
        """What waits, for the metrics; and at times, what is old is deleted."""
        found = next((each for each in self._outbox.counts() if each.sink == sink.name), None)
        self._tally.waiting(sink.name, Backlog(pending=found.waiting, oldest_at=found.oldest) if found else Backlog())
        if not is_put_off(self._prune_at, now, PRUNE_EVERY):
            self._outbox.prune(now - MOST_KEPT)
            self._prune_at = now + PRUNE_EVERY

    def _deliver(self, sink: Sink, message: Message) -> None:
        outcome = self._send(sink, message, self._now())
        if isinstance(outcome, NotSent):
            self._failed(sink, message, outcome)
            return
        self._outbox.sent(message, self._now())
        self._tally.count(sink.name, Result.SENT)
        if self._is_failing:
            log.info("notify %s: messages are delivered again", sink.name)
        self._failures, self._is_failing = 0, False

    def _failed(self, sink: Sink, message: Message, failure: NotSent) -> None:
        """Record it, and log the first of a row: a receiver that is down for a day is one line, not a hundred."""
        at = self._now()
        self._outbox.failed(message, at, failure.message, at + self._pause(message.attempts + 1, failure))
        self._tally.count(sink.name, Result.FAILED)
        if not self._is_failing:
            log.warning("notify %s: a message was not delivered: %s; it is tried again", sink.name, failure.message)
        self._is_failing = True
        self._failures = self._failures + 1 if failure.concerns_all else 0
        if failure.concerns_all:
            self._paused_until = at + self._pause(self._failures, failure)

    def _pause(self, attempts: int, failure: NotSent) -> timedelta:
        return retry_pause(attempts, failure, self._timing, self._jitter())

    def _give_up(self, message: Message) -> int:
        self._outbox.given_up(message, self._now())
        self._tally.count(message.sink, Result.GIVEN_UP)
        return 1
