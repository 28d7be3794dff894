"""The dry run of a script: an error only for what must fail, a warning that names the case for what may, never a
word about what a script throws on purpose.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from controller.analysis.stage import stage_of
from controller.evalscript.engine import Engine
from controller.model.script import Rehearsal, ScriptFacts
from tests.support.scripts import accepted, appraised, of_the_script, reported

SIMPLE = "function setup() { return {input: ['B04', 'B08'], output: {bands: 1, sampleType: 'FLOAT32'}}; }"
ORBIT = SIMPLE.replace("}}; }", "}, mosaicking: 'ORBIT'}; }")
TILE = ORBIT.replace("ORBIT", "TILE")
TWO = "function setup() { return {input: ['B04', 'B08'], output: [{id: 'a', bands: 1}, {id: 'b', bands: 2}]}; }"
FUSION = (
    "function setup() { return {input: [{datasource: 's1', bands: ['VV']}, {datasource: 'l2a', bands: ['B04']}], "
    "output: {bands: 1, sampleType: 'FLOAT32'}}; }"
)
FUSED = {"collections": "sentinel-1-grd as s1, sentinel-2-l2a as l2a"}
ALWAYS = " (every pixel that was tried)"
READS = "function evaluatePixel(samples) { return [samples.length ? samples[0].B04 + samples[0].B08 : 0]; }"


def script(setup: str, *lines: str) -> str:
    """Line 2 is setup(); the rest begins on line 3."""
    return "\n".join(["//VERSION=3", setup, *lines])


def findings(text: str, **asked: Any) -> list[str]:
    found = appraised(accepted(text, **asked))
    return reported(of_the_script((*found.problems, *found.warnings)))


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(seconds=20) as engine:
        yield engine


def rehearsed(engine: Engine, text: str, **asked: Any) -> Rehearsal:
    job = accepted(text, **asked)
    facts = engine.load(text)
    assert isinstance(facts, ScriptFacts), facts
    stage = stage_of(job.request, facts)
    assert stage is not None
    answer = engine.rehearse(stage)
    assert isinstance(answer, Rehearsal), answer
    return answer


def case(id: str, text: str, expected: str, **asked: Any) -> Any:
    """A row; `asked` is what the request has beside its script."""
    return pytest.param(text, asked, expected, id=id)


ERRORS = [
    case(
        "a function that does not exist",
        script(SIMPLE, "function evaluatePixel(s) {", "  return [ndvi(s)];", "}"),
        f"4:3 E301 evaluatePixel fails with ReferenceError: ndvi is not defined{ALWAYS}",
    ),
    case(
        "bands as in the oldest version",
        script(SIMPLE, "function evaluatePixel(sample) { return [B08 - B04]; }"),
        "3:42 E301 evaluatePixel fails with ReferenceError: B08 is not defined: bands belong to the sample, "
        f"write sample.B08{ALWAYS}",
    ),
    case(
        "an array of samples under SIMPLE",
        script(SIMPLE, "function evaluatePixel(samples) { return [samples[0].B08]; }"),
        "3:54 E301 evaluatePixel fails with TypeError: Cannot read properties of undefined (reading 'B08'): under "
        f"SIMPLE mosaicking there is one sample, write samples.B04 rather than samples[0].B04{ALWAYS}",
    ),
    case(
        "a mistake in a function that is called",
        script(SIMPLE, "function helper(s) { return s.B04.value.x; }", "const evaluatePixel = (s) => [helper(s)];"),
        f"3:41 E301 evaluatePixel fails with TypeError: Cannot read properties of undefined (reading 'x'){ALWAYS}",
    ),
    case(
        "a number in place of an array",
        script(SIMPLE, "", "function evaluatePixel(s) { return s.B04; }"),
        f"4:1 E302 evaluatePixel must return an array of numbers, or an object with one array for each output{ALWAYS}",
    ),
    case(
        "an array of another length",
        script(SIMPLE, "function evaluatePixel(s) { const both = [s.B04, s.B08]; return both; }"),
        '3:1 E302 Output "default" needs an array of 1 number (`bands` in setup), but evaluatePixel returned 2'
        f"{ALWAYS}",
    ),
    case(
        "an output that is left out",
        script(TWO, "function evaluatePixel(s) { return {a: [s.B04 + s.B08]}; }"),
        '3:1 E302 evaluatePixel returned no output "b"; it must return {"a": [...], "b": [...]}' + ALWAYS,
        responses=[("a", "image/tiff"), ("b", "image/tiff")],
    ),
    case(
        "one array for two outputs",
        script(TWO, "function evaluatePixel(s) { return [s.B04 + s.B08]; }"),
        "3:1 E302 evaluatePixel returned one array, but setup has several outputs; it must return "
        f'{{"a": [...], "b": [...]}}{ALWAYS}',
        responses=[("a", "image/tiff"), ("b", "image/tiff")],
    ),
    case(
        "another shape of collections",
        script(ORBIT, "function preProcessScenes(collections) {", "  return collections.scenes; }", READS),
        "3:1 E303 preProcessScenes must return the collections it was given, with the array "
        "collections.scenes.orbits inside; write `return collections` at its end (whatever scenes there are)",
    ),
    case(
        "orbits under TILE",
        script(TILE, "function preProcessScenes(all) {", "  all.scenes.orbits.length; return all; }", READS),
        "4:21 E303 preProcessScenes fails with TypeError: Cannot read properties of undefined (reading 'length') "
        "(whatever scenes there are)",
    ),
    case(
        "an output that updateOutput does not have",
        script(ORBIT, "function updateOutput(outputs) { outputs.other.bands = 2; }", READS),
        "3:54 E303 updateOutput fails with TypeError: Cannot set properties of undefined (setting 'bands') "
        "(whatever scenes there are)",
    ),
    case(
        "orbits under SIMPLE",
        script(
            SIMPLE,
            "function evaluatePixel(s) { return [s.B04 + s.B08]; }",
            "function updateOutputMetadata(scenes) { scenes.orbits[0]; }",
        ),
        "4:54 E303 updateOutputMetadata fails with TypeError: Cannot read properties of undefined (reading '0') "
        "(whatever scenes there are)",
    ),
    case(
        "recursion without an end",
        script(SIMPLE, "function evaluatePixel(s) {", "  return evaluatePixel(s); }"),
        f"4:3 E301 evaluatePixel fails with RangeError: Maximum call stack size exceeded{ALWAYS}",
    ),
    case(
        "a datasource in capitals",
        script(FUSION, "function evaluatePixel(samples) { return [samples.S1[0].VV + samples.l2a[0].B04]; }"),
        f"3:53 E301 evaluatePixel fails with TypeError: Cannot read properties of undefined (reading '0'){ALWAYS}",
        **FUSED,
    ),
]


@pytest.mark.parametrize(("text", "asked", "expected"), ERRORS)
def test_what_must_fail_is_an_error_at_its_line(text: str, asked: dict[str, Any], expected: str) -> None:
    assert findings(text, **asked) == [expected]


WARNINGS = [
    case(
        "the first sample of none",
        script(ORBIT, "function evaluatePixel(all) { return [all[0].B04 + all[0].B08]; }"),
        "3:46 W001 where there is no scene: evaluatePixel fails with TypeError: Cannot read properties of "
        "undefined (reading 'B04'): return early when all.length is 0",
    ),
    case(
        "the second sample of one",
        script(ORBIT, "function evaluatePixel(all) { if (!all.length) return [0];", "  return [all[1].B04]; }"),
        "4:18 W001 with a single scene: evaluatePixel fails with TypeError: Cannot read properties of undefined "
        "(reading 'B04')",
    ),
    case(
        "a number for empty pixels",
        script(SIMPLE, "function evaluatePixel(s) { return s.B04 > 0 ? [s.B04 - s.B08] : 0; }"),
        "3:1 W003 on pixels without data (dataMask 0) and on pixels whose bands are all 0: evaluatePixel must "
        "return an array of numbers, or an object with one array for each output",
    ),
    case(
        "a datasource without a scene",
        script(
            FUSION, "function evaluatePixel(samples) {", "  return [samples.s1[0].VV + (samples.l2a[0] || {}).B04]; }"
        ),
        "4:25 W001 where s1 has no scene: evaluatePixel fails with TypeError: Cannot read properties of undefined "
        "(reading 'VV'): return early when samples.s1.length is 0",
        **FUSED,
    ),
    case(
        "another datasource, for some pixels of this one alone",
        script(
            FUSION, "function evaluatePixel({s1, l2a}) { return s1[0]?.VV > 0.05 ? [l2a[0].B04] : [s1[0]?.VV ?? 0]; }"
        ),
        "3:71 W001 where l2a has no scene: evaluatePixel fails with TypeError: Cannot read properties of undefined "
        "(reading 'B04'): return early when there is no sample of l2a",
        **FUSED,
    ),
    case(
        "datasources whose names need brackets, by one function",
        script(
            FUSION.replace("'s1'", "'S1-A'").replace("'l2a'", "'S2-L2A'"),
            "const first = (list) => list[0].B04 || list[0].VV;",
            "function evaluatePixel(all) { return [first(all['S1-A']) + first(all['S2-L2A'])]; }",
        ),
        "3:33 W001 where S1-A has no scene and where S2-L2A has no scene: evaluatePixel fails with TypeError: Cannot "
        "read properties of undefined (reading 'B04'): return early when all[\"S1-A\"].length or "
        'all["S2-L2A"].length is 0',
        collections="sentinel-1-grd as S1-A, sentinel-2-l2a as S2-L2A",
    ),
    case(
        "both datasources together",
        script(
            FUSION,
            "function evaluatePixel(all) { const s = all.s1[0] || all.l2a[0]; return [s.VV || s.B04]; }",
        ),
        "3:76 W001 where there is no scene: evaluatePixel fails with TypeError: Cannot read properties of undefined "
        "(reading 'VV'): return early when all.s1.length and all.l2a.length are 0",
        **FUSED,
    ),
    case(
        "a class that a table does not have",
        script(
            "function setup() { return {input: ['SCL'], output: {bands: 1}}; }",
            "const COLOURS = [{c: 0}, {c: 0}, {c: 0}, {c: 0}, {c: 1}, {c: 1}];",
            "function evaluatePixel(s) { return [COLOURS[s.SCL].c]; }",
        ),
        "4:52 W001 on pixels such as SCL = 6: evaluatePixel fails with TypeError: Cannot read properties of undefined "
        "(reading 'c')",
    ),
    case(
        "a variable in the place of a function",
        script(
            SIMPLE,
            "function evaluatePixel(s) { var index; return [s.B08 > s.B04 ? index(s.B08, s.B04) : 0]; }",
        ),
        "3:64 W001 on ordinary pixels: evaluatePixel fails with TypeError: index is "
        "not a function: a variable hides the function index(), give it another name",
    ),
    case(
        "scenes made anew",
        script(
            ORBIT,
            "function preProcessScenes(all) {",
            "  all.scenes.orbits = all.scenes.orbits.map((each) => ({dateFrom: each.dateFrom})); return all; }",
            READS,
        ),
        "3:1 W002 with several scenes and with a single scene: preProcessScenes may only drop or "
        "reorder the scenes it was given, not make or repeat any",
    ),
    case(
        "the first of no scenes to choose from",
        script(
            ORBIT, "function preProcessScenes(all) { all.scenes.orbits[0].dateFrom.slice(0, 4); return all; }", READS
        ),
        "3:55 W002 where there is no scene: preProcessScenes fails with TypeError: Cannot read properties of "
        "undefined (reading 'dateFrom')",
    ),
    case(
        "scenes in data fusion, whose shape nobody knows",
        script(
            FUSION, "function evaluatePixel(samples, scenes) { return [scenes.s1.scenes.orbits[0].nothing.at.all]; }"
        ),
        "3:74 W001 on all pixels that were tried: evaluatePixel fails with TypeError: Cannot read properties of "
        "undefined (reading '0')",
        **FUSED,
    ),
]


@pytest.mark.parametrize(("text", "asked", "expected"), WARNINGS)
def test_what_may_fail_is_a_warning_that_says_when(text: str, asked: dict[str, Any], expected: str) -> None:
    assert findings(text, **asked) == expected.splitlines()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("throw 'not yet';", id="a text"),
        pytest.param("throw new Error('not yet');", id="an Error"),
        pytest.param("throw new TypeError('not yet');", id="one of the engine's own classes"),
        pytest.param("throw RangeError('not yet');", id="without `new`"),
        pytest.param("throw null;", id="nothing"),
        pytest.param("const e = new ReferenceError('x'); e.stack = ''; throw e;", id="an error without a stack"),
        pytest.param("throw {toString() { throw 1; }};", id="an object that cannot be shown"),
        pytest.param(
            "if (s.B04 + s.B08 >= 0) throw new (class Stop extends RangeError {})('stop');", id="its own class"
        ),
    ],
)
def test_what_a_script_throws_on_purpose_is_its_own_affair(body: str) -> None:
    told_about = findings(script(SIMPLE, f"function evaluatePixel(s) {{ {body} return [s.B04 - s.B08]; }}"))
    assert told_about == []


NAMED = "function setup() { return {input: [{datasource: 'l2a', bands: ['B04']}], output: {bands: 1}}; }"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        pytest.param(
            script(TWO, "function evaluatePixel(s) { return {b: [s.B04, s.B08]}; }"),
            {"responses": [("b", "image/tiff")]},
            id="an output that nobody asked for",
        ),
        pytest.param(
            script(SIMPLE, "function evaluatePixel(s) { return Float32Array.of(s.B04 - s.B08); }"),
            {},
            id="a typed array",
        ),
        pytest.param(
            script(NAMED, "function evaluatePixel(s) { return [s.l2a[0].B04]; }"),
            {"collections": "sentinel-2-l2a as l2a"},
            id="a single source with a name",
        ),
        pytest.param(
            script(SIMPLE, "function evaluatePixel(s) { if (s.B04 > s.B08) return [1]; }"),
            {},
            id="nothing now and then",
        ),
        pytest.param(
            script(
                ORBIT,
                "function updateOutput(outputs, collection) { outputs.default.bands = collection.scenes.length; }",
                "function evaluatePixel(samples) { return samples.map((s) => s.B04 + s.B08); }",
            ),
            {},
            id="no band at all where there is no scene",
        ),
        pytest.param(
            script(
                "function setup() { return {input: ['Code'], output: {bands: 1}}; }",
                "const COLOURS = {10: [1], 20: [0]};",
                "function evaluatePixel(s) { return s.Code ? COLOURS[s.Code].slice() : [0]; }",
            ),
            {"collections": "byoc-01234567-89ab-cdef-0123-456789abcdef"},
            id="codes of one's own data",
        ),
    ],
)
def test_where_the_documentation_leaves_it_open_there_is_no_error(text: str, asked: dict[str, Any]) -> None:
    assert findings(text, **asked) == []


def test_a_mistake_that_a_thousandth_pixel_would_not_make_is_no_error() -> None:
    strict = "const names = {217: [1]};\nfunction evaluatePixel(s) { s.B08; return [names[s.B04][0]]; }"
    (only,) = findings(script(SIMPLE, strict))
    assert only.startswith("4:56 W001 on all pixels that were tried: ")


def test_what_a_script_remembers_of_its_scenes_fits_its_samples() -> None:
    counting = (
        "let days;\nfunction preProcessScenes(all) { days = all.scenes.orbits.length; return all; }\n"
        "function evaluatePixel(samples) { let sum = 0;\n"
        "  for (let i = 0; i < days; i++) sum += samples[i].B04 + samples[i].B08;\n  return [sum]; }"
    )
    assert findings(script(ORBIT, counting), times="2020-01-01/2020-03-31") == []


def test_the_report_of_a_plain_script(engine: Engine) -> None:
    text = script(SIMPLE, "function evaluatePixel(s) { total = s.B04; return [s.B04, s.B11 > 1, NaN].slice(0, 1); }")
    fields_of = rehearsed(engine, text)
    assert fields_of.trials == {"evaluatePixel": 21}
    assert (fields_of.failed, fields_of.failures) == ({}, ())
    assert fields_of.read == {("", "B04")}
    assert fields_of.missing == {("", "B11")}
    assert fields_of.globals == {"total"}
    assert {*fields_of.answers} == {"data", "other", "empty", "zero", "large", *map(str, range(2, 18))}
    assert fields_of.answers["empty"] == {"default": (0,)}


def test_scenes_are_chosen_among_one_a_day_and_one_in_three_days(engine: Engine) -> None:
    choose = (
        "function preProcessScenes(all) { const since = all.to.getTime() - 10 * 86400000;\n"
        "  all.scenes.orbits = all.scenes.orbits.filter((o) => new Date(o.dateFrom) >= since); return all; }"
    )
    fields_of = rehearsed(engine, script(ORBIT, choose, READS), times="2020-01-01/2020-12-31")
    assert fields_of.kept == (10, 4)
    assert fields_of.trials == {"preProcessScenes": 3, "evaluatePixel": 27}


@pytest.mark.parametrize(
    ("mode", "expression", "expected"),
    [
        pytest.param(ORBIT, "scenes.orbits.length", 8, id="ORBIT: days"),
        pytest.param(ORBIT, "scenes.orbits[0].tiles.length", 1, id="ORBIT: the tiles of a day"),
        pytest.param(
            ORBIT, "Date.parse(scenes.orbits[0].dateTo) / 1000", 1580515199, id="ORBIT: the end of the last day"
        ),
        pytest.param(TILE, "scenes.tiles.length", 8, id="TILE: tiles"),
        pytest.param(TILE, "new Date(scenes.tiles[0].date).getUTCDate()", 31, id="TILE: the day of the newest tile"),
        pytest.param(TILE, "typeof scenes.tiles[0].cloudCoverage === 'number'", 1, id="TILE: its clouds"),
    ],
)
def test_scenes_look_as_documented(engine: Engine, mode: str, expression: str, expected: float) -> None:
    body = f"function evaluatePixel(samples, scenes) {{ return [samples.length ? {expression} : 0]; }}"
    assert rehearsed(engine, script(mode, body)).answers["data"] == {"default": (expected,)}


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param("Array.prototype.push = Array.prototype.map = null; JSON.stringify = () => '';", id="built-ins"),
        pytest.param("Object.keys = () => []; Object.getPrototypeOf = null; Proxy = null; Date = null;", id="globals"),
        pytest.param("Error.prepareStackTrace = () => 'nowhere'; String.prototype.slice = null;", id="stacks"),
    ],
)
def test_a_script_cannot_spoil_the_report(engine: Engine, hostile: str) -> None:
    fields_of = rehearsed(engine, script(ORBIT, hostile, "function evaluatePixel(s) { return [s[0].B04]; }"))
    assert fields_of.trials == {"evaluatePixel": 27}
    assert [(each.situation, each.kind) for each in fields_of.failures] == [("none", "")]


def test_a_stack_that_the_script_writes_itself_names_no_line_of_ours(engine: Engine) -> None:
    """A line beyond the script ended the thread that examines scripts."""
    forged = r"const e = new TypeError('x'); e.stack = 'x\n    at evaluatePixel (evalscript:99999:1)'; throw e;"
    answer = rehearsed(engine, script(SIMPLE, f"function evaluatePixel(s) {{ {forged} }}"))
    assert {each.message for each in answer.failures} == {"TypeError: x"}
