"""Where the satellites of each constellation pass on which day: their orbits as published, with one phase for all.

The numbers of the orbits are those of `missions.json`; `archive` cuts what is seen into granules.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from controller.sandbox.planet.noise import Degrees
from controller.sandbox.planet.world import Mask

SOUTH, NORTH = -60, 84  # latitudes imaged, in degrees
_SPACING = 24.0  # degrees between two passes of one satellite on one day; 25 really, but so the circle closes
_EQUATOR = 40_075.0  # kilometres
_STEEPEST = 1e-4

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """How a constellation passes in one direction: each satellite every `_SPACING` degrees of longitude, `step` of
    `cycle` parts of that further east each day, its fellows half-way between.

    A swath has the part of the spacing that it really has, which grows with the latitude: `part` is that of one
    satellite at the equator for an orbit across it. `fleet` has the numbers of satellites from each day on. `hour` is
    the local solar time, `size` the degrees of a granule's side. `tilt` is how many degrees of longitude the track
    drifts per degree of latitude.
    """

    part: float
    inclination: float
    cycle: int
    step: int
    fleet: tuple[tuple[date, int], ...]
    hour: float
    size: int = 1
    tilt: float = 0.2

    @property
    def is_ascending(self) -> bool:
        return self.tilt < 0

    def spacing_on(self, day: date) -> float:
        """Degrees between two passes of the constellation on one day."""
        return _SPACING / self._satellites(day)

    def across(self, day: date, lon: Degrees, lat: Degrees) -> Degrees:
        """Degrees east of the western edge of the nearest swath on `day`, up to `spacing_on`; below `swath`: inside."""
        shift = _SPACING * self.step / self.cycle * (day.toordinal() % self.cycle)
        return (lon - self.tilt * lat - shift) % self.spacing_on(day)

    def swath(self, day: date, lat: Degrees | Whole) -> Degrees:
        """Degrees of longitude that a swath has on `day`, the same throughout a row of granules."""
        middle = np.radians(np.floor(lat / self.size) * self.size + self.size / 2)
        steepness = np.cos(middle) ** 2 - math.cos(math.radians(self.inclination)) ** 2
        width: Degrees = _SPACING * self.part / np.sqrt(np.maximum(steepness, _STEEPEST))
        return np.minimum(width, self.spacing_on(day))

    def sees(self, day: date, lon: Degrees, lat: Degrees) -> Mask:
        """Which positions were in a swath on `day`."""
        seen: Mask = (self.across(day, lon, lat) < self.swath(day, lat)) & (lat > SOUTH) & (lat < NORTH)
        return seen

    def second_of_day(self, lon: Whole, lat: Whole) -> Whole:
        """In UTC, when the granule with this south-western corner is seen; the satellite needs 14 s for a degree."""
        along = 14 * lat if self.is_ascending else -14 * lat
        return ((self.hour * 3600 - 240 * lon + along) % 86400).astype(np.int64)

    def _satellites(self, day: date) -> int:
        """As many as acquired then; one before the first, whose scenes are not offered."""
        return next((count for since, count in reversed(self.fleet) if since <= day), 1)


def _track(mission: str, **facts: Any) -> Track:
    """The track of a mission; it moves on by what is left of a day after whole orbits."""
    orbit = _missions()[mission]
    cycle, orbits = orbit["cycleDays"], orbit["orbits"]
    return Track(
        part=orbits / cycle * orbit["swathKm"] / _EQUATOR,
        inclination=orbit["inclination"],
        cycle=cycle,
        step=facts.pop("step", orbits % cycle),
        fleet=tuple((date.fromisoformat(since), count) for since, count in orbit["satellites"].items()),
        **facts,
    )


@cache
def _missions() -> Mapping[str, Any]:
    text = (resources.files("controller") / "data" / "missions.json").read_text(encoding="utf-8")
    missions: Mapping[str, Any] = json.loads(text)["missions"]
    return missions


_SENTINEL_2 = (_track("sentinel-2", hour=10.5),)
_LANDSAT = (_track("landsat-ot", hour=10.2, size=2),)
_SENTINEL_1 = (
    _track("sentinel-1", hour=6, size=2),
    # Backwards, so that the two directions meet at another place each day, as they do half a day apart.
    _track("sentinel-1", hour=18, size=2, tilt=-0.2, step=5),
)
TRACKS: Mapping[str, tuple[Track, ...]] = {
    "sentinel-2-l1c": _SENTINEL_2,
    "sentinel-2-l2a": _SENTINEL_2,
    "sentinel-1-grd": _SENTINEL_1,
    "landsat-ot-l1": _LANDSAT,
    "landsat-ot-l2": _LANDSAT,
}
Overpass = tuple[date, Track]
