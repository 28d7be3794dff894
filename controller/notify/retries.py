"""When a message is tried again, and when it is given up. Pure; `messages` applies it."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from controller.model.timing import Timing
from controller.notify.sender import NotSent

JITTER = 0.2
"""At most this share of a pause is added, so that many senders do not come back at the same moment. A ratio."""
MOST_TRIES = 34
"""With pauses that double to an hour so many take about a day."""
_MOST_DOUBLINGS = 30


def retry_pause(attempts: int, failure: NotSent, timing: Timing, jitter: float) -> timedelta:
    """How long to wait after this failure; `attempts` counts it, `jitter` is from 0 to 1.

    What was refused is tried again after the longest pause: it helps only when someone corrects the other side.
    """
    if failure.is_refused:
        seconds = timing.notify_longest
    else:
        seconds = min(timing.notify_first * 2 ** min(attempts - 1, _MOST_DOUBLINGS), timing.notify_longest)
    asked = min(failure.retry_after or 0.0, timing.notify_longest)
    return timedelta(seconds=max(seconds, asked) * (1 + JITTER * jitter))


def is_too_old(made_at: datetime, attempts: int, timing: Timing, now: datetime) -> bool:
    """Whether it is not tried again; what was never tried is, however old: the controller may have been off.

    The age of what a clock that was ahead has made is not known, so its tries are counted.
    """
    if made_at > now:
        return attempts >= MOST_TRIES
    return attempts > 0 and now - made_at >= timedelta(seconds=timing.notify_give_up)


def is_put_off(until: datetime | None, now: datetime, longest: timedelta) -> bool:
    """Whether it waits until then; by more than the `longest` only a clock that was ahead has put anything off."""
    return until is not None and now < until <= now + longest


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds named by a `Retry-After`, which is a number or a date; None when it names none that is to come."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9]) or None
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if date.tzinfo is None:
        return None
    seconds = (date - now).total_seconds()
    return seconds if seconds > 0 else None
