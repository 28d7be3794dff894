"""What Sentinel-1 would receive: backscatter in linear power, with speckle, by land cover and slope.

Levels are plausible figures. Not simulated: border noise, and the shift of mountains without `orthorectify`. Source
of the options: `collections.json`, sentinel-1-grd.
"""

import numpy as np

from controller.sandbox.failure import script_failed
from controller.sandbox.planet.archive import is_polar
from controller.sandbox.planet.look import GroundView, Plane, SensorInput
from controller.sandbox.planet.noise import patches, salt
from controller.sandbox.planet.products import WantedBand
from controller.sandbox.planet.terrain import slope_to_east

# polarisation: (water, bare soil, plants, town), as sigma0
_ECHOES = {
    "VV": (0.016, 0.075, 0.13, 0.75),
    "VH": (0.0012, 0.012, 0.034, 0.12),
    "HH": (0.014, 0.085, 0.14, 0.80),
    "HV": (0.0012, 0.012, 0.034, 0.12),
}
_GRAINS = 25_000.0  # cells per degree: finer than the native pixels, so that each has its own
_LOOKS = 4  # independent looks that one native pixel averages
_NEAR, _FAR = 30.5, 46.0  # incidence angle in degrees at the edges of the swath
_DARK = 0.25  # of the ground that flat land shows: below it a slope is in radar shadow


def sentinel1(source: SensorInput, wanted: WantedBand, look: GroundView) -> Plane:
    """One band as if every position had been seen; raises RenderFailed for a band that the processing does not give."""
    is_terrain = source.processing.get("backCoeff") == "GAMMA0_TERRAIN"
    is_flat = not source.processing.get("orthorectify")
    if wanted.band == "localIncidenceAngle":
        if is_flat:
            raise script_failed("localIncidenceAngle needs processing.orthorectify: true")
        return np.round(_local_incidence(look), 3)
    if wanted.band in ("scatteringArea", "shadowMask"):
        if not is_terrain:
            raise script_failed(f"{wanted.band} needs processing.backCoeff: GAMMA0_TERRAIN and orthorectify: true")
        area = _scattering_area(look)
        return area if wanted.band == "scatteringArea" else (area < _DARK).astype(np.float64)
    return _power(source, wanted.band, look)


def _power(source: SensorInput, band: str, look: GroundView) -> Plane:
    """0 where the scene was taken in the other polarisations: those of `archive.tile_facts`."""
    ground, wind = look.ground, 0.7 + 0.1 * (look.day.toordinal() % 7)
    water, soil, plants, town = _ECHOES[band]
    land = soil + ground.plants.astype(np.float64) * (plants - soil) + ground.town * (town - soil)
    area, incidence = _scattering_area(look), np.radians(_incidence(look))
    power = np.where(ground.water, water * wind, land) * area * _speckle(source, band, look)
    is_received = is_polar(look.place.lat, look.track) == (band in ("HH", "HV"))
    match source.processing.get("backCoeff", "GAMMA0_ELLIPSOID"):
        case "BETA0":
            power /= np.sin(incidence)
        case "GAMMA0_ELLIPSOID":
            power /= np.cos(incidence)
        case "GAMMA0_TERRAIN":
            power /= np.cos(incidence) * area
    return np.where(is_received, power, 0)


def _incidence(look: GroundView) -> Plane:
    """Degrees from the vertical, on the ellipsoid; the antenna looks to the right of the flight."""
    out = look.off_nadir if look.track.is_ascending else -look.off_nadir
    return _NEAR + (_FAR - _NEAR) * (out + 1) / 2


def _local_incidence(look: GroundView) -> Plane:
    facing = slope_to_east(look.place, look.seed) * (1 if look.track.is_ascending else -1)
    return np.clip(_incidence(look) - np.degrees(np.arctan(facing)), 0, 180)


def _scattering_area(look: GroundView) -> Plane:
    """How much ground a slope shows to the antenna, 1 for flat land."""
    flat, local = np.radians(_incidence(look)), np.radians(_local_incidence(look))
    shown: Plane = np.clip(np.tan(flat) / np.tan(np.clip(local, 0.12, 1.5)), 0.02, 4.0)
    return shown


def _speckle(source: SensorInput, band: str, look: GroundView) -> Plane:
    """A factor around 1, different in every native pixel, on every pass and in every band."""
    factor = np.zeros(look.place.lon.shape)
    for number in range(_LOOKS):
        name = f"speckle:{band}:{look.day}:{look.track.hour}:{number}"
        even = patches(look.place, _GRAINS, salt(look.seed, name))
        factor -= np.log(np.maximum(even, np.float32(1e-6))) / _LOOKS
    window = source.processing.get("speckleFilter", {})
    if window.get("type") == "LEE":
        factor = 1 + (factor - 1) / np.sqrt(window.get("windowSizeX", 1) * window.get("windowSizeY", 1))
    return factor
