"""The small checks used by `validation`: what counts as a number, a string or a position in JSON."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from controller.sandbox.replies import Violation

LARGEST = 1e300


def needed(parameter: str, what: str) -> Violation:
    return Violation(parameter=parameter, violation=f"is needed: {what}")


def text_violations(values: Mapping[str, Any], name: str, where: str) -> Iterator[Violation]:
    """The violation of a value that is not a string, or is empty."""
    if not isinstance(values[name], str) or not values[name]:
        yield Violation(parameter=where, violation="must be a text, not empty")


def is_whole(value: object, low: int, high: int) -> TypeGuard[int]:
    """Whether it is an integer in the range; `true` is not a number in JSON."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a usable number: not NaN, not infinite, not a thousand digits long."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST < value < LARGEST


def is_within(value: object, low: float | None, high: float | None) -> bool:
    return is_number(value) and (low is None or value >= low) and (high is None or value <= high)


def is_list_of_lists(value: object) -> TypeGuard[list[list[Any]]]:
    """Whether it is a non-empty list of non-empty lists."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, list) and one for one in value)


def _is_position(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(is_number(part) for part in value)


def ring_violation(ring: object) -> str | None:
    """The error in a ring of a polygon; None when it is valid."""
    if not isinstance(ring, list) or not all(_is_position(position) for position in ring):
        return "every position must be two numbers"
    if len(ring) < 4 or ring[0] != ring[-1]:
        return "every ring must be closed: at least four positions, the last equal to the first"
    return None
