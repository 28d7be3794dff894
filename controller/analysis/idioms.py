"""Evalscript idioms that do not do what was intended: older versions, undocumented shapes, shared names.

Pure; called by `hints` with the text alone and the facts. Codes W003, W009, W010 and W015 to W019.
"""

import re
from collections.abc import Iterator

from controller.analysis.rehearsal import EVALUATE
from controller.analysis.source import Function, SourceText
from controller.model.errors import Finding
from controller.model.script import Mosaicking, SampleType, ScriptFacts

HELPERS = (
    *("index", "inverse", "int2rgb", "rgb2int", "normalizeRGB", "combine", "valueMap", "valueInterpolate"),
    *("colorBlend", "colorMap", "decodeL8C2Qa", "decodeLs8Qa", "decodeS3OLCIQualityFlags"),
)
_CONSTANTS = {"Mosaicking": tuple(Mosaicking), "SampleType": tuple(SampleType)}
_OLDER = {
    "setInputComponents": "list the bands in `input` of setup()",
    "setOutputComponentCount": "write `output: {bands: 3}` in setup()",
}
_WRITTEN = r"(?:=(?![=>])|\+=|-=|\*=|/=|\+\+|--|\|\|=|\?\?=|&&=)"


def idioms(source: SourceText, facts: ScriptFacts, new_globals: frozenset[str]) -> Iterator[Finding]:
    """Everything found in the text itself; `new_globals` were written during the rehearsal."""
    yield from _constants(source)
    yield from _older_functions(source, facts)
    yield from _shadowed_helpers(source)
    yield from _ends_of_tiles(source, facts)
    yield from _scenes_as_array(source, facts)
    yield from _orbits_of_update(source)
    yield from _written_globals(source, new_globals)
    yield from _wrong_lengths(source, facts)


def found_at(source: SourceText, offset: int, code: str, message: str) -> Finding:
    """A finding at an offset of the text."""
    line, column = source.place(offset)
    return Finding(code=code, message=message, line=line, column=column)


def _constants(source: SourceText) -> Iterator[Finding]:
    for match in re.finditer(r"\b(Mosaicking|SampleType)\s*\.\s*([A-Za-z_$][\w$]*)", source.code):
        name, member = match.groups()
        known = _CONSTANTS[name]
        if member not in known and not re.search(rf"\b(?:const|let|var|class)\s+{name}\b", source.code):
            default = "SIMPLE" if name == "Mosaicking" else "AUTO"
            message = f"{name}.{member} does not exist, so {default} is used: write one of {', '.join(known)}"
            yield found_at(source, match.start(), "W015", message)


def _older_functions(source: SourceText, facts: ScriptFacts) -> Iterator[Finding]:
    for name, instead in _OLDER.items():
        if name in facts.functions:
            match = re.search(rf"\b{name}\b", source.code)
            message = f"{name} belongs to an older version and is never called: {instead}"
            yield found_at(source, match.start() if match else 0, "W016", message)


def _shadowed_helpers(source: SourceText) -> Iterator[Finding]:
    """A variable that hides a function which is called anyway; one that is itself a function is intended."""
    for name in HELPERS:
        declared = re.search(rf"\b(?:let|const|var)\s+{name}\s*(?:=(?!=)|;|$)", source.code, re.MULTILINE)
        if declared is None or not re.search(rf"(?<![\w$.]){name}\s*\(", source.code):
            continue
        value = source.code[declared.end() :].lstrip()
        if not re.match(r"function\b|class\b|\([^()]*\)\s*=>|[\w$]+\s*=>|[A-Za-z_$][\w$.]*\s*;", value):
            message = f"the variable {name} hides the function {name}(), which is called as well: give it another name"
            yield found_at(source, declared.start(), "W010", message)


def _ends_of_tiles(source: SourceText, facts: ScriptFacts) -> Iterator[Finding]:
    function = source.function("preProcessScenes")
    if not function or not function.parameters or {each.mosaicking for each in facts.inputs} != {Mosaicking.TILE}:
        return
    match = _within(source, function, rf"\b{re.escape(function.parameters[0])}\s*\.\s*(from|to)\b")
    if match:
        message = f"under TILE mosaicking collections.{match[1]} is not documented to exist: write the date itself"
        yield found_at(source, function.start + match.start(), "W009", message)


