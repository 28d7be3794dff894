"""What the service reads as a moment; for `validation`, and for the scenes of a body that passed it."""

import re
from datetime import UTC, datetime

DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


def parse_date_time(value: object) -> datetime | None:
    """An RFC 3339 date-time with its zone, in the years 1 to 9999 of UTC; None for anything else, as a plain date."""
    if not isinstance(value, str) or not DATE_TIME.fullmatch(value):
        return None
    try:
        moment = datetime.fromisoformat(value.upper())
        moment.astimezone(UTC)
        return moment
    except (ValueError, OverflowError):
        return None
