"""What a sink did last, for `shjobs notify`."""

from dataclasses import dataclass
from datetime import datetime

from controller.ledger.outbox.history import Rows
from controller.ledger.rows import read_time


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkLast:
    """When a sink last took a message, and why it did not take the newest of those it has not; "" when there is none.

    `next_at` is when the next of what waits is sent.
    """

    sent_at: datetime | None = None
    next_at: datetime | None = None
    error: str = ""


def last_of(rows: Rows, sink: str) -> SinkLast:
    """The same of one sink, as far as the ledger still has it."""
    sql = "select max(sent_at) sent_at, min(next_at) next_at from message where sink = ?"
    times = next(iter(rows(sql, [sink])))
    sql = "select error from message where sink = ? and error <> '' order by number desc limit 1"
    errors = [str(row["error"]) for row in rows(sql, [sink])]
    return SinkLast(
        sent_at=read_time(times["sent_at"]), next_at=read_time(times["next_at"]), error=next(iter(errors), "")
    )
