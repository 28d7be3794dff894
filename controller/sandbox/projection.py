"""From map coordinates to longitude and latitude, for the systems the sandbox knows: 4326, 3857 and UTM (WGS 84).

The inverse transverse Mercator series is Krueger's, in powers of the third flattening n up to the fourth: exact to
well below a millimetre inside a zone. Source: Karney, "Transverse Mercator with an accuracy of a few nanometers".
"""

import re

import numpy as np

from controller.sandbox.failure import RenderFailed, not_here
from controller.sandbox.noise import Degrees

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_EPSG = re.compile(r"http://www\.opengis\.net/def/crs/EPSG/0/(\d+)")

_RADIUS = 6378137.0  # metres, WGS 84
_FLATTENING = 1 / 298.257223563
_N = _FLATTENING / (2 - _FLATTENING)
_RECTIFYING = _RADIUS / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
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
    if epsg in (4326, 3857) or _is_utm(epsg):
        return epsg
    raise not_here(f"EPSG:{epsg} is not in the sandbox; it knows CRS84, EPSG:4326, EPSG:3857 and UTM on WGS 84")


def is_geographic(epsg: int) -> bool:
    """Whether coordinates of that system are degrees."""
    return epsg == 4326


def to_lonlat(epsg: int, x: Degrees, y: Degrees) -> tuple[Degrees, Degrees]:
    """Longitude and latitude in degrees of map coordinates; `epsg` comes from `epsg_of`."""
    if epsg == 4326:
        return x, y
    if epsg == 3857:
        return np.degrees(x / _RADIUS), np.degrees(np.arctan(np.sinh(y / _RADIUS)))
    return _from_utm(epsg, x, y)


def _is_utm(epsg: int) -> bool:
    return 32601 <= epsg <= 32660 or 32701 <= epsg <= 32760


def _from_utm(epsg: int, easting: Degrees, northing: Degrees) -> tuple[Degrees, Degrees]:
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
    return (np.degrees(lon) + zone * 6 - 183 + 180) % 360 - 180, np.degrees(lat)
