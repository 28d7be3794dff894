"""Waits until jobs reach a target state: for `shjobs wait`. It only reads, like `get`, again and again."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from controller.lifecycle.conditions import WaitTarget, is_of_set
from controller.model.clock import Clock
from controller.operations.inspect.selection import by_name
from controller.settings.settings import Settings

SHORTEST, LONGEST = 0.5, 10.0  # seconds between two reads
BACKOFF = 4.0  # each read is followed by a pause of this many times its duration

Document = Mapping[str, Any]
Watch = Callable[[str, Document], None]


class Ending(Enum):
    """How the wait for one job ended."""

    MET = auto()
    HOPELESS = auto()
    LATE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """A job and its final state."""

    name: str
    ending: Ending
    document: Document


def wait(
    settings: Settings, names: Sequence[str], target: WaitTarget, seconds: float, watch: Watch
) -> Iterator[Waited]:
    """Each job or set as soon as its wait ends; `watch` is called with every change of phase, or of a set's counts.

    Raises `UsageError` when one of them is neither.
    """
    clock, left = Clock(), list(dict.fromkeys(names))
    ends_at = clock.monotonic() + seconds
    states: dict[str, str] = {}
    while left:
        began = clock.monotonic()
        documents = by_name(settings, left, clock.now())
        for name in tuple(left):
            document = documents[name]
            state = document["message"] if is_of_set(document) else document["phase"]
            if states.get(name) != state:
                states[name] = state
                watch(name, document)
            ending = _ending(target, document, is_late=clock.monotonic() >= ends_at)
            if ending is not None:
                left.remove(name)
                yield Waited(name=name, ending=ending, document=document)
        pause = min(max(SHORTEST, BACKOFF * (clock.monotonic() - began)), LONGEST)
        if left:
            time.sleep(max(0.0, min(pause, ends_at - clock.monotonic())))


def _ending(target: WaitTarget, document: Document, *, is_late: bool) -> Ending | None:
    if target.is_met(document):
        return Ending.MET
    if target.is_hopeless(document):
        return Ending.HOPELESS
    return Ending.LATE if is_late else None
