"""From samples to stored numbers: what evaluatePixel gets, may return, and how it is written."""

import struct
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from controller.evalscript.blocks import PixelBlock, Planes, Samples
from controller.evalscript.engine import Engine, ScenePlan
from controller.model.script import FailureKind, ScriptFacts, ScriptFailure, ScriptOutput

ORBITS = [
    {"dateFrom": f"2022-06-{day}T00:00:00Z", "dateTo": f"2022-06-{day}T23:59:59Z", "__idx": number}
    for number, day in enumerate((30, 20, 10))
]


def load(engine: Engine, setup: str, functions: str) -> None:
    loaded = engine.load(f"//VERSION=3\nfunction setup() {{ return {{{setup}}}; }}\n{functions}")
    assert isinstance(loaded, ScriptFacts), loaded


def samples(*planes: Sequence[float], bands: tuple[str, ...] = ("B04",), name: str = "") -> Samples:
    """One plane for each (sample, band), in that order."""
    values = array("d", [value for plane in planes for value in plane])
    return Samples(
        bands=bands, values=memoryview(values), samples=len(planes) // len(bands), name=name, dtype="float64"
    )


def evaluate(engine: Engine, *sources: Samples, pixels: int, scenes: Mapping[str, Any] | None = None) -> Planes:
    planes = engine.evaluate(PixelBlock(pixels=pixels, sources=sources, scenes=scenes or {}))
    assert isinstance(planes, Planes), planes
    return planes


def refused(engine: Engine, body: str, output: str = "{bands: 1}") -> ScriptFailure:
    load(engine, f"input: ['B04'], output: {output}", f"function evaluatePixel(samples) {{ {body} }}")
    answer = engine.evaluate(PixelBlock(pixels=1, sources=(samples([0.5]),)))
    assert isinstance(answer, ScriptFailure), answer
    return answer


@pytest.mark.parametrize(
    ("sample_type", "letter", "given", "stored"),
    [
        pytest.param("AUTO", "B", [-1, 0, 0.25, 0.5, 1, 1.05], [0, 0, 64, 128, 255, 255], id="AUTO scales 0..1"),
        pytest.param("UINT8", "B", [0.5, 40.6, 310, -3], [1, 41, 255, 0], id="UINT8: halves up, clamped"),
        pytest.param("UINT16", "H", [2500, 70000, 0.49, -15], [2500, 65535, 0, 0], id="UINT16"),
        pytest.param("INT16", "h", [-15, -15.5, -15.6, -4e4, 4e4], [-15, -15, -16, -32768, 32767], id="INT16"),
        pytest.param("INT8", "b", [-0.5, -1.5, 127.5, -200], [0, -1, 127, -128], id="INT8"),
        pytest.param("FLOAT32", "f", [0.25, -1e9, 3.5], [0.25, -1e9, 3.5], id="FLOAT32 is stored as it is"),
    ],
)  # fmt: skip
def test_encoding(engine: Engine, sample_type: str, letter: str, given: list[float], stored: list[float]) -> None:
    load(
        engine,
        f"input: ['B04'], output: {{bands: 1, sampleType: '{sample_type}'}}",
        "function evaluatePixel(s) { return [s.B04]; }",
    )
    planes = evaluate(engine, samples(given), pixels=len(given))
    assert planes.outputs == {"default": struct.pack(f"<{len(given)}{letter}", *stored)}


@pytest.mark.parametrize("value", ["NaN", "undefined", "samples.B99", "0 / 0"])
@pytest.mark.parametrize(
    ("sample_type", "stored"),
    [("INT16", struct.pack("<h", 0)), ("AUTO", b"\0"), ("FLOAT32", struct.pack("<f", float("nan")))],
)
def test_what_is_not_a_number_is_no_error(engine: Engine, value: str, sample_type: str, stored: bytes) -> None:
    load(
        engine,
        f"input: ['B04'], output: {{bands: 1, sampleType: '{sample_type}'}}",
        f"function evaluatePixel(samples) {{ return [{value}]; }}",
    )
    assert evaluate(engine, samples([1]), pixels=1).outputs == {"default": stored}


