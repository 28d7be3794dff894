"""A ledger with events for a sink, and a sender over it whose clock is the test's."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from controller.ledger.outbox.outbox import Outbox
from controller.ledger.store import Store
from controller.model.notices.event import Event, Message
from controller.model.timing import Timing
from controller.notify.messages import MessageSender, Send
from controller.notify.sender import SendOutcome, Sent
from controller.notify.tally import Tally
from controller.settings.sinks import Sink
from tests.support.receiver import NOW, webhook

BINDINGS = {"deployment": "sandbox", "account": "me"}
SINK = webhook("https://receiver.invalid/in")


def recorded(state: Path, events: Iterable[Event], sinks: Iterable[str] = (SINK.name,)) -> None:
    """Record events as a turn does."""
    with Store.open(state, BINDINGS) as store, store.transaction():
        store.notices.begin(list(sinks))
        store.notices.add(events)


@dataclass
class Sending:
    """A sender whose receiver answers with what `answers` hold, and then always takes a message."""

    state: Path
    answers: list[SendOutcome] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    now: datetime = NOW
    sink: Sink = SINK
    tally: Tally = field(default_factory=lambda: Tally((SINK.name,)))

    @contextmanager
    def opened(self, send: Send | None = None) -> Iterator[MessageSender]:
        """As a new process opens it."""
        made = MessageSender(
            lambda: self.sink, Outbox(self.state), send or self._send, Timing(),
            tally=self.tally, jitter=lambda: 0.0, now=lambda: self.now,
        )  # fmt: skip
        try:
            yield made
        finally:
            made.close()

    def after(self, **time: float) -> datetime:
        """Let time pass."""
        self.now += timedelta(**time)
        return self.now

    def _send(self, _sink: Sink, message: Message, _now: datetime) -> SendOutcome:
        self.sent.append(message)
        return self.answers.pop(0) if self.answers else Sent()

    @property
    def ids(self) -> list[str]:
        return [each.id for each in self.sent]
