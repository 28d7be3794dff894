"""What the service offers, as data: collections with their older names, and coordinate reference systems.

Read once, on first use, from the package's copies of the reference pages `collections.json` and `crs.json`.
Manifests, digests and checks use it; the sandbox reads the same data separately.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

MASK = "dataMask"
DEFAULT_CRS = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"

# Units that published scripts ask of radar, although the reference page lists LINEAR_POWER alone. ASSUMED: they get it.
_DOUBTED = {"sentinel-1-grd": frozenset({"DB", "REFLECTANCE"})}
_OWN_DATA = re.compile(r"(byoc|batch|zarr)-[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EPSG_URL = "http://www.opengis.net/def/crs/EPSG/0/"
_EPSG_CODE = re.compile(r"(?:^|[^0-9])([0-9]{4,5})/?$")

_RESAMPLING = {"upsampling": "NEAREST", "downsampling": "NEAREST"}
_CLOUDY = {"mosaickingOrder": "mostRecent", "maxCloudCoverage": 100}
_PLAIN = {"mosaickingOrder": "mostRecent"}
_LANDSAT: Mapping[str, Mapping[str, Any]] = {"dataFilter": {**_CLOUDY, "tiers": "ALL_TIERS"}, "processing": _RESAMPLING}

# What the service assumes for a key that is left out: the `default` keywords of the reference page
# `request-schema.json`. Omitted on purpose, because the pages disagree or the value depends on more than the
# collection: `demInstance` (differs between deployments) and `minQa` (75 for NO2). Digests are computed with this
# table: it is part of scheme 1 and must not change.
DEFAULTS: Mapping[str, Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "sentinel-2-l1c": {
            "dataFilter": {**_CLOUDY, "previewMode": "DETAIL"},
            "processing": {**_RESAMPLING, "harmonizeValues": True},
        },
        "sentinel-2-l2a": {"dataFilter": _CLOUDY, "processing": {**_RESAMPLING, "harmonizeValues": True}},
        "sentinel-1-grd": {
            "dataFilter": _PLAIN,
            "processing": {
                **_RESAMPLING,
                "backCoeff": "GAMMA0_ELLIPSOID",
                "orthorectify": False,
                "radiometricTerrainOversampling": 2,
            },
        },
        "sentinel-3-olci": {"dataFilter": _PLAIN, "processing": _RESAMPLING},
        "sentinel-3-olci-l2": {"dataFilter": _CLOUDY, "processing": _RESAMPLING},
        "sentinel-3-slstr": {"dataFilter": _CLOUDY, "processing": {**_RESAMPLING, "view": "NADIR"}},
        "sentinel-3-slstr-l2": {"dataFilter": _CLOUDY, "processing": _RESAMPLING},
        "sentinel-3-synergy-l2": {"dataFilter": _PLAIN, "processing": _RESAMPLING},
        "sentinel-5p-l2": {"dataFilter": _PLAIN, "processing": _RESAMPLING},
        "dem": {"dataFilter": {}, "processing": {**_RESAMPLING, "clampNegative": False, "egm": False}},
        "landsat-8-l1c": _LANDSAT,
        "landsat-ot-l1": _LANDSAT,
        "landsat-ot-l2": _LANDSAT,
        "landsat-etm-l1": _LANDSAT,
        "landsat-etm-l2": _LANDSAT,
        "landsat-tm-l1": _LANDSAT,
        "landsat-tm-l2": _LANDSAT,
        "landsat-mss-l1": _LANDSAT,
        "hls": {"dataFilter": _CLOUDY, "processing": _RESAMPLING},
        "modis": {"dataFilter": _PLAIN, "processing": _RESAMPLING},
    }
)
OWN_DATA_DEFAULTS: Mapping[str, Mapping[str, Any]] = {"dataFilter": _PLAIN, "processing": _RESAMPLING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One collection. `aliases` are older names; `options` holds, by `dataFilter` and `processing`, the documented
    keys with their allowed values (`enum`, or `type` with `minimum` and `maximum`).

    `since` and `until` are the dates of its first and last scene where the vendor gives them, `first` that of the
    mission; all "" when unknown. `bands` maps a band to its units, the default first, and is empty for own data.
    `ranges` has the values that a band usually takes, by band and unit, where they are known.
    `hosts` holds, by deployment, what differs there. `coarsest` is in ground metres per pixel.
    """

    type: str
    title: str
    aliases: tuple[str, ...]
    options: Mapping[str, Mapping[str, Mapping[str, Any]]]
    since: str
    until: str
    first: str
    timeless: bool
    mosaicking: tuple[str, ...]
    bands: Mapping[str, tuple[str, ...]]
    ranges: Mapping[str, Mapping[str, tuple[float, float]]]
    hosts: Mapping[str, Mapping[str, Any]]
    coarsest: float | None

    @property
    def name(self) -> str:
        """As used in a sentence: `sentinel-2-l2a`, `byoc data`."""
        return f"{self.type.split('-')[0]} data" if self.is_own else self.type

    @property
    def is_own(self) -> bool:
        """Whether it is a user's own data, whose bands only the user knows."""
        return not self.bands


