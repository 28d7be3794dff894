"""Evalscript idioms that do not do what was intended: older versions, undocumented shapes, shared names.

Pure; called by `hints`. Codes W009, W015 to W019 and W023.
"""

import re
from collections.abc import Iterator

from controller.analysis.context import found_at
from controller.analysis.rehearsal import EVALUATE
from controller.analysis.source import Function, SourceText
from controller.model.catalog import nearest
from controller.model.errors import Finding, truncate
from controller.model.script import Mosaicking, Rehearsal, SampleType, ScriptFacts

_CONSTANTS = {"Mosaicking": tuple(Mosaicking), "SampleType": tuple(SampleType)}
_OLDER = {
    "setInputComponents": "list the bands in `input` of setup()",
    "setOutputComponentCount": "write `output: {bands: 3}` in setup()",
}
_WRITTEN = r"(?:=(?![=>])|[-+*/%]=|\+\+|--|\|\|=|\?\?=|&&=)"
_MUTATED = r"\.(?:push|pop|shift|unshift|splice|sort|reverse|fill|set|add|delete|clear)\s*\("
_CHANGED = rf"(?:(?:\.[\w$]+|\[[^\]\n]{{0,200}}\])*\s*{_WRITTEN}|{_MUTATED})"
_MOST_NAMES = 100
_CHANCE = re.compile(r"\bMath\s*\.\s*random\b|\bDate\b|\bperformance\b")
_TESTED = r"\s*(?:\?|\|\||&&|[!=]==?)"  # read only to see whether it is there
_COMPOUND = r"(?:[-+*/%]=|\+\+|--)"
SETUP_KEYS = {
    "": ("input", "output", "mosaicking"),
    "input": ("bands", "units", "metadata", "datasource", "mosaicking"),
    "output": ("id", "bands", "sampleType", "nodataValue"),
}
"""What setup() may return, and inside of that each element of `input` and `output`; see also rehearsal.js."""
_BESIDE = "beside `input` and `output`"


def idioms(source: SourceText, facts: ScriptFacts, rehearsal: Rehearsal) -> Iterator[Finding]:
    """What the rehearsal or the facts confirm, placed by the text."""
    yield from _constants(source, facts)
    yield from _older_functions(source, facts)
    yield from _ends_of_tiles(source, facts)
    yield from _scenes_as_array(source, facts, rehearsal)
    yield from _orbits_of_update(source)
    yield from _kept_between_pixels(source, rehearsal)
    yield from _unknown_keys(source, rehearsal)


def _constants(source: SourceText, facts: ScriptFacts) -> Iterator[Finding]:
    """Members that do not exist, where the default is what came of it."""
    used = {
        "Mosaicking": any(each.mosaicking is Mosaicking.SIMPLE for each in facts.inputs),
        "SampleType": any(each.sample_type is SampleType.AUTO for each in facts.outputs),
    }
    for match in re.finditer(rf"(?<![\w$.])(Mosaicking|SampleType)\s*\.\s*([A-Z]\w*)\b(?!{_TESTED})", source.code):
        name, member = match.groups()
        known = _CONSTANTS[name]
        if member not in known and used[name] and not re.search(rf"\b(?:const|let|var|class)\s+{name}\b", source.code):
            default = "SIMPLE" if name == "Mosaicking" else "AUTO"
            message = f"{name}.{member} does not exist, so {default} is used: write one of {', '.join(known)}"
            yield found_at(source, match.start(), "W015", message)


def _older_functions(source: SourceText, facts: ScriptFacts) -> Iterator[Finding]:
    """Not where the script itself calls them."""
    for name, instead in _OLDER.items():
        named = list(re.finditer(rf"(?<![\w$]){name}\b", source.code))
        if name in facts.functions and len(named) == 1:
            message = f"{name} belongs to an older version, and V3's documentation does not know it: {instead}"
            yield found_at(source, named[0].start(), "W016", message)


def _ends_of_tiles(source: SourceText, facts: ScriptFacts) -> Iterator[Finding]:
    function = source.function("preProcessScenes")
    if not function or not function.parameters or {each.mosaicking for each in facts.inputs} != {Mosaicking.TILE}:
        return
    end = rf"(?<![\w$.]){re.escape(function.parameters[0])}\s*\.\s*(from|to)\b"
    match = _within(source, function, end) if function.parameters[0] else None
    if match and not _is_tested(source, function, end):
        message = f"under TILE mosaicking collections.{match[1]} is not documented to exist: write the date itself"
        yield found_at(source, function.start + match.start(), "W009", message)


