"""Windows of the calendar: days, ISO weeks, dekads, months, quarters and years, all in UTC.

A window's key is the ISO notation of what it covers (`2024-06`, `2024-w23`, `2024-06-d2`). Those windows belong to an
axis that begin in the span from `from` to `to`. Called by `expansion`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from typing import Literal, get_args

Every = Literal["day", "week", "dekad", "month", "quarter", "year"]
EVERY: tuple[Every, ...] = get_args(Every)

_DAY = timedelta(days=1)
_LATEST = date.max - timedelta(days=400)
"""No window begins later: its end, and when it is due, would be beyond the calendar."""
_SHAPES = {
    "day": re.compile(r"(\d{4})-(\d\d)-(\d\d)"),
    "week": re.compile(r"(\d{4})-[wW](\d\d)"),
    "dekad": re.compile(r"(\d{4})-(\d\d)-[dD]([123])"),
    "month": re.compile(r"(\d{4})-(\d\d)"),
    "quarter": re.compile(r"(\d{4})-[qQ]([1-4])"),
    "year": re.compile(r"(\d{4})"),
}
_EXAMPLES = {
    "day": "2024-06-15",
    "week": "2024-w23",
    "dekad": "2024-06-d2",
    "month": "2024-06",
    "quarter": "2024-q2",
    "year": "2024",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From midnight in UTC of `first` to the end of the day `last`."""

    key: str
    first: date
    last: date

    @property
    def range(self) -> dict[str, str]:
        """As `timeRange` of a request: both ends belong to it, so it ends a second before midnight."""
        return {"from": f"{self.first}T00:00:00Z", "to": f"{self.last}T23:59:59Z"}

    def due(self, after: timedelta) -> datetime:
        """The moment from which the window may be asked for: that much after its end.

        Windows at the end of the calendar are due a year too early, rather than never computed.
        """
        return datetime.combine(min(self.last, _LATEST) + _DAY, time(), UTC) + after


def window(key: str) -> Window:
    """The window of a key, whatever its length. ValueError says what to write instead."""
    for every, shape in _SHAPES.items():
        if found := shape.fullmatch(key):
            try:
                return _MADE[every](*map(int, found.groups()))
            except (ValueError, OverflowError):
                raise ValueError(f"`{key}` is not in the calendar") from None
    examples = ", ".join(f"`{example}`" for example in _EXAMPLES.values())
    raise ValueError(f"`{key}` names no day, week, dekad, month, quarter or year: write for example {examples}")


def windows(every: Every, begin: Window, end: Window | None) -> Iterator[Window]:
    """The windows that begin in the span of `begin` to `end`, in order; without `end` to the end of the calendar."""
    last = min(end.last, _LATEST) if end else _LATEST
    return takewhile(lambda each: each.first <= last, _following(every, begin.first))


def _following(every: Every, day: date) -> Iterator[Window]:
    if day > _LATEST:
        return
    each = _around(every, day)
    if each.first < day:
        each = _around(every, each.last + _DAY)
    while True:
        yield each
        if each.last >= _LATEST:
            return
        each = _around(every, each.last + _DAY)


def _around(every: Every, day: date) -> Window:
    """The window that a day lies in."""
    year, month = day.year, day.month
    match every:
        case "day":
            return _of_day(year, month, day.day)
        case "week":
            return _of_week(*day.isocalendar()[:2])
        case "dekad":
            return _of_dekad(year, month, min(3, (day.day + 9) // 10))
        case "month":
            return _of_month(year, month)
        case "quarter":
            return _of_quarter(year, (month + 2) // 3)
        case "year":
            return _of_year(year)


def _of_day(year: int, month: int, number: int) -> Window:
    day = date(year, month, number)
    return Window(key=day.isoformat(), first=day, last=day)


def _of_week(year: int, number: int) -> Window:
    first = date.fromisocalendar(year, number, 1)
    return Window(key=f"{year:04}-w{number:02}", first=first, last=first + 6 * _DAY)


def _of_dekad(year: int, month: int, number: int) -> Window:
    """Days 1 to 10, 11 to 20, and from 21 to the end of the month."""
    first = date(year, month, 10 * number - 9)
    last = _of_month(year, month).last if number == 3 else first + 9 * _DAY
    return Window(key=f"{year:04}-{month:02}-d{number}", first=first, last=last)


def _of_month(year: int, month: int) -> Window:
    return Window(key=f"{year:04}-{month:02}", first=date(year, month, 1), last=_end_of_month(year, month))


def _of_quarter(year: int, number: int) -> Window:
    first, last = date(year, 3 * number - 2, 1), _end_of_month(year, 3 * number)
    return Window(key=f"{year:04}-q{number}", first=first, last=last)


def _of_year(year: int) -> Window:
    return Window(key=f"{year:04}", first=date(year, 1, 1), last=date(year, 12, 31))


def _end_of_month(year: int, month: int) -> date:
    return date(year, 12, 31) if month == 12 else date(year, month + 1, 1) - _DAY


_MADE: dict[str, Callable[..., Window]] = {
    "day": _of_day,
    "week": _of_week,
    "dekad": _of_dekad,
    "month": _of_month,
    "quarter": _of_quarter,
    "year": _of_year,
}
