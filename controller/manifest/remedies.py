"""What to write instead of what is often pasted: replies of the service, bodies of its other APIs, GeoJSON of a map.

`validate` calls `explain_pasted` before it reads a document with the models, so that one sentence stands for all that
follows from the mistake. `import` mends the same things by itself.
"""

import re
from collections.abc import Iterator
from typing import Any

from controller.manifest.document import Path
from controller.manifest.problems import BOUNDS, DATA, REQUEST, ProblemCollector

WRAPPER = "processRequest"
"""The key of the body in a batch request, and in the copy of one that the service leaves in the bucket."""
REPLIED = frozenset({"logo", "instanceType", "createCollection"})
"""Keys the service adds when it repeats a request (reference page "Batch Processing API v2")."""
FEATURES = ("Feature", "FeatureCollection", "GeometryCollection")
_GEOMETRY: Path = (*BOUNDS, "geometry")
_POSITIONS = {"Polygon": 2, "MultiPolygon": 3}  # levels of lists around a position


def explain_pasted(faults: ProblemCollector) -> None:
    """Add one error for each thing that was pasted from elsewhere, and silence what follows from it."""
    _wrapper(faults)
    geometry = faults.at(_GEOMETRY)
    if isinstance(geometry, dict):
        _feature(faults, geometry)
        _height(faults, geometry)


def unknown_key_remedy(path: Path) -> str:
    """What to do about a key that is known from elsewhere; "" when it is not."""
    *around, key = path
    if key in REPLIED:
        return "only the service's replies hold it: remove it"
    if key == "crs" and tuple(around) == _GEOMETRY:
        return "the CRS of an area stands beside it: remove it here, and write `properties: {crs: …}` below `bounds`"
    if key == "collectionId" and tuple(around[:-1]) == DATA:
        return "own data are named by their type: write `type: byoc-<collection id>`, and remove this"
    return ""


def number_remedy(value: Any, is_whole: bool) -> str:
    """What to write instead of text, or of a decimal point, where a number is wanted."""
    if isinstance(value, str):
        return ": remove the quotes" if re.fullmatch(r"[-+]?[0-9.]+", value) else ""
    return f": write {int(value)}" if is_whole and isinstance(value, float) and value.is_integer() else ""


def _wrapper(faults: ProblemCollector) -> None:
    if WRAPPER in faults.mapping(REQUEST):
        message = "is a wrapper around the body: write the `input` and `output` that it holds directly below `request`"
        faults.add((*REQUEST, WRAPPER), "E104", message)
        faults.silent |= {(*REQUEST, key) for key in ("input", "output")}
        if faults.at(("spec", "evalscriptFile")) is None:
            faults.silent.add((*REQUEST, "evalscript"))


def _feature(faults: ProblemCollector, geometry: dict[str, Any]) -> None:
    type = geometry.get("type")
    if type in FEATURES:
        several = "" if type == "Feature" else ", of several polygons as one MultiPolygon"
        message = f"a {type} is more than its geometry: write the `type` and `coordinates` of its `geometry` here"
        faults.add((*_GEOMETRY, "type"), "E108", message + several)
        faults.silent.add(_GEOMETRY)


def _height(faults: ProblemCollector, geometry: dict[str, Any]) -> None:
    kind = geometry.get("type")
    levels = _POSITIONS.get(kind, 0) if isinstance(kind, str) else 0
    coordinates: Path = (*_GEOMETRY, "coordinates")
    for path, position in _positions(geometry.get("coordinates"), levels, coordinates) if levels else ():
        if len(position) == 3 and all(type(each) in (int, float) for each in position):
            message = f"has a third number, and the service takes two: write [{position[0]}, {position[1]}]"
            faults.add(path, "E201", message)
            faults.silent.add(coordinates)
            return


def _positions(value: Any, levels: int, path: Path) -> Iterator[tuple[Path, list[Any]]]:
    """The positions of a geometry's coordinates, each with its path."""
    if isinstance(value, list) and not levels:
        yield path, value
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _positions(each, levels - 1, (*path, number))
