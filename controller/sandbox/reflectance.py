"""What a Sentinel-2 pixel would show: ground, season, snow, clouds and their shadows, as smooth fields.

The archive decides which day is seen where; this module says what is seen there. Levels, snow lines and spectra are
plausible figures, not measurements. Resolution is not modelled: every band is sampled at the point asked for.
"""

import math
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from controller.sandbox.noise import Degrees, Field, daily, layered, patches, salt, smooth

Mask = NDArray[np.bool_]

# band: (water, green plants, dry plants and soil, town, snow, cloud), as surface reflectance
SPECTRA: dict[str, tuple[float, float, float, float, float, float]] = {
    "B01": (0.060, 0.030, 0.080, 0.120, 0.90, 0.62),
    "B02": (0.055, 0.035, 0.090, 0.140, 0.92, 0.62),
    "B03": (0.050, 0.070, 0.120, 0.160, 0.91, 0.61),
    "B04": (0.030, 0.040, 0.160, 0.180, 0.90, 0.61),
    "B05": (0.025, 0.100, 0.190, 0.200, 0.88, 0.62),
    "B06": (0.020, 0.280, 0.215, 0.215, 0.86, 0.63),
    "B07": (0.018, 0.360, 0.235, 0.225, 0.84, 0.64),
    "B08": (0.016, 0.400, 0.250, 0.235, 0.82, 0.64),
    "B8A": (0.014, 0.420, 0.265, 0.245, 0.78, 0.64),
    "B09": (0.010, 0.380, 0.250, 0.230, 0.60, 0.55),
    "B10": (0.001, 0.002, 0.002, 0.002, 0.01, 0.03),
    "B11": (0.008, 0.190, 0.330, 0.280, 0.12, 0.45),
    "B12": (0.005, 0.090, 0.270, 0.270, 0.08, 0.36),
}
# band: (share of the surface signal lost in the air, light added by it), for the top of the atmosphere (L1C)
AIR: dict[str, tuple[float, float]] = {
    "B01": (0.22, 0.110),
    "B02": (0.16, 0.075),
    "B03": (0.12, 0.040),
    "B04": (0.09, 0.022),
    "B05": (0.08, 0.017),
    "B09": (0.65, 0.002),
}
CLOUDY = 0.2  # opacity from which a pixel counts as cloud (CLM, cloudCoverage)
_THICK = 0.6
_SHADOW_OFFSET = (-0.020, 0.014)  # degrees from a pixel to the cloud that shades it
_GREEN_ENOUGH = 0.36


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What does not change from day to day, for one block of positions; fractions are 0..1."""

    lon: Degrees
    lat: Degrees
    height: Field  # kilometres above the sea
    water: Mask
    plants: Field
    town: Field
    texture: Field

    def part(self, chosen: NDArray[np.int64]) -> "Ground":
        """The same for some of the positions, by their numbers."""
        return Ground(
            lon=self.lon[chosen],
            lat=self.lat[chosen],
            height=self.height[chosen],
            water=self.water[chosen],
            plants=self.plants[chosen],
            town=self.town[chosen],
            texture=self.texture[chosen],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sky:
    """What one day adds: how opaque the air is, and which ground lies in shadow or under snow."""

    opacity: Field
    cirrus: Mask
    shadow: Mask
    snow: Mask
    green: Field  # share of the ground under green leaves


def ground_at(lon: Degrees, lat: Degrees, seed: int) -> Ground:
    """The land cover at each position."""
    relief = layered(lon, lat, ((0.7, 1.0), (3.0, 0.5), (13.0, 0.22), (60.0, 0.08)), salt(seed, "relief"))
    wet = layered(lon, lat, ((2.3, 1.0), (19.0, 0.6), (150.0, 0.25)), salt(seed, "wet"))
    towns = layered(lon, lat, ((4.5, 1.0), (45.0, 0.7)), salt(seed, "towns"))
    parcels = patches(lon, lat, 290.0, salt(seed, "parcels"))
    blocks = patches(lon, lat, 1900.0, salt(seed, "blocks"))
    fine = smooth(lon, lat, 4000.0, salt(seed, "fine"))
    town = np.clip((towns - 0.66) * 8, 0, 1)
    plants = np.clip((wet - 0.28) * 1.9 + (parcels - 0.5) * 0.35, 0, 1) * (1 - town * 0.8)
    return Ground(
        lon=lon,
        lat=lat,
        height=np.maximum(relief - 0.42, 0) ** 2 * 24,
        water=relief < 0.37,
        plants=plants,
        town=town,
        texture=0.86 + 0.16 * fine + 0.12 * blocks * (0.4 + town),
    )


def opacity_at(lon: Degrees, lat: Degrees, seed: int, day: int | NDArray[np.int64]) -> Field:
    """How much of the ground the clouds of `day` (a proleptic ordinal) hide, 0..1."""
    weather = smooth(lon, lat, 0.16, daily(salt(seed, "weather"), day))
    layers = ((1.1, 1.0), (5.0, 0.6), (23.0, 0.3), (120.0, 0.12))
    clouds = layered(lon, lat, layers, daily(salt(seed, "clouds"), day))
    opacity: Field = np.clip((clouds + (weather - 0.5) * 0.75 - 0.53) * 6, 0, 1)
    return opacity


def sky_at(ground: Ground, seed: int, day: date) -> Sky:
    """The weather and the season over `ground` on one UTC day."""
    ordinal = day.toordinal()
    lon, lat = ground.lon, ground.lat
    opacity = opacity_at(lon, lat, seed, ordinal)
    nearby = opacity_at(lon + _SHADOW_OFFSET[0], lat + _SHADOW_OFFSET[1], seed, ordinal)
    veil = smooth(lon, lat, 2.7, daily(salt(seed, "cirrus"), ordinal))
    summer = _summer(day, lat)
    mild = (28 - 0.48 * np.maximum(np.abs(lat) - 10, 0)).astype(np.float32)
    degrees_celsius = mild + summer * (0.2 * np.abs(lat)).astype(np.float32) - 6.5 * ground.height
    green = ground.plants * (0.68 + 0.32 * summer) * ~ground.water
    return Sky(
        opacity=opacity,
        cirrus=(veil > 0.84) & (opacity < CLOUDY),
        shadow=(nearby > 0.25) & (opacity < CLOUDY),
        snow=(degrees_celsius < -3) & ~ground.water,
        green=green,
    )


def reflectance(ground: Ground, sky: Sky, band: str, *, surface: bool) -> Field:
    """Reflectance of `band` (0..1), at the surface (L2A) or at the top of the atmosphere (L1C)."""
    water, plants, soil, town, snow, cloud = (np.float32(level) for level in SPECTRA[band])
    land = soil + ground.town * (town - soil)
    land = (land + sky.green * (plants - land)) * ground.texture
    seen = np.where(ground.water, water, land)
    seen = np.where(sky.snow, snow, seen)
    seen = np.where(sky.shadow, seen * np.float32(0.45), seen)
    seen = np.where(sky.cirrus, seen + np.float32(0.03), seen)
    seen = seen + sky.opacity * (cloud - seen)
    if surface or band not in AIR:
        return seen
    lost, added = AIR[band]
    return seen * np.float32(1 - lost) + np.float32(added)


def scene_class(ground: Ground, sky: Sky) -> Field:
    """SCL: 3 shadow, 4 vegetation, 5 soil, 6 water, 7 unclassified, 8 and 9 cloud, 10 cirrus, 11 snow."""
    classes = np.where(sky.green > _GREEN_ENOUGH, 4, 5)
    classes = np.where(ground.water, 6, classes)
    classes = np.where(sky.snow, 11, classes)
    classes = np.where(sky.shadow, 3, classes)
    classes = np.where(sky.opacity > CLOUDY / 2, 7, classes)
    classes = np.where(sky.cirrus, 10, classes)
    classes = np.where(sky.opacity >= CLOUDY, 8, classes)
    return np.where(sky.opacity >= _THICK, 9, classes).astype(np.float32)


def _summer(day: date, lat: Degrees) -> Field:
    """1 at the height of summer, -1 in the depth of winter, fading to 0 at the equator."""
    phase = math.cos(2 * math.pi * (day.timetuple().tm_yday - 200) / 365.25)
    summer: Field = np.clip(lat / 35, -1, 1).astype(np.float32) * np.float32(phase)
    return summer
