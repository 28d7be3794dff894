"""Events to rows and back, and their recording in the turn that causes them: the ledger holds the `NoticeRows`."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from controller.ledger.rows.cells import format_time, parse_stored_time
from controller.model.errors import truncate
from controller.model.notices.event import Event, Topic

NOTICE = (
    *("number", "id", "at", "topic", "message", "subject", "set_name", "labels", "revision", "submission"),
    *("phase", "reason", "units", "command"),
)
"""The columns of an event, in the order of `notice_of`."""
_INSERT = f"insert or ignore into notice ({', '.join(NOTICE[1:])}) values ({', '.join('?' * len(NOTICE[1:]))})"
LONGEST_MESSAGE = 2_000
TROUBLE = "trouble "
"""Begins the keys in `meta` of the conditions that hold now; a word follows, and the value is since when."""


class NoticeRows:
    """The events, for the thread that decides; every change belongs inside the ledger's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, events: Iterable[Event]) -> None:
        """Record these events; one that is known already is left as it is."""
        self._connection.executemany(_INSERT, map(_row, events))

    def begin(self, sinks: Sequence[str]) -> None:
        """What is recorded from now on is for these sinks; a new one hears of nothing that happened before.

        A sink that is no longer among them is forgotten, with what waits for it: should it come back, it is a new one.
        """
        among = f"({', '.join('?' * len(sinks))})"
        known = "(select coalesce(max(number), 0) from notice)"
        self._connection.execute(f"delete from message where next_at is not null and sink not in {among}", sinks)
        self._connection.execute(f"delete from sink where name not in {among}", sinks)
        self._connection.executemany(
            f"insert or ignore into sink (name, seen, collected) values (?, {known}, {known})",
            [(name,) for name in sinks],
        )

    def troubles(self) -> dict[str, str]:
        """The conditions that were recorded as begun and not as ended: since when, by their word."""
        rows = self._connection.execute(
            "select substr(key, ?), value from meta where substr(key, 1, ?) = ?",
            [len(TROUBLE) + 1, len(TROUBLE), TROUBLE],
        )
        return {str(word): str(since) for word, since in rows}

    def keep_troubles(self, troubles: Mapping[str, str]) -> None:
        """These conditions hold now, and no others."""
        self._connection.execute("delete from meta where substr(key, 1, ?) = ?", [len(TROUBLE), TROUBLE])
        self._connection.executemany(
            "insert into meta (key, value) values (?, ?)",
            [(f"{TROUBLE}{word}", since) for word, since in troubles.items()],
        )


def notice_of(row: Sequence[Any]) -> tuple[int, Event]:
    """The event of a row with the columns of `NOTICE`, and its number."""
    number, id_, at, topic, message, subject, set_name, labels, revision, submission, phase, reason, units, command = (
        row
    )
    return number, Event(
        id=id_,
        at=parse_stored_time(at),
        topic=Topic(topic),
        message=message,
        subject=subject,
        set_name=set_name,
        labels=_labels(labels),
        revision=revision,
        submission=submission,
        phase=phase,
        reason=reason,
        processing_units=units,
        command=command,
    )


def _row(event: Event) -> tuple[object, ...]:
    return (
        *(event.id, _time_text(event.at), event.topic.value, _bounded(event.message), event.subject, event.set_name),
        *(_labels_text(tuple(event.labels.items())), event.revision, event.submission, event.phase, event.reason),
        *(event.processing_units, event.command),
    )


def _bounded(message: str) -> str:
    """A message may hold what a service or a script wrote."""
    return message if len(message) <= LONGEST_MESSAGE else truncate(message, LONGEST_MESSAGE)


_time_text = lru_cache(maxsize=16)(format_time)


@lru_cache(maxsize=1024)
def _labels_text(labels: tuple[tuple[str, str], ...]) -> str:
    return json.dumps(dict(labels), ensure_ascii=False) if labels else ""


@lru_cache(maxsize=1024)
def _labels(text: str) -> Mapping[str, str]:
    """Kept once for all events with the same labels."""
    return json.loads(text) if text else {}
