"""The bands of a Sentinel-2 product as numbers, in the unit a script asked for. Called by the sampler, day by day."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from controller.sandbox.archive import SWATH, across_track
from controller.sandbox.bands import Product, Wanted
from controller.sandbox.reflectance import CLOUDY, SPECTRA, Ground, Sky, reflectance, scene_class

Plane = NDArray[np.float64]

_RIM = 0.02  # degrees at each edge of the swath where the cloud mask has no answer (CLM 255)
_HALF = SWATH / 2
_HOUR = math.radians(-22.5)  # angle of the sun at half past ten, 15 degrees an hour from noon


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A block of positions on one day."""

    ground: Ground
    sky: Sky
    day: date

    @property
    def across(self) -> Plane:
        return across_track(self.day, self.ground.lon, self.ground.lat)


def values(product: Product, wanted: Wanted, look: Look) -> Plane:
    """One band as if every position had been seen; what lies outside the swath is the caller's to blank.

    DN = reflectance * 10000 rounded, at least 1; the other scales are those of collections.json.
    """
    if wanted.band not in SPECTRA:
        plane = _MEASURES[wanted.band](look)
        return plane / product.scales[wanted.band] if wanted.unit == "OPTICAL_DEPTH" else plane
    seen = reflectance(look.ground, look.sky, wanted.band, surface=product.is_surface).astype(np.float64)
    numbers = np.maximum(np.rint(seen * 10000), 1)
    return numbers if wanted.unit == "DN" else numbers / 10000


def _data_mask(look: Look) -> Plane:
    return np.ones(look.ground.lon.shape)


def _scene_class(look: Look) -> Plane:
    return scene_class(look.ground, look.sky).astype(np.float64)


def _cloud_mask(look: Look) -> Plane:
    is_known = (look.across > _RIM) & (look.across < SWATH - _RIM)
    return np.where(is_known, look.sky.opacity >= CLOUDY, 255).astype(np.float64)


def _cloud_byte(look: Look) -> Plane:
    return np.rint(look.sky.opacity.astype(np.float64) * 255)


def _cloud_percent(look: Look) -> Plane:
    return np.rint(look.sky.opacity.astype(np.float64) * 100)


def _snow_percent(look: Look) -> Plane:
    return np.where(look.sky.snow & (look.sky.opacity < CLOUDY), 95.0, 0.0)


def _aerosol(look: Look) -> Plane:
    return np.rint(80 + 120 * look.sky.opacity.astype(np.float64))


def _sun_zenith(look: Look) -> Plane:
    """Of the sun at half past ten local solar time, in degrees."""
    lat, tilt = np.radians(look.ground.lat), _declination(look.day)
    height: Plane = np.sin(lat) * math.sin(tilt) + np.cos(lat) * math.cos(tilt) * math.cos(_HOUR)
    return np.degrees(np.arccos(height))


def _sun_azimuth(look: Look) -> Plane:
    """Of the sun at half past ten local solar time, in degrees clockwise from north."""
    lat, tilt = np.radians(look.ground.lat), _declination(look.day)
    east = np.full(lat.shape, -math.cos(tilt) * math.sin(_HOUR))
    north: Plane = math.sin(tilt) * np.cos(lat) - math.cos(tilt) * np.sin(lat) * math.cos(_HOUR)
    azimuth: Plane = np.degrees(np.arctan2(east, north)) % 360
    return azimuth


def _view_zenith(look: Look) -> Plane:
    return np.abs(_off_nadir(look)) * 12


def _view_azimuth(look: Look) -> Plane:
    return np.where(_off_nadir(look) < 0, 105.0, 285.0)


def _off_nadir(look: Look) -> Plane:
    """-1 at the western edge of the swath, 1 at the eastern."""
    return np.clip((look.across - _HALF) / _HALF, -1, 1)


def _declination(day: date) -> float:
    """Latitude where the sun stands overhead, in radians."""
    return math.radians(-23.44 * math.cos(2 * math.pi * (day.timetuple().tm_yday + 10) / 365.25))


_MEASURES: Mapping[str, Callable[[Look], Plane]] = {
    "dataMask": _data_mask,
    "SCL": _scene_class,
    "CLM": _cloud_mask,
    "CLP": _cloud_byte,
    "CLD": _cloud_percent,
    "SNW": _snow_percent,
    "AOT": _aerosol,
    "sunZenithAngles": _sun_zenith,
    "sunAzimuthAngles": _sun_azimuth,
    "viewZenithMean": _view_zenith,
    "viewAzimuthMean": _view_azimuth,
}
