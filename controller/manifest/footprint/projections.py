"""From a box in a CRS to the smallest box in longitude and latitude around it.

UTM and web mercator, which most requests are in, are computed here: pyproj takes longer to load than a small tree to
read. It does the others, also where they contain a pole. A test compares both.
"""

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from controller.manifest.geometry import Box
from controller.model.catalog import Crs

if TYPE_CHECKING:
    from pyproj import Transformer

_MERCATOR_RADIUS = 6_378_137.0
_SEMI_MAJOR, _FLATTENING = 6_378_137.0, 1 / 298.257_223_563
_SCALE, _EASTING, _NORTHING = 0.9996, 500_000.0, 10_000_000.0
_FARTHEST = 1_000_000.0  # metres from a central meridian, beyond which the series is not exact: about 9 degrees
_EDGE = 21  # points on each edge that is projected


def in_degrees(box: Box, crs: Crs) -> Box | None:
    """West, south, east and north; east may be past 180. None where the CRS does not reach."""
    match crs.group:
        case "wgs84":
            west, south, east, north = box
            return west, max(south, -90.0), east, min(north, 90.0)
        case "web-mercator":
            return _of_mercator(box)
        case "utm-north" | "utm-south" if max(abs(x - _EASTING) for x in (box[0], box[2])) <= _FARTHEST:
            return _of_utm(box, crs)
    return _of_other(box, crs.url)


def _of_mercator(box: Box) -> Box:
    west, east = (math.degrees(x / _MERCATOR_RADIUS) for x in (box[0], box[2]))
    south, north = (math.degrees(math.atan(math.sinh(y / _MERCATOR_RADIUS))) for y in (box[1], box[3]))
    return west, south, east, north


def _of_utm(box: Box, crs: Crs) -> Box:
    """Edges along a northing are nearest to the pole where they meet the central meridian."""
    x1, y1, x2, y2 = box
    meridian = 6 * int(crs.url[-2:]) - 183
    equator = _NORTHING if crs.group == "utm-south" else 0.0
    found = [_utm_degrees(x - _EASTING, y - equator) for x in (x1, x2) for y in (y1, y2)]
    if x1 < _EASTING < x2:
        found += [_utm_degrees(0.0, y - equator) for y in (y1, y2)]
    longitudes, latitudes = zip(*found, strict=True)
    return meridian + min(longitudes), min(latitudes), meridian + max(longitudes), max(latitudes)


_N = _FLATTENING / (2 - _FLATTENING)
_PER_METRE = (1 + _N) / (_SCALE * _SEMI_MAJOR * (1 + _N**2 / 4 + _N**4 / 64))
_BETA_1, _BETA_2 = _N / 2 - 2 * _N**2 / 3 + 37 * _N**3 / 96, _N**2 / 48 + _N**3 / 15
_DELTA_1, _DELTA_2 = 2 * _N - 2 * _N**2 / 3 - 2 * _N**3, 7 * _N**2 / 3 - 8 * _N**3 / 5


def _utm_degrees(x: float, y: float) -> tuple[float, float]:
    """Longitude from the central meridian and latitude, to a decimetre.

    Source: Krüger's series to the second order (Karney 2011, equations 11 and 36). Written without a loop: it is the
    largest part of what a map costs a first load.
    """
    xi, eta = y * _PER_METRE, x * _PER_METRE
    sin, cos, sinh, cosh = math.sin(2 * xi), math.cos(2 * xi), math.sinh(2 * eta), math.cosh(2 * eta)
    xi -= sin * (_BETA_1 * cosh + 2 * _BETA_2 * cos * (1 + 2 * sinh * sinh))
    eta -= sinh * (_BETA_1 * cos + 2 * _BETA_2 * (1 - 2 * sin * sin) * cosh)
    conformal = math.asin(math.sin(xi) / math.cosh(eta))
    sin, cos = math.sin(2 * conformal), math.cos(2 * conformal)
    latitude = conformal + sin * (_DELTA_1 + 2 * _DELTA_2 * cos)
    return math.degrees(math.atan2(math.sinh(eta), math.cos(xi))), math.degrees(latitude)


def _of_other(box: Box, url: str) -> Box | None:
    west, south, east, north = _transformer(url).transform_bounds(*box, densify_pts=_EDGE)
    return west, south, (east + 360 if east < west else east), north  # it counts east from -180 again


@lru_cache(maxsize=32)
def _transformer(url: str) -> "Transformer":
    from pyproj import Transformer

    return Transformer.from_crs(f"EPSG:{url.rpartition('/')[2]}", "OGC:CRS84", always_xy=True)
