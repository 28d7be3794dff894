"""Which bands and units the archive's collections offer, read from the package's `collections.json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from controller.sandbox.archived import collection_of
from controller.sandbox.failure import not_here, script_failed
from controller.script import ScriptInput

ARCHIVED = ("sentinel-2-l1c", "sentinel-2-l2a")


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One collection of the archive; `units` maps a band to its units in upper case, the default first."""

    type: str
    since: datetime
    units: Mapping[str, tuple[str, ...]]
    scales: Mapping[str, float]  # digital numbers per physical unit, 1 where the data do not say

    @property
    def is_surface(self) -> bool:
        """L2A shows the ground as if there were no air; L1C what the satellite saw."""
        return self.type.endswith("l2a")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One band a script asked for, in the unit it asked for."""

    band: str
    unit: str


@cache
def product(type_or_alias: str) -> Product:
    """The archived collection of that name; raises RenderFailed when the sandbox has no such archive."""
    entry = collection_of(type_or_alias)
    if entry is None or entry.get("type") not in ARCHIVED:
        raise not_here(f"{type_or_alias} is not in the sandbox's archive yet; it holds {' and '.join(ARCHIVED)}")
    return Product(
        type=entry["type"],
        since=datetime.fromisoformat(entry["available_since"]),
        units={band["name"]: tuple(band["units"]) for band in entry["bands"]},
        scales={band["name"]: float(band.get("dn_per_unit", 1)) for band in entry["bands"]},
    )


def wanted_bands(asked: ScriptInput, product: Product) -> tuple[Wanted, ...]:
    """The distinct bands of a script's input with their units; raises RenderFailed for one that does not exist.

    Units are compared without regard to case (reference page "Evalscript V3" §2).
    """
    units = asked.units
    if len(units) > 1 and len(units) != len(asked.bands):
        raise script_failed(
            f"setup(): {len(asked.bands)} bands but {len(units)} units; write one unit, or one per band"
        )
    wanted = {}
    for number, band in enumerate(asked.bands):
        unit = units[number] if len(units) > 1 else units[0] if units else ""
        wanted[band] = _wanted(band, unit, product)
    return tuple(wanted.values())


def _wanted(band: str, unit: str, product: Product) -> Wanted:
    offered = product.units.get(band)
    if offered is None:
        raise script_failed(f"setup(): {product.type} has no band {band}; it has {', '.join(product.units)}")
    unit = unit.upper() or offered[0]
    if unit not in offered:
        raise script_failed(f"setup(): {band} of {product.type} has no unit {unit}; it has {', '.join(offered)}")
    return Wanted(band=band, unit=unit)
