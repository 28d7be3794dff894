"""The synthetic archive: which granules each constellation saw on which day, and how cloudy they were.

Everything is a pure function of (seed, day, position). Granules are cells of whole degrees. Called by `scenes`.
"""

import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

import numpy as np

from controller.sandbox.failure import not_here
from controller.sandbox.planet.noise import Degrees, Locations
from controller.sandbox.planet.products import Product
from controller.sandbox.planet.tracks import NORTH, SOUTH, TRACKS, Overpass, Track, Whole
from controller.sandbox.planet.world import Mask, cloud_share

_MOST_TILES = 200_000
_PROBES = (np.arange(8) + 0.5) / 8
_POLAR = 70  # degrees


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A box in degrees of longitude and latitude; across the 180th meridian the longitudes continue past 180."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One granule seen on one day. `cell` is its south-west corner in whole degrees; `cloud_coverage` in percent, 0
    for sensors that see through clouds."""

    type: str
    track: Track
    cell: tuple[int, int]
    sensed: datetime
    cloud_coverage: float = 0.0

    @property
    def overpass(self) -> Overpass:
        return self.sensed.date(), self.track

    @property
    def name(self) -> str:
        lon, lat = self.cell
        return f"{'EW'[lon < 0]}{abs(lon):03}{'NS'[lat < 0]}{abs(lat):02}_{self.sensed:%Y%m%dT%H%M%S}"

    @property
    def number(self) -> int:
        """A number that differs for every tile."""
        return zlib.crc32(f"{self.type}/{self.name}".encode())

    @property
    def outline(self) -> list[list[float]]:
        """The ring around the part of the granule that was seen, in degrees."""
        day, track = self.overpass
        (west, south), size = self.cell, track.size
        swath, spacing = float(track.swath(day, np.array(south))), track.spacing_on(day)
        corners = []
        for lat in (south, south + size):
            middle = west + size / 2
            edge = middle - float(track.across(day, np.array(middle), np.array(lat)))
            if edge + swath < west:
                edge += spacing
            left = min(max(edge, west), west + size)
            corners.append((left, max(min(edge + swath, west + size), left), lat))
        (a, b, low), (c, d, high) = corners
        return [[a, low], [b, low], [d, high], [c, high], [a, low]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneFilter:
    """The `dataFilter`: times inclusive, maximum cloud cover in percent of a granule, the order, and required tile
    facts (`{"orbitDirection": "ASCENDING"}`)."""

    since: datetime
    until: datetime
    order: str = "mostRecent"
    max_cloud: float = 100.0
    asked: Mapping[str, object] = field(default_factory=dict)


def find_tiles(product: Product, area: Area, wanted: SceneFilter, seed: int) -> tuple[Tile, ...]:
    """Every granule over `area` that passes the filter, in mosaicking order."""
    found = [tile for track in TRACKS[product.type] for tile in _passes(product.type, track, area, wanted)]
    found = [tile for tile in found if _is_asked_for(tile, wanted)]
    if product.has_clouds:
        found = [tile for tile in _with_clouds(found, seed) if tile.cloud_coverage <= wanted.max_cloud]
    return in_order(found, wanted.order)


def in_order(tiles: Iterable[Tile], order: str) -> tuple[Tile, ...]:
    """mostRecent, leastRecent or leastCC; ties are broken by time, then by position."""
    ordered = sorted(tiles, key=lambda tile: (tile.sensed, tile.cell), reverse=order != "leastRecent")
    if order == "leastCC":
        ordered.sort(key=lambda tile: tile.cloud_coverage)
    return tuple(ordered)


def by_day(tiles: Sequence[Tile], order: str) -> tuple[tuple[Tile, ...], ...]:
    """The orbits: tiles of one UTC day, newest day first unless `order` says otherwise; leastCC sorts by the day's mean
    cloud cover."""
    days: dict[date, list[Tile]] = {}
    for tile in tiles:
        days.setdefault(tile.sensed.date(), []).append(tile)
    orbits = sorted(days.items(), reverse=order != "leastRecent")
    if order == "leastCC":
        orbits.sort(key=lambda orbit: sum(tile.cloud_coverage for tile in orbit[1]) / len(orbit[1]))
    return tuple(tuple(found) for _, found in orbits)


def tile_facts(tile: Tile) -> Mapping[str, str]:
    """The facts of a tile, by the name of the filter that selects on them."""
    if tile.type != "sentinel-1-grd":
        return {"tier": "TIER_2" if tile.number % 7 == 0 else "TIER_1"}
    polar = bool(is_polar(np.array(tile.cell[1]), tile.track))
    return {
        "orbitDirection": "ASCENDING" if tile.track.is_ascending else "DESCENDING",
        "acquisitionMode": "EW" if polar else "IW",
        "polarization": "DH" if polar else "DV",
        "resolution": "MEDIUM" if polar else "HIGH",
        "timeliness": "NRT3h" if tile.number % 5 == 0 else "Fast24h",
    }


def is_polar(lat: Degrees, track: Track) -> Mask:
    """Where radar observes ice, in other polarisations than land."""
    polar: Mask = np.abs(np.floor(lat / track.size) * track.size) >= _POLAR
    return polar


def granule_columns(lon: Whole) -> Whole:
    """Whole longitudes that continue past 180, as granules have them: from -180 to 179."""
    return (lon + 180) % 360 - 180


def _is_asked_for(tile: Tile, wanted: SceneFilter) -> bool:
    facts = tile_facts(tile)
    if wanted.asked.get("tiers", "ALL_TIERS") != "ALL_TIERS" and facts["tier"] != "TIER_1":
        return False
    return all(facts.get(name, value) == value for name, value in wanted.asked.items())


def _passes(type: str, track: Track, area: Area, wanted: SceneFilter) -> Iterator[Tile]:
    """Every granule over the area imaged between the two times."""
    lon, lat = _cells(area, track.size)
    west, east = np.maximum(lon, area.west), np.minimum(lon + track.size, area.east)
    south, north = np.maximum(lat, area.south), np.minimum(lat + track.size, area.north)
    width = (east - west) + abs(track.tilt) * (north - south)
    corner = south if track.is_ascending else north
    columns, second, count = granule_columns(lon), track.second_of_day(lon, lat), 0
    for ordinal in range(wanted.since.toordinal(), wanted.until.toordinal() + 1):
        day = date.fromordinal(ordinal)
        start = track.across(day, west, corner)
        seen = (start < track.swath(day, lat)) | (start + width >= track.spacing_on(day))
        count += int(seen.sum())
        if count > _MOST_TILES:
            raise not_here("so many scenes are too much for the sandbox; narrow the time range or the area")
        for x, y, moment in zip(columns[seen].tolist(), lat[seen].tolist(), second[seen].tolist(), strict=True):
            sensed = datetime.combine(day, time(), tzinfo=UTC) + timedelta(seconds=moment)
            tile = Tile(type=type, track=track, cell=(x, y), sensed=sensed + _fraction(type, x, y, ordinal))
            if wanted.since <= tile.sensed <= wanted.until:
                yield tile


def _cells(area: Area, size: int) -> tuple[Whole, Whole]:
    """The south-western corners of the granules over the area, at most once around the Earth."""
    first, end = math.floor(area.west / size), math.ceil(area.east / size)
    columns = np.arange(first, min(end, first + 360 // size)) * size
    south, north = max(area.south, SOUTH), min(area.north, NORTH)
    rows = np.arange(np.floor(south / size), np.ceil(north / size), dtype=np.int64) * size
    lon, lat = np.meshgrid(columns, rows)
    return lon.ravel(), lat.ravel()


def _fraction(type: str, lon: int, lat: int, ordinal: int) -> timedelta:
    """Landsat reports its times to the microsecond (reference page "Evalscript V3" §3)."""
    if not type.startswith("landsat"):
        return timedelta()
    return timedelta(microseconds=(ordinal * 7919 + lon * 104729 + lat * 1299709) % 1_000_000)


def _with_clouds(tiles: Sequence[Tile], seed: int) -> Iterator[Tile]:
    """The tiles with their cloud cover, from 64 probes inside each."""
    east, north = (grid.ravel() for grid in np.meshgrid(_PROBES, _PROBES))
    for day, found in groupby(tiles, key=lambda tile: tile.sensed.date()):
        same = list(found)
        corners = np.array([tile.cell for tile in same], dtype=np.float64)
        lon = corners[:, :1] + east * same[0].track.size
        lat = corners[:, 1:] + north * same[0].track.size
        cloudy = cloud_share(Locations(lon.ravel(), lat.ravel()), seed, day).reshape(lon.shape)
        for tile, share in zip(same, cloudy.mean(axis=1).tolist(), strict=True):
            yield replace(tile, cloud_coverage=round(share * 100, 2))
