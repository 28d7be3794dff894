"""What can go wrong on purpose: one table of named faults, and the board on which they are switched on.

`routes` and `server` claim the faults of a call, `runs` those of an accepted request. Each kind is one row of `KINDS`;
what it stands for at the real service is in reference pages "Asynchronous Processing API" §4 and "Open questions:
Async API" A, B.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from controller.errors import ShjobsError
from controller.sandbox.parcel import Item, Parcel
from controller.sandbox.replies import (
    Reply,
    empty_body,
    error_document,
    error_reply,
    html_reply,
    json_reply,
    quota_exhausted,
    too_many_calls,
    too_many_concurrent,
    unauthorized,
)

Parameters = Mapping[str, float]


class Moment(StrEnum):
    """When a fault strikes."""

    ARRIVE = "before a POST is read"
    BEFORE = "after a POST is read, before it is processed"
    AFTER = "after a POST is processed"
    STATUS = "at a GET"
    TOKEN = "at a token request"
    FOLLOW = "at every GET of one accepted request"
    DELIVER = "when one accepted request delivers"


class FaultError(ShjobsError):
    """A fault that cannot be switched on as it was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One row: `answers` makes the answer of a call (from the true one), `reshapes` what a request delivers."""

    name: str
    moment: Moment
    parameters: Parameters = field(default_factory=dict)
    answers: Callable[[Reply, Parameters], Reply] | None = None
    reshapes: Callable[[Parcel, Parameters], Parcel] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault that is switched on: for the next `times` calls or requests (-1: all) whose delivery URL holds `match`.

    Raises FaultError for a name or a parameter that is not in the table.
    """

    name: str
    times: int = 1
    match: str = ""
    parameters: Parameters = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name not in KINDS:
            raise FaultError(f"there is no fault {self.name!r}; choose one of {', '.join(sorted(KINDS))}")
        known = self.kind.parameters
        if strange := sorted(set(self.parameters) - set(known)):
            allowed = ", ".join(known) or "none"
            raise FaultError(f"fault {self.name} has no parameter {', '.join(strange)}; it knows: {allowed}")
        if self.match and self.kind.moment in (Moment.ARRIVE, Moment.TOKEN):
            raise FaultError(f"fault {self.name} strikes before a delivery URL is known; leave out 'match'")

    @property
    def kind(self) -> Kind:
        return KINDS[self.name]

    @property
    def settings(self) -> Parameters:
        """The parameters with the defaults of the kind filled in."""
        return {**self.kind.parameters, **self.parameters}

    def answer(self, true_reply: Reply) -> Reply:
        """What is answered instead of `true_reply`."""
        return self.kind.answers(true_reply, self.settings) if self.kind.answers else true_reply

    def as_document(self) -> dict[str, object]:
        return {"name": self.name, "times": self.times, "match": self.match, "parameters": dict(self.settings)}

    @classmethod
    def from_document(cls, document: object) -> Self:
        """The fault of a JSON object `{name, times, match, parameters}`; raises FaultError when it is not one."""
        if not isinstance(document, dict) or not isinstance(document.get("name"), str):
            raise FaultError("write a JSON object with at least a 'name'")
        if strange := sorted(set(document) - {"name", "times", "match", "parameters"}):
            raise FaultError(f"a fault has no {', '.join(strange)}; write name, times, match, parameters")
        times, match = document.get("times", 1), document.get("match", "")
        parameters = document.get("parameters", {})
        if type(times) is not int or times == 0 or times < -1:
            raise FaultError("'times' is a whole number from 1, or -1 for always")
        if not isinstance(match, str) or not isinstance(parameters, dict):
            raise FaultError("'match' is a text and 'parameters' an object")
        if not all(type(value) in (int, float) and value >= 0 for value in parameters.values()):
            raise FaultError("every parameter is a number from 0")
        return cls(name=document["name"], times=times, match=match, parameters=parameters)


