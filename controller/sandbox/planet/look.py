"""What is read, and one view of it: the values passed between the archive and the sensors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from controller.sandbox.failure import not_here
from controller.sandbox.planet.noise import Degrees, Locations
from controller.sandbox.planet.products import Product, WantedBand
from controller.sandbox.planet.tracks import Overpass, Track
from controller.sandbox.planet.world import Ground, Sky

Plane = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorInput:
    """One element of `input.data` with the bands its script requests; `filters` and `processing` are the request's own.

    `metres_per_pixel` is that of the output: a band's native resolution is upsampled or downsampled to it.
    """

    product: Product
    bands: tuple[WantedBand, ...]
    seed: int
    filters: Mapping[str, Any] = field(default_factory=dict)
    processing: Mapping[str, Any] = field(default_factory=dict)
    metres_per_pixel: float = 10.0

    def metres(self, band: str) -> float:
        """The side of a native pixel of the band."""
        if self.product.type == "sentinel-1-grd":
            return 40.0 if self.filters.get("resolution") == "MEDIUM" else 10.0
        if self.filters.get("demInstance") == "COPERNICUS_90":
            return 90.0
        return self.product.metres[band]

    def resampling(self, band: str) -> str:
        """NEAREST, BILINEAR or BICUBIC (reference page "Evalscript V3" §5)."""
        metres = self.metres(band)
        if metres >= 5000:  # the angles of Sentinel-2
            return "NEAREST"
        is_finer = metres < self.metres_per_pixel and self.product.type != "sentinel-1-grd"
        return str(self.processing.get("downsampling" if is_finer else "upsampling", "NEAREST"))


class GroundView:
    """A block of ground as one overpass sees it; `overpass` is None for collections without time."""

    def __init__(self, ground: Ground, seed: int, overpass: Overpass | None) -> None:
        self.ground, self.seed = ground, seed
        self._overpass = overpass

    @property
    def place(self) -> Locations:
        return self.ground.place

    @property
    def day(self) -> date:
        return self._when[0]

    @property
    def track(self) -> Track:
        return self._when[1]

    @property
    def off_nadir(self) -> Degrees:
        """-1 at the western edge of the swath, 1 at the eastern."""
        half = self.track.swath(self.day, self.place.lat) / 2
        return np.clip((self.track.across(self.day, self.place.lon, self.place.lat) - half) / half, -1, 1)

    @cached_property
    def sky(self) -> Sky:
        return Sky(self.ground, self.seed, self.day)

    @property
    def _when(self) -> Overpass:
        if self._overpass is None:
            raise not_here("this collection has no scenes")
        return self._overpass
