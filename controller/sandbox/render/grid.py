"""Pixel grids: the output grid of a request, and the coarser one on which a large raster is evaluated."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from controller.sandbox.extent import box_of, crs_address, output_size
from controller.sandbox.failure import RenderFailed
from controller.sandbox.planet.archive import Area
from controller.sandbox.planet.noise import Degrees
from controller.sandbox.render.projection import epsg_of, rows_to_lonlat, to_lonlat

Rings = tuple[NDArray[np.float64], ...]  # of one polygon: the shell, then its holes, each (points, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputGrid:
    """The requested raster: north-up, in the CRS of the request, edges in its units."""

    epsg: int
    west: float
    south: float
    east: float
    north: float
    width: int
    height: int
    polygons: tuple[Rings, ...] = ()  # empty: every pixel of the box is wanted

    @property
    def pixel_width(self) -> float:
        return (self.east - self.west) / self.width

    @property
    def pixel_height(self) -> float:
        return (self.north - self.south) / self.height

    def area(self) -> Area:
        """The box in degrees that contains every pixel, from points along its edges; longitudes continue past 180.

        Raises RenderFailed for an area where its CRS has no coordinates.
        """
        lon, lat = to_lonlat(self.epsg, *self._outline())
        if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
            raise RenderFailed("COMMON_BAD_PAYLOAD", f"the area lies outside what EPSG:{self.epsg} can express")
        lon = np.unwrap(lon, period=360)
        south, north = float(lat.min()), float(lat.max())
        if abs(lon[-1] - lon[0]) > 180:  # once around a pole, which is the furthest point inside
            return Area(west=-180, south=-90 if south < 0 else south, east=180, north=90 if north > 0 else north)
        return Area(west=float(lon.min()), south=south, east=float(lon.max()), north=north)

    def _outline(self) -> tuple[Degrees, Degrees]:
        """Points all around the box, from its south-western corner back to it."""
        along = np.linspace(0, 1, 33)
        x = self.west + along * (self.east - self.west)
        y = self.south + along * (self.north - self.south)
        west, south, east, north = (np.full(33, side) for side in (self.west, self.south, self.east, self.north))
        return np.concatenate([x, east, x[::-1], west]), np.concatenate([south, y, north, y[::-1]])


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationGrid:
    """The pixels the script really sees; each covers `step_x` by `step_y` output pixels, fewer at the far edges."""

    output: OutputGrid
    step_x: int
    step_y: int

    @property
    def width(self) -> int:
        return -(-self.output.width // self.step_x)

    @property
    def height(self) -> int:
        return -(-self.output.height // self.step_y)

    @property
    def pixels(self) -> int:
        return self.width * self.height

    def centres(self, start: int, stop: int) -> tuple[Degrees, Degrees]:
        """Longitude and latitude of the centres of pixels [start, stop), counted row by row from the north-west."""
        first, last = start // self.width, -(-stop // self.width)
        lon, lat = rows_to_lonlat(self.output.epsg, self._x(), self._y()[first:last])
        inside = slice(start - first * self.width, stop - first * self.width)
        return lon.reshape(-1)[inside], lat.reshape(-1)[inside]

    def wanted(self, start: int, stop: int) -> NDArray[np.bool_]:
        """Which of those pixels have their centre inside the polygons."""
        polygons = self.output.polygons
        if not polygons:
            return np.ones(stop - start, dtype=np.bool_)
        first, last = start // self.width, -(-stop // self.width)
        x = self._x()
        rows = np.concatenate([_inside(polygons, x, height) for height in self._y()[first:last].tolist()])
        return rows[start - first * self.width : stop - first * self.width]

    def _x(self) -> Degrees:
        output = self.output
        return output.west + _middles(self.width, self.step_x, output.width) * output.pixel_width

    def _y(self) -> Degrees:
        output = self.output
        return output.north - _middles(self.height, self.step_y, output.height) * output.pixel_height


def output_grid(body: Mapping[str, Any]) -> OutputGrid:
    """The grid of a valid request body."""
    bounds = body["input"]["bounds"]
    west, south, east, north = box_of(bounds)
    width, height = output_size(body)
    return OutputGrid(
        epsg=epsg_of(crs_address(bounds)),
        west=west,
        south=south,
        east=east,
        north=north,
        width=width,
        height=height,
        polygons=_polygons(bounds.get("geometry")),
    )


def evaluation_grid(output: OutputGrid, side: int | None) -> EvaluationGrid:
    """At most `side` pixels per side; every pixel when it is None."""
    if side is None:
        return EvaluationGrid(output=output, step_x=1, step_y=1)
    return EvaluationGrid(output=output, step_x=-(-output.width // side), step_y=-(-output.height // side))


def _middles(count: int, step: int, size: int) -> Degrees:
    """Centres of `count` cells of `step` output pixels along a side of `size`; the last cell may be narrower."""
    edges = np.minimum(np.arange(count + 1) * step, size)
    middles: Degrees = (edges[:-1] + edges[1:]) / 2
    return middles


def _polygons(geometry: Mapping[str, Any] | None) -> tuple[Rings, ...]:
    if geometry is None:
        return ()
    shapes = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    return tuple(tuple(np.array(ring, dtype=np.float64)[:, :2] for ring in rings) for rings in shapes)


def _inside(polygons: tuple[Rings, ...], x: Degrees, y: float) -> NDArray[np.bool_]:
    """Which of the points (x, y) of one row lie in a polygon, by the even-odd rule."""
    inside = np.zeros(x.size, dtype=np.bool_)
    for rings in polygons:
        crossings = np.sort(np.concatenate([_crossings(ring, y) for ring in rings]))
        inside |= np.searchsorted(crossings, x) % 2 == 1
    return inside


def _crossings(ring: NDArray[np.float64], y: float) -> Degrees:
    """Where the line at height y crosses the ring; a vertex on the line counts once."""
    start, end = ring[:-1], ring[1:]
    cut = (start[:, 1] <= y) != (end[:, 1] <= y)
    (x0, y0), (x1, y1) = start[cut].T, end[cut].T
    crossings: Degrees = x0 + (y - y0) / (y1 - y0) * (x1 - x0)
    return crossings