def _scenes_as_array(source: SourceText, facts: ScriptFacts) -> Iterator[Finding]:
    if len(facts.inputs) != 1 or facts.mosaicking is Mosaicking.SIMPLE:
        return
    shape = "orbits" if facts.inputs[0].mosaicking is Mosaicking.ORBIT else "tiles"
    date = "dateFrom" if shape == "orbits" else "date"
    for name, position in ((EVALUATE, 1), ("updateOutputMetadata", 0)):
        function = source.function(name)
        if function is None or len(function.parameters) <= position:
            continue
        scenes = function.parameters[position]
        array = rf"(?<![\w$.]){re.escape(scenes)}\s*(?:\[|\.\s*(?:length|map|filter|forEach|find|reduce|sort|slice)\b)"
        match = _within(source, function, array)
        if match and not _within(source, function, rf"\b(?:let|const|var)\s+{re.escape(scenes)}\b"):
            message = (
                f"using {scenes} as an array is deprecated: it is an object, write {scenes}.{shape}[0].{date}, "
                f"{scenes}.{shape}.length"
            )
            yield found_at(source, function.start + match.start(), "W017", message)


def _orbits_of_update(source: SourceText) -> Iterator[Finding]:
    function = source.function("updateOutput")
    if function is None or len(function.parameters) < 2:
        return
    match = _within(source, function, rf"\b{re.escape(function.parameters[1])}[\w$.]*\.scenes\s*\.\s*(orbits|tiles)\b")
    if match:
        message = (
            f"in updateOutput collection.scenes is documented as an array of {{date}}, without .{match[1]}: write "
            "collection.scenes.length"
        )
        yield found_at(source, function.start + match.start(), "W018", message)


def _written_globals(source: SourceText, new_globals: frozenset[str]) -> Iterator[Finding]:
    """Once per name: what is written for one pixel is still there for the next, whichever that is."""
    function = source.function(EVALUATE)
    if function is None:
        return
    for name in sorted(new_globals | source.declared_at_top()):
        escaped = re.escape(name)
        own = rf"\b(?:let|const|var|function)\s+{escaped}\b|(?<![\w$.]){escaped}\s*=>"
        if name in function.parameters or _within(source, function, own):
            continue
        match = _within(source, function, rf"(?<![\w$.]){escaped}\s*{_WRITTEN}|(?:\+\+|--)\s*{escaped}\b")
        if match and name in source.declared_at_top():
            message = (
                f"evaluatePixel writes the global {name}: in which order pixels come, and how many share one global, "
                "is not documented, so the result may differ from run to run"
            )
            yield found_at(source, function.start + match.start(), "W019", message)
        elif match:
            message = f"{name} is declared nowhere, so it is a global that all pixels share: write `let {name}` first"
            yield found_at(source, function.start + match.start(), "W019", message)


def _wrong_lengths(source: SourceText, facts: ScriptFacts) -> Iterator[Finding]:
    """Arrays returned by evaluatePixel itself, not by an inner function, whose length differs from the one output."""
    function = source.function(EVALUATE)
    if function is None or len(facts.outputs) != 1 or "updateOutput" in facts.functions:
        return
    body, bands = source.code[function.start : function.end], facts.outputs[0].bands
    for match in re.finditer(r"\breturn\s*\[", body):
        opening = function.start + match.end() - 1
        closing = source.closing(opening)
        length = _length(source.code[opening + 1 : closing])
        ends = re.match(r"\s*(?:;|\}|\n|$)", source.code[closing + 1 :])
        if length is None or length == bands or not ends or _is_in_function(body[: match.start()]):
            continue
        message = f"this returns {length} value{'s' * (length != 1)}, but setup() promises {bands}: return as many"
        yield found_at(source, function.start + match.start(), "W003", message)


def _length(inside: str) -> int | None:
    """Elements of an array literal; None when it cannot be counted."""
    if "..." in inside or not inside.strip():
        return None
    depth = count = 0
    for mark in re.findall(r"[\[\](){},]", inside.rstrip().removesuffix(",")):
        depth += (mark in "[({") - (mark in "])}")
        count += mark == "," and depth == 0
    return count + 1


def _is_in_function(before: str) -> bool:
    """Whether the text so far leaves a function open; any doubt counts as yes."""
    opened: list[bool] = []
    for match in re.finditer(r"[{}]", before):
        if match[0] == "}":
            opened = opened[:-1]
            continue
        head = before[: match.start()].rstrip()
        control = re.search(r"\b(?:else|try|finally|do)$", head) or _is_control(head)
        opened.append(not control)
    return any(opened)


def _is_control(head: str) -> bool:
    """Whether a text that ends with `(…)` ends with the head of if, for, while, switch or catch."""
    if not head.endswith(")"):
        return False
    depth = 0
    for position in range(len(head) - 1, -1, -1):
        depth += (head[position] == ")") - (head[position] == "(")
        if depth == 0:
            return re.search(r"\b(?:if|for|while|switch|catch)\s*$", head[:position]) is not None
    return False


def _within(source: SourceText, function: Function, pattern: str) -> re.Match[str] | None:
    return re.search(pattern, source.code[function.start : function.end])
