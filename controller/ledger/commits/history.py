"""What a sink for the status of commits did, in the form of other sinks: for `shjobs notify`."""

from controller.ledger.outbox.history import Rows, SinkCounts
from controller.ledger.outbox.last import SinkLast
from controller.ledger.rows.cells import read_time


def status_counts(rows: Rows, sink: str) -> SinkCounts:
    """How many statuses a sink took, and how many commits were given up; what waits is counted from the jobs."""
    sql = (
        "select total(times) sent, total(given_up_at is not null and error <> '') given_up from commit_status "
        "where sink = ?"
    )
    [row] = rows(sql, [sink])
    return SinkCounts(sink=sink, sent=int(row["sent"]), given_up=int(row["given_up"]))


def last_status(rows: Rows, sink: str) -> SinkLast:
    """When a sink last took a status, and why it did not take the one of the newest commit that was tried."""
    [times] = rows("select max(sent_at) sent_at, min(next_at) next_at from commit_status where sink = ?", [sink])
    sql = (
        "select s.error from commit_status s join touched_commit t on t.revision = s.revision "
        "where s.sink = ? and (s.sent_at is not null or s.error <> '') order by t.number desc limit 1"
    )
    error = next((str(row["error"]) for row in rows(sql, [sink])), "")
    return SinkLast(sent_at=read_time(times["sent_at"]), next_at=read_time(times["next_at"]), error=error)
