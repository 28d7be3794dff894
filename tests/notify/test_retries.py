"""When a message is tried again, and when no more."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from controller.model.timing import Timing
from controller.notify.retries import JITTER, is_put_off, is_too_old, retry_after, retry_pause
from controller.notify.sender import NotSent
from tests.support.receiver import NOW

DOWN, REFUSED = NotSent(message="x"), NotSent(message="x", is_refused=True)

PAUSES: Mapping[str, tuple[int, NotSent, float]] = {
    "the first failure waits 5 seconds": (1, DOWN, 5),
    "the second twice as long": (2, DOWN, 10),
    "and so on": (5, DOWN, 80),
    "to an hour": (11, DOWN, 3600),
    "however often": (100_000, DOWN, 3600),
    "what is refused waits for an hour at once": (1, REFUSED, 3600),
    "the other side may ask for longer": (1, NotSent(message="x", retry_after=300), 300),
    "but not for less": (3, NotSent(message="x", retry_after=1), 20),
    "nor for more than an hour": (1, NotSent(message="x", retry_after=1e9), 3600),
}


@pytest.mark.parametrize(("attempts", "failure", "seconds"), PAUSES.values(), ids=PAUSES)
def test_the_pause_after_a_failure(attempts: int, failure: NotSent, seconds: float) -> None:
    assert retry_pause(attempts, failure, Timing(), 0.0) == timedelta(seconds=seconds)
    assert retry_pause(attempts, failure, Timing(), 1.0) == timedelta(seconds=seconds * (1 + JITTER))


AGES: Mapping[str, tuple[timedelta, int, bool]] = {
    "a new one": (timedelta(), 0, False),
    "one that was tried for less than a day": (timedelta(hours=23, minutes=59), 30, False),
    "one that was tried for a day": (timedelta(days=1), 30, True),
    "one that was never tried, since the controller was off": (timedelta(days=9), 0, False),
    "one that a clock that was ahead has made": (timedelta(days=-30), 33, False),
    "and that was tried as often as in a day": (timedelta(days=-30), 34, True),
}


@pytest.mark.parametrize(("age", "attempts", "expected"), AGES.values(), ids=AGES)
def test_what_is_given_up(age: timedelta, attempts: int, expected: bool) -> None:
    assert is_too_old(NOW - age, attempts, Timing(), NOW) is expected


UNTIL: Mapping[str, tuple[timedelta | None, bool]] = {
    "nothing": (None, False),
    "until a time that is past": (timedelta(), False),
    "until soon": (timedelta(seconds=1), True),
    "for as long as may be": (timedelta(hours=1), True),
    "by a clock that was ahead": (timedelta(hours=1, seconds=1), False),
}


@pytest.mark.parametrize(("ahead", "expected"), UNTIL.values(), ids=UNTIL)
def test_what_is_put_off(ahead: timedelta | None, expected: bool) -> None:
    assert is_put_off(None if ahead is None else NOW + ahead, NOW, timedelta(hours=1)) is expected


HEADERS: Mapping[str, tuple[str | None, float | None]] = {
    "none": (None, None),
    "empty": ("", None),
    "seconds": (" 120 ", 120.0),
    "zero": ("0", None),
    "less than zero": ("-5", None),
    "more digits than a number has": ("9" * 5_000, 999_999_999.0),
    "digits of another script": ("٣", None),
    "a date": ("Mon, 01 Jun 2026 12:00:30 GMT", 30.0),
    "a date that is past": ("Mon, 01 Jun 2026 11:00:00 GMT", None),
    "a date without a zone": ("Mon, 01 Jun 2026 12:00:30", None),
    "a date that is none": ("Mon, 99 Jun 2026 12:00:30 GMT", None),
    "words": ("later", None),
}


@pytest.mark.parametrize(("header", "expected"), HEADERS.values(), ids=HEADERS)
def test_what_a_retry_after_says(header: str | None, expected: float | None) -> None:
    assert retry_after(header, NOW) == expected
