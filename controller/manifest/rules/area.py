"""Rules for the area: it is not empty, and its numbers are plausible in their CRS.

`rules` applies them to every document. The units of the CRS come from `data/crs.json`.
"""

from collections.abc import Mapping
from typing import Any

from controller.manifest.document import Path
from controller.manifest.geometry import Box, envelope, ring_error
from controller.manifest.problems import BOUNDS, ProblemCollector
from controller.model.catalog import DEFAULT_CRS, Crs, crs

_ROUNDING = 1e-6  # degrees by which a limit may be exceeded: programs write 180.00000000000003
_MERCATOR = 20_048_967.0  # metres; a little more than half the equator, reached at 85.06 degrees
_ZONE, _ZONES = (0.0, 1_000_000.0), 2_000_000.0  # eastings of a UTM zone; metres beside it that are still meaningful
# The coordinates on Earth, by group of CRS. A quarter of a meridian is 10 002 km.
_LIMITS: Mapping[str, Box] = {
    "wgs84": (-180 - _ROUNDING, -90 - _ROUNDING, 180 + _ROUNDING, 90 + _ROUNDING),
    "web-mercator": (-_MERCATOR, -_MERCATOR, _MERCATOR, _MERCATOR),
    "utm-north": (_ZONE[0] - _ZONES, -10_010_000.0, _ZONE[1] + _ZONES, 10_010_000.0),
    "utm-south": (_ZONE[0] - _ZONES, -10_000.0, _ZONE[1] + _ZONES, 20_010_000.0),
    "other": (-30_000_000.0, -30_000_000.0, 30_000_000.0, 30_000_000.0),
}
# Their area of use contains the point 0, 0 (the Gulf of Guinea, the poles): small numbers of metres may be intended.
_ROUND_ZERO = frozenset({"EPSG/0/3857", "EPSG/0/3031", "EPSG/0/3413", "EPSG/0/3995"})
_SURELY_METRES = 1000.0
_WIDEST = 180.0  # degrees; open-questions.md E 41


def area(faults: ProblemCollector) -> None:
    bounds = faults.at(BOUNDS)
    if not isinstance(bounds, dict):
        return
    if "bbox" not in bounds and "geometry" not in bounds:
        faults.add(BOUNDS, "E200", "needs an area: write `bbox: [x1, y1, x2, y2]`, or a GeoJSON `geometry`")
        return
    boxes = [_box(faults, bounds, key) for key in ("bbox", "geometry") if key in bounds]
    if len(boxes) == 2 and boxes[0] and boxes[1] and _are_apart(boxes[0], boxes[1]):
        message = "lies outside the bbox, so that every pixel would be empty: mend one of the two, or remove one"
        faults.add((*BOUNDS, "geometry", "coordinates"), "E203", message)


def crs_of(bounds: Mapping[str, Any]) -> Crs | None:
    """The CRS of checked bounds; None when the service does not know it."""
    return crs(bounds.get("properties", {}).get("crs", DEFAULT_CRS))


def _box(faults: ProblemCollector, bounds: Mapping[str, Any], key: str) -> Box | None:
    """What the bbox or the geometry covers; None when that cannot be determined. Its errors are added."""
    path: Path = (*BOUNDS, key) if key == "bbox" else (*BOUNDS, key, "coordinates")
    if faults.touch((*BOUNDS, key)):
        return None
    error = ring_error(bounds[key]) if key == "geometry" else ""
    if error:
        faults.add(path, "E201", error)
        return None
    box = envelope({key: bounds[key]})
    if not (box[0] < box[2] and box[1] < box[3]):
        more = ": the two corners must differ in both coordinates" if key == "bbox" else ""
        faults.add(path, "E200", f"covers no area{more}")
        return None
    if not faults.touch((*BOUNDS, "properties")):
        _on_earth(faults, path, box, crs_of(bounds))
    return box


def _are_apart(one: Box, other: Box) -> bool:
    return one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]


def _on_earth(faults: ProblemCollector, path: Path, box: Box, known: Crs | None) -> None:
    """Numbers that cannot be right in their CRS: metres as degrees, degrees as metres, the axes exchanged."""
    if known is None:
        return
    if not _is_within(box, _LIMITS[known.group]):
        faults.add(path, "E202", _off_earth(box, known))
    elif known.unit == "metre" and _is_within(box, _LIMITS["wgs84"]):
        _small_metres(faults, path, known)
    elif known.group.startswith("utm") and (box[2] < _ZONE[0] or box[0] > _ZONE[1]):
        faults.doubt(
            path, "W107", f"lies far outside {known.name}, where metres are distorted: choose the zone of the area"
        )
    elif box[2] - box[0] > _WIDEST and known.unit == "degree":
        message = "is wider than 180 degrees: an area across the 180th meridian cannot be written as one bbox"
        faults.doubt(path, "W106", message)


def _is_within(box: Box, limits: Box) -> bool:
    return limits[0] <= box[0] and limits[1] <= box[1] and box[2] <= limits[2] and box[3] <= limits[3]


def _off_earth(box: Box, known: Crs) -> str:
    first, second = ("longitude", "latitude") if known.unit == "degree" else ("easting", "northing")
    if _is_within((box[1], box[0], box[3], box[2]), _LIMITS[known.group]):
        return f"has {second} before {first}, as it seems: exchange them, {first} comes first whatever the CRS"
    if known.unit == "degree" and max(map(abs, box)) > _SURELY_METRES:
        return (
            f"holds {max(box, key=abs):.15g}, but the CRS is in degrees: for metres, name their CRS in "
            "`properties: {crs: …}`"
        )
    if known.unit == "degree":
        return "lies outside longitude -180 to 180 and latitude -90 to 90"
    return f"lies outside the Earth as {known.name} draws it: is this the CRS of these numbers?"


def _small_metres(faults: ProblemCollector, path: Path, known: Crs) -> None:
    message = f"looks like degrees, but the CRS, {known.name}, is in metres: "
    if known.url.endswith(tuple(_ROUND_ZERO)):
        faults.doubt(path, "W107", f"{message}remove `properties.crs` if degrees are meant")
    else:
        faults.add(path, "E202", f"{message}write metres, or remove `properties.crs`")