def _scenes_as_array(source: SourceText, facts: ScriptFacts, rehearsal: Rehearsal) -> Iterator[Finding]:
    if not rehearsal.scenes_as_array:
        return
    shape = "orbits" if facts.inputs[0].mosaicking is Mosaicking.ORBIT else "tiles"
    date = "dateFrom" if shape == "orbits" else "date"
    name, place = "scenes", source.definition(EVALUATE)
    for step, position in ((EVALUATE, 1), ("updateOutputMetadata", 0)):
        function, parameter = source.function(step), source.parameter(step, position)
        array = rf"(?<![\w$.]){re.escape(parameter)}\s*(?:\[|\.\s*(?!{shape}\b)[a-z])"
        match = _within(source, function, array) if function and parameter else None
        if function and match:
            name, place = parameter, function.start + match.start()
            break
    message = f"using {name} as an array is deprecated: it is an object, write {name}.{shape}[0].{date}, "
    yield found_at(source, place, "W017", f"{message}{name}.{shape}.length")


def _orbits_of_update(source: SourceText) -> Iterator[Finding]:
    function = source.function("updateOutput")
    if function is None or len(function.parameters) < 2 or not function.parameters[1]:
        return
    holder = rf"(?<![\w$.]){re.escape(function.parameters[1])}"
    orbits = rf"{holder}[\w$.]*\.scenes\s*\.\s*(orbits|tiles)\b"
    match = _within(source, function, orbits)
    if match and not _is_tested(source, function, orbits):
        message = (
            f"in updateOutput collection.scenes is documented as an array of {{date}}, without .{match[1]}: write "
            "collection.scenes.length"
        )
        yield found_at(source, function.start + match.start(), "W018", message)


def _kept_between_pixels(source: SourceText, rehearsal: Rehearsal) -> Iterator[Finding]:
    """Only where the answer for a pixel was another one after other pixels, and a variable outside of it is written."""
    function = source.function(EVALUATE)
    if function is None or not rehearsal.unsteady or _CHANCE.search(source.code):
        return
    written, added = {}, {}
    for name in sorted(rehearsal.globals | source.declared_at_top())[:_MOST_NAMES]:
        var = rf"(?<![\w$.]){re.escape(name)}"
        own = rf"\b(?:let|const|var|function)\s+{re.escape(name)}\b|{var}\s*=>"
        if name in function.parameters or _within(source, function, own):
            continue
        if match := _within(source, function, rf"{var}{_CHANGED}|(?:\+\+|--)\s*{re.escape(name)}\b"):
            written[name] = match.start()
        itself = (
            rf"{_COMPOUND}\s*{re.escape(name)}\b|{var}(?:\s*{_COMPOUND}|\s*=(?!=)[^;\n]{{0,200}}{var}\b|{_MUTATED})"
        )
        if match := _within(source, function, itself):
            added[name] = match.start()
    for name, start in (added or (written if len(written) == 1 else {})).items():
        message = (
            f"a pixel's answer depends on the pixels before it, through the global {name}: in which order pixels "
            "come, and how many share one global, is not documented, so the result may differ from run to run"
        )
        yield found_at(source, function.start + start, "W019", message)


def _unknown_keys(source: SourceText, rehearsal: Rehearsal) -> Iterator[Finding]:
    for place, key in rehearsal.unknown_keys:
        where = f"inside of `{place}`" if place else _BESIDE
        message = f"V3's documentation does not know `{truncate(key, 60)}` {where}: {_meant_key(place, key)}"
        yield found_at(source, _place_of_key(source, place, key), "W023", message)


def _place_of_key(source: SourceText, place: str, key: str) -> int:
    """Where setup() has the key: in the outermost object, or further inside."""
    setup = source.function("setup")
    if setup is None:
        return source.definition("setup")
    depth = 0
    for match in re.finditer(rf"[\[{{}}\]]|(?<![\w$]){re.escape(key)}(?![\w$])", source.words[setup.start : setup.end]):
        depth += (match[0] in "[{") - (match[0] in "]}")
        if match[0] == key and (depth == 1) == (place == ""):
            return setup.start + match.start()
    return setup.start


def _meant_key(place: str, key: str) -> str:
    """What to write instead: the key where it belongs, or one that is spelt alike."""
    everywhere = {name for names in SETUP_KEYS.values() for name in names}
    near = key if key in everywhere else nearest(key, SETUP_KEYS[place]) or nearest(key, everywhere)
    if near is None:
        return "it probably has no effect"
    if near in SETUP_KEYS[place]:
        return f"did you mean {near}?"
    homes = [f"inside of `{home}`" if home else _BESIDE for home, names in SETUP_KEYS.items() if near in names]
    return f"write {near} {' or '.join(homes)}"


def _is_tested(source: SourceText, function: Function, pattern: str) -> bool:
    """Whether the function looks first whether it is there."""
    return _within(source, function, rf"\bif\s*\(\s*{pattern}|!\s*{pattern}|{pattern}{_TESTED}") is not None


def _within(source: SourceText, function: Function, pattern: str) -> re.Match[str] | None:
    return re.search(pattern, source.code[function.start : function.end])
