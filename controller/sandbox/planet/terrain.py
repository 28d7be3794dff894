"""The terrain model: heights in metres of the land that the other sensors see. Called by `samples` and `radar`."""

import numpy as np

from controller.sandbox.planet.look import GroundView, Plane, SensorInput
from controller.sandbox.planet.native import METRES_PER_DEGREE
from controller.sandbox.planet.noise import Layers, Locations, layered, salt
from controller.sandbox.planet.products import WantedBand
from controller.sandbox.planet.world import SEA_LEVEL, height_of, relief_at

_DETAIL: Layers = ((240.0, 1.0), (900.0, 0.45))
_COAST = 400.0  # metres of height per unit of relief in a coastal plain
_DEPTH = 9000.0  # metres of depth per unit of relief in the sea
_GEOID: Layers = ((0.02, 1.0), (0.16, 0.2))
_REACH = 90.0  # metres over which a slope is measured


def elevation(source: SensorInput, wanted: WantedBand, look: GroundView) -> Plane:  # noqa: ARG001  all bands are this one
    """Heights above the sea, or above the ellipsoid with `egm: true`. The Copernicus instances are 0 at sea, MAPZEN has
    the sea floor unless `clampNegative`."""
    height = heights(look.place, look.seed)
    instance = source.filters.get("demInstance", "MAPZEN")
    if instance != "MAPZEN" or source.processing.get("clampNegative"):
        height = np.maximum(height, 0)
    if source.processing.get("egm"):
        height = height + 100 * (layered(look.place, _GEOID, salt(look.seed, "geoid")).astype(np.float64) - 0.5)
    return np.asarray(height.astype(np.float32), dtype=np.float64)


def heights(place: Locations, seed: int) -> Plane:
    """Metres above sea level; negative at the sea floor."""
    relief = relief_at(place, seed)
    above = (relief - np.float32(SEA_LEVEL)).astype(np.float64)
    rough = layered(place, _DETAIL, salt(seed, "detail")).astype(np.float64) - 0.5
    mountains = 1000 * height_of(relief).astype(np.float64)
    land = _COAST * above + mountains + rough * np.minimum(above * 1500, 12 + mountains * 0.12)
    return np.where(above < 0, above * _DEPTH, np.maximum(land, 0))


def slope_to_east(place: Locations, seed: int) -> Plane:
    """Rise per metre towards the east."""
    reach = _REACH / METRES_PER_DEGREE
    width = np.cos(np.radians(place.lat)) * 2 * _REACH
    west, east = (np.maximum(heights(place.moved(way, 0), seed), 0) for way in (-reach, reach))
    return (east - west) / np.maximum(width, 1.0)
