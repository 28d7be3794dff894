"""The rules of reference page "Evalscript V3" §§6, 8 and 9 once more, in NumPy, to compare the engine's pixels with."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float64]
Pairs = Sequence[tuple[float, int]]

LIMITS = {
    "AUTO": (0, 255, np.uint8),
    "UINT8": (0, 255, np.uint8),
    "UINT16": (0, 65535, np.uint16),
    "INT8": (-128, 127, np.int8),
    "INT16": (-32768, 32767, np.int16),
}


def stored(plane: Any, kind: str) -> NDArray[Any]:
    """The numbers a raster of this sample type keeps: halves up, clamped, what is not a number as 0."""
    values = np.asarray(plane, dtype=np.float64)
    if kind == "FLOAT32":
        return values.astype(np.float32)
    low, high, dtype = LIMITS[kind]
    scaled = values * 255 if kind == "AUTO" else values
    return np.where(np.isnan(scaled), 0, np.clip(np.floor(scaled + 0.5), low, high)).astype(dtype)


def nd(a: Plane, b: Plane) -> Plane:
    """The normalised difference, as `index` has it."""
    total = a + b
    return np.where(total == 0, 0.0, (a - b) / np.where(total == 0, 1.0, total))


def colour(code: int) -> tuple[int, int, int]:
    """The channels of 0xRRGGBB, 0 to 255."""
    return code // 65536, code // 256 % 256, code % 256


def ramp(value: Plane, pairs: Pairs) -> list[Plane]:
    """Ascending stops with 0xRRGGBB: the nearest 255th between them, the last colour for what is not a number."""
    value = np.where(np.isnan(value), np.inf, value)
    stops, channels = [stop for stop, _ in pairs], zip(*(colour(code) for _, code in pairs), strict=True)
    return [np.floor(np.interp(value, stops, each) + 0.5) / 255 for each in channels]


def steps(value: Plane, pairs: Pairs) -> list[Plane]:
    """The colour of the last stop at or below the value, the first one below all, the last one for no number."""
    value = np.where(np.isnan(value), np.inf, value)
    place = np.clip(np.searchsorted([stop for stop, _ in pairs], value, side="right") - 1, 0, None)
    return [np.array(each)[place] / 255 for each in zip(*(colour(code) for _, code in pairs), strict=True)]


def blend(value: Plane, limits: Sequence[float], colours: Sequence[Sequence[float]]) -> list[Plane]:
    """`valueInterpolate` over arrays: not rounded."""
    return [np.interp(value, limits, each) for each in zip(*colours, strict=True)]


def mapped(value: Plane, limits: Sequence[float], values: Sequence[float]) -> Plane:
    """`valueMap`: intervals closed on the right, the last value beyond them."""
    place = np.searchsorted(limits, value, side="left")
    found: Plane = np.array(values, dtype=np.float64)[np.minimum(place, len(values) - 1)]
    return found


def compress(value: Plane, low: float, high: float, *, gain: float = 1, offset: float = 0, gamma: float = 1) -> Plane:
    """`HighlightCompressVisualizer`."""
    linear: Plane = gain * (value - low) / (high - low) + offset
    linear = np.maximum(linear, 0) ** gamma if gamma != 1 else linear
    if 0 < high < 1:
        linear = np.where(linear > 0.92, 0.92 + (linear - 0.92) * 0.08 / 1.08, linear)
    return np.clip(linear, 0, 1)


def bit(value: Plane, place: int, count: int = 1) -> Plane:
    """Some bits of a quality band."""
    bits: Plane = ((value.astype(np.uint32) >> place) % 2**count).astype(np.float64)
    return bits


def pick(*cases: tuple[Any, Sequence[Any]], other: Sequence[Any]) -> list[Plane]:
    """For each pixel the components of the first case that is true, as a chain of `if` … `else` returns them."""
    conditions = [condition for condition, _ in cases]
    return [
        np.select(conditions, [np.broadcast_to(values[place], conditions[0].shape) for _, values in cases], last)
        for place, last in enumerate(other)
    ]


def ratio(a: Any, b: Any) -> Plane:
    """A quotient that is 0 where nothing is divided by."""
    return np.asarray(np.divide(a, b, out=np.zeros(np.shape(b)), where=np.asarray(b) != 0))


def over(values: Plane, good: Any, how: str) -> Plane:
    """A statistic (`mean`, `median`, …) over the good scenes of each pixel, 0 where there is none."""
    some, found = good.any(axis=0), np.zeros(values.shape[1])
    found[some] = getattr(np, f"nan{how}")(np.where(good, values, np.nan)[:, some], axis=0)
    return found


def at_scene(values: Plane, scene: Any) -> Plane:
    """Each pixel's value at its own scene."""
    return np.asarray(np.take_along_axis(values, np.asarray(scene)[None], axis=0)[0])


def first(values: Plane, good: Any) -> Plane:
    """The value of the first good scene of each pixel, 0 where there is none."""
    return np.where(good.any(axis=0), at_scene(values, good.argmax(axis=0)), 0)


def quartile(values: Plane, good: Any) -> Plane:
    """The good value a quarter of the way up, in their order; 0 where there is none."""
    count = good.sum(axis=0)
    ordered = np.sort(np.where(good, values, np.inf), axis=0)
    return np.where(count > 0, at_scene(ordered, np.minimum(count // 4, len(values) - 1)), 0)
