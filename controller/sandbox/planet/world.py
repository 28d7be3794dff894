"""The synthetic planet: its land cover and the weather of each day, read by the sensors.

Levels, snow lines and temperatures are plausible figures, not measurements.
"""

import math
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from controller.sandbox.planet.noise import Degrees, Field, Layers, Locations, daily, layered, patches, salt, smooth

Mask = NDArray[np.bool_]

CLOUDY = 0.2  # opacity from which a pixel counts as cloud
SEA_LEVEL = 0.37  # of the relief field, 0..1
_FOOTHILLS = 0.42
# Fields share their lattices where possible: a lattice costs as much as a field on it.
_RELIEF: Layers = ((0.7, 1.0), (3.0, 0.5), (13.0, 0.22), (60.0, 0.08))
_WET: Layers = ((3.0, 1.0), (13.0, 0.6), (290.0, 0.25))
_TOWNS: Layers = ((13.0, 1.0), (60.0, 0.7))
_CLOUDS: Layers = ((0.7, 1.0), (3.0, 0.6), (13.0, 0.35), (60.0, 0.18))
_VEIL: Layers = ((3.0, 1.0), (13.0, 0.3))
_WEATHER = 0.16  # cells per degree
_SHADOW_OFFSET = (-0.020, 0.014)  # degrees from a pixel to the cloud that shades it


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The constant properties of one block of positions; fractions are 0..1."""

    place: Locations
    height: Field  # kilometres above the sea
    water: Mask
    plants: Field
    town: Field
    texture: Field

    @property
    def lon(self) -> Degrees:
        return self.place.lon

    @property
    def lat(self) -> Degrees:
        return self.place.lat

    def part(self, chosen: NDArray[np.intp]) -> "Ground":
        """The same for a subset of the positions, by index."""
        return Ground(
            place=self.place.part(chosen),
            height=self.height[chosen],
            water=self.water[chosen],
            plants=self.plants[chosen],
            town=self.town[chosen],
            texture=self.texture[chosen],
        )


class Sky:
    """The state of one UTC day over some ground: clouds, their shadows, snow, leaves and temperature."""

    def __init__(self, ground: Ground, seed: int, day: date) -> None:
        self._ground, self._seed, self._day = ground, seed, day
        self._weather = smooth(ground.place, _WEATHER, daily(seed, "weather", day))
        clouds = _clouds(ground.place, self._weather, seed, day)
        self.opacity = _opacity(clouds)
        """How opaque the clouds are, 0..1."""
        self.depth = clouds.clip(0, 0.4)
        """How thick they are; keeps growing where they are already opaque."""

    @cached_property
    def veil(self) -> Field:
        """How thick the high thin clouds are, 0..1."""
        veil = layered(self._ground.place, _VEIL, daily(self._seed, "cirrus", self._day))
        thick: Field = np.clip((veil - np.float32(0.68)) * 5, 0, 1)
        return thick

    @cached_property
    def cirrus(self) -> Mask:
        thin: Mask = (self.veil > 0.3) & (self.opacity < CLOUDY)
        return thin

    @cached_property
    def shadow(self) -> Mask:
        nearby = _clouds(self._ground.place.moved(*_SHADOW_OFFSET), self._weather, self._seed, self._day)
        shaded: Mask = (_opacity(nearby) > 0.25) & (self.opacity < CLOUDY)
        return shaded

    @cached_property
    def celsius(self) -> Field:
        """Temperature of the ground in the morning."""
        lat = self._ground.lat.astype(np.float32)
        mild = 28 - np.float32(0.48) * np.maximum(np.abs(lat) - 10, 0)
        warm: Field = mild + self._summer * (np.float32(0.2) * np.abs(lat)) - np.float32(6.5) * self._ground.height
        return warm

    @cached_property
    def snow(self) -> Mask:
        lies: Mask = (self.celsius < -3) & ~self._ground.water
        return lies

    @cached_property
    def green(self) -> Field:
        """Share of the ground under green leaves."""
        leaves = np.float32(0.68) + np.float32(0.32) * self._summer
        return self._ground.plants * leaves * ~self._ground.water

    @cached_property
    def _summer(self) -> Field:
        """1 in midsummer, -1 in midwinter, fading to 0 at the equator."""
        phase = math.cos(2 * math.pi * (self._day.timetuple().tm_yday - 200) / 365.25)
        north: Field = np.clip(self._ground.lat / 35, -1, 1).astype(np.float32)
        return north * np.float32(phase)


def ground_at(place: Locations, seed: int) -> Ground:
    """The land cover at each position."""
    relief = relief_at(place, seed)
    wet = layered(place, _WET, salt(seed, "wet"))
    towns = layered(place, _TOWNS, salt(seed, "towns"))
    parcels = patches(place, 290.0, salt(seed, "parcels"))
    blocks = patches(place, 4000.0, salt(seed, "blocks"))
    fine = smooth(place, 4000.0, salt(seed, "fine"))
    town = np.clip((towns - np.float32(0.72)) * 9, 0, 1)
    plants = np.clip((wet - np.float32(0.24)) * np.float32(2.2) + (parcels - np.float32(0.5)) * np.float32(0.35), 0, 1)
    return Ground(
        place=place,
        height=height_of(relief),
        water=relief < SEA_LEVEL,
        plants=plants * (1 - town * np.float32(0.8)),
        town=town,
        texture=np.float32(0.86) + np.float32(0.16) * fine + np.float32(0.12) * blocks * (np.float32(0.4) + town),
    )


def relief_at(place: Locations, seed: int) -> Field:
    """The shape of the land, 0..1; below SEA_LEVEL is water."""
    return layered(place, _RELIEF, salt(seed, "relief"))


def height_of(relief: Field) -> Field:
    """Kilometres above the sea, without the detail of the terrain model."""
    steep: Field = np.maximum(relief - np.float32(_FOOTHILLS), 0) ** 2 * 14
    return steep


def cloud_share(place: Locations, seed: int, day: date) -> Mask:
    """Which positions are under cloud on that day, whether or not there is ground."""
    weather = smooth(place, _WEATHER, daily(seed, "weather", day))
    cloudy: Mask = _opacity(_clouds(place, weather, seed, day)) >= CLOUDY
    return cloudy


def _clouds(place: Locations, weather: Field, seed: int, day: date) -> Field:
    """Above 0 is cloud."""
    clouds = layered(place, _CLOUDS, daily(seed, "clouds", day))
    clouds += (weather - np.float32(0.5)) * np.float32(0.75) - np.float32(0.53)
    return clouds


def _opacity(clouds: Field) -> Field:
    opacity: Field = np.clip(clouds * 6, 0, 1)
    return opacity
