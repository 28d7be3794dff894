"""The shape of the area: what its bbox or GeoJSON geometry covers, and errors in its rings.

Pure. `rules/area` validates with it, `request` derives sizes from it. All numbers are in units of the CRS.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import Any

Box = tuple[float, float, float, float]
"""Smallest x and y, largest x and y."""

_MOST_PAIRS = 200_000  # of edges that are compared; a ring with more is not checked


def envelope(bounds: Mapping[str, Any]) -> Box:
    """What the bbox (any two opposite corners) covers, else the geometry."""
    bbox = bounds.get("bbox")
    if bbox:
        x1, y1, x2, y2 = bbox
        return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
    xs, ys = zip(*_positions(bounds["geometry"]), strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def ring_error(geometry: Mapping[str, Any]) -> str:
    """The error in the rings of a geometry, "" when there is none. Source: GeoJSON, RFC 7946 §3.1.6."""
    polygons = _polygons(geometry)
    if not polygons or not all(isinstance(each, list) and each for each in polygons):
        return f"must be a list of {'rings' if geometry['type'] == 'Polygon' else 'polygons, each a list of rings'}"
    rings = [(f"ring {number}", ring) for number, ring in enumerate(chain(*polygons), start=1)]
    error = next(filter(None, (_ring_error(ring, name) for name, ring in rings)), "")
    return error or next(filter(None, (_crossing(ring, name) for name, ring in rings)), "")


def _polygons(geometry: Mapping[str, Any]) -> list[Any]:
    coordinates: list[Any] = geometry["coordinates"]
    return [coordinates] if geometry["type"] == "Polygon" else coordinates


def _positions(geometry: Mapping[str, Any]) -> Iterator[list[float]]:
    for polygon in _polygons(geometry):
        for ring in polygon:
            yield from ring


def _ring_error(ring: Any, name: str) -> str:
    if not isinstance(ring, list) or not all(_is_position(each) for each in ring):
        return f"{name} must be a list of positions, each of two numbers: [x, y]"
    if len(ring) < 4:
        return f"{name} has {len(ring)} positions: a ring has at least four, the last equal to the first"
    if ring[0] != ring[-1]:
        return f"{name} is not closed: repeat its first position {ring[0]} at its end"
    return ""


def _is_position(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(each) in (int, float) for each in value)


def _crossing(ring: list[Any], name: str) -> str:
    """Two edges that cross each other inside both; edges that only touch are accepted."""
    edges = sorted((min(a[0], b[0]), max(a[0], b[0]), a, b) for a, b in pairwise(ring))
    pairs = 0
    near: list[Any] = []
    for edge in edges:
        near = [each for each in near if each[1] >= edge[0]]  # the others end before this one begins
        pairs += len(near)
        if pairs > _MOST_PAIRS:
            return ""
        for other in near:
            if _cross(*edge[2:], *other[2:]):
                first, second = sorted((other, edge), key=lambda each: ring.index(each[2]))
                meeting = f"{_edge(*first[2:])} meets {_edge(*second[2:])}"
                return f"{name} crosses itself: {meeting}; list the corners in their order"
        near.append(edge)
    return ""


def _cross(a: Sequence[float], b: Sequence[float], c: Sequence[float], d: Sequence[float]) -> bool:
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Sequence[float], b: Sequence[float], point: Sequence[float]) -> float:
    """Positive to the left of the line from a to b, negative to its right, 0 on it."""
    return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])


def _edge(begin: Sequence[float], end: Sequence[float]) -> str:
    return f"the edge from {list(begin)} to {list(end)}"


EARTH_RADIUS = 6_372_800.0  # metres
_MERCATOR_RADIUS = 6_378_137.0
_UTM_METRES_PER_DEGREE = 111_088.0  # of northing, in the mean
_UTM_EQUATOR_SOUTH = 10_000_000.0  # the northing of the equator in a southern zone


def ground_metres(box: Box, group: str) -> tuple[float, float]:
    """Width and height in metres on the ground of a box in a CRS of `group` (`Crs.group`).

    Degrees and web mercator are measured on a sphere, the width along the longer of the two edges; the metres of
    every other CRS are taken as they are.
    """
    if group not in ("wgs84", "web-mercator"):
        return box[2] - box[0], box[3] - box[1]
    west, south, east, north = _in_degrees(box) if group == "web-mercator" else box
    width = max(_edge_metres(east - west, latitude) for latitude in (south, north))
    return width, math.radians(north - south) * EARTH_RADIUS


def middle_latitude(box: Box, group: str) -> float | None:
    """The latitude in the middle of a box in a CRS of `group`, in UTM nearly; None in other projections."""
    middle = (box[1] + box[3]) / 2
    match group:
        case "wgs84":
            return middle
        case "web-mercator":
            return math.degrees(math.atan(math.sinh(middle / _MERCATOR_RADIUS)))
        case "utm-north":
            return middle / _UTM_METRES_PER_DEGREE
        case "utm-south":
            return (middle - _UTM_EQUATOR_SOUTH) / _UTM_METRES_PER_DEGREE
    return None


def _in_degrees(box: Box) -> Box:
    west, east = (math.degrees(x / _MERCATOR_RADIUS) for x in (box[0], box[2]))
    south, north = (math.degrees(math.atan(math.sinh(y / _MERCATOR_RADIUS))) for y in (box[1], box[3]))
    return west, south, east, north


def _edge_metres(degrees: float, latitude: float) -> float:
    """Great-circle length in metres of an edge along a latitude; in halves past 180 degrees, where it shrinks again."""
    if degrees > 180:
        return 2 * _edge_metres(degrees / 2, latitude)
    half = math.cos(math.radians(latitude)) * math.sin(math.radians(degrees) / 2)
    return 2 * EARTH_RADIUS * math.asin(min(1.0, abs(half)))
