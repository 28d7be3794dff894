"""What was sent to the sinks: a part of the page of events."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from controller.ledger.outbox.history import Dispatch, latest_dispatches, sink_counts
from controller.ledger.outbox.last import last_of
from controller.ledger.reads.reader import Reader
from controller.lifecycle.status import timestamp
from controller.model.errors import truncate
from controller.notify.sinks.words import LONGEST_SENTENCE

MOST_MESSAGES = 20


def sinks_and_messages(store: Reader) -> dict[str, Any]:
    """Each sink with what waits and why, and the messages made last, newest first; nothing without a sink."""
    sinks = list(_sinks(store))
    found = [_message(each) for each in latest_dispatches(store.rows, MOST_MESSAGES)] if sinks else []
    return {"sinks": sinks, "messages": found} if sinks else {}


def _sinks(store: Reader) -> Iterator[dict[str, Any]]:
    for counts in sink_counts(store.rows):
        last = last_of(store.rows, counts.sink)
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
        yield {key: value for key, value in found.items() if value not in (None, "")}


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
