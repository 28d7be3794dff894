"""Cells of the ledger, checked as they are read: another version, or something else, may have written them."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from sys import intern
from typing import Any, TypeVar

Value = TypeVar("Value")
CANNOT_BE_READ = (KeyError, TypeError, ValueError, AttributeError, RecursionError)
"""The exceptions raised by reading a row that another version, or something else, wrote."""


def parse_stored_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def either(read: Callable[[], Value], otherwise: Value) -> Value:
    try:
        return read()
    except CANNOT_BE_READ:
        return otherwise


def checked_text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("no text")
    return value


def name_of(value: Any) -> str | None:
    return None if value is None else intern(checked_text(value))


def list_of(value: Any) -> list[Any]:
    if type(value) is not list:
        raise TypeError("no list")
    return value


def whole_of(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError("no whole number")
    return value


def amount_of(value: Any) -> float | None:
    """A number that can be calculated with."""
    if value is not None and (type(value) not in (int, float) or not math.isfinite(value)):
        raise TypeError("no amount")
    return value  # type: ignore[no-any-return]
