"""Marks on a map: boxes of places with the sign of their phase, and discs with the number of jobs where there are many.

A mark is made from a GeoJSON feature of the page, so that the twin of a map and its picture show the same.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.manifest.footprint import Footprint, placed
from controller.manifest.geometry import Box
from controller.page.svg.projection import MapDrawing, view_around

Feature = Mapping[str, Any]
WIDTH = 960.0
LOCATOR_WIDTH = 480.0
LOCATOR_ZOOM = 4  # 22 degrees from west to east: enough land to know where it is
_LEAST_RADIUS = 12.0
_VISIBLE = 4.0  # units from which on a box is drawn
_STEPS = (60, 30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02)
_MOST_LINES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One mark: `boxes` as far as they can be seen, and a sign at `x` and `y`; `radius` 0: no disc around it."""

    feature: Feature
    boxes: Sequence[Box]
    x: float
    y: float
    radius: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A meridian or a parallel: its place in the picture and its degrees."""

    at: float
    label: str


def picture(window: Sequence[float], width: float = WIDTH) -> MapDrawing:
    """The picture of a window given as its four corners."""
    return MapDrawing(window=box_between(window), width=width)


def marks(features: Iterable[Feature], drawn: MapDrawing) -> Iterator[Mark]:
    """Where the features of a page are in its picture."""
    for feature in features:
        if feature["geometry"]["type"] == "Point":
            longitude, latitude = feature["geometry"]["coordinates"]
            radius = round(_LEAST_RADIUS + 3.6 * math.log10(feature["properties"]["jobs"]), 1)
            x, y = drawn.x(drawn.near(longitude)), drawn.y(latitude)
            x, y = min(max(x, radius), drawn.width - radius), min(max(y, radius), drawn.height - radius)
            yield Mark(feature=feature, boxes=(), x=round(x, 1), y=round(y, 1), radius=radius)
        else:
            yield from _of_box(feature, drawn)


def _of_box(feature: Feature, drawn: MapDrawing) -> Iterator[Mark]:
    parts = list(drawn.boxes(box_between(feature["bbox"])))
    if parts:
        x, y, width, height = max(parts, key=lambda each: each[2] * each[3])
        seen = tuple(each for each in parts if max(each[2], each[3]) >= _VISIBLE)
        yield Mark(feature=feature, boxes=seen, x=round(x + width / 2, 1), y=round(y + height / 2, 1))


def box_between(corners: Sequence[float]) -> Footprint:
    """A box from its corners; of one that crosses the antimeridian GeoJSON has the east west of the west."""
    west, south, east, north = corners
    found = placed(west, south, east + 360 if east < west else east, north)
    assert found is not None, "corners are on the Earth"
    return found


def locator(corners: Sequence[float]) -> MapDrawing:
    """A picture of the surroundings of a box."""
    return MapDrawing(window=view_around(box_between(corners), LOCATOR_ZOOM).window, width=LOCATOR_WIDTH)


def meridians(drawn: MapDrawing) -> list[Line]:
    """The lines from north to south that a map has."""
    return [
        Line(at=drawn.x(each), label=_degrees((each + 180) % 360 - 180, "E", "W"))
        for each in _lines(drawn.window.west, drawn.window.east)
    ]


def parallels(drawn: MapDrawing) -> list[Line]:
    """The lines from west to east."""
    return [
        Line(at=drawn.y(each), label=_degrees(each, "N", "S"))
        for each in _lines(drawn.window.south, drawn.window.north)
    ]


def _lines(first: float, last: float) -> list[float]:
    step = next((each for each in reversed(_STEPS) if (last - first) / each <= _MOST_LINES), _STEPS[0])
    return [round(step * number, 2) for number in range(math.ceil(first / step), math.floor(last / step) + 1)][1:-1]


def _degrees(value: float, ahead: str, behind: str) -> str:
    return f"{abs(value):g}°{'' if value in (0, -180) else ahead if value > 0 else behind}"
