"""What Sentinel-2 and Landsat 8-9 would show: the ground's colours through air, clouds and shadows, and the masks.

Spectra are plausible figures, not measurements. Called by `samples`, band by band.
"""

import math
from collections.abc import Callable, Mapping
from datetime import date

import numpy as np

from controller.sandbox.planet.look import GroundView, Plane, SensorInput
from controller.sandbox.planet.noise import Field
from controller.sandbox.planet.products import WantedBand
from controller.sandbox.planet.world import CLOUDY

# band of Sentinel-2: (water, green plants, dry plants and soil, town, snow, cloud), as surface reflectance
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
    "PAN": (0.045, 0.055, 0.140, 0.170, 0.91, 0.61),
}
# band: (share of the surface signal lost in the air, light added by it), for the top of the atmosphere
AIR: dict[str, tuple[float, float]] = {
    "B01": (0.22, 0.110),
    "B02": (0.16, 0.075),
    "B03": (0.12, 0.040),
    "B04": (0.09, 0.022),
    "B05": (0.08, 0.017),
    "B09": (0.65, 0.002),
    "PAN": (0.12, 0.035),
}
_LANDSAT_BANDS = {
    "B01": "B01",
    "B02": "B02",
    "B03": "B03",
    "B04": "B04",
    "B05": "B8A",
    "B06": "B11",
    "B07": "B12",
    "B08": "PAN",
    "B09": "B10",
}
_SHADED = np.float32(0.45)
_OVERCORRECTED = np.float32(0.003)  # excess of the correction in shadow: dark water becomes negative
_OFFSET_SINCE = date(2022, 1, 25)  # processing baseline 04.00: 1000 is added to raw digital numbers
_OFFSET = 1000
_RIM = 0.992  # of the half swath, beyond which the cloud mask has no value (CLM 255)
_THICK = 0.6
_GREEN_ENOUGH = 0.36
_KELVIN = np.float32(273.15)


def sentinel2(source: SensorInput, wanted: WantedBand, look: GroundView) -> Plane:
    """One band as if every position had been seen.

    DN = 10000 * reflectance, never negative; with `harmonizeValues: false` reflectance may be negative, and DN is that
    of the product as processed on that day (reference page "Evalscript V3" §5).
    """
    if wanted.band not in SPECTRA:
        plane = _SENTINEL_2[wanted.band](look)
        return plane / source.product.scales[wanted.band] if wanted.unit == "OPTICAL_DEPTH" else plane
    seen = reflectance(look, wanted.band, surface=source.product.type.endswith("l2a"))
    numbers: Plane = np.rint(seen * np.float32(10000)).astype(np.float64)
    is_raw = source.processing.get("harmonizeValues") is False
    if is_raw and wanted.unit == "DN" and look.day >= _OFFSET_SINCE:
        numbers += _OFFSET
    if not is_raw or wanted.unit == "DN":
        np.maximum(numbers, 0, out=numbers)
    if wanted.unit == "REFLECTANCE":
        numbers /= 10000
    return numbers


def landsat(source: SensorInput, wanted: WantedBand, look: GroundView) -> Plane:
    """One band as if every position had been seen: reflectance in the steps of Collection 2, kelvin, or bits."""
    is_surface = source.product.type.endswith("l2")
    if wanted.band in _LANDSAT_BANDS:
        scale, offset = (2.75e-5, -0.2) if is_surface else (2e-5, -0.1)
        seen = reflectance(look, _LANDSAT_BANDS[wanted.band], surface=is_surface).astype(np.float64)
        stepped: Plane = np.rint((seen - offset) / scale) * scale + offset
        return stepped
    return _LANDSAT[wanted.band](look)


def reflectance(look: GroundView, band: str, *, surface: bool) -> Field:
    """Reflectance of a band (0..1), at the surface or at the top of the atmosphere."""
    ground, sky = look.ground, look.sky
    water, plants, soil, town, snow, cloud = (np.float32(level) for level in SPECTRA[band])
    land = ground.town * (town - soil)
    land += soil
    land += sky.green * (plants - land)
    land *= ground.texture
    seen = np.where(ground.water, water, land)
    if sky.snow.any():
        seen = np.where(sky.snow, snow, seen)
    if sky.shadow.any():
        seen = np.where(sky.shadow, seen * _SHADED - _OVERCORRECTED, seen)
    seen += np.float32(0.04) * sky.veil
    seen += sky.opacity * (cloud * (np.float32(0.75) + sky.depth) - seen)
    if surface or band not in AIR:
        return seen
    lost, added = AIR[band]
    return seen * np.float32(1 - lost) + np.float32(added)


def scene_class(look: GroundView) -> Plane:
    """SCL: 3 shadow, 4 vegetation, 5 soil, 6 water, 7 unclassified, 8 and 9 cloud, 10 cirrus, 11 snow."""
    ground, sky = look.ground, look.sky
    classes = np.where(sky.green > _GREEN_ENOUGH, np.float64(4), np.float64(5))
    classes[ground.water] = 6
    classes[sky.snow] = 11
    classes[sky.shadow] = 3
    classes[sky.opacity > CLOUDY / 2] = 7
    classes[sky.cirrus] = 10
    classes[sky.opacity >= CLOUDY] = 8
    classes[sky.opacity >= _THICK] = 9
    return classes


