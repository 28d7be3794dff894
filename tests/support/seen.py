"""What the sandbox's archive holds for the pixels of one row, band by band, read without any evalscript.

Collections the archive has no scenes of get made-up numbers: their scripts are tried in the engine alone.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from itertools import groupby
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from controller.model.catalog import collection
from controller.sandbox.extent import metres_per_pixel
from controller.sandbox.planet.archive import SceneFilter, Tile, find_tiles
from controller.sandbox.planet.look import SensorInput
from controller.sandbox.planet.products import ARCHIVED, WantedBand, collection_of, product
from controller.sandbox.planet.samples import Pixels, grouped, read_samples, read_timeless
from controller.sandbox.render.grid import evaluation_grid, output_grid
from tests.evalscript.public.row import Feed

SIDE = 12  # pixels
ORDINARY = {
    "REFLECTANCE": (0.0, 0.5),
    "KELVIN": (250.0, 320.0),
    "BRIGHTNESS_TEMPERATURE": (250.0, 320.0),
    "SURFACE_TEMPERATURE": (250.0, 320.0),
    "MOL_M2": (0.0, 0.001),
    "PPB": (1600.0, 2000.0),
    "PASCALS": (10_000.0, 100_000.0),
    "METERS": (0.0, 9000.0),
    "INDEX": (-1.0, 1.0),
    "DN": (0.0, 4000.0),
}
Box = tuple[float, float, float, float]


def extent(box: Box) -> dict[str, Any]:
    """The parts of a body that give its grid."""
    return {"input": {"bounds": {"bbox": list(box)}}, "output": {"width": SIDE, "height": SIDE}}


def options(text: str) -> dict[str, Any]:
    """A feed's filters or processing as a map."""
    return dict(yaml.safe_load(f"{{{text}}}"))


def is_archived(type: str) -> bool:
    return (collection_of(type) or {}).get("type") in ARCHIVED


@dataclass(frozen=True)
class Seen:
    """The bands of one feed as attributes: one number per pixel under SIMPLE, else (scene, pixel)."""

    feed: Feed
    box: Box
    chosen: tuple[int, ...] | None = None

    def __getattr__(self, band: str) -> NDArray[np.float64]:
        if band.startswith("_"):
            raise AttributeError(band)
        return self.read(band)

    def read(self, band: str, unit: str = "") -> NDArray[np.float64]:
        """A band in this unit, else in its default one."""
        values = _read(self.feed, self.box, band, unit)
        if self.feed.mode == "SIMPLE":
            return np.asarray(values[0])
        return values if self.chosen is None else values[list(self.chosen)]

    @property
    def dates(self) -> list[date]:
        """The day of each scene, in their order."""
        return [each.date() for each in self.times]

    @property
    def times(self) -> list[datetime]:
        """When each scene was taken; a day's orbit begins at midnight."""
        times = _times(self.feed, self.box)
        return times if self.chosen is None else [times[number] for number in self.chosen]

    @property
    def tiles(self) -> list[Tile]:
        """The granules, under TILE."""
        tiles = [tile for (tile,) in _groups(self.feed, self.box)]
        return tiles if self.chosen is None else [tiles[number] for number in self.chosen]

    def only(self, keep: Callable[[date], bool]) -> "Seen":
        """The scenes of these days alone."""
        return replace(self, chosen=tuple(number for number, day in enumerate(self.dates) if keep(day)))

    def at(self, *numbers: int) -> "Seen":
        """These scenes alone, in this order."""
        return replace(self, chosen=numbers)

    @cached_property
    def count(self) -> int:
        return len(self.times)


@cache
def _pixels(box: Box) -> Pixels:
    grid = evaluation_grid(output_grid(extent(box)), None)
    lon, lat = grid.centres(0, grid.pixels)
    return Pixels(lon=lon, lat=lat, wanted=np.ones(lon.shape, dtype=np.bool_))


@cache
def _groups(feed: Feed, box: Box) -> list[tuple[Tile, ...]]:
    """The granules of each sample."""
    used, (first, last) = product(feed.type), feed.times.split("/")
    asked = options(feed.filters)
    order = asked.get("mosaickingOrder", "mostRecent")
    wanted = SceneFilter(
        since=datetime.fromisoformat(f"{first}T00:00:00+00:00"),
        until=datetime.fromisoformat(f"{last}T23:59:59+00:00"),
        order=order,
        max_cloud=asked.get("maxCloudCoverage", 100.0),
        asked={name: value for name, value in asked.items() if name in ("orbitDirection", "polarization", "tiers")},
    )
    tiles = find_tiles(used, output_grid(extent(box)).area(), wanted, seed=1)
    if feed.mode == "SIMPLE":
        return [tiles]
    if feed.mode == "TILE":
        return [(tile,) for tile in tiles]
    by_time = sorted(tiles, key=lambda tile: tile.sensed.date(), reverse=order != "leastRecent")
    return [tuple(found) for _, found in groupby(by_time, key=lambda tile: tile.sensed.date())]


@cache
def _times(feed: Feed, box: Box) -> list[datetime]:
    if not is_archived(feed.type):
        first = datetime.fromisoformat(f"{feed.times[:10]}T10:00:00+00:00")
        return [first + timedelta(days=2 * number) for number in (4, 3, 2, 1, 0)]
    if feed.mode == "TILE":
        return [tile.sensed for (tile,) in _groups(feed, box)]
    return [datetime.combine(found[0].sensed.date(), datetime.min.time(), UTC) for found in _groups(feed, box)]


@cache
def _read(feed: Feed, box: Box, band: str, unit: str) -> NDArray[np.float64]:
    """(sample, pixel)"""
    if not is_archived(feed.type):
        return _made_up(feed, band)
    used = product(feed.type)
    source = SensorInput(
        product=used,
        bands=(WantedBand(band=band, unit=unit or used.units[band][0]),),
        seed=1,
        filters=options(feed.filters),
        processing=options(feed.processing),
        metres_per_pixel=metres_per_pixel(extent(box)),
    )
    if used.since is None:
        return np.asarray(read_timeless(source, _pixels(box))[:, 0])
    return np.asarray(read_samples(source, [grouped(tiles) for tiles in _groups(feed, box)], _pixels(box))[:, 0])


def _made_up(feed: Feed, band: str) -> NDArray[np.float64]:
    """Numbers in the band's ordinary range, the same at each call."""
    random = np.random.default_rng(zlib.crc32(f"{feed.type} {band}".encode()))
    shape = (1 if feed.mode == "SIMPLE" else 5, SIDE * SIDE)
    if band == "QUALITY_FLAGS":
        return np.floor(random.uniform(0, 2**32, shape))
    if band in ("dataMask", "CLOUD"):
        return random.integers(0, 2, shape).astype(np.float64)
    used = collection(feed.type)
    units = used.bands.get(band, ("REFLECTANCE",)) if used is not None else ("REFLECTANCE",)
    low, high = ORDINARY.get(units[0], (0.0, 1.0))
    values = random.uniform(low, high, shape)
    return np.floor(values) if units[0] == "DN" else values
