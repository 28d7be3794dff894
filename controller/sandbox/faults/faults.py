"""Active faults: switched on manually, in the options, or by a comment in the evalscript of the request they are for.

`routes` and `server` claim the faults of a call, `runs` those of an accepted request. The kinds are in `kinds`.
"""

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Self

from controller.model.errors import ShjobsError
from controller.sandbox.faults.kinds import KINDS, FaultKind, Moment, Parameters
from controller.sandbox.faults.parcel import Parcel
from controller.sandbox.replies import Reply

__all__ = ["KINDS", "Fault", "FaultError", "Faults", "Moment", "reshaped", "written_in"]

_UNKNOWN_URL = (Moment.ARRIVE, Moment.TOKEN)
LARGEST_PARAMETER = 1_000_000_000
"""Seconds, milliseconds or bytes: more than any test needs, and less than a thread can wait for."""

_FIELDS = ("name", "times", "after", "rate", "match", "parameters")
_COMMENT = re.compile(r"^[ \t]*//[ \t]*sandbox:[ \t]*(\S+)(.*)$", re.MULTILINE)  # within a line, so in linear time


class FaultError(ShjobsError):
    """A fault that cannot be switched on as written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One active fault, for calls or requests whose delivery URL contains `match`.

    It lets the first `after` pass, then strikes with probability `rate`, `times` in total (-1: always). Raises
    FaultError for a name or a parameter that is not in the table.
    """

    name: str
    times: int = 1
    after: int = 0
    rate: float = 1.0
    match: str = ""
    parameters: Parameters = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name not in KINDS:
            raise FaultError(f"there is no fault {self.name!r}; choose one of {', '.join(sorted(KINDS))}")
        known = self.kind.parameters
        if strange := sorted(set(self.parameters) - set(known)):
            allowed = ", ".join(known) or "none"
            raise FaultError(f"fault {self.name} has no parameter {', '.join(strange)}; it knows: {allowed}")
        if self.match and self.kind.moment in _UNKNOWN_URL:
            raise FaultError(f"fault {self.name} strikes before a delivery URL is known; leave out 'match'")

    @property
    def kind(self) -> FaultKind:
        return KINDS[self.name]

    @property
    def settings(self) -> Parameters:
        """The parameters with the defaults of the kind filled in."""
        return {**self.kind.parameters, **self.parameters}

    def answer(self, true_reply: Reply) -> Reply:
        """The reply to send instead of `true_reply`."""
        return self.kind.answers(true_reply, self.settings) if self.kind.answers else true_reply

    def as_document(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in _FIELDS[:-1]} | {"parameters": dict(self.settings)}

    @classmethod
    def from_document(cls, document: object) -> Self:
        """The fault from a JSON object with these fields; raises FaultError when it is not one."""
        if not isinstance(document, dict) or not isinstance(document.get("name"), str):
            raise FaultError("write a JSON object with at least a 'name'")
        if strange := sorted(set(document) - set(_FIELDS)):
            raise FaultError(f"a fault has no {', '.join(strange)}; write {', '.join(_FIELDS)}")
        given = {**cls(name=document["name"]).as_document(), "parameters": {}, **document}
        times, after, rate, parameters = (given[name] for name in ("times", "after", "rate", "parameters"))
        if type(times) is not int or times == 0 or times < -1:
            raise FaultError("'times' is a whole number from 1, or -1 for always")
        if type(after) is not int or after < 0:
            raise FaultError("'after' is a whole number from 0")
        if type(rate) not in (int, float) or not 0 < rate <= 1:
            raise FaultError("'rate' is a number above 0, up to 1")
        if not isinstance(given["match"], str) or not isinstance(parameters, dict):
            raise FaultError("'match' is a text and 'parameters' an object")
        if not all(type(value) in (int, float) and 0 <= value <= LARGEST_PARAMETER for value in parameters.values()):
            raise FaultError(f"every parameter is a number from 0 to {LARGEST_PARAMETER}")
        return cls(**given)


class Faults:
    """The faults that are active now. Thread-safe; `seed` makes rates reproducible."""

    def __init__(self, faults: Iterable[Fault] = (), seed: int = 1) -> None:
        self._on: list[Fault] = list(faults)
        self._chance = Random(seed)
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> None:
        with self._lock:
            self._on.extend(faults)

    def clear(self) -> None:
        with self._lock:
            self._on.clear()

    def shown(self) -> list[Fault]:
        """The faults that are still active, with the times left."""
        with self._lock:
            return list(self._on)

    def claim(self, moment: Moment, url: str = "") -> Fault | None:
        """The first fault that strikes at this moment and delivery URL, its count reduced by one; None without one."""
        with self._lock:
            return next((fault for fault in list(self._on) if self._concerns(fault, {moment}, url)), None)

    def claim_all(self, moments: frozenset[Moment], url: str) -> tuple[Fault, ...]:
        """Every fault that strikes at these moments and this delivery URL, the count of each reduced by one."""
        with self._lock:
            return tuple(fault for fault in list(self._on) if self._concerns(fault, moments, url))

    def _concerns(self, fault: Fault, moments: Iterable[Moment], url: str) -> bool:
        return fault.kind.moment in moments and fault.match in url and self._strikes(fault)

    def _strikes(self, fault: Fault) -> bool:
        """Whether the fault strikes now; updates its counters."""
        place = next(place for place, one in enumerate(self._on) if one is fault)
        if fault.after:
            self._on[place] = replace(fault, after=fault.after - 1)
            return False
        if fault.rate < 1 and self._chance.random() >= fault.rate:
            return False
        if fault.times == 1:
            del self._on[place]
        elif fault.times > 1:
            self._on[place] = replace(fault, times=fault.times - 1)
        return True


def reshaped(parcel: Parcel, faults: Iterable[Fault]) -> Parcel:
    """`parcel` after applying every delivery fault among `faults`, in order."""
    for fault in faults:
        if fault.kind.reshapes:
            parcel = fault.kind.reshapes(parcel, fault.settings)
    return parcel


def written_in(script: str) -> tuple[Fault, ...]:
    """The faults that an evalscript requests for itself, `// sandbox: late-delivery seconds=30`, one per line."""
    found = []
    for name, words in _COMMENT.findall(script):
        fault = Fault.from_document({"name": name} | _fields(words))
        if fault.kind.moment in _UNKNOWN_URL:
            raise FaultError(f"fault {name} strikes before a script is known; switch it on at /sandbox/faults")
        found.append(fault)
    return tuple(found)


def _fields(words: str) -> dict[str, object]:
    """Parses `times=2 seconds=30` into the fields and parameters of a fault."""
    fields: dict[str, object] = {}
    parameters: dict[str, object] = {}
    for word in words.split():
        name, _, text = word.partition("=")
        try:
            value: object = int(text) if text.lstrip("-").isdecimal() else float(text)
        except ValueError:
            raise FaultError(f"{word!r} is not name=number") from None
        (fields if name in _FIELDS else parameters)[name] = value
    return fields | {"parameters": parameters}
