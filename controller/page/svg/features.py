"""What maps show as GeoJSON (RFC 7946): the box of a place, or a point for many, with its jobs by phase."""

from collections.abc import Mapping
from typing import Any

from controller.lifecycle.set_status import URGENCY as OF_SETS
from controller.manifest.footprint import Footprint
from controller.manifest.geometry import Box
from controller.model.reasons import Phase
from controller.page.svg.projection import wrapped

URGENCY = (*OF_SETS, Phase.REMOVED)
"""A place has the first of these phases that any of its jobs has."""
Feature = dict[str, Any]


def box_feature(box: Footprint, phases: Mapping[Phase, int], properties: Mapping[str, object]) -> Feature:
    """The place of some jobs. A box over the antimeridian is cut there, as RFC 7946 §3.1.9 asks for."""
    rings = [[_ring(part)] for part in box.parts]
    shape = {"type": "Polygon", "coordinates": rings[0]}
    parts = {"type": "MultiPolygon", "coordinates": rings}
    east = box.east - 360 if box.east > 180 else box.east
    bbox = [-180.0, box.south, 180.0, box.north] if box.width >= 360 else [box.west, box.south, east, box.north]
    return _feature(shape if len(rings) == 1 else parts, phases, properties) | {"bbox": bbox}


def disc_feature(longitude: float, latitude: float, phases: Mapping[Phase, int]) -> Feature:
    """The middle of so many jobs."""
    point = {"type": "Point", "coordinates": [round(wrapped(longitude), 3), round(latitude, 3)]}
    return _feature(point, phases, {})


def worst(phases: Mapping[Phase, int]) -> Phase:
    """The most urgent phase of some jobs."""
    return next(phase for phase in URGENCY if phases.get(phase))


def _feature(geometry: Mapping[str, object], phases: Mapping[Phase, int], properties: Mapping[str, object]) -> Feature:
    counted = {str(phase): phases[phase] for phase in URGENCY if phases.get(phase)}
    found = {"jobs": sum(counted.values()), "phase": str(worst(phases)), "phases": counted, **properties}
    return {"type": "Feature", "geometry": geometry, "properties": found}


def _ring(part: Box) -> list[list[float]]:
    """Counterclockwise, closed."""
    west, south, east, north = part
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]
