"""What is under way at the service, as the ledger has it: for who shows one job among a hundred thousand."""

import json
from collections.abc import Collection
from datetime import datetime, timedelta

from controller.ledger.reads.reader import Reader
from controller.ledger.rows.cells import either, format_time, read_time
from controller.ledger.rows.submissions import COLUMNS, submission_of
from controller.model.answers import Refusal
from controller.model.submission import Submission

RENEWED = "account renewed"
"""The key in `meta` of when the account's credentials were corrected."""
INSTANCE = "instance"
"""The key in `meta` of the ledger's name."""
_LONGEST_POST = timedelta(days=1)  # far more than a POST takes: days are those of the intent


def running(reader: Reader) -> list[str]:
    """The name of the job of each submission that takes a slot at the service."""
    sql = (
        "select job from submission where gone_at is null and verdict is null "
        "and (answer is null or answer = 'accepted') order by job"
    )
    return [str(row["job"]) for row in reader.rows(sql)]


def counted(reader: Reader, reasons: Collection[str]) -> int:
    """How many jobs were last reported with one of these reasons."""
    among = ", ".join("?" * len(reasons))
    [row] = reader.rows(f"select count(*) number from job where reason in ({among})", [*reasons])
    return int(row["number"])


def newest_submissions(reader: Reader, most: int) -> list[Submission]:
    """The submissions that were made last, oldest first."""
    sql = f"select {', '.join(COLUMNS)} from submission order by number desc limit ?"
    return [submission_of(row)[0] for row in reader.rows(sql, [most])][::-1]


def refusals(reader: Reader, why: Refusal, since: datetime) -> list[datetime]:
    """When the service refused for this reason after `since`, oldest first."""
    sql = "select answered_at, answer_detail from submission where day >= ? and answer = 'refused'"
    rows = reader.rows(sql, [(format_time(since - _LONGEST_POST) or "")[:10]])
    same = (row for row in rows if either(lambda: json.loads(row["answer_detail"])["why"], "") == why)  # noqa: B023
    times = (either(lambda: read_time(row["answered_at"]), None) for row in same)  # noqa: B023
    return sorted(time for time in times if time and time > since)


def renewed_at(reader: Reader, now: datetime) -> datetime | None:
    """When the account's credentials were corrected, or asked to be tried."""
    rows = reader.rows("select value from meta where key = ?", [RENEWED])
    found = either(lambda: read_time(next((str(row["value"]) for row in rows), "")), None)
    return min(found, now) if found else None


def instance(reader: Reader) -> str:
    """The name of this ledger; "" before its first use."""
    return next((str(row["value"]) for row in reader.rows("select value from meta where key = ?", [INSTANCE])), "")
