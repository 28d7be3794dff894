"""The land of the Earth as a picture that every map lies on: made once from the package's data, light and dark."""

import json
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import controller

Ring = Sequence[Sequence[float]]
NAME = "land.svg"
SOURCE = Path(controller.__file__).parent / "data" / "land-110m.geojson"
"""Natural Earth's land at 1:110 million, in the public domain; coordinates in hundredths of a degree."""
_UNITS = 100  # of the picture in a degree
_HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36000 18000" preserveAspectRatio="none">'
    "<style>path{fill:#c9d3c4}@media (prefers-color-scheme:dark){path{fill:#35433a}}</style>"
)


@cache
def land() -> bytes:
    """The picture: 360 degrees wide and 180 high, from -180 and 90 on."""
    polygons = json.loads(SOURCE.read_text(encoding="utf-8"))["coordinates"]
    path = "".join(_path(each) for polygon in polygons for ring in polygon for each in _rings(ring))
    return f'{_HEAD}<path fill-rule="evenodd" d="{path}"/></svg>\n'.encode()


def _rings(ring: Ring) -> list[Ring]:
    """A ring as it is drawn: one that crosses the antimeridian at both ends of the picture, which cut it off."""
    unrolled, turns = [ring[0]], 0
    for (before, _), (x, y) in pairwise(ring):
        turns += 360 * (round((before - x) / 360))
        unrolled.append((x + turns, y))
    is_around_pole = turns != 0
    if is_around_pole or all(-180 <= x <= 180 for x, _ in unrolled):
        return [ring]
    drawn = ([(x + turn, y) for x, y in unrolled] for turn in (-360, 0, 360))
    return [each for each in drawn if any(-180 < x < 180 for x, _ in each)]


def _path(ring: Ring) -> str:
    """Each point from the one before, which makes it half as long."""
    points = [(round((x + 180) * _UNITS), round((90 - y) * _UNITS)) for x, y in ring]
    steps = [f"{x - before_x} {y - before_y}" for (before_x, before_y), (x, y) in pairwise(points)]
    return f"M{points[0][0]} {points[0][1]}l{' '.join(steps)}z".replace(" -", "-")