class Faults:
    """The board: which faults are switched on now. Safe to use from many threads."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._on: list[Fault] = list(faults)
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._on.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._on.clear()

    def shown(self) -> list[Fault]:
        """What is still on, with the times that are left."""
        with self._lock:
            return list(self._on)

    def claim(self, moment: Moment, url: str = "") -> Fault | None:
        """The first fault for this moment and delivery URL, used up by one; None when there is none."""
        with self._lock:
            for place, fault in enumerate(self._on):
                if fault.kind.moment is moment and fault.match in url:
                    self._use_up(place)
                    return fault
        return None

    def claim_all(self, moments: frozenset[Moment], url: str) -> tuple[Fault, ...]:
        """Every fault for these moments and this delivery URL, each used up by one."""
        with self._lock:
            claimed = [fault for fault in self._on if fault.kind.moment in moments and fault.match in url]
            for fault in claimed:
                self._use_up(next(place for place, one in enumerate(self._on) if one is fault))
        return tuple(claimed)

    def _use_up(self, place: int) -> None:
        fault = self._on[place]
        if fault.times == 1:
            del self._on[place]
        elif fault.times > 1:
            self._on[place] = replace(fault, times=fault.times - 1)


def reshaped(parcel: Parcel, faults: Iterable[Fault]) -> Parcel:
    """`parcel` after every delivery fault among `faults`, in order."""
    for fault in faults:
        if fault.kind.reshapes:
            parcel = fault.kind.reshapes(parcel, fault.settings)
    return parcel


def _error_beside_outputs(parcel: Parcel, _: Parameters) -> Parcel:
    message = "The run failed after its outputs were written."
    error = Item(name="error.json", content=json_reply(400, error_document(400, "COMMON_EXCEPTION", message)).content)
    return replace(parcel, items=(*parcel.items, error), failure=message)


def _malformed_error(parcel: Parcel, _: Parameters) -> Parcel:
    error = Item(name="error.json", content=b'{"status": 400, "message": "The run fai')
    return replace(parcel, items=(error,), failure="The run failed, and its error.json is cut off.")


def _foreign(parcel: Parcel, _: Parameters) -> Parcel:
    stranger = Item(name="notes.json", content=b'{"note": "not written by the service"}')
    return replace(parcel, items=(*parcel.items, stranger))


def _emptied(parcel: Parcel, _: Parameters) -> Parcel:
    return replace(parcel, items=tuple(replace(item, content=b"") for item in parcel.items))


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(name="reset-before-read", moment=Moment.ARRIVE),
        Kind(name="refuse-502-before", moment=Moment.BEFORE, answers=lambda *_: html_reply(502)),
        Kind(
            name="rate-429",
            moment=Moment.BEFORE,
            parameters={"milliseconds": 3398},
            answers=lambda _, p: too_many_calls(int(p["milliseconds"])),
        ),
        Kind(name="concurrency-429", moment=Moment.BEFORE, answers=lambda *_: too_many_concurrent()),
        Kind(name="spurious-400", moment=Moment.BEFORE, answers=lambda *_: empty_body()),
        Kind(
            name="unauthorized-401",
            moment=Moment.BEFORE,
            answers=lambda *_: unauthorized("The access token has expired."),
        ),
        Kind(
            name="forbidden-403",
            moment=Moment.BEFORE,
            answers=lambda *_: error_reply(
                403, "COMMON_INSUFFICIENT_PERMISSIONS", "This account may not use the Async API."
            ),
        ),
        Kind(name="quota-403", moment=Moment.BEFORE, answers=lambda *_: quota_exhausted()),
        Kind(name="answer-lost", moment=Moment.AFTER, answers=lambda reply, _: reply.lost()),
        Kind(name="refuse-502-after", moment=Moment.AFTER, answers=lambda *_: html_reply(502)),
        Kind(
            name="slow-answer",
            moment=Moment.AFTER,
            parameters={"seconds": 5},
            answers=lambda reply, p: reply.later(p["seconds"]),
        ),
        Kind(
            name="status-500",
            moment=Moment.STATUS,
            answers=lambda *_: error_reply(500, "COMMON_EXCEPTION", "The status cannot be read at the moment."),
        ),
        Kind(
            name="status-429",
            moment=Moment.STATUS,
            parameters={"milliseconds": 3398},
            answers=lambda _, p: too_many_calls(int(p["milliseconds"])),
        ),
        Kind(name="token-503", moment=Moment.TOKEN, answers=lambda *_: html_reply(503)),
        Kind(name="early-404", moment=Moment.FOLLOW, parameters={"seconds": 5}),
        Kind(name="flapping-404", moment=Moment.FOLLOW),
        Kind(
            name="never-deliver",
            moment=Moment.DELIVER,
            reshapes=lambda parcel, _: replace(parcel, items=(), silent=True),
        ),
        Kind(
            name="partial-delivery",
            moment=Moment.DELIVER,
            reshapes=lambda parcel, _: replace(parcel, items=parcel.items[:-1]),
        ),
        Kind(name="zero-byte", moment=Moment.DELIVER, reshapes=_emptied),
        Kind(
            name="late-delivery",
            moment=Moment.DELIVER,
            parameters={"seconds": 5},
            reshapes=lambda parcel, p: replace(parcel, late=p["seconds"]),
        ),
        Kind(name="error-with-outputs", moment=Moment.DELIVER, reshapes=_error_beside_outputs),
        Kind(name="error-json-malformed", moment=Moment.DELIVER, reshapes=_malformed_error),
        Kind(name="foreign-object", moment=Moment.DELIVER, reshapes=_foreign),
        Kind(
            name="copy-never",
            moment=Moment.DELIVER,
            reshapes=lambda parcel, _: replace(parcel, has_copy=False),
        ),
        Kind(
            name="copy-late",
            moment=Moment.DELIVER,
            parameters={"seconds": 5},
            reshapes=lambda parcel, p: replace(parcel, copy_late=p["seconds"]),
        ),
        Kind(
            name="copy-in-root",
            moment=Moment.DELIVER,
            reshapes=lambda parcel, _: replace(parcel, copy_in_root=True),
        ),
    )
}
