"""The area of a set as people have it: GeoJSON in longitude and latitude, or a bbox, to one shape.

A polygon may cross the antimeridian in either manner: cut at 180° as RFC 7946 wants it, or with longitudes beyond
±180. Called by `expansion`, with the text of the file.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

MOST_POSITIONS = 1_000_000  # of one area
_TAKEN = "Polygon, MultiPolygon, Feature or FeatureCollection"
_DEEPEST = 20  # collections in collections


class AreaError(Exception):
    """The text is no area; the message says what to write instead, and where in the file, if that is known."""


def area_of_text(text: str) -> BaseGeometry:
    """The area of a GeoJSON file."""
    try:
        value = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise AreaError(f"is not JSON from line {error.lineno}, column {error.colno} on: {error.msg}") from None
    except RecursionError:
        raise AreaError("is nested too deeply to be GeoJSON") from None
    except ValueError:
        raise AreaError("holds a number of thousands of digits") from None
    return area_of(value)


def area_of(value: Any) -> BaseGeometry:
    """The area of a GeoJSON value: all its polygons together, with longitudes from -180 to 180."""
    polygons = [polygon for place, each in _polygons(value, "", 0) for polygon in _read(each, place)]
    if not polygons:
        raise AreaError(f"holds no polygon: write {_TAKEN}")
    return _checked(shapely.union_all(polygons))


def area_of_bbox(bbox: Sequence[float]) -> BaseGeometry:
    """[west, south, east, north] in degrees; `east` may be smaller than `west`, or larger than 180: over the
    antimeridian.
    """
    west, south, east, north = bbox
    if east < west:
        east += 360
    if not -90 <= south < north <= 90 or not -360 <= west < east <= 540:
        raise AreaError("must be [west, south, east, north] in degrees of longitude and latitude")
    if east - west > 360:
        raise AreaError("goes around the Earth more than once")
    return _checked(_unwrapped(shapely.box(west, south, east, north)))


def _checked(area: BaseGeometry) -> BaseGeometry:
    if area.is_empty or not area.area:
        raise AreaError("covers nothing")
    return area


def _polygons(value: Any, place: str, depth: int) -> Iterator[tuple[str, Sequence[Any]]]:
    """The coordinates of each polygon, and where it is: `feature 3`."""
    if not isinstance(value, Mapping) or depth > _DEEPEST:
        raise AreaError(f"{place or 'it'} is no GeoJSON object: write {_TAKEN}")
    kind, prefix = value.get("type"), f"{place}, " if place else ""
    match kind:
        case "FeatureCollection":
            for number, each in enumerate(_list(value.get("features"), place, "features"), 1):
                yield from _polygons(each, f"{prefix}feature {number}", depth + 1)
        case "GeometryCollection":
            for number, each in enumerate(_list(value.get("geometries"), place, "geometries"), 1):
                yield from _polygons(each, f"{prefix}geometry {number}", depth + 1)
        case "Feature":
            if value.get("geometry") is not None:
                yield from _polygons(value["geometry"], place, depth + 1)
        case "Polygon":
            yield place, _list(value.get("coordinates"), place, "coordinates")
        case "MultiPolygon":
            for number, each in enumerate(_list(value.get("coordinates"), place, "coordinates"), 1):
                yield f"{prefix}polygon {number}", _list(each, place, "coordinates")
        case _:
            raise AreaError(f"{place or 'it'} is of the type {kind!r:.60}: write {_TAKEN}")


def _list(value: Any, place: str, key: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise AreaError(f"{place or 'it'} has no list `{key}`")
    return value


def _read(rings: Sequence[Any], place: str) -> list[BaseGeometry]:
    where = f"{place}: " if place else ""
    if not rings:
        raise AreaError(f"{where}a polygon has no ring")
    read = [_ring(ring, where) for ring in rings]
    polygon = shapely.Polygon(read[0], read[1:])
    if not polygon.is_valid:
        raise AreaError(f"{where}the outline is not simple: {_why(polygon)}; mend it")
    return [_unwrapped(polygon)]


def _ring(ring: Any, where: str) -> list[tuple[float, float]]:
    if not isinstance(ring, list) or len(ring) < 4:
        raise AreaError(f"{where}a ring has fewer than four positions")
    if len(ring) > MOST_POSITIONS:
        raise AreaError(f"{where}a ring has more than {MOST_POSITIONS} positions: simplify it")
    positions = [_position(each, where) for each in ring]
    if positions[0] != positions[-1]:
        raise AreaError(f"{where}a ring is not closed: repeat its first position at its end")
    longitudes = [x for x, _ in positions]
    if max(longitudes) - min(longitudes) > 180:
        raise AreaError(
            f"{where}a ring spans more than half the Earth: over the antimeridian write 182, not -178, or cut it there"
        )
    return positions


def _position(value: Any, where: str) -> tuple[float, float]:
    """A height is left out."""
    if not isinstance(value, list) or len(value) < 2 or not all(_is_number(each) for each in value[:2]):
        raise AreaError(f"{where}a position is not [longitude, latitude]")
    x, y = float(value[0]), float(value[1])
    if not -360 <= x <= 540 or not -90 <= y <= 90:
        raise AreaError(f"{where}[{x:g}, {y:g}] is not a longitude and a latitude in degrees")
    return x, y


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _why(polygon: BaseGeometry) -> str:
    """The library's reason in our words, with the place."""
    reason, _, place = shapely.is_valid_reason(polygon).partition("[")
    words = {"Self-intersection": "it crosses itself", "Ring Self-intersection": "it touches itself"}
    return f"{words.get(reason.strip(), reason.strip().lower())} at [{place}" if place else reason.lower()


def _unwrapped(polygon: BaseGeometry) -> BaseGeometry:
    """With what lies beyond ±180° on the other side."""
    west, _, east, _ = polygon.bounds
    if west >= -180 and east <= 180:
        return polygon
    parts = []
    for turn in (-1, 0, 1):
        part = shapely.intersection(polygon, shapely.box(-180 + 360 * turn, -90, 180 + 360 * turn, 90))
        parts.append(shapely.transform(part, lambda points, by=360 * turn: points - [by, 0]))
    return shapely.union_all(parts)
