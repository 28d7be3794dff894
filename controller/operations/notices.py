"""What is behind `shjobs notify`: what each sink of the settings has sent, and a test message to it."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from secrets import token_hex

from controller.ledger.commits.history import last_status, status_counts
from controller.ledger.outbox.history import SinkCounts, sink_counts
from controller.ledger.outbox.last import SinkLast, last_of
from controller.ledger.reads.reader import Reader
from controller.model.errors import UsageError
from controller.model.notices.event import Event, Message, Topic
from controller.notify.opening import instance_of, tester_of
from controller.notify.sender import SendOutcome
from controller.settings.settings import Settings
from controller.settings.sinks import HOSTS, Sink

TEST = "Test"
"""The reason of a test message."""
AT_ONCE = 8  # tests that run at once


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkReport:
    """A sink and what became of its messages."""

    sink: Sink
    counts: SinkCounts
    last: SinkLast


def chosen_sinks(settings: Settings, names: Sequence[str]) -> list[Sink]:
    """The sinks of these names, or all. Raises `UsageError` for a name that none has, and when there is none."""
    if not settings.sinks:
        raise UsageError(
            f"{settings.file} has no sink: write one, such as\n\n"
            '[notify.team]\ntype = "webhook"\nurl = "https://example.com/hook"\n\n'
            "docs/notifications.md shows the others"
        )
    known = [each.name for each in settings.sinks]
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
            raise UsageError(f"no such sink: {name}{hint}")
    return [each for each in settings.sinks if not names or each.name in names]


def sink_reports(settings: Settings, sinks: Iterable[Sink]) -> list[SinkReport]:
    """What the ledger says of these sinks. Raises `StateError`."""
    reader = Reader.of(settings.state)
    if reader is None:
        return [SinkReport(sink=each, counts=SinkCounts(sink=each.name), last=SinkLast()) for each in sinks]
    with reader:
        counts = {each.sink: each for each in sink_counts(reader.rows)}
        return [_report(reader, each, counts.get(each.name, SinkCounts(sink=each.name))) for each in sinks]


def _report(reader: Reader, sink: Sink, counts: SinkCounts) -> SinkReport:
    if sink.kind in HOSTS:
        counts, last = status_counts(reader.rows, sink.name), last_status(reader.rows, sink.name)
    else:
        last = last_of(reader.rows, sink.name)
    return SinkReport(sink=sink, counts=counts, last=last)


def send_tests(settings: Settings, sinks: Sequence[Sink], now: datetime) -> Iterator[tuple[Sink, SendOutcome]]:
    """What became of a test message to each sink, in their order; one for commits is only asked for its repository."""
    instance = instance_of(settings)

    def send(sink: Sink) -> SendOutcome:
        return tester_of(sink, settings, instance)(test_message(sink, now), now)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        yield from zip(sinks, threads.map(send, sinks), strict=True)


def test_message(sink: Sink, now: datetime) -> Message:
    """A message about nothing; its id is new each time, so that no receiver takes it for an old one."""
    words = f"a test of the sink {sink.name}: nothing happened"
    event = Event(id=token_hex(16), at=now, topic=Topic.SERVICE, message=words, reason=TEST)
    return Message(id=event.id, sink=sink.name, topic=event.topic, made_at=now, events=(event,))
