"""Hints for evalscripts that run, but probably do not do what was intended, or cost more than needed.

Pure; called by the appraiser. Reference page "Evalscript V3" §10. Every hint has a stable code (W004 to W021) and can
be silenced in the manifest. In doubt there is no hint.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from controller.analysis.idioms import found_at, idioms
from controller.analysis.rehearsal import EVALUATE, MASK
from controller.analysis.source import SourceText
from controller.manifest.digest import parse_timestamp
from controller.manifest.request import Request
from controller.model.catalog import canonical_type, nearest
from controller.model.errors import Finding
from controller.model.job import Estimate
from controller.model.script import Mosaicking, Rehearsal, SampleType, ScriptFacts, ScriptOutput, Stage
from controller.settings.deployments import DeploymentName

LONG = timedelta(days=180)  # of ORBIT or TILE, from which dropping scenes may pay off
LARGE = 32 * 1024  # bytes of a script; reference page "Open questions: Async API" C 22
SMALLEST_PRICE = 10.0

_OPAQUE = {SampleType.UINT8: 255, SampleType.UINT16: 65535}
_UNSIGNED = (SampleType.UINT8, SampleType.UINT16)
_INDEX = re.compile(r"(?<![\w$.])index\s*\(|\(\s*[\w.$\[\]]+\s*-\s*[\w.$\[\]]+\s*\)\s*/\s*\(")
_GUARD = r"\s*(?:\|\||\?\?|\?\.|[!=]==?\s*(?:undefined|null)\b)"


@dataclass(frozen=True, slots=True, kw_only=True)
class HintContext:
    """One script in its request: everything a hint may use."""

    request: Request
    facts: ScriptFacts
    stage: Stage
    rehearsal: Rehearsal
    source: SourceText
    deployment: DeploymentName
    estimate: Estimate | None

    @property
    def data(self) -> list[Any]:
        found: list[Any] = self.request.body["input"]["data"]
        return found

    def format_of(self, output: ScriptOutput) -> str:
        """The media type an output is delivered in; empty when it is not delivered."""
        responses = self.request.body["output"].get("responses") or [{}]
        for response in responses:
            if response.get("identifier", "default") == output.id:
                return str(response.get("format", {}).get("type", "image/png"))
        return ""


def hints(case: HintContext) -> Iterator[Finding]:
    """The hints for one script in its request."""
    for rule in RULES:
        yield from rule(case)
    yield from idioms(case.source, case.facts, case.rehearsal.globals)


def _missing_bands(case: HintContext) -> Iterator[Finding]:
    listed = {source.name: source.bands for source in case.stage.sources}
    for name, band in sorted(case.rehearsal.missing):
        quoted = re.escape(band)
        access = rf"\.\s*{quoted}\b|\[\s*['\"`]{quoted}['\"`]\s*\]"
        if not re.match(r"[A-Za-z_$]", band) or re.search(rf"(?:{access}){_GUARD}", case.source.words):
            continue
        match = re.search(access, case.source.words)
        near = nearest(band, listed[name]) if name in listed else None
        instead = f"write {near}" if near and near.lower() == band.lower() else f'add "{band}" to `bands`'
        message = f"{band} is read but not listed in setup(), so it is undefined and becomes NaN or 0: {instead}"
        yield found_at(case.source, match.start() if match else 0, "W004", message)


def _unread_bands(case: HintContext) -> Iterator[Finding]:
    """Only when every pixel succeeded and the text names the band nowhere but in setup()."""
    setup = case.source.function("setup")
    if setup is None or case.rehearsal.failed or _has_made_up_names(case.source):
        return
    words = case.source.words
    for source in case.stage.sources:
        counted = list(dict.fromkeys(band for band in source.bands if band != MASK))
        for band in counted if len(counted) > 1 else ():
            places = [match.start() for match in re.finditer(rf"(?<![\w$]){re.escape(band)}(?![\w$])", words)]
            elsewhere = [place for place in places if not setup.start <= place < setup.end]
            if (source.name, band) in case.rehearsal.read or elsewhere or not places:
                continue
            message = f"{band} is listed but never read: {_share(case, len(counted))}remove it from `bands`"
            yield found_at(case.source, max(setup.start, places[0] - 1), "W005", message)


def _has_made_up_names(source: SourceText) -> bool:
    """Whether names of bands are composed: `sample["B" + number]`, sample[`B${number}`]."""
    return re.search(r"\[\s*(?:['\"`][^\]]*(?:\+|\$\{)|[\w$.]+\s*\+)", source.words) is not None


def _share(case: HintContext, bands: int) -> str:
    if len(case.stage.sources) > 1:
        return ""
    price = case.estimate.expected if case.estimate else 0.0
    if price <= SMALLEST_PRICE:
        return f"it makes 1/{bands} of the price of larger requests; "
    return f"it makes 1/{bands} of the price, about {_grouped(price / bands)} of {_grouped(price)} PU; "


def _outside_auto(case: HintContext) -> Iterator[Finding]:
    first, second = (case.rehearsal.answers.get(kind, {}) for kind in ("data", "other"))
    for output in case.facts.outputs:
        if output.sample_type is not SampleType.AUTO or not case.format_of(output):
            continue
        pairs = list(zip(first.get(output.id, ()), second.get(output.id, ()), strict=False))
        known = [(a, b) for a, b in pairs if a is not None and b is not None]
        message = ""
        if any(min(a, b) < 0 for a, b in known) and (output.bands == 1 or _INDEX.search(case.source.code)):
            message = "values below 0 are stored as 0"
        elif any(min(a, b) > 2 and a != b for a, b in known):
            message = "values above 1 are all stored as 255"
        if message:
            advice = 'write sampleType: "FLOAT32" for such values, or scale them to 0..1'
            message = f'output "{output.id}" has sampleType AUTO, which is for 0..1: {message}; {advice}'
            yield _at_setup(case, r"\boutput\b", "W006", message)


def _unsigned_heights(case: HintContext) -> Iterator[Finding]:
    if not any(canonical_type(each["type"]) == "dem" for each in case.data) or len(case.data) > 1:
        return
    for output in case.facts.outputs:
        if output.sample_type in _UNSIGNED and _is_height(case, output):
            most = _OPAQUE[output.sample_type]
            message = f"{output.sample_type} holds 0 to {most}, and heights may be negative: write INT16 or FLOAT32"
            yield _at_setup(case, r"\bsampleType\b", "W007", message)


def _is_height(case: HintContext, output: ScriptOutput) -> bool:
    """Whether the height itself is returned, not a colour or a mask made of it."""
    heights = {value for source in case.stage.sources for value in source.values[0]}
    return any(
        value in heights and value > 1 for value in case.rehearsal.answers.get("data", {}).get(output.id, ()) if value
    )


def _filter_scenes(case: HintContext) -> Iterator[Finding]:
    if "filterScenes" not in case.facts.functions:
        return
    match = re.search(r"\bfilterScenes\b", case.source.code)
    modes = {each.mosaicking for each in case.facts.inputs}
    shape = "tiles" if modes == {Mosaicking.TILE} else "orbits"
    message = "filterScenes is never called in V3"
    if modes != {Mosaicking.SIMPLE}:
        message += f": no scene is dropped{_waste(case)}. Write preProcessScenes(collections) instead: filter "
        message += f"collections.scenes.{shape}, and return collections"
    else:
        message += ": remove it"
    yield found_at(case.source, match.start() if match else 0, "W008", message)


def _waste(case: HintContext) -> str:
    """What not dropping the scenes costs."""
    filtered, estimate = case.rehearsal.filtered, case.estimate
    if filtered is None or estimate is None or not 0 < filtered[0] < filtered[1]:
        return ""
    kept, scenes = filtered
    meant = max(SMALLEST_PRICE, estimate.expected * kept / scenes)
    return (
        f", and about {_grouped(estimate.expected)} PU are paid ({scenes} scenes, one in three days), "
        f"{estimate.expected / meant:.1f} times the {_grouped(meant)} PU of the {kept} scenes it would keep"
    )


def _grouped(units: float) -> str:
    """A number of processing units, formatted: 46 539."""
    return f"{units:,.0f}".replace(",", " ")


def _never_called(case: HintContext) -> Iterator[Finding]:
    if "preProcessScenes" in case.facts.functions and all(
        each.mosaicking is Mosaicking.SIMPLE for each in case.facts.inputs
    ):
        match = re.search(r"\bpreProcessScenes\b", case.source.code)
        message = 'preProcessScenes is not called under SIMPLE mosaicking: write mosaicking: "ORBIT", or remove it'
        yield found_at(case.source, match.start() if match else 0, "W021", message)


def _unscaled_alpha(case: HintContext) -> Iterator[Finding]:
    for output in case.facts.outputs:
        opaque = _OPAQUE.get(output.sample_type)
        if opaque is None or output.bands not in (2, 4) or case.format_of(output) != "image/png":
            continue
        answers = [case.rehearsal.answers.get(kind, {}).get(output.id, ()) for kind in ("data", "other", "empty")]
        alphas = [values[-1] for values in answers if len(values) == output.bands]
        if alphas[:2] == [1, 1] and all(value in (0, 1) for value in alphas):
            message = f"opaque is {opaque} in {output.sample_type}, not 1: write {opaque} * the mask as the last value"
            yield _at_setup(case, r"\bsampleType\b", "W011", message)


def _many_scenes(case: HintContext) -> Iterator[Finding]:
    if {"preProcessScenes", "filterScenes"} & case.facts.functions or len(case.data) != 1:
        return
    mode, times = case.facts.inputs[0].mosaicking, case.data[0].get("dataFilter", {}).get("timeRange")
    if mode is Mosaicking.SIMPLE or not times:
        return
    days = (parse_timestamp(times["to"]) - parse_timestamp(times["from"])) / timedelta(days=1)
    if days > LONG.days:
        price = f" (about {_grouped(case.estimate.expected)} PU)" if case.estimate else ""
        message = f"every scene of {days:.0f} days is read and paid for{price}: drop what you do not need in"
        yield _at_setup(
            case, r"\bmosaicking\b", "W012", f"{message} preProcessScenes(collections), or shorten timeRange"
        )


def _cloud_masks(case: HintContext) -> Iterator[Finding]:
    if case.deployment != "cdse":
        return
    for script_input in case.facts.inputs:
        for band in ("CLM", "CLP"):
            if band in script_input.bands:
                message = f"whether {band} exists on this deployment is not certain: SCL of sentinel-2-l2a surely does"
                yield _at_setup(case, rf"(?<![\w$]){band}(?![\w$])", "W013", message)


def _merged_days(case: HintContext) -> Iterator[Finding]:
    for data, script_input in zip(case.data, case.facts.inputs, strict=False):
        times = data.get("dataFilter", {}).get("timeRange")
        if canonical_type(data["type"]) != "sentinel-5p-l2" or script_input.mosaicking is not Mosaicking.SIMPLE:
            continue
        if times and parse_timestamp(times["to"]) - parse_timestamp(times["from"]) > timedelta(days=1):
            message = "SIMPLE mosaicking shows the last overpass only, of a time range longer than 24 hours"
            advice = 'write mosaicking: "ORBIT" and combine the days, or shorten timeRange'
            yield _at_setup(case, r"\binput\b", "W014", f"{message}: {advice}")


def _large_script(case: HintContext) -> Iterator[Finding]:
    size = len(case.source.text.encode())
    if size > LARGE:
        message = (
            f"the script has {size / 1024:.0f} KB, and how long it may be is not documented: above {LARGE // 1024} KB"
        )
        yield Finding(code="W020", message=f"{message} a submission may be refused", line=1, column=1)


def _samples_as_array(case: HintContext) -> Iterator[Finding]:
    if not any(name == "" and key.isdigit() for name, key in case.rehearsal.missing):
        return
    if case.stage.fusion or case.stage.sources[0].mode is not Mosaicking.SIMPLE:
        return
    function = case.source.function(EVALUATE)
    samples = function.parameters[0] if function and function.parameters else "samples"
    match = re.search(rf"\b{re.escape(samples)}\s*\[\s*\d", case.source.code)
    message = f"under SIMPLE mosaicking there is one sample, not an array: write {samples}.B04, not {samples}[0].B04"
    if match and not case.rehearsal.failed.get(EVALUATE):
        yield found_at(case.source, match.start(), "W016", message)


def _at_setup(case: HintContext, pattern: str, code: str, message: str) -> Finding:
    """A finding at the first match of the pattern in setup(), else at setup() itself."""
    setup = case.source.function("setup")
    inside = re.search(pattern, case.source.words[setup.start : setup.end]) if setup else None
    if setup and inside:
        return found_at(case.source, setup.start + inside.start(), code, message)
    outside = re.search(r"\bsetup\b", case.source.code)
    return found_at(case.source, outside.start() if outside else 0, code, message)


RULES: tuple[Callable[[HintContext], Iterator[Finding]], ...] = (
    _missing_bands,
    _unread_bands,
    _outside_auto,
    _unsigned_heights,
    _filter_scenes,
    _never_called,
    _unscaled_alpha,
    _many_scenes,
    _cloud_masks,
    _merged_days,
    _large_script,
    _samples_as_array,
)