@dataclass(frozen=True, slots=True, kw_only=True)
class Crs:
    """A coordinate reference system the service accepts. `unit` (degree or metre) is that of bbox, resx and resy;
    `group` is one of wgs84, web-mercator, utm-north, utm-south and other.
    """

    url: str
    name: str
    unit: str
    group: str


def collection(type: str) -> Collection | None:
    """The collection for a name, an older alias, or `byoc-…`, `batch-…`, `zarr-…`; None when unknown."""
    canonical = canonical_type(type)
    if canonical is None:
        return None
    own_data = _OWN_DATA.fullmatch(canonical)
    return _collections()[f"{own_data[1]}-<collectionId>" if own_data else canonical]


class UnitFit(StrEnum):
    """Whether a band has the unit a script asks for; DOUBTFUL: no page says so, but nothing says it is refused."""

    FITS = "fits"
    DOUBTFUL = "doubtful"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class BandUnit:
    """A band and the unit it is read in: the one asked for (as it is written, "" for none) or else its own."""

    band: str
    asked: str
    unit: str
    fit: UnitFit


def band_units(
    type: str, offered: Mapping[str, tuple[str, ...]], bands: Sequence[str], units: Sequence[str]
) -> list[BandUnit]:
    """The known bands of a script's input with their units; `offered` has the units of each, its own one first.

    Units are compared without regard to case. `dataMask` takes any. ASSUMED: one unit for all bands is meant for those
    that have it, the others (SCL, CLM, BQA) keep their own; only when no band has it is it a mistake.
    """
    asked = units if len(units) > 1 else [*(units or [""])] * len(bands)
    pairs = [(band, unit) for band, unit in zip(bands, asked, strict=False) if band in offered]
    is_shared = len(units) == 1 and any(units[0].upper() in offered[band] for band, _ in pairs if band != MASK)
    found = []
    for band, unit in pairs:
        has = unit.upper() in offered[band]
        fit = UnitFit.FITS if has or not unit or band == MASK else UnitFit.MISSING
        if fit is UnitFit.MISSING and (is_shared or unit.upper() in _DOUBTED.get(type, ())):
            fit = UnitFit.DOUBTFUL
        found.append(BandUnit(band=band, asked=unit, unit=unit.upper() if has else offered[band][0], fit=fit))
    return found


def canonical_type(written: str) -> str | None:
    """The current name of a collection: `S2L2A` → `sentinel-2-l2a`. Own data keeps its name; None when unknown.

    `CUSTOM`, the older name of own data, does not say which collection: it is unknown here.
    """
    if written in DEFAULTS or _OWN_DATA.fullmatch(written):
        return written
    return _aliases().get(written)


def collection_names() -> tuple[str, ...]:
    """Every name a manifest may use, except own data."""
    return (*DEFAULTS, *_aliases())


def defaults_of(canonical: str) -> Mapping[str, Mapping[str, Any]]:
    """What the service assumes for a collection, by `dataFilter` and `processing`."""
    return DEFAULTS.get(canonical, OWN_DATA_DEFAULTS)


