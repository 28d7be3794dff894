"""The input of a rehearsal, the datasources of a request with ordinary values for each band, and its findings.

Pure; called by the appraiser. Shapes: reference page "Evalscript V3" §§3, 5, and its chapter on data fusion.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from typing import Any

from controller.analysis.source import SourceText
from controller.manifest.digest import parse_timestamp
from controller.manifest.request import Request
from controller.model.catalog import canonical_type
from controller.model.errors import Finding
from controller.model.script import (
    FailureKind,
    Mosaicking,
    Rehearsal,
    RehearsalFailure,
    ScriptFacts,
    ScriptFailure,
    ScriptInput,
    Source,
    Stage,
)

EVALUATE = "evaluatePixel"
MADE_ANEW = "preProcessScenes may only drop or reorder"

_PIXELS = {
    "data": "on ordinary pixels",
    "other": "on ordinary pixels",
    "empty": "on pixels without data (dataMask 0)",
    "zero": "on pixels whose bands are all 0",
    "large": "on pixels with very large values",
}
_SCENES = {
    "several": "with several scenes",
    "one": "with a single scene",
    "none": "where there is no scene",
}


def failures(rehearsed: Rehearsal | ScriptFailure, stage: Stage, source: SourceText) -> Iterator[Finding]:
    """Everything that failed in the rehearsal of `source` on `stage`."""
    if isinstance(rehearsed, ScriptFailure):
        yield from _unfinished(rehearsed, source)
        return
    for step, trials in rehearsed.trials.items():
        failed = [each for each in rehearsed.failures if each.step == step]
        if rehearsed.failed.get(step, 0) == trials and _is_certain(failed, stage, source):
            yield _error(failed[0], stage, source)
        else:
            yield from _warnings(failed, stage, source)


def _unfinished(failure: ScriptFailure, source: SourceText) -> Iterator[Finding]:
    if failure.kind not in (FailureKind.TIMEOUT, FailureKind.MEMORY, FailureKind.CRASH):
        return
    line, column = (failure.line, failure.column) if failure.line else _definition(EVALUATE, source)
    message = f"the script cannot even do a few synthetic pixels: {failure.message}"
    yield Finding(code="E304", message=message, line=line, column=column)


def _is_certain(failed: Iterable[RehearsalFailure], stage: Stage, source: SourceText) -> bool:
    """Whether the service must fail as well: the documentation does not say how scenes look in data fusion, what the
    samples of an unnamed source are called, nor how a scene created by preProcessScenes is handled.
    """
    if not all(each.by_engine and not each.message.startswith(MADE_ANEW) for each in failed):
        return False
    if not stage.fusion:
        return True
    has_names = not any(each.name.isdigit() for each in stage.sources)
    return has_names and not re.search(r"\b(?:scenes|collections?)\b", source.code)


def _error(failure: RehearsalFailure, stage: Stage, source: SourceText) -> Finding:
    line, column = _place(failure, source)
    message = f"{_what(failure)}{_advice(failure, stage, source)}"
    if failure.step != EVALUATE:
        return Finding(code="E303", message=f"{message} (whatever scenes there are)", line=line, column=column)
    code = "E301" if failure.thrown else "E302"
    return Finding(code=code, message=f"{message} (every pixel that was tried)", line=line, column=column)


def _warnings(failed: Iterable[RehearsalFailure], stage: Stage, source: SourceText) -> Iterator[Finding]:
    """One per failure, with all the cases in which it occurs."""
    groups: dict[tuple[int, int, str], list[RehearsalFailure]] = {}
    for each in failed:
        if each.by_engine:
            groups.setdefault((each.line, each.column, each.message), []).append(each)
    for group in groups.values():
        first = group[0]
        cases = " and ".join(dict.fromkeys(_cases(group)))
        line, column = _place(first, source)
        code = "W002" if first.step != EVALUATE else "W001" if first.thrown else "W003"
        message = f"{cases}: {_what(first)}{_advice(first, stage, source)}"
        yield Finding(code=code, message=message, line=line, column=column)


def _cases(group: Iterable[RehearsalFailure]) -> Iterator[str]:
    """When it occurs, in words: with these scenes, or on these pixels."""
    situations: dict[str, set[str]] = {}
    for each in group:
        situations.setdefault(each.situation, set()).add(each.kind)
    for situation, kinds in situations.items():
        if kinds == set(_PIXELS) and situation == "several":
            yield "on all pixels that were tried"
        elif kinds == {""} or kinds == set(_PIXELS):
            yield _SCENES.get(situation, f"where {situation.removeprefix('without ')} has no scene")
        else:
            yield from (words for kind, words in _PIXELS.items() if kind in kinds)


def _what(failure: RehearsalFailure) -> str:
    if not failure.thrown:
        return _in_our_words(failure.message)
    return f"{failure.step} fails with {failure.message}"


def _in_our_words(complaint: str) -> str:
    if complaint == "Script must return an array.":
        return "evaluatePixel must return an array of numbers, or an object with one array for each output"
    return complaint


def _advice(failure: RehearsalFailure, stage: Stage, source: SourceText) -> str:
    """What to write instead, where the message says enough."""
    unknown = re.search(r"ReferenceError: ([\w$]+) is not defined", failure.message)
    bands = {band for each in stage.sources for band in each.bands}
    samples = _samples_name(source)
    if unknown and unknown[1] in bands:
        return f": bands belong to the sample, write {samples}.{unknown[1]}"
    if "of undefined" not in failure.message or failure.step != EVALUATE:
        return ""
    if not failure.kind:
        return _guard(failure, stage, samples)
    is_single = not stage.fusion and stage.sources[0].mode is Mosaicking.SIMPLE
    if is_single and re.search(rf"\b{re.escape(samples)}\s*\[\s*0\s*\]", source.code):
        return f": under SIMPLE mosaicking there is one sample, write {samples}.B04 rather than {samples}[0].B04"
    return ""


def _samples_name(source: SourceText) -> str:
    """The script's name for the first argument of evaluatePixel."""
    function = source.function(EVALUATE)
    return function.parameters[0] if function and function.parameters else "samples"


def _guard(failure: RehearsalFailure, stage: Stage, samples: str) -> str:
    """How to detect, before anything is read, that there is no sample."""
    if not stage.fusion:
        return f": return early when {samples}.length is 0"
    missing = failure.situation.removeprefix("without ")
    name = missing if missing in {each.name for each in stage.sources} else stage.sources[0].name
    return f": return early when {samples}.{name}.length is 0"


def _place(failure: RehearsalFailure, source: SourceText) -> tuple[int, int]:
    return (failure.line, failure.column) if failure.line else _definition(failure.step, source)


def _definition(name: str, source: SourceText) -> tuple[int, int]:
    """Where the function is defined, else the script's first line."""
    found = re.search(rf"\bfunction\s+{name}\b|\b{name}\s*=(?!=)", source.code)
    return source.place(found.start()) if found else (1, 1)


MASK = "dataMask"

# An ordinary value for a band that is not a reflectance, by its unit or else its name. Only the magnitude is right.
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
    return f"{parse_timestamp(written).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


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
