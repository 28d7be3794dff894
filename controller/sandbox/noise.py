"""Smooth random fields over the globe, for the synthetic archive.

Every value is a pure function of (longitude, latitude, salt) and never of the pixel grid, so two requests over
one place see the same ground and the same clouds. The archive calls nothing else for randomness.
"""

import zlib

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Degrees = NDArray[np.float64]
Salt = int | NDArray[np.uint32]

_EAST = np.uint32(0x9E3779B1)
_NORTH = np.uint32(0x85EBCA77)
_STIR = np.uint32(0x2C1B3C6D)
_STIR_AGAIN = np.uint32(0x297A2D39)
_TO_UNIT = np.float32(2.0**-32)


def salt(seed: int, name: str) -> int:
    """A 32-bit number of its own for every named field of every seed."""
    return zlib.crc32(f"{seed}:{name}".encode())


def daily(base: int, day: int | NDArray[np.int64]) -> NDArray[np.uint32]:
    """`base` made different for every day (a proleptic ordinal), for fields that change from day to day."""
    days = np.atleast_1d(np.asarray(day, dtype=np.uint64))  # arrays wrap around silently, numpy scalars warn
    mixed = (days * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)
    return mixed.astype(np.uint32) ^ np.uint32(base)


def smooth(lon: Degrees, lat: Degrees, per_degree: float, salt: Salt) -> Field:
    """Value noise in 0..1 on a lattice with `per_degree` cells a degree, blended smoothly between its corners."""
    east, right = _lattice(lon, per_degree)
    north, up = _lattice(lat, per_degree)
    column, next_column = east * _EAST, (east + np.uint32(1)) * _EAST
    row = (north * _NORTH) ^ np.asarray(salt, dtype=np.uint32)
    next_row = ((north + np.uint32(1)) * _NORTH) ^ np.asarray(salt, dtype=np.uint32)
    below = _between(_unit(column ^ row), _unit(next_column ^ row), right)
    above = _between(_unit(column ^ next_row), _unit(next_column ^ next_row), right)
    return _between(below, above, up)


def patches(lon: Degrees, lat: Degrees, per_degree: float, salt: Salt) -> Field:
    """One random value in 0..1 for each whole cell of the lattice: fields and building blocks."""
    east, _ = _lattice(lon, per_degree)
    north, _ = _lattice(lat, per_degree)
    row = (north * _NORTH) ^ np.asarray(salt, dtype=np.uint32)
    return _unit((east * _EAST) ^ row)


def layered(lon: Degrees, lat: Degrees, layers: tuple[tuple[float, float], ...], salt: Salt) -> Field:
    """Several lattices added up: `layers` holds (cells per degree, weight); the result stays in 0..1."""
    total = sum(weight for _, weight in layers)
    field: Field = np.zeros(np.broadcast_shapes(lon.shape, lat.shape), dtype=np.float32)
    for number, (per_degree, weight) in enumerate(layers):
        mine = np.asarray(salt, dtype=np.uint32) ^ np.uint32(number << 16)
        field = field + smooth(lon, lat, per_degree, mine) * np.float32(weight / total)
    return field


def _lattice(degrees: Degrees, per_degree: float) -> tuple[NDArray[np.uint32], Field]:
    scaled = degrees * per_degree
    corner = np.floor(scaled)
    inside = (scaled - corner).astype(np.float32)
    return corner.astype(np.int32).view(np.uint32), inside * inside * (3 - 2 * inside)


def _unit(bits: NDArray[np.uint32]) -> Field:
    bits = (bits ^ (bits >> np.uint32(15))) * _STIR
    bits = (bits ^ (bits >> np.uint32(12))) * _STIR_AGAIN
    bits ^= bits >> np.uint32(15)
    return bits.astype(np.float32) * _TO_UNIT


def _between(first: Field, second: Field, share: Field) -> Field:
    return first + (second - first) * share