@cache
def option_names(section: str) -> frozenset[str]:
    """Every key of `dataFilter` or `processing` that some collection documents."""
    return frozenset().union(*(each.options[section] for each in _collections().values()))


def crs(url: str) -> Crs | None:
    """The CRS for a URL as the service expects it; None when the service does not support it."""
    return _all_crs().get(url)


def crs_urls() -> tuple[str, ...]:
    """The URL of every CRS the service supports."""
    return tuple(_all_crs())


def crs_url(written: str) -> str | None:
    """The URL for another notation of a CRS (`EPSG:32633`, `32633`, a URN, https); None when there is none."""
    if written.upper().endswith("CRS84"):
        return DEFAULT_CRS
    code = _EPSG_CODE.search(written.strip())
    url = f"{_EPSG_URL}{code[1]}" if code else ""
    return url if url in _all_crs() else None


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """The known name that was probably meant; None when nothing is close."""
    known = {each.lower(): each for each in choices}
    near = get_close_matches(name.lower(), known, n=1, cutoff=0.7)
    return known[near[0]] if near else None


@cache
def _collections() -> Mapping[str, Collection]:
    return {each["type"]: _collection(each) for each in _data("collections.json")["collections"]}


def _collection(entry: Mapping[str, Any]) -> Collection:
    bands = entry["bands"] if isinstance(entry["bands"], list) else ()  # own data: a sentence instead of a list
    limit = entry["request_limit"]["max_meters_per_pixel"]
    return Collection(
        type=entry["type"],
        title=entry["title"],
        aliases=tuple(entry.get("aliases", ())),
        options={section: entry.get(section, {}) for section in ("dataFilter", "processing")},
        since=(entry["available_since"] or "")[:10],
        until=(entry["available_until"] or "")[:10],
        first=_first_of_mission(entry["type"]),
        timeless=entry["timeless"],
        mosaicking=tuple(entry["mosaicking"]),
        bands={band["name"]: _units_of(entry["type"], band) for band in bands},
        ranges={band["name"]: _ranges_of(band) for band in bands},
        hosts={each["name"]: each for each in entry["deployments"]},
        coarsest=limit if isinstance(limit, int | float) else None,
    )


def _units_of(type: str, band: Mapping[str, Any]) -> tuple[str, ...]:
    """The units of a band; a Sentinel-5P gas also accepts DN, as the page's note says."""
    more = band.get("also_accepts_unit", []) + (["DN"] if type == "sentinel-5p-l2" else [])
    return tuple(dict.fromkeys((*band["units"], *more)))


def _ranges_of(band: Mapping[str, Any]) -> Mapping[str, tuple[float, float]]:
    """The usual least and greatest value of a band in each of its units; nothing where the page gives none."""
    given = band.get("typical_range") or {}
    by_unit = given if isinstance(given, dict) else {band["default_unit"]: given}
    return {unit: (least, most) for unit, (least, most) in by_unit.items()}


def _first_of_mission(type: str) -> str:
    """The date of the first scene in any collection of the same satellites: `sentinel-2-l2a` is `sentinel-2`."""
    mission = "-".join(type.split("-")[:2]) + "-"
    dates = [each["available_since"] for each in _data("collections.json")["collections"] if _is_of(mission, each)]
    return str(min(dates, default=""))[:10]


def _is_of(mission: str, entry: Mapping[str, Any]) -> bool:
    return f"{entry['type']}-".startswith(mission) and bool(entry["available_since"])


@cache
def _aliases() -> Mapping[str, str]:
    written: Mapping[str, str] = _data("collections.json")["legacy_aliases"]
    return {alias: type for alias, type in written.items() if type in DEFAULTS}


@cache
def _all_crs() -> Mapping[str, Crs]:
    return {
        each["url"]: Crs(url=each["url"], name=each["name"], unit=each["unit"], group=each["group"])
        for each in _data("crs.json")["crs"]
    }


@cache
def _data(name: str) -> Any:
    return json.loads(files("controller").joinpath("data", name).read_text(encoding="utf-8"))
