"""A synthetic Sentinel-2 archive: which granules were seen on which day, and how cloudy they were.

Everything is a pure function of (seed, day, position). A swath 5.4 degrees wide passes every 24 degrees of longitude
and moves on by two fifths of that from day to day, so each place is seen every fourth or fifth day and an area 600 km
wide about every second day. Granules are cells of one degree. The renderer is the only caller.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from numpy.typing import NDArray

from controller.sandbox.failure import not_here
from controller.sandbox.noise import Degrees
from controller.sandbox.reflectance import CLOUDY, Mask, opacity_at

SPACING = 24.0  # degrees of longitude between two passes of one day
SWATH = 5.4  # degrees of longitude
_SHIFT = SPACING * 2 / 5  # from one day to the next: five days make a cycle
_TILT = 0.2  # degrees of longitude the track drifts per degree of latitude
_SOUTH, _NORTH = -60, 84  # latitudes imaged, in degrees
_MOST_TILES = 200_000
_BATCH = 2_000
_PROBES = (np.arange(8) + 0.5) / 8

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A box in degrees of longitude and latitude."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One granule seen on one day. `cell` is its south-west corner in whole degrees; cloud_coverage in percent."""

    cell: tuple[int, int]
    sensed: datetime
    cloud_coverage: float

    @property
    def day(self) -> date:
        return self.sensed.date()

    @property
    def id(self) -> str:
        lon, lat = self.cell
        return f"T{'EW'[lon < 0]}{abs(lon):03}{'NS'[lat < 0]}{abs(lat):02}_{self.sensed:%Y%m%dT%H%M%S}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orbit:
    """All tiles of one UTC day, in mosaicking order."""

    day: date
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneFilter:
    """What `dataFilter` lets through: times inclusive, cloud cover in percent of a granule, and the order."""

    since: datetime
    until: datetime
    order: str = "mostRecent"
    max_cloud: float = 100.0


def find_tiles(area: Area, wanted: SceneFilter, seed: int) -> tuple[Tile, ...]:
    """Every granule over `area` that passes the filter, in mosaicking order."""
    passes = _passes(area, wanted.since, wanted.until)
    found = []
    for first in range(0, len(passes), _BATCH):
        batch = passes[first : first + _BATCH]
        for (ordinal, lon, lat, second), cloud in zip(batch.tolist(), _cloud_cover(batch, seed), strict=True):
            if cloud <= wanted.max_cloud:
                sensed = _midnight(date.fromordinal(ordinal)) + timedelta(seconds=second)
                found.append(Tile(cell=(lon, lat), sensed=sensed, cloud_coverage=cloud))
    return in_order(found, wanted.order)


def in_order(tiles: Iterable[Tile], order: str) -> tuple[Tile, ...]:
    """mostRecent, leastRecent or leastCC; equals are settled by time, then by place."""
    ordered = sorted(tiles, key=lambda tile: (tile.sensed, tile.cell), reverse=order != "leastRecent")
    if order == "leastCC":
        ordered.sort(key=lambda tile: tile.cloud_coverage)
    return tuple(ordered)


def orbits_of(tiles: Sequence[Tile], order: str) -> tuple[Orbit, ...]:
    """The tiles day by day, newest first unless `order` says otherwise; leastCC goes by the day's mean cloud cover."""
    days: dict[date, list[Tile]] = {}
    for tile in tiles:
        days.setdefault(tile.day, []).append(tile)
    orbits = sorted(
        (Orbit(day=day, tiles=tuple(found)) for day, found in days.items()),
        key=lambda orbit: orbit.day,
        reverse=order != "leastRecent",
    )
    if order == "leastCC":
        orbits.sort(key=_mean_cloud)
    return tuple(orbits)


def across_track(day: date, lon: Degrees, lat: Degrees) -> Degrees:
    """Degrees east of the western edge of the nearest swath of `day`, 0 to SPACING; below SWATH is inside."""
    return (lon - _TILT * lat - _SHIFT * (day.toordinal() % 5)) % SPACING


def in_swath(day: date, lon: Degrees, lat: Degrees) -> Mask:
    """Which positions the satellite saw on `day`."""
    seen: Mask = (across_track(day, lon, lat) < SWATH) & (lat > _SOUTH) & (lat < _NORTH)
    return seen


def _passes(area: Area, since: datetime, until: datetime) -> Whole:
    """(day, cell longitude, cell latitude, second of the day) of every granule imaged between the two times."""
    lon, lat = _cells(area)
    west, east = np.maximum(lon, area.west), np.minimum(lon + 1, area.east)
    south, north = np.maximum(lat, area.south), np.minimum(lat + 1, area.north)
    width = (east - _TILT * south) - (west - _TILT * north)
    second = _second_of_day(lon, lat)
    found: list[Whole] = [np.empty((0, 4), dtype=np.int64)]
    for ordinal in range(since.toordinal(), until.toordinal() + 1):
        day = date.fromordinal(ordinal)
        start = across_track(day, west, north)
        seen = (start < SWATH) | (start + width >= SPACING)
        seen &= (second >= _seconds_between(day, since)) & (second <= _seconds_between(day, until))
        found.append(np.stack([np.full(seen.sum(), ordinal), lon[seen], lat[seen], second[seen]], axis=1))
        if sum(map(len, found)) > _MOST_TILES:
            raise not_here("so many scenes are too much for the sandbox; narrow the time range or the area")
    return np.concatenate(found)


def _cells(area: Area) -> tuple[Whole, Whole]:
    columns = np.arange(np.floor(area.west), np.ceil(area.east), dtype=np.int64)
    rows = np.arange(max(np.floor(area.south), _SOUTH), min(np.ceil(area.north), _NORTH), dtype=np.int64)
    lon, lat = np.meshgrid(columns, rows)
    return lon.ravel(), lat.ravel()


def _second_of_day(lon: Whole, lat: Whole) -> Whole:
    """Half past ten local solar time, the north before the south."""
    return ((37800 - 240 * lon - 14 * lat) % 86400).astype(np.int64)


def _seconds_between(day: date, moment: datetime) -> float:
    return (moment - _midnight(day)).total_seconds()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _cloud_cover(passes: Whole, seed: int) -> list[float]:
    """Percent of each granule under cloud, from 64 probes inside it."""
    ordinal, lon, lat, _ = (column[:, np.newaxis] for column in passes.T)
    east, north = (grid.ravel() for grid in np.meshgrid(_PROBES, _PROBES))
    clouds = opacity_at(lon + east, lat + north, seed, ordinal) >= CLOUDY
    return [round(float(share), 2) for share in clouds.mean(axis=1) * 100]


def _mean_cloud(orbit: Orbit) -> float:
    return sum(tile.cloud_coverage for tile in orbit.tiles) / len(orbit.tiles)
