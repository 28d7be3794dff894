"""Cuts what a page shows to the bytes that it takes as HTML, in which one character may be six."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from markupsafe import escape

Shown = TypeVar("Shown")


def weight(text: str) -> int:
    """The bytes of a text in HTML."""
    return len(str(escape(text)).encode(errors="replace"))


def cut_text(text: str, most: int) -> str:
    """The beginning of a text that takes at most so many bytes, with `…` where something was cut."""
    if len(text) <= most and weight(text) <= most:
        return text
    kept = text[:most]
    while kept and weight(kept) > most - 3:
        kept = kept[: min(len(kept) - 1, len(kept) * (most - 3) // weight(kept))]
    return f"{kept}…"


def fitting(items: Sequence[Shown], weigh: Callable[[Shown], int], most: int) -> list[Shown]:
    """The first items that together take at most so many bytes."""
    kept: list[Shown] = []
    for each in items:
        most -= weigh(each)
        if most < 0:
            break
        kept.append(each)
    return kept


def texts_in(value: object) -> Iterable[str]:
    """Every text in a plain JSON value, and every number as one."""
    if isinstance(value, dict):
        for each in value.values():
            yield from texts_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts_in(each)
    elif value is not None:
        yield str(value)
