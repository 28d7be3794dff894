"""How many requests may run at once: what the settings say, or less while the service says that these are too many.

Pure. Nothing is remembered but the refusals in the ledger, so a restart learns nothing anew. The service publishes no
number: reference page "Open questions: Async API" 18 and 19.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from controller.model.timing import Timing


def places(most: int, crowded: Sequence[datetime], now: datetime, timing: Timing) -> int:
    """Halved with every refusal for too many concurrent requests, and one more after each spell without any.

    `most` is the limit of the settings; `crowded` holds when such refusals came, oldest first.
    """
    limit, since = _after(most, crowded, timing)
    return limit if since is None else min(most, limit + _regained(since, now, timing))


def grows_at(most: int, crowded: Sequence[datetime], now: datetime, timing: Timing) -> datetime | None:
    """When there will be one place more; None: there are as many as the settings allow."""
    _, since = _after(most, crowded, timing)
    if since is None or places(most, crowded, now, timing) >= most:
        return None
    return since + timedelta(seconds=(_regained(since, now, timing) + 1) * timing.place_regained)


def lately(crowded: Iterable[datetime], now: datetime, timing: Timing) -> list[datetime]:
    """The refusals that still count; after long enough without any, the limit is that of the settings again."""
    return [time for time in crowded if time > now - timedelta(seconds=timing.places_forgotten)]


def _after(most: int, crowded: Sequence[datetime], timing: Timing) -> tuple[int, datetime | None]:
    """The limit right after the last refusal, and when that was. Refusals that came together count once."""
    limit, since = most, None
    for time in crowded:
        if since is None or time >= since + timedelta(seconds=timing.concurrency_wait):
            regained = _regained(since, time, timing) if since else 0
            limit, since = max(1, min(most, limit + regained) // 2), time
    return limit, since


def _regained(since: datetime, now: datetime, timing: Timing) -> int:
    return max(0, int((now - since).total_seconds() // timing.place_regained))
