"""Converts map coordinates to longitude and latitude: degrees and web mercator here, every other system by pyproj.

pyproj is loaded by the first request that needs it.
"""

import math
import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from controller.sandbox.failure import RenderFailed
from controller.sandbox.planet.noise import Degrees

if TYPE_CHECKING:
    from pyproj import Transformer

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_EPSG = re.compile(r"http://www\.opengis\.net/def/crs/EPSG/0/(\d+)")

_RADIUS = 6378137.0  # metres, WGS 84
_SEGMENT = 64_000.0  # metres
_NODES = (1 - np.cos((np.arange(6) + 0.5) * np.pi / 6)) / 2  # Chebyshev's, in a segment from 0 to 1


def epsg_of(url: str) -> int:
    """The EPSG code of a CRS URL, 4326 for CRS84; raises RenderFailed for what the sandbox cannot compute."""
    if url == CRS84:
        return 4326
    match = _EPSG.fullmatch(url)
    if match is None:
        raise RenderFailed("COMMON_BAD_PAYLOAD", f"{url!r} is not a CRS address; write {CRS84} or …/EPSG/0/<code>")
    epsg = int(match[1])
    if epsg not in (4326, 3857):
        _transformer(epsg)
    return epsg


def is_geographic(epsg: int) -> bool:
    """Whether coordinates of that system are degrees."""
    return epsg == 4326


def to_lonlat(epsg: int, x: Degrees, y: Degrees) -> tuple[Degrees, Degrees]:
    """Map coordinates as longitude and latitude in degrees; `epsg` comes from `epsg_of`."""
    if epsg == 4326:
        return x, y
    if epsg == 3857:
        return np.degrees(x / _RADIUS), np.degrees(np.arctan(np.sinh(y / _RADIUS)))
    found: tuple[Degrees, Degrees] = _transformer(epsg).transform(x, y)
    return found


def rows_to_lonlat(epsg: int, x: Degrees, y: Degrees) -> tuple[Degrees, Degrees]:
    """The same for every x of every row y: two arrays of (row, column)."""
    if _is_utm(epsg):
        return _between_nodes(epsg, x, y)
    columns, rows = np.meshgrid(x, y)
    return to_lonlat(epsg, columns, rows)


def _between_nodes(epsg: int, x: Degrees, y: Degrees) -> tuple[Degrees, Degrees]:
    """Exact at six nodes in every 64 km of a row, polynomial interpolation in between: only rounding errors.

    The nodes are fixed to the system, so that a position is the same in every request.
    """
    lon, lat = np.empty((y.size, x.size)), np.empty((y.size, x.size))
    segments = np.floor(x / _SEGMENT)
    for segment in np.unique(segments).tolist():
        inside = np.flatnonzero(segments == segment)
        columns = slice(inside[0], inside[-1] + 1)
        weights = _lagrange(x[columns] / _SEGMENT - segment)
        nodes = _around_meridian(epsg, *np.meshgrid((segment + _NODES) * _SEGMENT, y))
        for out, exact in zip((lon, lat), nodes, strict=True):
            part = out[:, columns]
            np.multiply(exact[:, :1], weights[0], out=part)
            for number in range(1, _NODES.size):
                part += exact[:, number : number + 1] * weights[number]
    if lon.min() < -180 or lon.max() >= 180:
        lon = (lon + 180) % 360 - 180
    return lon, lat


def _lagrange(t: Degrees) -> list[Degrees]:
    """The weight of each node at positions 0..1 of a segment."""
    nodes = _NODES.tolist()
    return [math.prod((t - other) / (node - other) for other in nodes if other != node) for node in nodes]


def _around_meridian(epsg: int, x: Degrees, y: Degrees) -> tuple[Degrees, Degrees]:
    """The same for UTM, with longitudes that continue beyond 180 degrees, so that neighbours stay close."""
    lon, lat = to_lonlat(epsg, x, y)
    west = epsg % 100 * 6 - 363  # half the earth from the zone's meridian
    return (lon - west) % 360 + west, lat


@cache
def _transformer(epsg: int) -> "Transformer":
    from pyproj import Transformer
    from pyproj.exceptions import CRSError

    try:
        return Transformer.from_crs(f"EPSG:{epsg}", "OGC:CRS84", always_xy=True)
    except CRSError as error:
        raise RenderFailed("COMMON_BAD_PAYLOAD", f"EPSG:{epsg} is no coordinate system: {error}") from error


def _is_utm(epsg: int) -> bool:
    return 32601 <= epsg <= 32660 or 32701 <= epsg <= 32760
