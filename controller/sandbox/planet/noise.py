"""Smooth random fields over the globe, for the synthetic archive.

Every value is a pure function of (longitude, latitude, salt) and never of the pixels around, so two requests over
one place see the same ground and the same clouds. `world` has no other source of randomness.
"""

import zlib
from datetime import date

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Degrees = NDArray[np.float64]
Bits = NDArray[np.uint32]
Layers = tuple[tuple[float, float], ...]
"""(cells per degree, weight)"""

# The fields need no more than one metre of precision, hence single precision along the lattices; these are rotated
# against the meridians, so that no edge of a picture runs along them, and are square at 45 degrees.
_TURN = ((0.62, 0.48), (-0.34, 0.88))
_PLANET = 77  # one of many: with seed 1 the documented jobs see land, sea and not too many clouds
_EAST = np.uint32(0x9E3779B1)
_NORTH = np.uint32(0x85EBCA77)
_STIR = np.uint32(0x2C1B3C6D)
_STIR_AGAIN = np.uint32(0x297A2D39)
_TO_UNIT = np.float32(2.0**-32)


def salt(seed: int, name: str) -> int:
    """A distinct 32-bit number for every named field of every seed."""
    return zlib.crc32(f"{_PLANET}:{seed}:{name}".encode())


def daily(seed: int, name: str, day: date) -> int:
    """The same for a field that changes every day."""
    return salt(seed, f"{name}:{day.toordinal()}")


class Locations:
    """Positions in degrees, and the lattices around them: each computed once, however many fields use it."""

    def __init__(self, lon: Degrees, lat: Degrees) -> None:
        self.lon, self.lat = lon, lat
        (a, b), (c, d) = _TURN
        self._along, self._beside = (lon * a + lat * b).astype(np.float32), (lon * c + lat * d).astype(np.float32)
        self._lattices: dict[float, _Lattice] = {}

    def lattice(self, per_degree: float) -> "_Lattice":
        """The lattice with `per_degree` cells per degree (of latitude); computed on first use."""
        if per_degree not in self._lattices:
            self._lattices[per_degree] = _Lattice(self._along, self._beside, per_degree)
        return self._lattices[per_degree]

    def part(self, chosen: NDArray[np.intp]) -> "Locations":
        """A subset of the positions, by index."""
        return Locations(self.lon[chosen], self.lat[chosen])

    def moved(self, east: float, north: float) -> "Locations":
        """Every position shifted by these degrees."""
        return Locations(self.lon + east, self.lat + north)


class _Lattice:
    """The cell of a square lattice that each position lies in, and how far inside.

    Neighbours share their corners: if there are fewer corners than positions, each is computed only once.
    """

    def __init__(self, along: Field, beside: Field, per_degree: float) -> None:
        self._column, self.right = _cell(along, per_degree)
        self._row, self.up = _cell(beside, per_degree)
        west, south = self._column.min(), self._row.min()
        self._width = int(self._column.max() - west) + 2
        height = int(self._row.max() - south) + 2
        self._is_shared = self._width * height <= along.size
        if self._is_shared:
            columns, rows = west + np.arange(self._width), south + np.arange(height)
            self._corners = _bits(columns)[np.newaxis, :], _bits(rows)[:, np.newaxis]
            self._number = ((self._row - south) * self._width + (self._column - west)).astype(np.intp)

    def corners(self, salt: int) -> tuple[Field, Field, Field, Field]:
        """The random values at the corners of each cell: south-west, south-east, north-west, north-east."""
        if self._is_shared:
            known, here, width = _chance(*self._corners, salt).ravel(), self._number, self._width
            # No index is out of range; "wrap" is the fastest way to skip that check.
            a, b, c, d = (known[start:].take(here, mode="wrap") for start in (0, 1, width, width + 1))
            return a, b, c, d
        east, north = _bits(self._column), _bits(self._row)
        right, up = east + np.uint32(1), north + np.uint32(1)
        return (
            _chance(east, north, salt),
            _chance(right, north, salt),
            _chance(east, up, salt),
            _chance(right, up, salt),
        )

    def cells(self, salt: int) -> Field:
        """One random value per cell."""
        if self._is_shared:
            whole: Field = _chance(*self._corners, salt).ravel().take(self._number)
            return whole
        return _chance(_bits(self._column), _bits(self._row), salt)


def smooth(place: Locations, per_degree: float, salt: int) -> Field:
    """Value noise in 0..1 on a lattice with `per_degree` cells per degree, smoothly interpolated between corners."""
    lattice = place.lattice(per_degree)
    south_west, south_east, north_west, north_east = lattice.corners(salt)
    below = _between(south_west, south_east, lattice.right)
    above = _between(north_west, north_east, lattice.right)
    return _between(below, above, lattice.up)


def patches(place: Locations, per_degree: float, salt: int) -> Field:
    """One random value in 0..1 for each whole cell of the lattice: fields, building blocks, speckle."""
    return place.lattice(per_degree).cells(salt)


def layered(place: Locations, layers: Layers, salt: int) -> Field:
    """The weighted sum of several lattices; the result stays in 0..1."""
    total = sum(weight for _, weight in layers)
    field: Field = np.zeros(place.lon.shape, dtype=np.float32)
    for number, (per_degree, weight) in enumerate(layers):
        field += smooth(place, per_degree, salt ^ (number << 16)) * np.float32(weight / total)
    return field


def _cell(degrees: Field, per_degree: float) -> tuple[Field, Field]:
    """The number of the cell and how far inside, eased so that the field has no creases."""
    inside = degrees * np.float32(per_degree)
    corner = np.floor(inside)
    inside -= corner
    return corner, inside * inside * (3 - 2 * inside)


def _bits(whole: Field) -> Bits:
    return whole.astype(np.int64).astype(np.uint32)


def _chance(east: Bits, north: Bits, salt: int) -> Field:
    bits = (east * _EAST) ^ (north * _NORTH) ^ np.uint32(salt)
    bits = (bits ^ (bits >> np.uint32(15))) * _STIR
    bits = (bits ^ (bits >> np.uint32(12))) * _STIR_AGAIN
    bits ^= bits >> np.uint32(15)
    even: Field = bits.astype(np.float32) * _TO_UNIT
    return even


def _between(first: Field, second: Field, share: Field) -> Field:
    """Computed in place in `second`, which has no other reference."""
    second -= first
    second *= share
    second += first
    return second
