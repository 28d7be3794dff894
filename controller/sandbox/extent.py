"""The extent of a request: its box, its size in pixels and its metres per pixel, from the body alone.

Called by `validation` and `pricing` on bodies whose shape is already validated. Sources: reference pages
"Asynchronous Processing API" §3 and "Open questions: Async API" 23, 24; the formula of `meters_per_pixel_check`.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GEOGRAPHIC = frozenset({CRS84, "http://www.opengis.net/def/crs/EPSG/0/4326"})
WEB_MERCATOR = "http://www.opengis.net/def/crs/EPSG/0/3857"
WEB_MERCATOR_RADIUS = 6_378_137.0
EARTH_RADIUS = 6_372_800.0
FURTHEST_DEGREES = (180 + 1e-6, 90 + 1e-6)  # programs write 180.00000000000003
FURTHEST_METRES = 30_000_000.0  # from the origin of any system; a quarter of a meridian is 10 002 km

Box = tuple[float, float, float, float]


def crs_address(bounds: Mapping[str, Any]) -> str:
    """The URL of the coordinate reference system, the default when none is given."""
    return str(bounds.get("properties", {}).get("crs", CRS84))


def box_of(bounds: Mapping[str, Any]) -> Box:
    """West, south, east, north of the output grid in units of the CRS: the bbox, else the box around the geometry."""
    if "bbox" in bounds:
        x1, y1, x2, y2 = bounds["bbox"]
        return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
    xs, ys = zip(*positions(bounds["geometry"]), strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def is_on_earth(bounds: Mapping[str, Any]) -> bool:
    """Whether the box has coordinates of this planet: what lies outside has no scenes, and may have no end."""
    west, south, east, north = box_of(bounds)
    across, along = FURTHEST_DEGREES if crs_address(bounds) in GEOGRAPHIC else (FURTHEST_METRES, FURTHEST_METRES)
    return -across <= west and east <= across and -along <= south and north <= along


def rings(geometry: Mapping[str, Any]) -> Iterator[list[list[float]]]:
    """Every ring of a Polygon or MultiPolygon, holes included."""
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    for polygon in polygons:
        yield from polygon


def positions(geometry: Mapping[str, Any]) -> Iterator[list[float]]:
    for ring in rings(geometry):
        yield from ring


def output_size(body: Mapping[str, Any]) -> tuple[int, int]:
    """Width and height in pixels; derived ones are extent / resolution, rounded half up, at least 1."""
    output = body["output"]
    if "width" in output:
        return output["width"], output["height"]
    west, south, east, north = box_of(body["input"]["bounds"])
    return derived(east - west, output["resx"]), derived(north - south, output["resy"])


def derived(extent: float, resolution: float) -> int:
    """The pixels of `extent` at `resolution`, both in units of the CRS; capped at 10^12."""
    return max(1, math.floor(min(extent / resolution, 1e12) + 0.5))


def metres_per_pixel(body: Mapping[str, Any]) -> float:
    """Ground metres that a pixel covers, on the worse of the two axes.

    In degrees and web mercator, from the length of the longer horizontal edge on a sphere; in the other systems,
    whose metres are ground metres to within 0.5 %, from the plain extent.
    """
    bounds = body["input"]["bounds"]
    width, height = output_size(body)
    west, south, east, north = box_of(bounds)
    crs = crs_address(bounds)
    if crs not in GEOGRAPHIC and crs != WEB_MERCATOR:
        return max((east - west) / width, (north - south) / height)
    if crs == WEB_MERCATOR:
        west, south, east, north = (*_unprojected(west, south), *_unprojected(east, north))
    across = max(_edge(west, east, south), _edge(west, east, north))
    return max(across / width, math.radians(north - south) * EARTH_RADIUS / height)


def _unprojected(x: float, y: float) -> tuple[float, float]:
    """Web mercator metres as degrees; beyond 20 000 km it is the pole."""
    y = max(-2.0e7, min(2.0e7, y)) / WEB_MERCATOR_RADIUS
    return math.degrees(x / WEB_MERCATOR_RADIUS), math.degrees(math.atan(math.sinh(y)))


def _edge(west: float, east: float, latitude: float) -> float:
    """Great-circle length in metres along one latitude; in halves beyond 180 degrees, where it would shrink again."""
    if east - west > 180:
        return 2 * _edge(west, (west + east) / 2, latitude)
    half = math.cos(math.radians(latitude)) * math.sin(math.radians(east - west) / 2)
    return 2 * EARTH_RADIUS * math.asin(min(1.0, abs(half)))
