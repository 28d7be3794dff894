"""Whether the machine's clock can be trusted, by the service's `Date` headers and the ledger's newest timestamp.

Pure. A wrong clock costs money: another month's budget, a grace period that is over, a retry that is due. So nothing
is paid for while it is in doubt (`timekeeper`, `service`).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

TOLERANCE = 300.0
"""Seconds. Far above the error of a Date (whole seconds), latency and a clock without NTP; far below any grace."""
AGREEING = 60.0
"""Seconds within which two offsets of the service agree: a single one may be a proxy's, or late."""
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"))


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """When the response was made; None: it has no Date, or an Age, so it comes from a cache."""
    return None if "Age" in headers else date_in(headers.get("Date"))


def date_in(header: str | None) -> datetime | None:
    """The moment that a header names, in UTC if it names no zone; None: it names none."""
    try:
        date = parsedate_to_datetime(header or "")
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def settled_offset(before: float | None, earlier: float | None, latest: float) -> float | None:
    """How far the service is ahead of this machine, in seconds, after two readings; `before` is the offset so far.

    A first reading is trusted when it agrees with the machine; one that disagrees must be confirmed by a second.
    """
    if earlier is None:
        return latest if abs(latest) <= TOLERANCE else before
    agree = abs(latest - earlier) <= AGREEING or max(abs(latest), abs(earlier)) <= TOLERANCE
    return latest if agree else before


def doubt(now: datetime, newest: datetime | None, ahead: float | None) -> str:
    """Why the clock cannot be trusted; "" when it can.

    The service's clock decides; until it is known (`ahead` None), time must not be behind the `newest` timestamp in
    the ledger.
    """
    if ahead is not None:
        return "" if abs(ahead) <= TOLERANCE else _sentence(-ahead, "the service's clock")
    if newest is None or newest - now <= timedelta(seconds=TOLERANCE):
        return ""
    return _sentence((now - newest).total_seconds(), "the newest moment in the ledger")


def latest(moments: Iterable[datetime | None]) -> datetime | None:
    """The latest of the moments that are known."""
    return max((moment for moment in moments if moment), default=None)


def _sentence(ahead: float, of: str) -> str:
    """The same words for as long as possible: they are written to status files."""
    seconds, unit = next((each for each in _UNITS if abs(ahead) >= 2 * each[0]), _UNITS[-1])
    way = "ahead of" if ahead > 0 else "behind"
    return f"this machine's clock is about {round(abs(ahead) / seconds):,} {unit}s {way} {of}; set it (NTP)"
