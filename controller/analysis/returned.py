"""Hints about what evaluatePixel returned in the rehearsal: whether the sample type of its output can keep it.

Pure; called by `hints`. Only what was returned counts, for all likely pixels, never what the text looks like. Reference
page "Evalscript V3" §6.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence

from controller.analysis.context import HintContext, found_at, found_in_setup
from controller.analysis.rehearsal import EVALUATE
from controller.manifest.rules.responses import PNG, TIFF
from controller.model.catalog import canonical_type
from controller.model.errors import Finding
from controller.model.script import SampleType, ScriptOutput

LIMITS = {
    SampleType.AUTO: (0, 255),
    SampleType.UINT8: (0, 255),
    SampleType.UINT16: (0, 65535),
    SampleType.INT8: (-128, 127),
    SampleType.INT16: (-32768, 32767),
}
_OPAQUE = {SampleType.UINT8: 255, SampleType.UINT16: 65535}
_UNSIGNED = (SampleType.UINT8, SampleType.UINT16)
_SEVERAL = 5  # different values, of which it shows when they become the same
_UNLIKELY = ("empty", "zero", "large")
_INDEX = re.compile(r"(?<![\w$.])index\s*\(|\(\s*[\w.$\[\]]+\s*-\s*[\w.$\[\]]+\s*\)\s*/\s*\(")
_HALF = 0.5

Column = Sequence[float]


def returned(case: HintContext) -> Iterator[Finding]:
    """The hints about the values of every delivered output."""
    yield from _nothing(case)
    yield from _nested(case)
    for output in case.facts.outputs:
        if not case.format_of(output):
            continue
        yield from _unfit_nodata(case, output)
        columns = _columns(case, output)
        for rule in _RULES:
            yield from rule(case, output, columns)


def _nothing(case: HintContext) -> Iterator[Finding]:
    answers = case.rehearsal.answers
    is_delivered = any(case.format_of(output) for output in case.facts.outputs)
    if is_delivered and answers and not any(answers.values()) and not case.rehearsal.failed.get(EVALUATE):
        message = (
            "evaluatePixel returned nothing for every pixel that was tried, and what is stored then is not documented, "
            "probably 0: end it with `return` and the values"
        )
        yield found_at(case.source, case.source.definition(EVALUATE), "W022", message)


def _nested(case: HintContext) -> Iterator[Finding]:
    if case.rehearsal.nested is None:
        return
    output, position = case.rehearsal.nested
    message = (
        f'value {position + 1} of output "{output}" is itself an array, where a number is expected: return the array '
        "alone, or write `...` before it"
    )
    yield found_at(case.source, case.source.definition(EVALUATE), "W024", message)


def _unfit_nodata(case: HintContext, output: ScriptOutput) -> Iterator[Finding]:
    """Only a TIFF keeps the value; its loss in another format has a code of its own."""
    value, limits = output.nodata, LIMITS.get(output.sample_type)
    if value is None or limits is None or case.format_of(output) != TIFF:
        return
    if not (math.isfinite(value) and value == int(value) and limits[0] <= value <= limits[1]):
        message = (
            f'output "{output.id}" can never hold its nodataValue {value:g}: sampleType {output.sample_type} is stored '
            f"in whole numbers from {limits[0]} to {limits[1]}; write one of them, or another sampleType"
        )
        yield found_in_setup(case.source, r"\bnodataValue\b", "W025", message)


# --- the values of likely pixels ---


def _columns(case: HintContext, output: ScriptOutput) -> list[Column]:
    """What was returned for every likely pixel, component by component; without those that are not finite."""
    rows = [
        values[output.id]
        for kind, values in case.rehearsal.answers.items()
        if kind not in _UNLIKELY and len(values.get(output.id, ())) == output.bands
    ]
    return [[value for value in column if value is not None] for column in zip(*rows, strict=True)]


def _outside_auto(case: HintContext, output: ScriptOutput, columns: Sequence[Column]) -> Iterator[Finding]:
    if output.sample_type is not SampleType.AUTO:
        return
    is_known = all(each.known for each in case.stage.sources)
    message = ""
    if is_known and any(map(_is_above, columns)):
        message = "values above 1 are all stored as 255"
    elif is_known and any(len({*column}) >= _SEVERAL and max(column) <= 0 for column in columns):
        message = "values below 0 are all stored as 0"
    elif columns and len(columns) <= 2 and any(value < 0 for value in columns[0]) and _INDEX.search(case.source.code):
        message = "values below 0 are stored as 0"
    if message:
        types = 'write sampleType: "UINT8"' if _is_whole(columns[0]) else 'write sampleType: "FLOAT32" for such values'
        advice = f"{types}, or scale them to 0..1"
        message = f'output "{output.id}" has sampleType AUTO, which is for 0..1: {message}; {advice}'
        yield found_in_setup(case.source, r"\boutput\b", "W006", message)


def _is_above(column: Column) -> bool:
    """Whether values that differ all become 255: whole numbers as of classes, or nothing between 0 and 1."""
    above = {value for value in column if value > 1}
    between = any(0 < value < 1 for value in column)
    return not between and len(above) >= (2 if _is_whole(column) else _SEVERAL)


def _is_whole(column: Column) -> bool:
    return all(value == int(value) for value in column)


def _rounded_away(case: HintContext, output: ScriptOutput, columns: Sequence[Column]) -> Iterator[Finding]:
    """Values that differ and become the same, or 0 and 1, in whole numbers."""
    limits = LIMITS.get(output.sample_type)
    if limits is None or output.sample_type is SampleType.AUTO or not all(each.known for each in case.stage.sources):
        return
    for column in columns:
        if len({*column}) < _SEVERAL:
            continue
        stored = {min(max(math.floor(value + _HALF), limits[0]), limits[1]) for value in column}
        if len(stored) == 1 or (max(map(abs, column)) <= 1 and not _is_whole(column)):
            ends = f"from {min(column):.3g} to {max(column):.3g}"
            message = (
                f'output "{output.id}" has sampleType {output.sample_type}, whole numbers from {limits[0]} to '
                f"{limits[1]}: values {ends}, as were returned, all become {_listed(stored)}; "
                'multiply them, or write sampleType: "FLOAT32"'
            )
            yield found_in_setup(case.source, r"\bsampleType\b", "W026", message)
            return


def _listed(numbers: set[int]) -> str:
    return " or ".join(map(str, sorted(numbers)))


def _unsigned_heights(case: HintContext, output: ScriptOutput, columns: Sequence[Column]) -> Iterator[Finding]:
    """Where every height is returned as it is, also the one below zero; not a colour or a mask made of it."""
    only = case.stage.sources[0]
    if output.sample_type not in _UNSIGNED or canonical_type(only.type) != "dem" or len(case.data) > 1:
        return
    heights = [values[only.bands.index("DEM")] for values in only.values] if "DEM" in only.bands else []
    for column in columns:
        pairs = [*zip(sorted(column), sorted(heights), strict=False)]
        is_same = len(column) == len(heights) and all(abs(value - height) <= _HALF for value, height in pairs)
        if is_same and min(column) < 0:
            most = LIMITS[output.sample_type][1]
            message = f"{output.sample_type} holds 0 to {most}, and heights may be negative: write INT16 or FLOAT32"
            yield found_in_setup(case.source, r"\bsampleType\b", "W007", message)
            return


def _unscaled_alpha(case: HintContext, output: ScriptOutput, columns: Sequence[Column]) -> Iterator[Finding]:
    opaque = _OPAQUE.get(output.sample_type)
    if opaque is None or len(columns) not in (2, 4) or case.format_of(output) != PNG:
        return
    empty = case.rehearsal.answers.get("empty", {}).get(output.id, ())
    if {*columns[-1]} == {1} and (not empty or empty[-1] in (0, 1)):
        message = f"opaque is {opaque} in {output.sample_type}, not 1: write {opaque} * the mask as the last value"
        yield found_in_setup(case.source, r"\bsampleType\b", "W011", message)


_RULES: tuple[Callable[[HintContext, ScriptOutput, Sequence[Column]], Iterator[Finding]], ...] = (
    _outside_auto,
    _rounded_away,
    _unsigned_heights,
    _unscaled_alpha,
)
