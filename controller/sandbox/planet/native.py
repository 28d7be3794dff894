"""Native pixels: a sensor sees squares of a given size in metres, and the output takes the nearest or interpolates.

The squares lie on their own grid, fixed to the globe, so that every request sees the same ones.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from controller.sandbox.planet.noise import Degrees, Locations
from controller.sandbox.planet.world import Ground, ground_at

METRES_PER_DEGREE = 111_320.0
_FOLD = 1.5  # how much larger than an output pixel a native one must be to be shared by several
_SHRINK = np.cos(np.radians(np.arange(-90, 91) + 0.5).clip(-1.5, 1.5))  # of a degree of longitude, by latitude

Numbers = NDArray[np.intp]
Pick = tuple[Numbers | None, Degrees | None]
"""For each output pixel the index of a spot (None: its own), and its weight (None: 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spots:
    """The native pixels that a set of output pixels is made of."""

    ground: Ground
    picks: tuple[Pick, ...]

    def blend(self, plane: Degrees) -> Degrees:
        """The value of each output pixel from those of the spots."""
        parts = (plane if numbers is None else plane[numbers] for numbers, _ in self.picks)
        weighted = [
            part if weight is None else part * weight for part, (_, weight) in zip(parts, self.picks, strict=True)
        ]
        return weighted[0] if len(weighted) == 1 else np.sum(weighted, axis=0)

    def part(self, pixels: Numbers) -> "Spots":
        """The same for a subset of the output pixels."""
        if self.picks[0][0] is None:
            return Spots(ground=self.ground.part(pixels), picks=self.picks)
        used = np.zeros(self.ground.lon.size, dtype=np.bool_)
        for numbers, _ in self.picks:
            used[numbers[pixels]] = True  # type: ignore[index]
        renumbered = np.cumsum(used) - 1
        picks = tuple(
            (renumbered[numbers[pixels]], None if weight is None else weight[pixels])  # type: ignore[index]
            for numbers, weight in self.picks
        )
        return Spots(ground=self.ground.part(np.flatnonzero(used)), picks=picks)


def spots(lon: Degrees, lat: Degrees, metres: float, metres_per_pixel: float, method: str, seed: int) -> Spots:
    """The native pixels of `metres` that output pixels with these centres are made of."""
    found = list(_around(lon, lat, metres / METRES_PER_DEGREE, method))
    if len(found) == 1 and metres < _FOLD * metres_per_pixel:
        (row, column, _), *_ = found
        x, y = _centre(row, column, metres / METRES_PER_DEGREE)
        return Spots(ground=ground_at(Locations(x, y), seed), picks=((None, None),))
    rows, columns = (
        np.concatenate(part) for part in ([row for row, _, _ in found], [column for _, column, _ in found])
    )
    keys = (rows.astype(np.int64) << 32) + columns.astype(np.int64)
    _, first, numbers = np.unique(keys, return_index=True, return_inverse=True)
    x, y = _centre(rows[first], columns[first], metres / METRES_PER_DEGREE)
    each = np.split(numbers, len(found))
    picks = tuple((number, weight) for number, (_, _, weight) in zip(each, found, strict=True))
    return Spots(ground=ground_at(Locations(x, y), seed), picks=picks)


def _around(lon: Degrees, lat: Degrees, step: float, method: str) -> Iterator[tuple[Degrees, Degrees, Degrees | None]]:
    """Row, column and weight of each native pixel that contributes to the output pixels."""
    if method not in _KERNELS:
        row = np.floor(lat / step)
        yield row, np.floor(lon / _width(row, step)), None
        return
    offsets, weigh = _KERNELS[method]
    lower = np.floor(lat / step - 0.5)
    for offset, weight in zip(offsets, weigh(lat / step - 0.5 - lower), strict=True):
        row = lower + offset
        across = lon / _width(row, step) - 0.5
        left = np.floor(across)
        for further, share in zip(offsets, weigh(across - left), strict=True):
            yield row, left + further, weight * share


def _centre(row: Degrees, column: Degrees, step: float) -> tuple[Degrees, Degrees]:
    return (column + 0.5) * _width(row, step), (row + 0.5) * step


def _width(row: Degrees, step: float) -> Degrees:
    """The width of a native pixel in degrees of longitude; constant within a degree of latitude."""
    latitude = np.floor((row + 0.5) * step).astype(np.intp)
    south, north = int(latitude.min(initial=90)), int(latitude.max(initial=-90))
    if south == north:
        return np.asarray(step / _SHRINK[south + 90])
    widths: Degrees = step / _SHRINK[latitude + 90]
    return widths


def _linear(inside: Degrees) -> tuple[Degrees, ...]:
    return 1 - inside, inside


def _cubic(inside: Degrees) -> tuple[Degrees, ...]:
    """Keys' kernel with a = -1/2."""
    t, rest = inside, 1 - inside
    outer, inner = -0.5 * t * rest * rest, 1 + t * t * (1.5 * t - 2.5)
    return outer, inner, 1 + rest * rest * (1.5 * rest - 2.5), -0.5 * rest * t * t


_KERNELS: Mapping[str, tuple[tuple[int, ...], Callable[[Degrees], tuple[Degrees, ...]]]] = {
    "BILINEAR": ((0, 1), _linear),
    "BICUBIC": ((-1, 0, 1, 2), _cubic),
}
