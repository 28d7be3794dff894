"""What a sink did last, for `shjobs notify`."""

from dataclasses import dataclass
from datetime import datetime

from controller.ledger.outbox.history import Rows
from controller.ledger.rows.cells import read_time


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkLast:
    """When a sink last took a message, when the next of what waits is sent, and why the last was not taken.

    `error` is "" when everything was taken since.
    """

    sent_at: datetime | None = None
    next_at: datetime | None = None
    error: str = ""


def last_of(rows: Rows, sink: str) -> SinkLast:
    """The same of one sink, as far as the ledger still has it."""
    sql = "select max(sent_at) sent_at, min(next_at) next_at from message where sink = ?"
    times = next(iter(rows(sql, [sink])))
    sql = (
        "select error from message where sink = ?1 and error <> '' and (next_at is not null or number > "
        "coalesce((select max(number) from message where sink = ?1 and sent_at is not null), 0)) "
        "order by number desc limit 1"
    )
    errors = [str(row["error"]) for row in rows(sql, [sink])]
    return SinkLast(
        sent_at=read_time(times["sent_at"]), next_at=read_time(times["next_at"]), error=next(iter(errors), "")
    )
