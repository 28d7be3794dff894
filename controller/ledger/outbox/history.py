"""What became of the messages, for metrics and for the page; any reader of the ledger can ask."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.ledger.rows.cells import parse_stored_time, read_time
from controller.model.notices.event import Topic

Rows = Callable[[str, Sequence[object]], Iterable[Mapping[str, Any]]]
"""Runs a query with its arguments: `Reader.rows`, for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkCounts:
    """What became of the messages of one sink since it was first configured.

    `waiting` are to be sent, the oldest of them made at `oldest`; `failed` counts attempts, the others messages.
    """

    sink: str
    waiting: int = 0
    oldest: datetime | None = None
    sent: int = 0
    failed: int = 0
    given_up: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """What became of one message: sent, given up, or waiting until `next_at`.

    `subject` and `message` are those of the first of its `count` events; `error` says why the last attempt failed.
    """

    id: str
    sink: str
    topic: Topic
    made_at: datetime
    count: int
    subject: str
    message: str
    attempts: int
    next_at: datetime | None
    sent_at: datetime | None
    given_up_at: datetime | None
    error: str


def sink_counts(rows: Rows) -> list[SinkCounts]:
    """Every sink that events are recorded for, by name."""
    sql = (
        "select name, sent, failed, given_up, count(made_at) waiting, min(made_at) oldest from sink "
        "left join message on message.sink = sink.name and next_at is not null group by name order by name"
    )
    return [
        SinkCounts(
            sink=row["name"], waiting=row["waiting"], oldest=read_time(row["oldest"]), sent=row["sent"],
            failed=row["failed"], given_up=row["given_up"],
        )
        for row in rows(sql, [])
    ]  # fmt: skip


def latest_dispatches(rows: Rows, most: int) -> list[Dispatch]:
    """The messages made last, newest first."""
    sql = (
        "select message.*, notice.subject, notice.message words from message left join notice "
        "on notice.number = message.first order by message.number desc limit ?"
    )
    return [_dispatch(row) for row in rows(sql, [most])]


def _dispatch(row: Mapping[str, Any]) -> Dispatch:
    return Dispatch(
        id=row["id"],
        sink=row["sink"],
        topic=Topic(row["topic"]),
        made_at=parse_stored_time(row["made_at"]),
        count=row["count"],
        subject=row["subject"] or "",
        message=row["words"] or "",
        attempts=row["attempts"],
        next_at=read_time(row["next_at"]),
        sent_at=read_time(row["sent_at"]),
        given_up_at=read_time(row["given_up_at"]),
        error=row["error"],
    )
