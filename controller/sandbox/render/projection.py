"""From map coordinates to longitude and latitude: degrees, web mercator, UTM (WGS 84); the others if pyproj is there.

The inverse transverse Mercator series is Krueger's, in powers of the third flattening n up to the fourth: exact to
well below a millimetre inside a zone. Source: Karney, "Transverse Mercator with an accuracy of a few nanometers".
"""

import math
import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from controller.sandbox.failure import RenderFailed, not_here
from controller.sandbox.planet.noise import Degrees

if TYPE_CHECKING:
    from pyproj import Transformer

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_EPSG = re.compile(r"http://www\.opengis\.net/def/crs/EPSG/0/(\d+)")

_RADIUS = 6378137.0  # metres, WGS 84
_FLATTENING = 1 / 298.257223563
_N = _FLATTENING / (2 - _FLATTENING)
_RECTIFYING = _RADIUS / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_SEGMENT = 64_000.0  # metres
_NODES = (1 - np.cos((np.arange(6) + 0.5) * np.pi / 6)) / 2  # Chebyshev's, in a segment from 0 to 1
_SCALE, _FALSE_EASTING, _FALSE_NORTHING = 0.9996, 500_000.0, 10_000_000.0
_TO_SPHERE = (
    _N / 2 - 2 * _N**2 / 3 + 37 * _N**3 / 96 - _N**4 / 360,
    _N**2 / 48 + _N**3 / 15 - 437 * _N**4 / 1440,
    17 * _N**3 / 480 - 37 * _N**4 / 840,
    4397 * _N**4 / 161280,
)
_TO_LATITUDE = (
    2 * _N - 2 * _N**2 / 3 - 2 * _N**3 + 116 * _N**4 / 45,
    7 * _N**2 / 3 - 8 * _N**3 / 5 - 227 * _N**4 / 45,
    56 * _N**3 / 15 - 136 * _N**4 / 35,
    4279 * _N**4 / 630,
)


def epsg_of(url: str) -> int:
    """The EPSG code of a CRS address, CRS84 being 4326; raises RenderFailed for what the sandbox cannot compute."""
    if url == CRS84:
        return 4326
    match = _EPSG.fullmatch(url)
    if match is None:
        raise RenderFailed("COMMON_BAD_PAYLOAD", f"{url!r} is not a CRS address; write {CRS84} or …/EPSG/0/<code>")
    epsg = int(match[1])
    if epsg not in (4326, 3857) and not _is_utm(epsg):
        _transformer(epsg)
    return epsg


def is_geographic(epsg: int) -> bool:
    """Whether coordinates of that system are degrees."""
    return epsg == 4326


def to_lonlat(epsg: int, x: Degrees, y: Degrees) -> tuple[Degrees, Degrees]:
    """Longitude and latitude in degrees of map coordinates; `epsg` comes from `epsg_of`."""
    if epsg == 4326:
        return x, y
    if epsg == 3857:
        return np.degrees(x / _RADIUS), np.degrees(np.arctan(np.sinh(y / _RADIUS)))
    if _is_utm(epsg):
        lon, lat = _from_utm(epsg, x, y)
        return (lon + 180) % 360 - 180, lat
    found: tuple[Degrees, Degrees] = _transformer(epsg).transform(x, y)
    return found


def rows_to_lonlat(epsg: int, x: Degrees, y: Degrees) -> tuple[Degrees, Degrees]:
    """The same for every x of every row y: two arrays of (row, column)."""
    if _is_utm(epsg):
        return _between_nodes(epsg, x, y)
    columns, rows = np.meshgrid(x, y)
    return to_lonlat(epsg, columns, rows)


def _between_nodes(epsg: int, x: Degrees, y: Degrees) -> tuple[Degrees, Degrees]:
    """Exact at six nodes in every 64 km of a row, and the polynomial through them in between: off by rounding alone.

    The nodes are fixed to the system, so that a place is the same in every request.
    """
    lon, lat = np.empty((y.size, x.size)), np.empty((y.size, x.size))
    segments = np.floor(x / _SEGMENT)
    for segment in np.unique(segments).tolist():
        inside = np.flatnonzero(segments == segment)
        columns = slice(inside[0], inside[-1] + 1)
        weights = _lagrange(x[columns] / _SEGMENT - segment)
        nodes = _from_utm(epsg, (segment + _NODES) * _SEGMENT, y[:, np.newaxis])
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


@cache
def _transformer(epsg: int) -> "Transformer":
    try:
        from pyproj import Transformer
    except ModuleNotFoundError:
        known = "CRS84, EPSG:4326, EPSG:3857 and UTM on WGS 84"
        raise not_here(
            f"for EPSG:{epsg} the sandbox needs pyproj (pip install pyproj); alone it knows {known}"
        ) from None
    return Transformer.from_crs(f"EPSG:{epsg}", "OGC:CRS84", always_xy=True)


def _is_utm(epsg: int) -> bool:
    return 32601 <= epsg <= 32660 or 32701 <= epsg <= 32760


def _from_utm(epsg: int, easting: Degrees, northing: Degrees) -> tuple[Degrees, Degrees]:
    """The longitude may lie beyond 180 degrees."""
    is_south, zone = epsg > 32700, epsg % 100
    xi = (northing - _FALSE_NORTHING * is_south) / (_SCALE * _RECTIFYING)
    eta = (easting - _FALSE_EASTING) / (_SCALE * _RECTIFYING)
    north, east = xi, eta
    for order, term in enumerate(_TO_SPHERE, start=1):
        north = north - term * np.sin(2 * order * xi) * np.cosh(2 * order * eta)
        east = east - term * np.cos(2 * order * xi) * np.sinh(2 * order * eta)
    conformal = np.arcsin(np.sin(north) / np.cosh(east))
    lat = conformal
    for order, term in enumerate(_TO_LATITUDE, start=1):
        lat = lat + term * np.sin(2 * order * conformal)
    lon = np.arctan2(np.sinh(east), np.cos(north))
    return np.degrees(lon) + (zone * 6 - 183), np.degrees(lat)
