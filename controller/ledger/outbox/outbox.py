"""The outbox as the threads that send see it: messages are formed and stored before they are sent.

Whatever ends the process between two steps, the next one finds the same message under the same id. Each thread opens
its own; its transactions are short, since the loop waits for them.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from controller.ledger.location import FILE_NAME, said_plainly, writable
from controller.ledger.outbox.forming import Draft, drafts_of
from controller.ledger.outbox.history import Dispatch, SinkCounts, latest_dispatches, sink_counts
from controller.ledger.outbox.rows import NOTICE, notice_of
from controller.ledger.rows.cells import format_time, read_time
from controller.model.errors import truncate
from controller.model.notices.event import DIGESTED, LISTED, Event, EventGroup, Message, Topic
from controller.settings.sinks import Sink

MOST_DUE = 20
"""Messages of a sink that are taken at once."""
FURTHEST = timedelta(hours=2)
"""Nothing is put off for so long: a later time is of a clock that was ahead, and counts as past."""
LONGEST_ERROR = 300
PORTION = 1_000
"""Rows deleted in one transaction."""
_A_MONTH = timedelta(days=31)
_NOTICE = ", ".join(f"notice.{column}" for column in NOTICE)
_COLLECTED = "topic in ({})".format(", ".join(f"'{topic}'" for topic in sorted(DIGESTED)))
_DONE = "sent_at is not null or given_up_at is not null"


class Outbox:
    """The messages of all sinks. It belongs to the thread that opened it; its methods raise `StateError`."""

    def __init__(self, state: Path) -> None:
        """Open the ledger of this state directory, which the process that runs the loop has created or migrated."""
        self._path = state / FILE_NAME
        with said_plainly(self._path):
            self._connection = writable(self._path)
            self._connection.execute("pragma synchronous = normal")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def form(self, sink: Sink, now: datetime) -> None:
        """Make and store the messages that are due: at once, or when successes were collected long enough."""
        place = self._one("select seen, collected from sink where name = ?", [sink.name])
        if place is None:  # it was configured before anything was recorded for it
            with self._transaction():
                self._connection.execute(_BEGIN, [sink.name])
            return
        newest = self._newest()
        seen, collected = place
        at_once = self._events(f"not {_COLLECTED}", seen, newest) if newest > seen else []
        is_over = newest > collected and self._is_over(collected, sink, now)
        drafts = drafts_of([*at_once, *(self._events(_COLLECTED, collected, newest) if is_over else [])], sink)
        if newest > seen or is_over:
            rows = [_row(draft, sink.name, now) for draft in drafts]
            with self._transaction():
                self._connection.executemany(_ADD, rows)
                self._connection.execute(
                    "update sink set seen = ?, collected = iif(?, ?, collected) where name = ?",
                    [newest, is_over, newest, sink.name],
                )
            if rows:
                self._flush()  # sent messages keep their ids whatever happens to the machine

    def due(self, sink_name: str, now: datetime) -> list[Message]:
        """The messages to send now, oldest first, a few at a time."""
        sql = (
            "select id, topic, made_at, notices, count, units, attempts from message "
            "where sink = ? and (next_at <= ? or next_at > ?) order by number limit ?"
        )
        arguments = [sink_name, format_time(now), format_time(now + FURTHEST), MOST_DUE]
        return [self._message(sink_name, row) for row in self._rows(sql, arguments)]

    def next_at(self, sink_name: str) -> datetime | None:
        """When the next message that was formed is to be sent; None: nothing waits."""
        row = self._one("select min(next_at) from message where sink = ? and next_at is not null", [sink_name])
        return read_time(row[0]) if row else None

    def sent(self, message: Message, at: datetime) -> None:
        """The receiver has taken the message."""
        self._mark(message, "sent", {"sent_at": format_time(at), "error": ""})

    def failed(self, message: Message, at: datetime, error: str, next_at: datetime) -> None:
        """An attempt at `at` failed for this reason, without secrets; the message is due again at `next_at`."""
        later = max(at, next_at)
        self._mark(message, "failed", {"next_at": format_time(later), "error": truncate(error, LONGEST_ERROR)})

    def given_up(self, message: Message, at: datetime, error: str = "") -> None:
        """There is no further attempt; without an `error` that of the last one stays."""
        reason = {"error": truncate(error, LONGEST_ERROR)} if error else {}
        self._mark(message, "given_up", {"given_up_at": format_time(at), **reason})

    def counts(self) -> list[SinkCounts]:
        """What became of the messages, by sink."""
        return sink_counts(self._dicts)

    def recent(self, most: int) -> list[Dispatch]:
        """The messages made last, newest first."""
        return latest_dispatches(self._dicts, most)

    def prune(self, before: datetime) -> None:
        """Delete the messages that were done with before this time, and older events that no message needs.

        Events of a budget are kept for a month longer: they happen once in a month. The newest event stays, so that
        no number is ever given twice.
        """
        done = f"select number from message where ({_DONE}) and coalesce(sent_at, given_up_at) < ? limit ?"
        self._delete("message", done, [format_time(before)])
        old = (
            "select number from notice where at < iif(topic = ?, ?, ?) "
            "and number < (select max(number) from notice) "
            "and number <= coalesce((select min(min(seen, collected)) from sink), number) "
            "and number < coalesce((select min(first) from message), number + 1) limit ?"
        )
        self._delete("notice", old, [Topic.BUDGET, format_time(before - _A_MONTH), format_time(before)])

    def _mark(self, message: Message, count: str, changes: Mapping[str, object]) -> None:
        """Note what became of an attempt, unless the message was done with already."""
        values = {"next_at": None, **changes}
        columns = ", ".join(f"{column} = ?" for column in values)
        with self._transaction():
            changed = self._connection.execute(
                f"update message set attempts = attempts + 1, {columns} "
                "where sink = ? and id = ? and next_at is not null",
                [*values.values(), message.sink, message.id],
            )
            if changed.rowcount:
                self._connection.execute(f"update sink set {count} = {count} + 1 where name = ?", [message.sink])

    def _is_over(self, collected: int, sink: Sink, now: datetime) -> bool:
        """Whether successes were collected for as long as the sink wants, since the first of them, or there is none.

        One that is as far ahead was recorded by a clock that was.
        """
        sql = f"select at from notice where number > ? and {_COLLECTED} order by number limit 1"
        first = self._one(sql, [collected])
        since = read_time(first[0]) if first else None
        return since is None or abs(now - since) >= timedelta(seconds=sink.digest)

    def _newest(self) -> int:
        row = self._one("select coalesce(max(number), 0) from notice", [])
        return int(row[0]) if row else 0

    def _events(self, which: str, after: int, until: int) -> list[tuple[int, Event]]:
        sql = f"select {_NOTICE} from notice where number > ? and number <= ? and {which} order by number"
        return [notice_of(row) for row in self._rows(sql, [after, until])]

    def _message(self, sink_name: str, row: Sequence[Any]) -> Message:
        id_, topic, made_at, numbers, count, units, attempts = row
        listed = json.dumps(json.loads(numbers)[:LISTED])
        sql = f"select {_NOTICE} from json_each(?) each join notice on notice.number = each.value order by each.key"
        made = read_time(made_at)
        assert made is not None, "the column is not null"
        return Message(
            id=id_,
            sink=sink_name,
            topic=Topic(topic),
            made_at=made,
            events=tuple(notice_of(item)[1] for item in self._rows(sql, [listed])),
            count=count,
            processing_units=units,
            groups=tuple(EventGroup(name=n, count=c, processing_units=u) for n, c, u in self._groups(numbers)),
            attempts=attempts,
        )

    def _groups(self, numbers: str) -> list[tuple[Any, ...]]:
        """The sets and commits of these events: how many they are, and their processing units."""
        sql = (
            "select iif(set_name = '', revision, 'set/' || set_name) name, count(*), total(units) "
            "from json_each(?) each join notice on notice.number = each.value "
            "group by 1 order by 2 desc, 1 limit ?"
        )
        return self._rows(sql, [numbers, LISTED])

    def _delete(self, table: str, which: str, arguments: Sequence[object]) -> None:
        """Delete the rows that `which` selects, in portions."""
        while True:
            with self._transaction():
                sql = f"delete from {table} where number in ({which})"
                deleted = self._connection.execute(sql, [*arguments, PORTION]).rowcount
            if deleted < PORTION:
                return

    def _rows(self, sql: str, arguments: Sequence[object]) -> list[tuple[Any, ...]]:
        with said_plainly(self._path):
            return self._connection.execute(sql, list(arguments)).fetchall()

    def _dicts(self, sql: str, arguments: Sequence[object]) -> Iterator[dict[str, Any]]:
        with said_plainly(self._path):
            cursor = self._connection.execute(sql, list(arguments))
            names = [column[0] for column in cursor.description]
            return iter([dict(zip(names, row, strict=True)) for row in cursor.fetchall()])

    def _one(self, sql: str, arguments: Sequence[object]) -> tuple[Any, ...] | None:
        return next(iter(self._rows(sql, arguments)), None)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing. The machine's failure may undo it, a kill does not."""
        with said_plainly(self._path), self._connection:
            self._connection.execute("begin immediate")
            yield

    def _flush(self) -> None:
        """Put what was committed on the disk without the lock that the loop waits for.

        SQLite holds no lock on its log, so closing that file gives up none.
        """
        with said_plainly(self._path), self._path.with_name(f"{self._path.name}-wal").open("rb") as log:
            os.fsync(log.fileno())


_BEGIN = (
    "insert or ignore into sink (name, seen, collected) select ?1, coalesce(max(number), 0), coalesce(max(number), 0) "
    "from notice"
)
_ADD = (
    "insert or ignore into message (id, sink, topic, made_at, notices, first, count, units, next_at) "
    "values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def _row(draft: Draft, sink_name: str, now: datetime) -> tuple[object, ...]:
    numbers, time = [number for number, _ in draft.events], format_time(now)
    return (
        *(draft.id, sink_name, str(draft.topic), time, json.dumps(numbers, separators=(",", ":")), numbers[0]),
        *(len(numbers), draft.processing_units, time),
    )