@pytest.mark.parametrize(
    ("sample_type", "stored"),
    [("FLOAT32", struct.pack("<2f", float("inf"), float("-inf"))), ("INT8", struct.pack("<2b", 127, -128))],
)
def test_infinity_is_no_error(engine: Engine, sample_type: str, stored: bytes) -> None:
    load(
        engine,
        f"input: ['B04'], output: {{bands: 2, sampleType: '{sample_type}'}}",
        "function evaluatePixel(s) { return [1 / 0, -1 / 0]; }",
    )
    assert evaluate(engine, samples([1]), pixels=1).outputs == {"default": stored}


@pytest.mark.parametrize(
    ("output", "body", "stored"),
    [
        pytest.param("{bands: 2}", "return [0, 1]", {"default": b"\0\xff"}, id="an array for the only output"),
        pytest.param("{bands: 1}", "return {default: [1]}", {"default": b"\xff"}, id="an object for the only output"),
        pytest.param(
            "[{id: 'a', bands: 1}, {id: 'b', bands: 2, sampleType: 'UINT16'}]",
            "return {b: [258, 1], a: [1], more: [9]}",
            {"a": b"\xff", "b": b"\x02\x01\x01\x00"},
            id="an object for several outputs, in any order",
        ),
        pytest.param("{bands: 2}", "return Float32Array.of(0, 1)", {"default": b"\0\xff"}, id="a typed array"),
        pytest.param(
            "[{id: 'a', bands: 1}, {id: 'b', bands: 2, sampleType: 'UINT8'}]",
            "return {a: [1], b: Uint8Array.of(7, 9)}",
            {"a": b"\xff", "b": b"\x07\x09"},
            id="a typed array in an object",
        ),
        pytest.param("{bands: 2}", "return [true, 1 > 2]", {"default": b"\xff\0"}, id="booleans count as 0 and 1"),
        pytest.param("{bands: 2}", "", {"default": b"\0\0"}, id="nothing: zeros"),
        pytest.param("[]", "return 5", {}, id="no output wanted: anything"),
    ],
)
def test_evaluate_pixel_may_return(engine: Engine, output: str, body: str, stored: dict[str, bytes]) -> None:
    load(engine, f"input: ['B04'], output: {output}", f"function evaluatePixel(samples) {{ {body} }}")
    assert evaluate(engine, samples([1]), pixels=1).outputs == stored


@pytest.mark.parametrize(
    ("output", "body", "message"),
    [
        pytest.param("{bands: 1}", "return 1", "Script must return an array.", id="a number"),
        pytest.param("{bands: 1}", "return 'x'", "Script must return an array.", id="a string"),
        pytest.param(
            "{bands: 2}",
            "return Float32Array.of(1)",
            'Output "default" needs an array of 2 numbers (`bands` in setup), but evaluatePixel returned 1',
            id="a typed array that is too short",
        ),
        pytest.param("{bands: 1}", "return null", "Script must return an array.", id="null"),
        pytest.param("{bands: 1}", "return {default: 1}", "Script must return an array.", id="a number in an object"),
        pytest.param(
            "{bands: 3}",
            "return [1, 2]",
            'Output "default" needs an array of 3 numbers (`bands` in setup), but evaluatePixel returned 2',
            id="too few numbers",
        ),
        pytest.param(
            "[{id: 'a', bands: 1}, {id: 'b', bands: 1}]",
            "return {a: [1]}",
            'evaluatePixel returned no output "b"; it must return {"a": [...], "b": [...]}',
            id="one of several outputs is missing",
        ),
        pytest.param(
            "[{id: 'a', bands: 1}, {id: 'b', bands: 1}]",
            "return [1]",
            'evaluatePixel returned one array, but setup has several outputs; it must return {"a": [...], "b": [...]}',
            id="one array for several outputs",
        ),
    ],
)
def test_evaluate_pixel_may_not_return(engine: Engine, output: str, body: str, message: str) -> None:
    assert refused(engine, body, output) == ScriptFailure(kind=FailureKind.RUNTIME, message=message)


def test_an_output_that_is_not_delivered_may_be_left_out(engine: Engine) -> None:
    output = "output: [{id: 'a', bands: 1}, {id: 'b', bands: 1}]"
    load(engine, f"input: ['B04'], {output}", "function evaluatePixel() { return {a: [1]}; }")
    answer = engine.evaluate(PixelBlock(pixels=1, sources=(samples([1]),), delivered=("a",)))
    assert answer == Planes(outputs={"a": b"\xff", "b": b"\0"})


