"""A message as a CloudEvent in JSON, for `webhook`. Pure; docs/notifications.md shows what receivers read.

Source: CloudEvents 1.0.2, the specification and its "JSON Event Format".
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from controller.model.errors import truncate
from controller.model.notices.event import LISTED, Event, Message
from controller.notify.sinks.words import link_to, text, title

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
LARGEST = 64 * 1024
"""Bytes of a body: what every intermediary of CloudEvents must forward."""
TYPE = "dev.shjobs."
_LONGEST, _LONGEST_TEXT, _LONGEST_LABEL, _MOST_LABELS = 1_000, 4_000, 120, 20


def cloud_event(message: Message, instance: str, page: str = "") -> bytes:
    """The body of a request, of at most `LARGEST` bytes: events that do not fit are counted in `data.more`."""
    events = message.events[:LISTED]
    while True:
        body = _serialised(_document(message, events, instance, page))
        if len(body) <= LARGEST or len(events) <= 1:
            return body
        events = events[: len(events) // 2]


def _document(message: Message, events: tuple[Event, ...], instance: str, page: str) -> dict[str, Any]:
    subject = _subject(message)
    return {
        "specversion": "1.0",
        "id": message.id,
        "source": f"/shjobs/{instance}",
        "type": f"{TYPE}{message.topic}",
        "time": _time(events[0].at if message.count == 1 and events else message.made_at),
        **({"subject": subject} if subject else {}),
        "datacontenttype": "application/json",
        "data": {
            "title": title(message),
            "text": _cut(text(message, page), _LONGEST_TEXT),
            "count": message.count,
            "processingUnits": message.processing_units,
            "events": [_event(each, page) for each in events],
            "more": max(0, message.count - len(events)),
        },
    }


def _subject(message: Message) -> str:
    """The job or set that all events are about; "" when there are several."""
    subjects = {each.subject for each in message.events}
    return truncate(subjects.pop(), _LONGEST) if len(subjects) == 1 and message.count == len(message.events) else ""


def _event(event: Event, page: str) -> dict[str, Any]:
    """One event as receivers read it; what is not known is left out."""
    is_set = event.subject.startswith("set/")
    found: Mapping[str, Any] = {
        "id": event.id,
        "time": _time(event.at),
        "job": "" if is_set else truncate(event.subject, _LONGEST),
        "set": truncate(event.subject.removeprefix("set/") if is_set else event.set_name, _LONGEST),
        "phase": event.phase,
        "reason": truncate(event.reason, _LONGEST),
        "message": truncate(event.message, _LONGEST),
        "revision": truncate(event.revision, _LONGEST),
        "submission": truncate(event.submission, _LONGEST),
        "processingUnits": event.processing_units,
        "labels": _labels(event.labels),
        "command": truncate(event.command, _LONGEST),
        "link": link_to([event], page),
    }
    return {key: value for key, value in found.items() if value not in ("", None, {})}


def _labels(labels: Mapping[str, str]) -> dict[str, str]:
    first = list(labels.items())[:_MOST_LABELS]
    return {truncate(key, _LONGEST_LABEL): truncate(value, _LONGEST_LABEL) for key, value in first}


def _cut(lines: str, limit: int) -> str:
    """Text of several lines, cut at a line's end."""
    return lines if len(lines) <= limit else f"{lines[:limit].rpartition(chr(10))[0]}\n…"


def _serialised(document: Mapping[str, Any]) -> bytes:
    # Text that is no Unicode, such as half of a surrogate pair, must not keep a message from being sent.
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode(errors="replace")


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
