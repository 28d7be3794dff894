"""How much ground an area covers, in metres: what the service measures before it takes a request.

Pure. Source: `meters_per_pixel_check` of the reference page "collections.json", and open-questions.md C 23.
"""

import math

from controller.geometry import Box

EARTH_RADIUS = 6_372_800.0  # metres
_MERCATOR_RADIUS = 6_378_137.0


def ground_metres(box: Box, group: str) -> tuple[float, float]:
    """Width and height in metres on the ground of a box in a CRS of `group` (`Crs.group`).

    Degrees and web mercator are measured on a sphere, the width along the longer of the two edges; the metres of
    every other CRS are taken as they are.
    """
    if group not in ("wgs84", "web-mercator"):
        return box[2] - box[0], box[3] - box[1]
    west, south, east, north = _in_degrees(box) if group == "web-mercator" else box
    width = max(_edge(east - west, latitude) for latitude in (south, north))
    return width, math.radians(north - south) * EARTH_RADIUS


def _in_degrees(box: Box) -> Box:
    west, east = (math.degrees(x / _MERCATOR_RADIUS) for x in (box[0], box[2]))
    south, north = (math.degrees(math.atan(math.sinh(y / _MERCATOR_RADIUS))) for y in (box[1], box[3]))
    return west, south, east, north


def _edge(degrees: float, latitude: float) -> float:
    """Great-circle length in metres of an edge along a latitude; in halves past 180 degrees, where it shrinks again."""
    if degrees > 180:
        return 2 * _edge(degrees / 2, latitude)
    half = math.cos(math.radians(latitude)) * math.sin(math.radians(degrees) / 2)
    return 2 * EARTH_RADIUS * math.asin(min(1.0, abs(half)))
