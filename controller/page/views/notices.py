"""What was sent to the sinks: a part of the page of events."""

from datetime import datetime
from typing import Any

from controller.ledger.commits.history import last_status, status_counts
from controller.ledger.outbox.history import Dispatch, SinkCounts, latest_dispatches, sink_counts
from controller.ledger.outbox.last import SinkLast, last_of
from controller.ledger.reads.reader import Reader
from controller.lifecycle.status import timestamp
from controller.model.errors import truncate
from controller.notify.sinks.words import LONGEST_SENTENCE
from controller.settings.settings import Settings
from controller.settings.sinks import HOSTS

MOST_MESSAGES = 20


def sinks_and_messages(store: Reader, settings: Settings) -> dict[str, Any]:
    """Each sink with what waits and why, and the messages made last, newest first; nothing without a sink.

    The ledger knows the sinks of events, the settings those that take the status of commits.
    """
    hosts = [each.name for each in settings.sinks if each.kind in HOSTS]
    events = [each for each in sink_counts(store.rows) if each.sink not in hosts]
    sinks = [_sink(each, last_of(store.rows, each.sink)) for each in events]
    sinks += [_sink(status_counts(store.rows, name), last_status(store.rows, name)) for name in hosts]
    found = [_message(each) for each in latest_dispatches(store.rows, MOST_MESSAGES)] if sinks else []
    return {"sinks": sinks, "messages": found} if sinks else {}


def _sink(counts: SinkCounts, last: SinkLast) -> dict[str, Any]:
    found = {
        "name": counts.sink,
        "pending": counts.waiting,
        "oldest": _time(counts.oldest),
        "sent": counts.sent,
        "givenUp": counts.given_up,
        "lastSent": _time(last.sent_at),
        "nextTry": _time(last.next_at),
        "lastError": truncate(last.error, LONGEST_SENTENCE),
    }
    return {key: value for key, value in found.items() if value not in (None, "")}


def _message(dispatch: Dispatch) -> dict[str, Any]:
    state = "sent" if dispatch.sent_at else "given up" if dispatch.given_up_at else "pending"
    found = {
        "at": _time(dispatch.made_at),
        "sink": dispatch.sink,
        "topic": str(dispatch.topic),
        "count": dispatch.count,
        "job": dispatch.subject,
        "message": truncate(dispatch.message, LONGEST_SENTENCE),
        "state": state,
        "tries": dispatch.attempts,
        "sentAt": _time(dispatch.sent_at),
        "error": truncate(dispatch.error, LONGEST_SENTENCE),
    }
    return {key: value for key, value in found.items() if value not in (None, "")}


def _time(at: datetime | None) -> str | None:
    return timestamp(at) if at else None
