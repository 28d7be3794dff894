"""Samples of the archive for a run of pixels: what `evaluatePixel` is going to see.

Arrays are (sample, band, pixel) in float64; where a sample has no data every band is 0, `dataMask` included
(reference page "Evalscript V3" §5). The renderer calls one of the two functions block by block.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from controller.sandbox.archive import Orbit, Tile, in_swath
from controller.sandbox.bands import Product, Wanted
from controller.sandbox.measures import Look, values
from controller.sandbox.noise import Degrees
from controller.sandbox.reflectance import Ground, Mask, ground_at, sky_at

Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What to read: a product of one archive, and the bands in the units asked for."""

    product: Product
    bands: tuple[Wanted, ...]
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """A run of pixel centres in degrees; `wanted` is false outside the requested polygon."""

    lon: Degrees
    lat: Degrees
    wanted: Mask


def simple_samples(source: Source, tiles: Sequence[Tile], pixels: Pixels) -> Samples:
    """SIMPLE: one sample, from the first tile in the given order that has data at the pixel."""
    samples = np.zeros((1, len(source.bands), pixels.lon.size))
    days = _first_days(tiles, pixels)
    for ordinal in np.unique(days[days > 0]).tolist():
        here = np.flatnonzero(days == ordinal)
        ground = ground_at(pixels.lon[here], pixels.lat[here], source.seed)
        samples[0][:, here] = _planes(source, ground, date.fromordinal(ordinal))
    return samples


def orbit_samples(source: Source, orbits: Sequence[Orbit], pixels: Pixels) -> Samples:
    """ORBIT: one sample a day, in the given order."""
    samples = np.zeros((len(orbits), len(source.bands), pixels.lon.size))
    ground = ground_at(pixels.lon, pixels.lat, source.seed)
    cells, cell_of_pixel = np.unique(_cell_codes(pixels), return_inverse=True)
    for orbit, planes in zip(orbits, samples, strict=True):
        is_found = np.isin(cells, [_code(*tile.cell) for tile in orbit.tiles])
        seen = pixels.wanted & is_found[cell_of_pixel] & in_swath(orbit.day, pixels.lon, pixels.lat)
        here = np.flatnonzero(seen)
        if here.size:
            planes[:, here] = _planes(source, ground.part(here), orbit.day)
    return samples


def _first_days(tiles: Sequence[Tile], pixels: Pixels) -> NDArray[np.int64]:
    """For each pixel the day (a proleptic ordinal) of the tile that supplies it, 0 where none does."""
    days = np.zeros(pixels.lon.size, dtype=np.int64)
    codes = _cell_codes(pixels)
    for code in np.unique(codes).tolist():
        still_open = np.flatnonzero((codes == code) & pixels.wanted)
        for tile in tiles:
            if not still_open.size:
                break
            if _code(*tile.cell) == code:
                seen = in_swath(tile.day, pixels.lon[still_open], pixels.lat[still_open])
                days[still_open[seen]] = tile.day.toordinal()
                still_open = still_open[~seen]
    return days


def _planes(source: Source, ground: Ground, day: date) -> Samples:
    look = Look(ground=ground, sky=sky_at(ground, source.seed, day), day=day)
    return np.stack([values(source.product, wanted, look) for wanted in source.bands])


def _cell_codes(pixels: Pixels) -> NDArray[np.int64]:
    return (np.floor(pixels.lat) * 1000 + np.floor(pixels.lon)).astype(np.int64)


def _code(lon: int, lat: int) -> int:
    """One number for a granule's cell."""
    return lat * 1000 + lon
