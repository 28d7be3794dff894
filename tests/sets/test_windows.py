"""Windows of the calendar: their keys, their ends, and from when they may be asked for."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.sets.windows import EVERY, Every, window, windows

SPANS = [
    pytest.param("day", "2024-02-28", "2024-03-01", ["2024-02-28", "2024-02-29", "2024-03-01"], id="a leap day"),
    pytest.param("week", "2020-12-20", "2021-01-10", ["2020-w52", "2020-w53", "2021-w01"], id="week 53"),
    pytest.param(
        "week",
        "2025-w01",
        "2025-01",
        ["2025-w01", "2025-w02", "2025-w03", "2025-w04", "2025-w05"],
        id="a week that begins in the year before",
    ),
    pytest.param("week", "2025", "2025-01-12", ["2025-w02"], id="a week that began before the span"),
    pytest.param("dekad", "2023-02", "2023-02", ["2023-02-d1", "2023-02-d2", "2023-02-d3"], id="the dekads of a month"),
    pytest.param("month", "2023-11", "2024-q1", ["2023-11", "2023-12", "2024-01", "2024-02", "2024-03"], id="months"),
    pytest.param("quarter", "2024", "2024", ["2024-q1", "2024-q2", "2024-q3", "2024-q4"], id="the quarters of a year"),
    pytest.param("year", "2016", "2018", ["2016", "2017", "2018"], id="years"),
    pytest.param("year", "2016-05", "2017", ["2017"], id="a year that began before the span does not belong to it"),
    pytest.param("month", "2024-01-02", "2024-01-30", [], id="no month begins within"),
]
RANGES = [
    ("2024-02-29", "2024-02-29", "2024-02-29"),
    ("2020-w53", "2020-12-28", "2021-01-03"),
    ("2024-02-d3", "2024-02-21", "2024-02-29"),
    ("2023-02", "2023-02-01", "2023-02-28"),
    ("2024-q1", "2024-01-01", "2024-03-31"),
    ("2024", "2024-01-01", "2024-12-31"),
    ("2024-W05", "2024-01-29", "2024-02-04"),
]


@pytest.mark.parametrize(("every", "begin", "end", "keys"), SPANS)
def test_those_windows_belong_to_a_span_that_begin_in_it(every: Every, begin: str, end: str, keys: list[str]) -> None:
    assert [each.key for each in windows(every, window(begin), window(end))] == keys


@pytest.mark.parametrize(("key", "first", "last"), RANGES)
def test_a_window_is_what_its_key_says_in_utc(key: str, first: str, last: str) -> None:
    found = window(key)
    assert found.key == key.lower()
    assert found.range == {"from": f"{first}T00:00:00Z", "to": f"{last}T23:59:59Z"}


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("2023-02-29", "not in the calendar"),
        ("2023-w53", "not in the calendar"),
        ("9999-w52", "not in the calendar"),
        ("2023-13", "not in the calendar"),
        ("2023-q5", "names no day"),
        ("June", "write for example `2024-06-15`"),
        ("", "names no day"),
    ],
)
def test_what_is_no_window_is_refused_with_what_to_write(key: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        window(key)


def test_a_window_is_due_that_long_after_its_end() -> None:
    assert window("2024-02").due(timedelta(days=5)) == datetime(2024, 3, 6, tzinfo=UTC)
    assert window("2024-12-31").due(timedelta(0)) == datetime(2025, 1, 1, tzinfo=UTC)


@given(every=st.sampled_from(EVERY), day=st.dates(date(1970, 1, 1), date(2900, 1, 1)))
def test_windows_follow_each_other_without_gap_and_their_keys_name_them(every: Every, day: date) -> None:
    found = list(islice(windows(every, window(day.isoformat()), None), 40))
    assert found[0].first >= day
    assert all(before.last + timedelta(days=1) == after.first for before, after in pairwise(found))
    assert [window(each.key) for each in found] == found
    assert sorted(each.key for each in found) == [each.key for each in found], "keys sort as time does"


def test_a_set_without_an_end_ends_with_the_calendar() -> None:
    *_, last = windows("year", window("9990"), None)
    assert last.key >= "9998"
    assert last.due(timedelta(days=366)).year == 9999


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("begin", ["9998-12-31", "9999", "9999-q4", "9999-12", "9999-12-d3", "9999-w51", "9999-12-31"])
def test_nothing_begins_with_the_last_days_of_the_calendar(every: Every, begin: str) -> None:
    assert list(windows(every, window(begin), None)) == []
    assert list(windows(every, window(begin), window("9999"))) == []
