"""Sinks and events for tests, and an outbox on a real ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from controller.ledger.outbox.outbox import Outbox
from controller.ledger.store import Store
from controller.model.notices.event import Event, Topic
from controller.settings.sinks import Sink, SinkKind
from tests.support.factories import NOW


def sink(name: str = "team", **different: Any) -> Sink:
    """A webhook that hears of everything, and collects successes for five minutes."""
    plain: dict[str, Any] = {"name": name, "kind": SinkKind.WEBHOOK}
    return Sink(**(plain | different))


def event(number: int, topic: Topic = Topic.FAILED, **different: Any) -> Event:
    """An event of the job `job-<number>`."""
    plain: dict[str, Any] = {
        "id": f"{number:032}",
        "at": NOW,
        "topic": topic,
        "message": "something happened",
        "subject": f"job-{number}",
    }
    return Event(**(plain | different))


@contextmanager
def ledger_and_outbox(state: Path, *sinks: str) -> Iterator[tuple[Store, Outbox]]:
    """A ledger in which events are recorded for these sinks, and the outbox of one thread that sends."""
    with Store.open(state, {}) as store, Outbox(state) as outbox:
        with store.transaction():
            store.notices.begin(sinks)
        yield store, outbox


def record(store: Store, *events: Event) -> None:
    with store.transaction():
        store.notices.add(events)
