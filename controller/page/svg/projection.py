"""What part of the Earth a map shows, and where in its picture a longitude and a latitude are.

A map has longitude and latitude as its axes, in the proportion that they have in its middle. Zoom 0 is the whole world,
and each further step shows half as many degrees.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from controller.manifest.footprint import Footprint, placed
from controller.manifest.geometry import Box

MOST_ZOOM = 11
"""A sixth of a degree from west to east: the land is far too coarse for more."""
ASPECT = 2  # of a map: width by height
_FLATTEST = 0.25  # a degree of longitude by one of latitude, near the poles
_ROOM = 0.8  # of a map is what it is fitted to


@dataclass(frozen=True, slots=True, kw_only=True)
class MapView:
    """The middle of a map in degrees, and its zoom."""

    latitude: float = 0.0
    longitude: float = 0.0
    zoom: int = 0

    @property
    def window(self) -> Footprint:
        """What it shows; near a pole the middle moves away from it."""
        width = 360 / 2**self.zoom
        height = min(180.0, width / ASPECT * max(_FLATTEST, math.cos(math.radians(self.latitude))))
        if not self.zoom:
            return WORLD
        middle = min(max(self.latitude, -90 + height / 2), 90 - height / 2)
        west = self.longitude - width / 2
        found = placed(west, middle - height / 2, west + width, middle + height / 2)
        assert found is not None, "a view is on the Earth"
        return found

    def moved(self, east: float = 0, north: float = 0) -> "MapView":
        """The view so many widths and heights away."""
        window = self.window
        longitude = wrapped((window.west + window.east) / 2 + east * window.width)
        latitude = (window.south + window.north) / 2 + north * window.height
        return MapView(latitude=min(max(latitude, -90.0), 90.0), longitude=longitude, zoom=self.zoom)

    def zoomed(self, steps: int) -> "MapView":
        """The same place nearer, or farther away."""
        return MapView(latitude=self.latitude, longitude=self.longitude, zoom=min(max(self.zoom + steps, 0), MOST_ZOOM))


WORLD = Footprint(west=-180.0, south=-90.0, east=180.0, north=90.0)


def view_around(box: Footprint, most: int = MOST_ZOOM) -> MapView:
    """The nearest view of all of a box, with some room around it."""
    latitude, longitude = (box.south + box.north) / 2, wrapped((box.west + box.east) / 2)
    for zoom in range(most, 0, -1):
        found = MapView(latitude=latitude, longitude=longitude, zoom=zoom)
        if box.width <= _ROOM * found.window.width and box.height <= _ROOM * found.window.height:
            return found
    return MapView()


def wrapped(longitude: float) -> float:
    """From -180 up to 180."""
    return (longitude + 180) % 360 - 180


def address_of(view: MapView) -> dict[str, object]:
    """The fields that name a view; the whole world has one, too: without any a map goes around its jobs."""
    digits = 2 + view.zoom // 4
    return {"lat": round(view.latitude, digits), "lon": round(view.longitude, digits), "zoom": view.zoom or "world"}


def corners(box: Footprint | None) -> list[float] | None:
    """A box as JSON has it: west, south, east (past 180 beyond the antimeridian) and north."""
    return [box.west, box.south, box.east, box.north] if box else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MapDrawing:
    """A map of a window, so many units wide."""

    window: Footprint
    width: float

    @property
    def height(self) -> float:
        return self.width / ASPECT

    def x(self, longitude: float) -> float:
        return round((longitude - self.window.west) / self.window.width * self.width, 1)

    def y(self, latitude: float) -> float:
        return round((self.window.north - latitude) / self.window.height * self.height, 1)

    def near(self, longitude: float) -> float:
        """The longitude on the turn around the Earth that is nearest to the middle of the map."""
        middle = (self.window.west + self.window.east) / 2
        return middle + wrapped(longitude - middle)

    def boxes(self, box: Footprint) -> Iterator[Box]:
        """X, y, width and height of what the map shows of a box: two parts where a world is cut between them."""
        for turn in (-360, 0, 360):
            west, east = max(box.west + turn, self.window.west), min(box.east + turn, self.window.east)
            south, north = max(box.south, self.window.south), min(box.north, self.window.north)
            if west < east and south < north:
                x, y = self.x(west), self.y(north)
                yield x, y, round(self.x(east) - x, 1), round(self.y(south) - y, 1)

    def worlds(self) -> Iterator[Box]:
        """X, y, width and height of the land of the world, as often as the map shows a part of it."""
        scale_x, scale_y = self.width / self.window.width, self.height / self.window.height
        for turn in (-360, 0, 360):
            if turn - 180 < self.window.east and turn + 180 > self.window.west:
                x, y = (turn - 180 - self.window.west) * scale_x, (self.window.north - 90) * scale_y
                yield round(x, 1), round(y, 1), round(360 * scale_x, 1), round(180 * scale_y, 1)