def _cloud_mask(look: GroundView) -> Plane:
    is_known = np.abs(look.off_nadir) < _RIM
    return np.where(is_known, look.sky.opacity >= CLOUDY, 255).astype(np.float64)


def _cloud_byte(look: GroundView) -> Plane:
    return np.rint(look.sky.opacity.astype(np.float64) * 255)


def _cloud_percent(look: GroundView) -> Plane:
    return np.rint(look.sky.opacity.astype(np.float64) * 100)


def _snow_percent(look: GroundView) -> Plane:
    return np.where(look.sky.snow & (look.sky.opacity < CLOUDY), 95.0, 0.0)


def _aerosol(look: GroundView) -> Plane:
    return np.rint(80 + 120 * look.sky.opacity.astype(np.float64))


def _sun_zenith(look: GroundView) -> Plane:
    """Of the sun at the local solar time of the overpass, in degrees."""
    lat, tilt, angle = np.radians(look.place.lat), _declination(look.day), _hour_angle(look)
    height: Plane = np.sin(lat) * math.sin(tilt) + np.cos(lat) * math.cos(tilt) * math.cos(angle)
    return np.degrees(np.arccos(height))


def _sun_azimuth(look: GroundView) -> Plane:
    """Of the sun at the local solar time of the overpass, in degrees clockwise from north."""
    lat, tilt, angle = np.radians(look.place.lat), _declination(look.day), _hour_angle(look)
    east = np.full(lat.shape, -math.cos(tilt) * math.sin(angle))
    north: Plane = math.sin(tilt) * np.cos(lat) - math.cos(tilt) * np.sin(lat) * math.cos(angle)
    azimuth: Plane = np.degrees(np.arctan2(east, north)) % 360
    return azimuth


def _view_zenith(look: GroundView) -> Plane:
    return np.abs(look.off_nadir) * 12


def _view_azimuth(look: GroundView) -> Plane:
    return np.where(look.off_nadir < 0, 105.0, 285.0)


def _declination(day: date) -> float:
    """Latitude where the sun is overhead, in radians."""
    return math.radians(-23.44 * math.cos(2 * math.pi * (day.timetuple().tm_yday + 10) / 365.25))


def _hour_angle(look: GroundView) -> float:
    return math.radians((look.track.hour - 12) * 15)


def _ground_kelvin(look: GroundView) -> Plane:
    """Skin temperature in the morning sun: towns and bare soil are warmer than the air, clouds are cold."""
    ground, sky = look.ground, look.sky
    bare = np.where(ground.water, np.float32(0), np.float32(9) * (1 - sky.green))
    skin = sky.celsius + bare + np.float32(2.5) * ground.town + _KELVIN
    skin += sky.opacity * (np.float32(248) - skin)
    return np.asarray(np.round(skin, 2), dtype=np.float64)


def _brightness(look: GroundView) -> Plane:
    """Brightness temperature of the ground at the top of the atmosphere."""
    return np.round(_ground_kelvin(look) * 0.985, 2)


def _quality(look: GroundView) -> Plane:
    """The bits of Collection 2 (reference page "Evalscript V3" §8): a confidence of 1 is low, 3 high."""
    sky = look.sky
    cloud, cirrus = sky.opacity >= CLOUDY, sky.cirrus
    near = (sky.opacity > CLOUDY / 2) & ~cloud
    clear = ~(cloud | near | cirrus | sky.shadow | sky.snow)
    flags = ((near, 1), (cirrus, 2), (cloud, 3), (sky.shadow, 4), (sky.snow, 5), (clear, 6), (look.ground.water, 7))
    sure = ((cloud, 8), (sky.shadow, 10), (sky.snow, 12), (cirrus, 14))
    quality = np.zeros(cloud.shape)
    for flag, bit in flags:
        quality += flag * (1 << bit)
    for flag, bit in sure:
        quality += (2 * flag + 1) * (1 << bit)
    return quality


def _always(value: float) -> Callable[[GroundView], Plane]:
    return lambda look: np.full(look.place.lon.shape, value)


_SENTINEL_2: Mapping[str, Callable[[GroundView], Plane]] = {
    "SCL": scene_class,
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
_LANDSAT: Mapping[str, Callable[[GroundView], Plane]] = {
    "B10": _brightness,
    "B11": lambda look: _brightness(look) - 1.2,
    "BQA": _quality,
    "QA_RADSAT": _always(0),
    "VAA": _view_azimuth,
    "VZA": lambda look: np.abs(look.off_nadir) * 7.5,
    "SAA": _sun_azimuth,
    "SZA": _sun_zenith,
    "SR_QA_AEROSOL": lambda look: np.where(look.ground.water, 4.0, 64.0),
    "ST_QA": lambda look: 1.5 + 4 * look.sky.opacity.astype(np.float64),
    "ST_TRAD": lambda look: (_ground_kelvin(look) / 300) ** 4 * 9.5,
    "ST_URAD": _always(2.1),
    "ST_DRAD": _always(3.3),
    "ST_ATRAN": lambda look: 0.78 - 0.5 * look.sky.opacity.astype(np.float64),
    "ST_EMIS": lambda look: 0.955 + 0.03 * look.ground.plants.astype(np.float64),
    "ST_EMSD": _always(0.004),
    "ST_CDIST": lambda look: np.round(8 * (1 - look.sky.opacity.astype(np.float64)), 2),
}