@pytest.mark.parametrize(
    ("body", "error", "line", "column"),
    [
        pytest.param("\n  return samples[0].B04;", "TypeError: Cannot read properties of undefined (reading 'B04')",
                     4, 21, id="a property of nothing"),
        pytest.param("\n\n  throw new Error('too\\ncloudy');", "Error: too cloudy", 5, 9, id="the script's own error"),
        pytest.param("\n  throw 'no data';", "no data", 4, 3, id="anything thrown"),
        pytest.param("return missing;", "ReferenceError: missing is not defined", 3, 35, id="an unknown name"),
        pytest.param("\n  return normalizeRGB();", "TypeError: Cannot read properties of undefined (reading 'length')",
                     4, 10, id="inside a utility function: where it was called"),
        pytest.param("\n  eval('null.x')", "TypeError: Cannot read properties of null (reading 'x')",
                     4, 3, id="inside eval"),
    ],
)  # fmt: skip
def test_an_exception_tells_its_place(engine: Engine, body: str, error: str, line: int, column: int) -> None:
    assert refused(engine, body) == ScriptFailure(
        kind=FailureKind.RUNTIME, message=f"Failed to evaluate script! {error}", line=line, column=column
    )


def test_bands_are_written_one_after_the_other_in_pixel_order(engine: Engine) -> None:
    load(
        engine,
        "input: ['B04', 'B08'], output: {bands: 2, sampleType: 'UINT8'}",
        "function evaluatePixel(s) { return [s.B08, s.B04]; }",
    )
    planes = evaluate(engine, samples([1, 2, 3], [4, 5, 6], bands=("B04", "B08")), pixels=3)
    assert planes.outputs == {"default": bytes([4, 5, 6, 1, 2, 3])}


def test_single_precision_samples_are_read_as_they_are(engine: Engine) -> None:
    load(engine, "input: ['B04'], output: {bands: 1, sampleType: 'FLOAT32'}", "evaluatePixel = (s) => [s.B04 * 2];")
    values = struct.pack("<2f", 0.1, 0.2)
    planes = evaluate(engine, Samples(bands=("B04",), values=values), pixels=2)
    assert planes.outputs == {"default": struct.pack("<2f", 0.2, 0.4)}


def test_globals_live_from_pixel_to_pixel_and_block_to_block(engine: Engine) -> None:
    load(
        engine,
        "input: ['B04'], output: {bands: 1, sampleType: 'UINT8'}",
        "var highest = 0;\nfunction evaluatePixel(s) { count = typeof count == 'undefined' ? 1 : count + 1;"
        " highest = Math.max(highest, s.B04); return [highest]; }\n"
        "function updateOutputMetadata(scenes, input, output) { output.userData = {highest: highest, count: count}; }",
    )
    assert evaluate(engine, samples([1, 7, 3]), pixels=3).outputs["default"] == bytes([1, 7, 7])
    assert evaluate(engine, samples([2, 9]), pixels=2).outputs["default"] == bytes([7, 9])
    assert engine.finish() == {"highest": 9, "count": 5}


def test_a_script_may_replace_any_global_without_breaking_the_frame_around_it(engine: Engine) -> None:
    load(
        engine,
        "input: ['B04'], output: {bands: 1, sampleType: 'UINT8'}, mosaicking: 'ORBIT'",
        "let index = 5; const SampleType = 1; class ColorRampVisualizer {}\n"
        "function preProcessScenes(collections) { return collections; }\n"
        "function evaluatePixel(s) { return [index + s.length]; }\n"
        "const boom = () => { throw new Error('boom'); };\n"
        "Math.round = Math.floor = Array.isArray = JSON.parse = JSON.stringify = Object.keys = boom;\n"
        "for (const name of ['map', 'push', 'join', 'slice']) Array.prototype[name] = boom;\n"
        "Array.prototype[Symbol.iterator] = Array = Object = Function = Number = String = Date = boom;\n"
        "Float64Array = Uint8Array = ArrayBuffer = globalThis = undefined;",
    )
    assert isinstance(engine.scenes({"": {"scenes": {"orbits": ORBITS}}}), ScenePlan)
    planes = evaluate(engine, samples([1], [2]), pixels=1, scenes={"orbits": ORBITS[:2]})
    assert planes.outputs == {"default": b"\x07"}
    assert engine.finish() == {}


