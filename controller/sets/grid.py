"""The tiles of a grid that an area touches: in UTM, each zone for itself, or in one other CRS.

The grid is anchored at the zone's or CRS's origin, so that a tile's key and corners never depend on the area. Where two
zones meet, each covers its own side. Called by `expansion`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor
from typing import Any, Literal

import numpy as np
import shapely
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from controller.sets.zones import NORTHERNMOST, SOUTHERNMOST, Zone, all_zones

Cover = Literal["cells", "area"]

SNAPPED = 256  # pixels: a trimmed tile is a multiple of the service's own blocks
FARTHEST = 9.0  # degrees from a zone's central meridian, beyond which its metres are no longer metres
_STEP = 0.05  # degrees: an edge is projected in pieces of this length, which keeps it within a metre
_BLOCK = 16  # tiles a side that are compared with the area at once
_MOST_BLOCKS = 20_000  # that an area touches: a set has fewer tiles than that
_FARTHEST_OUT = 1e12  # metres: the other pole of a polar projection
_MOST_POINTS = 5_000_000  # of an outline in such pieces


class GridError(Exception):
    """This area has no such grid; the message says what to write instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """`pixel` is the side of a pixel in metres, `cell` that of a tile in pixels; one of them is a whole number of km.

    `zone`: all in this zone; `epsg`: all in this CRS; neither: each part in the zone it lies in. Tiles of which less
    than `least` percent lie inside are left out.
    """

    pixel: float
    cell: int
    zone: Zone | None = None
    epsg: int | None = None
    cover: Cover = "cells"
    least: float = 0.0

    @property
    def side(self) -> int:
        """Of a tile, in metres."""
        return round(self.pixel * self.cell)


@dataclass(frozen=True, slots=True, kw_only=True)
class GridTile:
    """`bbox` is in metres of the CRS `epsg`; `share` of the whole tile lies inside the area."""

    key: str
    epsg: int
    bbox: tuple[float, float, float, float]
    width: int
    height: int
    share: float

    @property
    def crs(self) -> str:
        return f"http://www.opengis.net/def/crs/EPSG/0/{self.epsg}"

    @property
    def fields(self) -> Mapping[str, Any]:
        """What a template may ask for."""
        bbox = [int(each) if each == int(each) else each for each in self.bbox]
        return {"key": self.key, "bbox": bbox, "crs": self.crs, "width": self.width, "height": self.height}


def tiles(grid: Grid, area: BaseGeometry, most: int) -> tuple[GridTile, ...]:
    """The tiles an area touches, ordered by key. GridError when there are more than `most`, or none."""
    found: list[GridTile] = []
    for name, epsg, part in _parts(grid, area):
        for tile in _touching(grid, _projected(part, epsg), name, epsg):
            found.append(tile)
            if len(found) > most:
                raise GridError(f"has more than {most} tiles: make them larger, or the area smaller")
    if not found:
        raise GridError("has no tile: less of each is inside the area than `leaveOutBelow` asks for")
    return tuple(sorted(found, key=lambda each: each.key))


def _parts(grid: Grid, area: BaseGeometry) -> Iterator[tuple[str, int, BaseGeometry]]:
    """The name, CRS and part of the area of each grid it needs."""
    if grid.epsg is not None:
        yield str(grid.epsg), grid.epsg, area
        return
    _, south, _, north = area.bounds
    if north > NORTHERNMOST or south < SOUTHERNMOST:
        raise GridError("reaches into a polar cap, where there are no zones: write `crs` with a polar projection")
    if grid.zone is not None:
        _near(grid.zone, area)
        yield grid.zone.name, grid.zone.epsg, area
        return
    for zone in all_zones():
        part = shapely.intersection(area, _covered(zone))
        if part.area:
            yield zone.name, zone.epsg, part


def _near(zone: Zone, area: BaseGeometry) -> None:
    """Also over the antimeridian, where 180° and -180° are one: both ends of an area around the Earth are near it."""
    x = shapely.get_coordinates(shapely.segmentize(area, 90.0))[:, 0]
    farthest = np.abs((x - zone.meridian + 180) % 360 - 180).max()
    if farthest > FARTHEST:
        raise GridError(
            f"reaches {farthest:.0f}° from the middle of zone {zone.number}: write `zone: auto`, or a `crs`"
        )


@lru_cache(maxsize=128)
def _covered(zone: Zone) -> BaseGeometry:
    return shapely.union_all([shapely.box(*part) for part in zone.parts])


@lru_cache(maxsize=128)
def _transformer(epsg: int) -> Transformer:
    return Transformer.from_crs("OGC:CRS84", f"EPSG:{epsg}", always_xy=True)


