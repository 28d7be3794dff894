"""Where on Earth a request is: the box in longitude and latitude that its bounds cover, for maps.

Pure. The ledger keeps it for each job it accepts.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from controller.manifest.footprint.projections import in_degrees
from controller.manifest.geometry import Box, envelope
from controller.model.catalog import DEFAULT_CRS, crs

_DIGITS = 5  # of a degree: a metre


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Degrees. `west` is from -180 up to, and not including, 180; `east` is past 180 beyond the antimeridian."""

    west: float
    south: float
    east: float
    north: float

    @property
    def width(self) -> float:
        return self.east - self.west

    @property
    def height(self) -> float:
        return self.north - self.south

    @property
    def parts(self) -> Iterator[Box]:
        """West, south, east and north of the one or two boxes between -180 and 180."""
        yield self.west, self.south, min(self.east, 180.0), self.north
        if self.east > 180:
            yield -180.0, self.south, self.east - 360, self.north


def footprint(bounds: Mapping[str, Any]) -> Footprint | None:
    """The footprint of the `bounds` of an accepted request; None where its CRS does not reach."""
    return _footprint(envelope(bounds), (bounds.get("properties") or {}).get("crs", DEFAULT_CRS))


@lru_cache(maxsize=4096)
def _footprint(box: Box, url: str) -> Footprint | None:
    """Cells of a set are on the same tile for every window."""
    known = crs(url)
    if known is None:
        return None
    found = in_degrees(box, known)
    return placed(*found) if found else None


def placed(west: float, south: float, east: float, north: float) -> Footprint | None:
    """The footprint with these borders, wherever its longitudes are counted from; None when they are none."""
    if not (-90 <= south <= north <= 90 and -math.inf < west <= east < math.inf):  # nor a NaN
        return None
    if east - west >= 360:
        west, east = -180.0, 180.0
    west, south, east, north = round(west, _DIGITS), round(south, _DIGITS), round(east, _DIGITS), round(north, _DIGITS)
    if not -180 <= west < 180:
        turns = 360 * math.floor((west + 180) / 360)
        west, east = west - turns, east - turns
    return Footprint(west=west, south=south, east=east, north=north)