def test_evaluate_pixel_is_told_about_scenes_and_metadata(engine: Engine) -> None:
    load(
        engine,
        "input: ['B04'], output: {bands: 1}",
        "function evaluatePixel(s, scenes, input, custom, output) { output.userData = "
        "{scenes, factor: input.normalizationFactor, version: typeof input.serviceVersion, custom}; return [1]; }",
    )
    evaluate(engine, samples([1]), pixels=1)
    assert engine.finish() == {"scenes": {}, "factor": 0.0001, "version": "string", "custom": {}}


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        pytest.param("", {}, id="nothing assigned: an empty object"),
        pytest.param("output.userData = 'text'", "text", id="anything that JSON can hold"),
        pytest.param("output.userData = [NaN]", [None], id="not a number becomes null"),
    ],
)
def test_user_data(engine: Engine, assignment: str, expected: object) -> None:
    load(
        engine,
        "input: ['B04'], output: {bands: 1}",
        f"function evaluatePixel() {{}} function updateOutputMetadata(scenes, input, output) {{ {assignment} }}",
    )
    assert engine.finish() == expected


def test_user_data_that_json_cannot_hold_is_a_failure(engine: Engine) -> None:
    load(
        engine,
        "input: ['B04'], output: {bands: 1}",
        "function evaluatePixel() {} function updateOutputMetadata(s, i, o) { o.userData = o; }",
    )
    reported = engine.finish()
    assert isinstance(reported, ScriptFailure) and reported.kind is FailureKind.RUNTIME
    assert reported.message.startswith("Failed to evaluate script! TypeError: Converting circular structure")


MOSAIC = "input: ['B04'], output: {bands: 1, sampleType: 'UINT8'}, mosaicking: 'ORBIT'"


def test_orbits_come_as_an_array_of_samples_beside_their_scenes(engine: Engine) -> None:
    load(
        engine,
        MOSAIC,
        "function evaluatePixel(samples, scenes) {"
        " return [samples.length * 100 + scenes.orbits.length * 10 + samples[1].B04]; }",
    )
    planes = evaluate(engine, samples([1, 2], [3, 4]), pixels=2, scenes={"orbits": ORBITS[:2]})
    assert planes.outputs == {"default": bytes([223, 224])}


def test_no_scene_at_all_is_an_empty_array(engine: Engine) -> None:
    load(engine, MOSAIC, "function evaluatePixel(samples) { return [samples.length + 5]; }")
    empty = Samples(bands=("B04",), values=b"", samples=0)
    assert evaluate(engine, empty, pixels=2, scenes={"orbits": []}).outputs == {"default": b"\x05\x05"}


def test_samples_may_be_sorted_changed_and_kept(engine: Engine) -> None:
    load(
        engine,
        MOSAIC,
        "var first;\nfunction evaluatePixel(samples) { if (!first) first = samples;"
        " samples.sort((a, b) => a.B04 - b.B04); samples[1].B04 += 50; return [first[0].B04 + samples[1].B04]; }",
    )
    planes = evaluate(engine, samples([9, 5], [1, 6]), pixels=2, scenes={"orbits": ORBITS[:2]})
    assert planes.outputs == {"default": bytes([1 + 59, 1 + 56])}


@pytest.mark.parametrize(
    ("scenes", "expression", "expected"),
    [
        pytest.param({"orbits": ORBITS}, "scenes.orbits[1].dateFrom", "2022-06-20T00:00:00Z", id="by orbit"),
        pytest.param({"tiles": [{"date": "2022-06-30T10:00:00Z"}]}, "scenes.tiles[0].date", "2022-06-30T10:00:00Z",
                     id="by tile"),
        pytest.param({"tiles": [{"date": "2022-06-30T10:00:00Z"}]}, "scenes[0].date", "2022-06-30T10:00:00Z",
                     id="as an array of tiles, the older way"),
        pytest.param({"orbits": ORBITS}, "scenes.map((scene) => scene.date)", [o["dateFrom"] for o in ORBITS],
                     id="as an array of orbits, the older way"),
        pytest.param({"orbits": ORBITS}, "scenes.length", 3, id="counted like an array"),
        pytest.param({"orbits": ORBITS}, "scenes", {"orbits": ORBITS}, id="written as JSON: only the documented shape"),
    ],
)  # fmt: skip
def test_scenes_can_be_read(engine: Engine, scenes: dict[str, Any], expression: str, expected: object) -> None:
    load(engine, MOSAIC, f"function evaluatePixel(samples, scenes, i, c, output) {{ output.userData = {expression}; }}")
    evaluate(engine, samples([1]), pixels=1, scenes=scenes)
    assert engine.finish() == expected


