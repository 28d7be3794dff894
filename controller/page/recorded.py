"""What several pages show of the ledger: a job as a row of a list, and the sets."""

from typing import Any

from controller.ledger.reads.listing import SET_LABEL, Row
from controller.ledger.reads.reader import Reader
from controller.lifecycle.conditions import is_of_set
from controller.lifecycle.status import timestamp
from controller.model.files import SET

Document = dict[str, Any]


def row_facts(row: Row) -> Document:
    """A job of a list. Amounts are processing units, None where they are not known."""
    wanted, submission = (row.job.wanted if row.job else None), row.submission
    estimate = wanted.estimate if wanted else None
    return {
        "name": row.name,
        "path": row.path,
        "phase": str(row.phase),
        "reason": row.reason,
        "message": row.message,
        "rejected": row.rejected,
        "changedAt": timestamp(row.changed_at),
        "set": row.labels.get(SET_LABEL, ""),
        "labels": {name: value for name, value in row.labels.items() if name != SET_LABEL},
        "estimated": estimate.expected if estimate else None,
        "reserved": submission.reserved if submission else None,
        "spent": submission.spent if submission else None,
    }


def recorded_sets(store: Reader) -> list[Document]:
    """The status document of every set, as last reported, with its path."""
    sql = "select status.path from status join file using (path) where kind = ? order by status.path"
    paths = [str(row["path"]) for row in store.rows(sql, [SET])]
    return [{**each, "path": path} for path in paths for each in store.statuses_of(path) if is_of_set(each)]
