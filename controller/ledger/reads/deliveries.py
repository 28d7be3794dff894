"""What was delivered since a given event, for who makes pictures of it: read by number, however long the history is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from controller.ledger.reads.reader import Reader
from controller.ledger.rows.cells import CANNOT_BE_READ, checked_text, parse_stored_time
from controller.model.errors import StateError
from controller.model.reasons import Reason
from controller.model.submission import Outcome, Submission


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEvent:
    """The event `number` said that the submission delivered; None when it cannot be read, or no longer says so."""

    number: int
    submission: Submission | None


def deliveries(reader: Reader, after: int, most: int) -> Iterator[DeliveryEvent]:
    """Those after an event, oldest first."""
    sql = "select number, job, submission from event where number > ? and reason = ? order by number limit ?"
    for row in list(reader.rows(sql, [after, Reason.DELIVERED.value, most])):
        yield DeliveryEvent(
            number=int(row["number"]), submission=_delivered(reader, str(row["job"]), row["submission"])
        )


def _delivered(reader: Reader, job: str, id: object) -> Submission | None:
    try:
        known = reader.submissions(job, "")
    except StateError:
        return None
    return next((each for each in reversed(known) if each.id == id and each.outcome is Outcome.SUCCEEDED), None)


def before_the_latest(reader: Reader, most: int, since: datetime) -> int:
    """The event after which there are the latest `most` deliveries, none from before `since`."""
    sql = "select number, at from event where reason = ? order by number desc limit ?"
    rows = reader.rows(sql, [Reason.DELIVERED.value, most])
    recent = [int(row["number"]) for row in rows if _is_after(row["at"], since)]
    return min(recent) - 1 if recent else reader.last_event()


def _is_after(at: object, since: datetime) -> bool:
    try:
        return parse_stored_time(checked_text(at)) >= since
    except CANNOT_BE_READ:
        return False
