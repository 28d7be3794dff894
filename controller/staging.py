"""What an evalscript is rehearsed with: the datasources of its request, with ordinary values for each band.

Pure; called by the appraiser. Shapes: reference page "Evalscript V3" §§3, 5, and its chapter on data fusion.
"""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from controller.manifest.digest import moment
from controller.manifest.request import Request
from controller.model.catalog import canonical_type
from controller.model.script import Mosaicking, ScriptFacts, ScriptInput, Source, Stage

MASK = "dataMask"

# One ordinary value for a band that is no reflectance, by its unit or else its name. Not truth, only of the right size.
_BY_UNIT = {
    "DN": 1200.0,
    "KELVIN": 285.0,
    "BRIGHTNESS_TEMPERATURE": 285.0,
    "METERS": 120.0,
    "DEGREES": 40.0,
    "PERCENT": 30.0,
}
_BY_NAME = {"DEM": 120.0, "SCL": 4.0, "CLM": 0.0, "CLP": 20.0, MASK: 1.0}
_NOT_A_NUMBER = ("landsat",)  # collections whose bands are NaN where there is no data
_TIMELESS = "dem"


def stage_of(request: Request, facts: ScriptFacts) -> Stage | None:
    """The stage for a script in its request; None when its inputs do not pair with the request's."""
    data = request.body["input"]["data"]
    paired = _paired(data, facts.inputs)
    fusion = len(data) > 1
    if not paired or (not fusion and facts.inputs[0].datasource is not None):
        return None  # nor when a single source has a name: what samples look like then is not documented
    sources = tuple(
        _source(each, script_input, script_input.datasource or str(number) if fusion else "")
        for number, (each, script_input) in enumerate(paired)
    )
    responses = request.body["output"].get("responses") or [{}]
    delivered = tuple(each.get("identifier", "default") for each in responses)
    return Stage(sources=sources, outputs=facts.outputs, delivered=delivered, fusion=fusion)


def _paired(
    data: list[Mapping[str, Any]], inputs: tuple[ScriptInput, ...]
) -> list[tuple[Mapping[str, Any], ScriptInput]]:
    """Each input of the request with that of the script: by id where all have one, else by position."""
    if len(data) != len(inputs):
        return []
    by_name = {each.datasource: each for each in inputs}
    ids = [each.get("id") for each in data]
    if all(ids) and set(ids) == by_name.keys():
        return [(each, by_name[each["id"]]) for each in data]
    return list(zip(data, inputs, strict=True))


def _source(data: Mapping[str, Any], script_input: ScriptInput, name: str) -> Source:
    collection = canonical_type(data["type"]) or data["type"]
    asked = data.get("dataFilter", {})
    times = asked.get("timeRange", {}) if script_input.mosaicking is not Mosaicking.SIMPLE else {}
    return Source(
        name=name,
        type=collection,
        mode=script_input.mosaicking,
        bands=script_input.bands,
        values=_values(script_input),
        start=_utc(times.get("from", "2020-01-01T00:00:00Z")),
        end=_utc(times.get("to", "2020-01-31T23:59:59Z")),
        blank=None if collection.startswith(_NOT_A_NUMBER) else 0.0,
        always=collection == _TIMELESS,
        ascending=asked.get("mosaickingOrder") == "leastRecent",
        bounds="bounds" in script_input.metadata,
    )


def _utc(written: str) -> str:
    return f"{moment(written).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _values(script_input: ScriptInput) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Two pixels whose bands differ: rising in the one and falling in the other, so every index changes its sign."""
    bands = script_input.bands
    share = [(number + 1) / (len(bands) + 1) for number in range(len(bands))]
    ordinary = [_ordinary(band, _unit(script_input, number)) for number, band in enumerate(bands)]
    rising = tuple(value * _around(band, part) for band, value, part in zip(bands, ordinary, share, strict=True))
    falling = tuple(value * _around(band, 1.1 - part) for band, value, part in zip(bands, ordinary, share, strict=True))
    return rising, falling


def _around(band: str, share: float) -> float:
    """A factor from 0.5 to 1.5; classes and masks stay what they are."""
    return 1.0 if band in _BY_NAME and band != "DEM" else 0.5 + share


def _unit(script_input: ScriptInput, number: int) -> str:
    units = script_input.units
    if not units:
        return ""
    return units[0 if len(units) == 1 else min(number, len(units) - 1)].upper()


def _ordinary(band: str, unit: str) -> float:
    return _BY_NAME.get(band, _BY_UNIT.get(unit, 0.2))
