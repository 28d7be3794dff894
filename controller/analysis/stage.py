"""The input of a rehearsal: the datasources of a request, with pixels as they are likely to be.

Pure; called by the appraiser. Shapes: reference page "Evalscript V3" §§3, 5, and its chapter on data fusion. Ranges of
the bands: reference page "collections.json".
"""

from collections.abc import Mapping
from datetime import UTC
from functools import lru_cache
from typing import Any

from controller.manifest.digest import parse_timestamp
from controller.manifest.request import Request
from controller.model.catalog import MASK, canonical_type, collection
from controller.model.script import Mosaicking, ScriptFacts, ScriptInput, Source, Stage, second_name, sources_read

Range = tuple[float, float]

ROWS = 18  # pixels: two ordinary ones, one as low and one as high as usual, and some between

_FLAGS = (0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 1024.0)
_CODES: Mapping[str, tuple[float, ...]] = {
    MASK: (1.0,),
    "SCL": (4.0, 4.0, 5.0, 6.0, 8.0, 3.0, 0.0, 1.0, 2.0, 7.0, 9.0, 10.0, 11.0),
    "CLM": (0.0, 0.0, 1.0, 255.0),
    "BQA": (21824.0, 21824.0, 21952.0, 22280.0, 23888.0, 30048.0, 55052.0),
    "shadowMask": (0.0, 0.0, 1.0),
    **dict.fromkeys(("QA", "QA_RADSAT", "QUALITY_FLAGS", "LQSF", "CLOUD", "BAYES"), _FLAGS),
}
"""Bands that hold classes or flags: values that exist, the first two ordinary ones."""
_OF_BAND = {"DEM": (-20.0, 600.0)}
_OF_UNIT = {
    "REFLECTANCE": (0.0, 0.4),
    "BRIGHTNESS_TEMPERATURE": (250.0, 320.0),
    "SURFACE_TEMPERATURE": (250.0, 320.0),
    "DEGREES": (0.0, 180.0),
    "PERCENT": (0.0, 100.0),
    "FRACTION": (0.0, 1.0),
}
_UNKNOWN = (0.0, 0.4)
_MULTIPLE = 8.0  # of the middle of its range: very bright
_ENDLESS = frozenset({"REFLECTANCE", "LINEAR_POWER"})  # units without an upper end
_NOT_A_NUMBER = ("landsat",)  # collections whose bands are NaN where there is no data
_TIMELESS = "dem"


def stage_of(request: Request, facts: ScriptFacts) -> Stage | None:
    """The stage for a script in its request; None when its inputs do not pair with the request's."""
    data = request.body["input"]["data"]
    read = sources_read(facts.inputs, [each.get("id") for each in data])
    places = [place for place in read if place is not None]
    if not places or len({*places}) < len(facts.inputs):
        return None
    fusion = len(places) > 1
    sources = tuple(
        _source(data[place], script_input, *_names(script_input, place, len(data), is_fused=fusion))
        for place, script_input in zip(places, facts.inputs, strict=True)
    )
    responses = request.body["output"].get("responses") or [{}]
    delivered = tuple(each.get("identifier", "default") for each in responses)
    return Stage(sources=sources, outputs=facts.outputs, delivered=delivered, fusion=fusion)


def _names(script_input: ScriptInput, place: int, sources: int, *, is_fused: bool) -> tuple[str, str]:
    """What samples are called in data fusion; of an only input only by a second name, if by any."""
    if is_fused:
        return script_input.datasource or str(place), ""
    return "", second_name(script_input, place, sources)


def _source(data: Mapping[str, Any], script_input: ScriptInput, name: str, also: str) -> Source:
    type = canonical_type(data["type"]) or data["type"]
    asked = data.get("dataFilter", {})
    times = asked.get("timeRange", {}) if script_input.mosaicking is not Mosaicking.SIMPLE else {}
    bands = script_input.bands
    ranges = tuple(_range(type, band, _unit(script_input, number)) for number, band in enumerate(bands))
    return Source(
        name=name,
        type=type,
        mode=script_input.mosaicking,
        bands=bands,
        values=_values(bands, ranges),
        large=tuple(_largest(type, band, ends) for band, ends in zip(bands, ranges, strict=True)),
        known=all(ends or band in _CODES for band, ends in zip(bands, ranges, strict=True)),
        start=_utc(times.get("from", "2020-01-01T00:00:00Z")),
        end=_utc(times.get("to", "2020-01-31T23:59:59Z")),
        blank=None if type.startswith(_NOT_A_NUMBER) else 0.0,
        always=type == _TIMELESS,
        ascending=asked.get("mosaickingOrder") == "leastRecent",
        bounds="bounds" in script_input.metadata,
        also=also,
    )


def _utc(written: str) -> str:
    return f"{parse_timestamp(written).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _unit(script_input: ScriptInput, number: int) -> str:
    units = script_input.units
    if not units:
        return ""
    return units[0 if len(units) == 1 else min(number, len(units) - 1)].upper()


def _range(type: str, band: str, unit: str) -> Range | None:
    """The usual least and greatest value of a band; None when unknown."""
    used = collection(type)
    if used is None or band not in used.bands:
        return None
    unit = unit if unit in used.bands[band] else used.bands[band][0]
    return _OF_BAND.get(band) or used.ranges[band].get(unit) or _OF_UNIT.get(unit)


@lru_cache(maxsize=64)  # many scripts of a tree read the same bands
def _values(bands: tuple[str, ...], ranges: tuple[Range | None, ...]) -> tuple[tuple[float, ...], ...]:
    return tuple(
        tuple(
            _codes(band, row) if band in _CODES else _between(ends or _UNKNOWN, _share(row, number, len(bands)))
            for number, (band, ends) in enumerate(zip(bands, ranges, strict=True))
        )
        for row in range(ROWS)
    )


def _codes(band: str, row: int) -> float:
    return _CODES[band][row % len(_CODES[band])]


def _between(ends: Range, share: float) -> float:
    return ends[0] + share * (ends[1] - ends[0])


def _share(row: int, number: int, count: int) -> float:
    """How far up its range a band is. The bands rise in the first pixel and fall in the second, so that every index
    changes its sign; later they differ without a pattern.
    """
    rising = (number + 1) / (count + 1)
    match row:
        case 0:
            return 0.15 + 0.7 * rising
        case 1:
            return 0.9 - 0.7 * rising
        case 2:
            return 0.02
        case 3:
            return 0.98
    return (0.1 + 0.618 * row + 0.367 * number) % 1


def _largest(type: str, band: str, ends: Range | None) -> float:
    if band in _CODES:
        return _codes(band, 0)
    used = collection(type)
    if ends and used and not _ENDLESS & {*used.bands[band]}:
        return ends[1]
    return _MULTIPLE * _between(ends or _UNKNOWN, 0.5)
