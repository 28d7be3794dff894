"""What failed in a rehearsal: an error for what must fail, a warning that names the case for what may.

Pure; called by the appraiser. Shapes: reference page "Evalscript V3" §§3, 5, and its chapter on data fusion.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from controller.analysis.source import SourceText
from controller.model.errors import Finding
from controller.model.script import FailureKind, Mosaicking, Rehearsal, RehearsalFailure, ScriptFailure, Stage

EVALUATE = "evaluatePixel"
USER_DATA = "userData"
HELPERS = (
    *("index", "inverse", "int2rgb", "rgb2int", "normalizeRGB", "combine", "valueMap", "valueInterpolate"),
    *("colorBlend", "colorMap", "decodeL8C2Qa", "decodeLs8Qa", "decodeS3OLCIQualityFlags"),
)
MADE_ANEW = "preProcessScenes may only drop or reorder"

_ORDINARY = ("data", "other")
_SPECIAL = {
    "empty": "on pixels without data (dataMask 0)",
    "zero": "on pixels whose bands are all 0",
    "large": "on pixels with very large values",
}
_CERTAIN = ("", "empty")  # kinds of pixels that exist whatever the bands hold
_SCENES = {"one": "with a single scene", "none": "where there is no scene"}
_WITHOUT = "without "
_SHOWN = 3  # bands of an example
_TAKE_SCENES = (("preProcessScenes", 0), ("updateOutput", 1), (EVALUATE, 1), ("updateOutputMetadata", 0))
"""What gets scenes or collections, in the order of the steps, and as which of its arguments."""


def failures(rehearsed: Rehearsal | ScriptFailure, stage: Stage, source: SourceText) -> Iterator[Finding]:
    """Everything that failed in the rehearsal of `source` on `stage`."""
    if isinstance(rehearsed, ScriptFailure):
        yield from _unfinished(rehearsed, source)
        return
    for step, trials in rehearsed.trials.items():
        failed = [each for each in rehearsed.failures if each.step == step]
        if rehearsed.failed.get(step, 0) == trials and _is_certain(failed, stage, source):
            yield _error(failed[0], rehearsed, stage, source)
        else:
            yield from _warnings(failed, rehearsed, stage, source)


def _unfinished(failure: ScriptFailure, source: SourceText) -> Iterator[Finding]:
    if failure.kind not in (FailureKind.TIMEOUT, FailureKind.MEMORY, FailureKind.CRASH):
        return
    line, column = (failure.line, failure.column) if failure.line else source.place(source.definition(EVALUATE))
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
    return has_names and not any(_uses_scenes(name, position, source) for name, position in _TAKE_SCENES)


def _uses_scenes(name: str, position: int, source: SourceText) -> bool:
    """Whether a function may do more with its scenes than to name them as a parameter, and to return them."""
    if not re.search(rf"\b{name}\b", source.code):
        return False
    function = source.function(name)
    if function is None:
        return re.search(r"\b(?:scenes|collections?)\b", source.code) is not None
    body, given = source.code[function.start : function.end], function.parameters[position : position + 1]
    if given == ("",):  # a pattern takes them apart
        return True
    names = "|".join(map(re.escape, (*given, "arguments")))
    body = re.sub(rf"\breturn\s+(?:{names})\s*(?=[;\n]|$)", "", body)
    return re.search(rf"(?<![\w$.])(?:{names})(?![\w$])", body) is not None


def _error(failure: RehearsalFailure, rehearsed: Rehearsal, stage: Stage, source: SourceText) -> Finding:
    line, column = _place(failure, source)
    message = f"{_what(failure)}{_advice([failure], rehearsed, stage, source)}"
    if failure.step != EVALUATE:
        return Finding(code="E303", message=f"{message} (whatever scenes there are)", line=line, column=column)
    code = "E301" if failure.thrown else "E302"
    return Finding(code=code, message=f"{message} (every pixel that was tried)", line=line, column=column)


def _warnings(
    failed: Iterable[RehearsalFailure], rehearsed: Rehearsal, stage: Stage, source: SourceText
) -> Iterator[Finding]:
    """One per failure, with all the cases in which it occurs. Of bands that may hold anything only what is certain."""
    is_known = all(each.known for each in stage.sources)
    groups: dict[tuple[int, int, str], list[RehearsalFailure]] = {}
    for each in failed:
        if each.by_engine and (is_known or each.step != EVALUATE or each.kind in _CERTAIN or _lacks(each)):
            groups.setdefault((each.line, each.column, each.message), []).append(each)
    for group in groups.values():
        first = group[0]
        cases = " and ".join(dict.fromkeys(_cases(group, stage)))
        line, column = _place(first, source)
        code = "W002" if first.step != EVALUATE else "W001" if first.thrown else "W003"
        message = f"{cases}: {_what(first)}{_advice(group, rehearsed, stage, source)}"
        yield Finding(code=code, message=message, line=line, column=column)


def _lacks(failure: RehearsalFailure) -> bool:
    """Whether a datasource had no scene at all."""
    return failure.situation == "none" or failure.situation.startswith(_WITHOUT)


# --- when it fails ---


def _cases(group: Sequence[RehearsalFailure], stage: Stage) -> Iterator[str]:
    """When it occurs, in words: on these pixels, or else with these scenes."""
    pixels = {each.kind for each in group if each.situation == "several"}
    if "" in pixels:
        yield "with several scenes"
    elif pixels == {*_ORDINARY, *_SPECIAL, *map(str, range(2, len(stage.sources[0].values)))}:
        yield "on all pixels that were tried"
        return
    else:
        yield from _pixels(pixels, stage)
    missing = _missing_sources(group)
    for each in group:
        is_named = each.kind and each.kind in pixels  # it is the pixel, whatever the scenes
        if each.situation == "several" or is_named or (each.situation == "none" and missing):
            continue
        name = _source_name(each.situation.removeprefix(_WITHOUT))
        yield _SCENES.get(each.situation) or f"where {name} has no scene"


def _pixels(kinds: set[str], stage: Stage) -> Iterator[str]:
    rows = sorted(int(kind) for kind in kinds if kind.isdigit())
    if kinds & {*_ORDINARY}:
        yield "on ordinary pixels"
    elif rows:
        yield f"on pixels {_example(rows[0], stage)}"
    yield from (words for kind, words in _SPECIAL.items() if kind in kinds)


def _example(row: int, stage: Stage) -> str:
    """Some bands of such a pixel, those with classes first; which sample it was, is not known of many."""
    only = stage.sources[0]
    if stage.fusion or only.mode is not Mosaicking.SIMPLE:
        return "with some combination of values"
    values = sorted(zip(only.bands, only.values[row], strict=True), key=lambda each: each[1] != int(each[1]))
    return "such as " + ", ".join(f"{band} = {value:.3g}" for band, value in values[:_SHOWN])


def _missing_sources(group: Iterable[RehearsalFailure]) -> list[str]:
    names = [each.situation for each in group if each.situation.startswith(_WITHOUT)]
    return [each.removeprefix(_WITHOUT) for each in dict.fromkeys(names)]


def _source_name(name: str) -> str:
    return f"input.data[{name}]" if name.isdigit() else name


# --- what fails, and what to write instead ---


def _what(failure: RehearsalFailure) -> str:
    if not failure.thrown:
        return _in_our_words(failure.message)
    return f"{failure.step} fails with {failure.message}"


def _in_our_words(complaint: str) -> str:
    if complaint == "Script must return an array.":
        return "evaluatePixel must return an array of numbers, or an object with one array for each output"
    return complaint


def _advice(group: Sequence[RehearsalFailure], rehearsed: Rehearsal, stage: Stage, source: SourceText) -> str:
    """What to write instead, where that is certain."""
    first = group[0]
    unknown = re.search(r"ReferenceError: ([\w$]+) is not defined", first.message)
    bands = {band for each in stage.sources for band in each.bands}
    samples = source.parameter(EVALUATE, 0)
    if unknown and unknown[1] in bands:
        return f": bands belong to the sample, write {samples or 'sample'}.{unknown[1]}"
    hidden = re.search(r"TypeError: ([\w$]+) is not a function|Cannot access '([\w$]+)' before", first.message)
    if hidden and (hidden[1] or hidden[2]) in HELPERS:
        return f": a variable hides the function {hidden[1] or hidden[2]}(), give it another name"
    if first.step != EVALUATE or not first.thrown:
        return ""
    if all(map(_lacks, group)):
        return _guard(group, stage, samples)
    is_single = not stage.fusion and stage.sources[0].mode is Mosaicking.SIMPLE
    if is_single and samples and "of undefined" in first.message and ("", "0") in rehearsed.missing:
        return f": under SIMPLE mosaicking there is one sample, write {samples}.B04 rather than {samples}[0].B04"
    return ""


def _guard(group: Sequence[RehearsalFailure], stage: Stage, samples: str) -> str:
    """How to detect, before anything is read, that there is no sample."""
    if not stage.fusion:
        return f": return early when {samples}.length is 0" if samples else ""
    missing = _missing_sources(group)
    names = missing or [each.name for each in stage.sources if not each.always]
    joined, verb = (" or ", "is") if missing or len(names) == 1 else (" and ", "are")
    if not samples:
        return f": return early when there is no sample of {joined.join(map(_source_name, names))}"
    lists = [f"{_member(samples, name)}.length" for name in names]
    return f": return early when {joined.join(lists)} {verb} 0"


def _member(holder: str, name: str) -> str:
    if re.fullmatch(r"[A-Za-z_$][\w$]*", name):
        return f"{holder}.{name}"
    return f"{holder}[{name if name.isdigit() else json.dumps(name)}]"


def _place(failure: RehearsalFailure, source: SourceText) -> tuple[int, int]:
    if failure.line:
        return failure.line, failure.column
    assigned = re.search(rf"\b{USER_DATA}\b", source.code) if failure.step == USER_DATA else None
    return source.place(assigned.start() if assigned else source.definition(failure.step))
