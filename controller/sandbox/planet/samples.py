"""Samples of the archive for a run of pixels: the input of `evaluatePixel`.

Arrays are (sample, band, pixel) in float64; where a sample has no data every band is blank and `dataMask` 0 (reference
page "Evalscript V3" §5). The renderer reads block by block.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from controller.model.catalog import MASK
from controller.sandbox.planet.archive import Area, Tile, granule_columns
from controller.sandbox.planet.look import GroundView, Plane, SensorInput
from controller.sandbox.planet.native import Numbers, Spots, spots
from controller.sandbox.planet.noise import Degrees
from controller.sandbox.planet.optical import landsat, sentinel2
from controller.sandbox.planet.products import WantedBand
from controller.sandbox.planet.radar import sentinel1
from controller.sandbox.planet.terrain import elevation
from controller.sandbox.planet.tracks import TRACKS, Overpass
from controller.sandbox.planet.world import Mask

Samples = NDArray[np.float64]
Cells = Sequence[tuple[tuple[int, int], Numbers]]
"""The wanted pixels of each granule."""
Group = Mapping[tuple[int, int], Sequence[Tile]]
"""Tiles by their cell, in mosaicking order: together they make one sample."""

SENSORS: Mapping[str, Callable[[SensorInput, WantedBand, GroundView], Plane]] = {
    "sentinel-2-l1c": sentinel2,
    "sentinel-2-l2a": sentinel2,
    "sentinel-1-grd": sentinel1,
    "landsat-ot-l1": landsat,
    "landsat-ot-l2": landsat,
    "dem": elevation,
}
_PROBES = (np.arange(32) + 0.5) / 32  # along one side of an area
_MOSTLY = 0.6  # share of a block above which it is cheaper to compute all of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """A run of pixel centres in degrees; `wanted` is false outside the requested polygon."""

    lon: Degrees
    lat: Degrees
    wanted: Mask


def grouped(tiles: Sequence[Tile]) -> Group:
    """The tiles of one sample by their cell."""
    cells: dict[tuple[int, int], list[Tile]] = {}
    for tile in tiles:
        cells.setdefault(tile.cell, []).append(tile)
    return cells


def read_samples(source: SensorInput, groups: Sequence[Group], pixels: Pixels) -> Samples:
    """One sample per group: each pixel comes from the first tile of the group that has data there."""
    samples = _blank(source, len(groups), pixels)
    cells = _by_cell(pixels, TRACKS[source.product.type][0].size)
    reader = _Reader(source, pixels)
    for group, sample in zip(groups, samples, strict=True):
        for overpass, here in _supplied(group, cells, pixels):
            reader.fill(sample, overpass, here)
    return samples


def data_samples(groups: Sequence[Group], type: str, area: Area) -> float:
    """The samples with data that a pixel of the area has in the mean, which is what the price counts."""
    lon, lat = np.meshgrid(
        area.west + _PROBES * (area.east - area.west), area.south + _PROBES * (area.north - area.south)
    )
    pixels = Pixels(lon=lon.ravel(), lat=lat.ravel(), wanted=np.ones(lon.size, dtype=np.bool_))
    cells = _by_cell(pixels, TRACKS[type][0].size)
    seen = sum(here.size for group in groups for _, here in _supplied(group, cells, pixels))
    return seen / lon.size


def read_timeless(source: SensorInput, pixels: Pixels) -> Samples:
    """The one sample of a collection without scenes: data wherever the polygon is."""
    samples = _blank(source, 1, pixels)
    _Reader(source, pixels).fill(samples[0], None, np.flatnonzero(pixels.wanted))
    return samples


class _Reader:
    """Reads one source over one block; the native pixels are computed once for all scenes."""

    def __init__(self, source: SensorInput, pixels: Pixels) -> None:
        self._source, self._pixels = source, pixels
        kinds: dict[tuple[float, str], list[int]] = {}
        for number, wanted in enumerate(source.bands):
            if wanted.band != MASK:
                kind = (source.metres(wanted.band), source.resampling(wanted.band))
                kinds.setdefault(kind, []).append(number)
        self._kinds = kinds
        self._spots: dict[tuple[float, str], Spots] = {}

    def fill(self, sample: Samples, overpass: Overpass | None, here: Numbers) -> None:
        """Write the bands that an overpass saw at the pixels `here` into one sample."""
        if not here.size:
            return
        is_whole = here.size == self._pixels.lon.size
        for number, wanted in enumerate(self._source.bands):
            if wanted.band == MASK:
                sample[number, here] = 1
        for kind, numbers in self._kinds.items():
            seen = self._found(kind)
            is_part = here.size < _MOSTLY * self._pixels.lon.size
            if is_part:
                seen = seen.part(here)
            look = GroundView(seen.ground, self._source.seed, overpass)
            for number in numbers:
                plane = seen.blend(self._value(self._source.bands[number], look))
                if is_whole:
                    sample[number] = plane
                else:
                    sample[number, here] = plane if is_part else plane[here]

    def _found(self, kind: tuple[float, str]) -> Spots:
        if kind not in self._spots:
            metres, method = kind
            lon, lat = self._pixels.lon, self._pixels.lat
            self._spots[kind] = spots(lon, lat, metres, self._source.metres_per_pixel, method, self._source.seed)
        return self._spots[kind]

    def _value(self, wanted: WantedBand, look: GroundView) -> Plane:
        return SENSORS[self._source.product.type](self._source, wanted, look)


def _blank(source: SensorInput, count: int, pixels: Pixels) -> Samples:
    samples = np.full((count, len(source.bands), pixels.lon.size), source.product.blank)
    for number, wanted in enumerate(source.bands):
        if wanted.band == MASK:
            samples[:, number] = 0
    return samples


def _supplied(group: Group, cells: Cells, pixels: Pixels) -> Iterator[tuple[Overpass, Numbers]]:
    """Which pixels each overpass of the group supplies."""
    found: dict[Overpass, list[Numbers]] = {}
    for cell, still_open in cells:
        for tile in group.get(cell, ()):
            if not still_open.size:
                break
            day, track = tile.overpass
            seen = track.sees(day, pixels.lon[still_open], pixels.lat[still_open])
            found.setdefault((day, track), []).append(still_open[seen])
            still_open = still_open[~seen]
    for overpass, parts in found.items():
        yield overpass, parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))


def _by_cell(pixels: Pixels, size: int) -> Cells:
    column, row = (np.floor(side / size).astype(np.int64) * size for side in (pixels.lon, pixels.lat))
    column = granule_columns(column)
    wanted = np.flatnonzero(pixels.wanted)
    if not wanted.size:
        return []
    if column.min() == column.max() and row.min() == row.max():
        return [((int(column[0]), int(row[0])), wanted)]
    codes = (row * 1000 + column)[wanted]
    found = []
    for code in np.unique(codes).tolist():
        inside = wanted[codes == code]
        found.append(((int(column[inside[0]]), int(row[inside[0]])), inside))
    return found