def _projected(area: BaseGeometry, epsg: int) -> BaseGeometry:
    """In metres. An edge is straight in longitude and latitude, so it becomes a curve of short pieces."""
    transformer = _transformer(epsg)
    if shapely.get_num_coordinates(area) + area.length / _STEP > _MOST_POINTS:
        raise GridError("has an outline that is too long: simplify it")

    def project(points: np.ndarray) -> np.ndarray:
        return np.column_stack(transformer.transform(points[:, 0], points[:, 1]))

    projected = shapely.transform(shapely.segmentize(area, _STEP), project)
    if not (np.abs(shapely.bounds(projected)) < _FARTHEST_OUT).all():  # nor is what is not a number
        raise GridError(f"lies where EPSG:{epsg} is not defined: write another `crs`, or `zone: auto`")
    return projected if projected.is_valid else shapely.make_valid(projected)


def _touching(grid: Grid, area: BaseGeometry, name: str, epsg: int) -> Iterator[GridTile]:
    """Block by block, since most of a long or scattered area's surroundings is empty."""
    shapely.prepare(area)
    west, south, east, north = (each / grid.side for each in area.bounds)
    blocks = _blocks(area, grid.side, range(floor(west), ceil(east)), range(floor(south), ceil(north)))
    for number, (columns, rows) in enumerate(blocks):
        if number >= _MOST_BLOCKS:
            raise GridError(f"is too scattered for tiles of {grid.side / 1000:g} km: make them larger, or it smaller")
        yield from _in_block(grid, area, columns, rows, name=name, epsg=epsg)


def _blocks(area: BaseGeometry, side: int, columns: range, rows: range) -> Iterator[tuple[range, range]]:
    """The blocks of tiles that an area touches; halves without any of it are passed over at once."""
    if not columns or not rows:  # a grain may be a point once it is projected
        return
    if not area.intersects(shapely.box(columns[0] * side, rows[0] * side, columns.stop * side, rows.stop * side)):
        return
    if max(len(columns), len(rows)) <= _BLOCK:
        yield columns, rows
    elif len(columns) >= len(rows):
        for half in _halves(columns):
            yield from _blocks(area, side, half, rows)
    else:
        for half in _halves(rows):
            yield from _blocks(area, side, columns, half)


def _halves(tiles: range) -> tuple[range, range]:
    middle = len(tiles) // 2
    return tiles[:middle], tiles[middle:]


def _in_block(
    grid: Grid, area: BaseGeometry, columns: range, rows: range, *, name: str, epsg: int
) -> Iterator[GridTile]:
    side = grid.side
    x, y = (each.ravel() for each in np.meshgrid(columns, rows, indexing="ij"))
    boxes = shapely.box(x * side, y * side, (x + 1) * side, (y + 1) * side)
    inside = shapely.contains_properly(area, boxes)
    for number in np.flatnonzero(inside | shapely.intersects(area, boxes)):
        part = boxes[number] if inside[number] else shapely.intersection(area, boxes[number])
        share = part.area / side**2
        if share and 100 * share >= grid.least:
            yield _tile(grid, part, int(x[number]), int(y[number]), share, name=name, epsg=epsg)


def _tile(grid: Grid, part: BaseGeometry, column: int, row: int, share: float, *, name: str, epsg: int) -> GridTile:
    side = grid.side
    corner = np.array([column * side, row * side], dtype=float)
    first, last = np.zeros(2, dtype=int), np.full(2, grid.cell)
    if grid.cover == "area":
        ends = (np.array(part.bounds).reshape(2, 2) - corner) / (grid.pixel * SNAPPED)
        first = np.floor(ends[0] + 1e-6).astype(int) * SNAPPED
        last = np.minimum(np.ceil(ends[1] - 1e-6).astype(int) * SNAPPED, grid.cell)
    low, high = corner + first * grid.pixel, corner + last * grid.pixel
    width, height = (int(each) for each in last - first)
    km = side // 1000
    key = f"{name}-{_axis(column * km, 'e', 'w')}-{_axis(row * km, 'n', 's')}"
    bbox = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return GridTile(key=key, epsg=epsg, bbox=bbox, width=width, height=height, share=min(share, 1.0))


def _axis(km: int, ahead: str, behind: str) -> str:
    return f"{ahead}{km}" if km >= 0 else f"{behind}{-km}"


def outline(tile: GridTile) -> Mapping[str, Any]:
    """The tile as GeoJSON in longitude and latitude, its edges in short pieces."""
    west, south, east, north = tile.bbox
    box = shapely.segmentize(shapely.box(west, south, east, north), max(east - west, north - south) / 8)
    points = shapely.get_coordinates(box)
    x, y = _transformer(tile.epsg).transform(points[:, 0], points[:, 1], direction="INVERSE")
    if np.ptp(x) > 180:  # over the antimeridian
        x = np.where(x < 0, x + 360, x)
    ring = [[round(float(each), 6) for each in point] for point in np.column_stack([x, y])]
    return {"type": "Polygon", "coordinates": [ring]}