COLLECTION = {"from": "2022-06-01T00:00:00Z", "to": "2022-06-30T23:59:59Z", "scenes": {"orbits": ORBITS}}
LAST_15_DAYS = """
function preProcessScenes(collections) {
  collections.scenes.orbits = collections.scenes.orbits.filter(function (orbit) {
    return new Date(orbit.dateFrom).getTime() >= collections.to.getTime() - 15 * 24 * 3600 * 1000;
  });
  return collections;
}
function evaluatePixel() {}
"""


@pytest.mark.parametrize(
    ("functions", "kept"),
    [
        pytest.param("function evaluatePixel() {}", (0, 1, 2), id="without preProcessScenes all are kept"),
        pytest.param(LAST_15_DAYS, (0, 1), id="dropped by date; `to` is a Date"),
        pytest.param(
            "function preProcessScenes(c) { c.scenes.orbits.reverse().pop(); return c; } function evaluatePixel() {}",
            (2, 1),
            id="the returned order is the order of the samples",
        ),
        pytest.param(
            "function preProcessScenes(c) { return {scenes: {orbits: []}}; } function evaluatePixel() {}",
            (),
            id="none is kept",
        ),
    ],
)
def test_pre_process_scenes(engine: Engine, functions: str, kept: tuple[int, ...]) -> None:
    load(engine, MOSAIC, functions)
    plan = engine.scenes({"": COLLECTION})
    assert isinstance(plan, ScenePlan) and plan.kept == {"": kept}


def test_pre_process_scenes_sees_tiles(engine: Engine) -> None:
    load(
        engine,
        "input: ['B04'], output: {bands: 1}, mosaicking: 'TILE'",
        "function preProcessScenes(c) {"
        " c.scenes.tiles = c.scenes.tiles.filter((t) => t.cloudCoverage < 20); return c; }"
        "\nfunction evaluatePixel() {}",
    )
    tiles = [{"date": "2022-06-30T10:00:00Z", "cloudCoverage": cover} for cover in (50, 10)]
    plan = engine.scenes({"": {"scenes": {"tiles": tiles}}})
    assert isinstance(plan, ScenePlan) and plan.kept == {"": (1,)}


def test_pre_process_scenes_is_not_called_in_simple_mode(engine: Engine) -> None:
    load(
        engine,
        "input: ['B04'], output: {bands: 1}",
        "function preProcessScenes() { throw new Error('called'); } function evaluatePixel() {}",
    )
    assert engine.scenes({"": {}}) == ScenePlan(kept={"": ()}, outputs=(ScriptOutput(id="default", bands=1),))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(
            "",
            "preProcessScenes must return the collections it was given, with the array collections.scenes.orbits"
            " inside; write `return collections` at its end",
            id="nothing returned",
        ),
        pytest.param(
            "c.scenes.orbits.push({}); return c;",
            "preProcessScenes may only drop or reorder the scenes it was given, not make or repeat any",
            id="a scene of its own",
        ),
        pytest.param(
            "c.scenes.orbits.push(c.scenes.orbits[0]); return c;",
            "preProcessScenes may only drop or reorder the scenes it was given, not make or repeat any",
            id="a scene twice",
        ),
        pytest.param("throw new Error('no')", "Failed to evaluate script! Error: no", id="an exception"),
    ],
)
def test_pre_process_scenes_may_not(engine: Engine, body: str, message: str) -> None:
    load(engine, MOSAIC, f"function preProcessScenes(c) {{ {body} }} function evaluatePixel() {{}}")
    reported = engine.scenes({"": COLLECTION})
    assert isinstance(reported, ScriptFailure)
    assert (reported.kind, reported.message) == (FailureKind.RUNTIME, message)


