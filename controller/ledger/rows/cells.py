"""Cells of the ledger, checked as they are read: another version, or something else, may have written them."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from sys import intern
from typing import Any, TypeVar, overload

from controller.model.answers import StoredObject
from controller.model.job import ExpectedOutput
from controller.model.submission import Evidence

Value = TypeVar("Value")
ReadObjects = Callable[[int], tuple[StoredObject, ...]]
"""Reads the objects of a submission by its number."""
CANNOT_BE_READ = (KeyError, TypeError, ValueError, AttributeError, RecursionError)
"""The exceptions raised by reading a row that another version, or something else, wrote."""


class KeptObjects(Sequence[StoredObject]):
    """What a settled submission delivered, read whenever it is asked for: most of the memory would be this."""

    __slots__ = ("_number", "_read")

    def __init__(self, number: int, read: ReadObjects) -> None:
        self._number, self._read = number, read

    @overload
    def __getitem__(self, index: int) -> StoredObject: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[StoredObject, ...]: ...
    def __getitem__(self, index: int | slice) -> StoredObject | tuple[StoredObject, ...]:
        return self._read(self._number)[index]

    def __len__(self) -> int:
        return len(self._read(self._number))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._read(self._number) == tuple(other)

    def __hash__(self) -> int:
        return hash(self._read(self._number))

    def __repr__(self) -> str:
        return repr(self._read(self._number))


@lru_cache(maxsize=256)
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


def evidence_of(text: str | None, number: int = 0, later: ReadObjects | None = None) -> Evidence | None:
    """The evidence that a row holds. With `later` its objects are read when they are asked for, if they can be."""
    if not text:
        return None
    kept = _kept(text, number, later) if later else None
    return kept or _evidence(json.loads(text))


def cost_alone(spent: Any, at: datetime) -> Evidence | None:
    """What is left of evidence that cannot be read: what the run cost, which has a column of its own."""
    cost = either(lambda: amount_of(spent), None)
    return None if cost is None else Evidence(at=at, since=at, readable=False, spent=cost)


def claims_of(text: str | None) -> tuple[str, ...]:
    """The names of the claims that a row holds."""
    return tuple(map(checked_text, list_of(json.loads(text)))) if text else ()


def _evidence(detail: Mapping[str, Any]) -> Evidence:
    times = {"at": parse_stored_time(detail["at"]), "since": parse_stored_time(detail["since"])}
    found = Evidence(**{**detail, **times, "objects": _objects(detail["objects"])})
    amount_of(found.spent), name_of(found.error), checked_text(found.message), whole_of(found.readable)
    return found


def _time_of(text: str | None) -> datetime | None:
    return parse_stored_time(text) if text else None


def objects_of(evidence: str | None) -> tuple[StoredObject, ...]:
    """The objects in the text of an evidence; none when it cannot be read."""
    return either(lambda: _objects(json.loads(evidence or "{}")["objects"]), ())


def _objects(details: Any) -> tuple[StoredObject, ...]:
    found = tuple(StoredObject(**{**item, "modified": _time_of(item["modified"])}) for item in list_of(details))
    for item in found:
        checked_text(item.key), whole_of(item.bytes), checked_text(item.etag)
    return found


def _kept(text: str, number: int, later: ReadObjects) -> Evidence | None:
    """The evidence of a delivery as every version writes it, without its objects; None: it must be read as a whole."""
    plain = _DELIVERED.fullmatch(text)
    if plain is None:
        return None
    at, since, readable, spent = plain.groups()
    return Evidence(
        at=parse_stored_time(at), since=parse_stored_time(since), readable=readable == "true",
        objects=KeptObjects(number, later), spent=None if spent == "null" else float(spent),
    )  # fmt: skip


_TIME = r'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.0-9]{0,7}\+00:00)"'
_PLAIN = r'"[^"\\\x00-\x1f]*"'
_OBJECT = rf'\{{"key": {_PLAIN}, "bytes": \d+, "etag": {_PLAIN}, "modified": (?:null|{_TIME.replace("(", "(?:", 1)})\}}'
_DELIVERED = re.compile(
    rf'\{{"at": {_TIME}, "since": {_TIME}, "readable": (true|false), "objects": \[{_OBJECT}(?:, {_OBJECT})*\], '
    r'"error": null, "spent": (null|\d+(?:\.\d+)?), "message": ""\}'
)


def format_time(time: datetime | None) -> str | None:
    """A time as stored: ISO 8601 in UTC, which also sorts by time."""
    return time.isoformat(timespec="microseconds") if time else None


def read_time(text: str | None) -> datetime | None:
    return parse_stored_time(text) if text else None


@lru_cache(maxsize=1024)
def stored_outputs_text(outputs: tuple[ExpectedOutput, ...]) -> str:
    """The declared outputs as JSON; most jobs declare the same few."""
    return json.dumps([asdict(output) for output in outputs])


@lru_cache(maxsize=1024)
def stored_outputs(text: str) -> tuple[ExpectedOutput, ...]:
    """The declared outputs."""
    return tuple(
        ExpectedOutput(
            identifier=checked_text(each.pop("identifier")), media_type=checked_text(each.pop("media_type")),
            extensions=tuple(map(checked_text, list_of(each.pop("extensions")))), **each,
        )
        for each in list_of(json.loads(text))
    )  # fmt: skip


def shared_text(value: Any) -> Any:
    """A text as one object, however many rows have it; any other value as it is."""
    return intern(value) if type(value) is str else value
