"""The collections that the service offers, and which of them the sandbox has scenes of.

Bands, units, resolutions and filters come from the package's `collections.json`; called by `validation`, `agreement`
and the readers of the archive.
"""

import functools
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any

from controller.model.catalog import MASK, UnitFit, band_units
from controller.model.script import Mosaicking, ScriptInput
from controller.sandbox.failure import not_here, script_failed

ARCHIVED = ("sentinel-2-l1c", "sentinel-2-l2a", "sentinel-1-grd", "landsat-ot-l1", "landsat-ot-l2", "dem")
OWN_DATA = re.compile(r"(byoc|batch|zarr)-[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FINEST = 30.0  # metres, where the data give no single resolution


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One collection of the archive; `units` maps a band to its units in upper case, the default first.

    `blank` is a band's value where there is no data. `metres` are the native resolutions of the bands; 0 for what
    is computed for each output pixel. `since` is None for collections without time.
    """

    type: str
    since: datetime | None
    mosaicking: tuple[Mosaicking, ...]
    has_clouds: bool
    blank: float
    units: Mapping[str, tuple[str, ...]]
    defaults: Mapping[str, str]  # of dataFilter, where deployments differ
    scales: Mapping[str, float]  # digital numbers per physical unit, 1 where the data give none
    metres: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedBand:
    """One band that a script requested, in the unit it requested."""

    band: str
    unit: str


def collection_of(name: str) -> Mapping[str, Any] | None:
    """The entry of a collection by its current name, an older alias or a `byoc-<uuid>` form; None when unknown."""
    if OWN_DATA.fullmatch(name):
        return _collections().get(f"{name.partition('-')[0]}-<collectionId>")
    return None if "<" in name else _collections().get(name)


def short_name(collection: Mapping[str, Any]) -> str:
    """The name the service prints in its messages: the oldest one."""
    aliases = collection["aliases"]
    return str(aliases[0] if aliases else collection["type"])


def is_known_crs(url: object) -> bool:
    return isinstance(url, str) and url in _crs_urls()


def is_hosted(collection: Mapping[str, Any], host: str | None) -> bool:
    """Whether a deployment offers the collection; None means one that offers everything."""
    return host is None or host in [each["name"] for each in collection["deployments"]]


@functools.cache
def product(type_or_alias: str, host: str | None = None) -> Product:
    """The archived collection with that name, as a deployment offers it; raises RenderFailed when the sandbox has no
    scenes of it."""
    entry = collection_of(type_or_alias)
    if entry is None or entry["type"] not in ARCHIVED:
        raise not_here(f"{type_or_alias} is not in the sandbox's archive; it holds {', '.join(ARCHIVED)}")
    bands = [band for band in entry["bands"] if host in (None, *band.get("deployments", [host]))]
    instance = next((each.get("default_demInstance") for each in entry["deployments"] if each["name"] == host), None)
    return Product(
        type=entry["type"],
        since=None if entry["timeless"] else datetime.fromisoformat(entry["available_since"]),
        mosaicking=tuple(Mosaicking(mode) for mode in entry["mosaicking"]),
        has_clouds=entry["cloud_metadata"],
        blank=math.nan if entry["nodata"].get("band_values") == "NaN" else 0.0,
        defaults={"demInstance": instance} if instance else {},
        units={band["name"]: (*band["units"], *band.get("also_accepts_unit", ())) for band in bands},
        scales={band["name"]: float(band.get("dn_per_unit", 1)) for band in bands},
        metres={band["name"]: _metres(band) for band in bands},
    )


def wanted_bands(asked: ScriptInput, product: Product) -> tuple[WantedBand, ...]:
    """The distinct bands of a script's input with their units; raises RenderFailed for one that does not exist."""
    for band in asked.bands:
        if band not in product.units:
            raise script_failed(f"setup(): {product.type} has no band {band}; it has {', '.join(product.units)}")
    if len(asked.units) > 1 and len(asked.units) != len(asked.bands):
        counted = f"{len(asked.bands)} bands but {len(asked.units)} units"
        raise script_failed(f"setup(): {counted}; write one unit, or one per band")
    wanted = {}
    for read in band_units(product.type, product.units, asked.bands, asked.units):
        if read.fit is UnitFit.MISSING:
            offered = ", ".join(product.units[read.band])
            raise script_failed(f"setup(): {read.band} of {product.type} has no unit {read.asked}; it has {offered}")
        wanted[read.band] = WantedBand(band=read.band, unit=read.unit)
    return tuple(wanted.values())


def _metres(band: Mapping[str, Any]) -> float:
    """Radar has the resolution of its scenes, the terrain model that of its instance: here the finest is used."""
    given = band["resolution_m"]
    if band["name"] == MASK:
        return 0.0
    return float(given) if isinstance(given, int | float) else _FINEST


@functools.cache
def _collections() -> Mapping[str, Mapping[str, Any]]:
    known = {}
    for entry in _data("collections.json")["collections"]:
        for name in (entry["type"], *entry["aliases"]):
            known[name] = entry
    return known


@functools.cache
def _crs_urls() -> frozenset[str]:
    return frozenset(entry["url"] for entry in _data("crs.json")["crs"])


def _data(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((resources.files("controller") / "data" / name).read_text(encoding="utf-8"))
    return document