def test_update_output_sets_the_number_of_bands_from_the_scenes_left(engine: Engine) -> None:
    load(
        engine,
        "input: ['B04'], output: {id: 'days', bands: 1, sampleType: 'UINT8'}, mosaicking: 'ORBIT'",
        "function preProcessScenes(c) { c.scenes.orbits.pop(); return c; }\n"
        "function updateOutput(output, collection) { const s = collection.scenes;"
        " output.days.bands = s.length + s.orbits.length - 2 * s.filter((x) => x.date.getUTCDate() === 30).length; }\n"
        "function evaluatePixel(samples) { return [1, 2]; }",
    )
    plan = engine.scenes({"": COLLECTION})
    assert isinstance(plan, ScenePlan) and plan.outputs[0].bands == 2
    planes = evaluate(engine, samples([1], [1]), pixels=1, scenes={"orbits": ORBITS[:2]})
    assert planes.outputs == {"days": bytes([1, 2])}


@pytest.mark.parametrize(("bands", "shown"), [("0", "0"), ("'x'", '"x"'), ("undefined", "missing")])
def test_update_output_must_leave_a_number_of_bands(engine: Engine, bands: str, shown: str) -> None:
    load(engine, MOSAIC, f"function updateOutput(o) {{ o.default.bands = {bands}; }} function evaluatePixel() {{}}")
    assert engine.scenes({"": COLLECTION}) == ScriptFailure(
        kind=FailureKind.RUNTIME,
        message=f'updateOutput left {shown} as the bands of output "default"; it must be 1 or more',
    )


FUSION = (
    "input: [{datasource: 's1', bands: ['VV'], mosaicking: 'ORBIT'}, {datasource: 'l2a', bands: ['B04', 'B08']}],"
    " output: {bands: 3, sampleType: 'UINT8'}"
)


def test_fused_samples_are_an_object_of_arrays(engine: Engine) -> None:
    load(
        engine,
        FUSION,
        "function evaluatePixel(samples, scenes) {"
        " return [samples.s1[1].VV, samples.l2a[0].B08, scenes.s1.scenes.orbits.length + scenes.s1.scenes.length]; }",
    )
    radar = samples([1, 2], [3, 4], bands=("VV",), name="s1")
    optical = samples([5, 6], [7, 8], bands=("B04", "B08"), name="l2a")
    planes = evaluate(engine, radar, optical, pixels=2, scenes={"s1": {"orbits": ORBITS[:2]}, "l2a": {}})
    assert planes.outputs == {"default": bytes([3, 4, 7, 8, 4, 4])}


def test_unnamed_fused_samples_are_numbered(engine: Engine) -> None:
    load(
        engine,
        "input: [{bands: ['VV']}, {bands: ['B04']}], output: {bands: 1, sampleType: 'UINT8'}",
        "function evaluatePixel(samples) { return [samples['0'][0].VV * 10 + samples[1].length]; }",
    )
    radar = samples([7], bands=("VV",), name="0")
    nothing = Samples(bands=("B04",), values=b"", samples=0, name="1")
    assert evaluate(engine, radar, nothing, pixels=1).outputs == {"default": bytes([70])}


def test_fused_scenes_are_planned_by_datasource(engine: Engine) -> None:
    load(
        engine,
        FUSION,
        "function preProcessScenes(c) { c.s1.scenes.orbits.shift(); return c; }\n"
        "function updateOutput(o, c) { o.default.bands = c.s1.scenes.length; }\nfunction evaluatePixel() {}",
    )
    plan = engine.scenes({"s1": COLLECTION, "l2a": {"from": COLLECTION["from"], "to": COLLECTION["to"]}})
    assert isinstance(plan, ScenePlan)
    assert plan.kept == {"s1": (1, 2), "l2a": ()}
    assert plan.outputs[0].bands == 2


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param(samples([1, 2, 3]), "datasource '' has 24 bytes of values, not 16", id="values of another size"),
        pytest.param(samples([1, 2], [3, 4]), "a SIMPLE script has exactly one sample per pixel", id="two samples"),
    ],
)
def test_a_block_that_contradicts_itself_is_the_callers_mistake(engine: Engine, source: Samples, message: str) -> None:
    load(engine, "input: ['B04'], output: {bands: 1}", "function evaluatePixel() {}")
    with pytest.raises(ValueError, match=message):
        engine.evaluate(PixelBlock(pixels=2, sources=(source,)))


def test_without_a_script_nothing_can_be_evaluated() -> None:
    with Engine() as engine:
        reported = engine.evaluate(PixelBlock(pixels=1, sources=(samples([1]),)))
    assert isinstance(reported, ScriptFailure) and reported.kind is FailureKind.CRASH
