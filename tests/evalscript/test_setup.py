"""What an evalscript says about itself: every documented form of setup(), every mistake with its sentence."""

import math

import pytest

from controller.evalscript.engine import Engine
from controller.model.script import (
    FailureKind,
    Mosaicking,
    SampleType,
    ScriptFacts,
    ScriptFailure,
    ScriptInput,
    ScriptOutput,
)


def script(setup: str) -> str:
    return f"//VERSION=3\nfunction setup() {{ return {setup}; }}\nfunction evaluatePixel(samples) {{ return [1]; }}"


def facts(engine: Engine, text: str) -> ScriptFacts:
    answer = engine.load(text)
    assert isinstance(answer, ScriptFacts), answer
    return answer


def failure(engine: Engine, text: str) -> ScriptFailure:
    answer = engine.load(text)
    assert isinstance(answer, ScriptFailure), answer
    return answer


ONE_BAND = (ScriptInput(bands=("B04",)),)


@pytest.mark.parametrize(
    ("setup", "inputs"),
    [
        pytest.param('{input: ["B04"], output: {bands: 1}}', ONE_BAND, id="an array of band names"),
        pytest.param('{input: [{bands: ["B04"]}], output: {bands: 1}}', ONE_BAND, id="an array of objects"),
        pytest.param('{input: {bands: ["B04"]}, output: {bands: 1}}', ONE_BAND, id="one bare object"),
        pytest.param("{input: [], output: {bands: 1}}", (ScriptInput(bands=()),), id="no band at all"),
        pytest.param(
            '{input: [{bands: ["B04", "CLM"], units: "DN", metadata: ["bounds"]}], output: {bands: 1}}',
            (ScriptInput(bands=("B04", "CLM"), units=("DN",), metadata=("bounds",)),),
            id="one unit for all bands",
        ),
        pytest.param(
            '{input: [{bands: ["B04", "AOT"], units: ["reflectance", "OPTICAL_DEPTH"]}], output: {bands: 1}}',
            (ScriptInput(bands=("B04", "AOT"), units=("reflectance", "OPTICAL_DEPTH")),),
            id="one unit for each band, in the script's own spelling",
        ),
        pytest.param(
            '{input: [{bands: ["VV"], datasource: "s1", mosaicking: "ORBIT"}, {bands: ["B04"], datasource: "l2a"}],'
            ' mosaicking: "TILE", output: {bands: 1}}',
            (
                ScriptInput(bands=("VV",), datasource="s1", mosaicking=Mosaicking.ORBIT),
                ScriptInput(bands=("B04",), datasource="l2a", mosaicking=Mosaicking.TILE),
            ),
            id="data fusion: an input's own mosaicking wins over the global one",
        ),
    ],
)
def test_input_may_be_written_as(engine: Engine, setup: str, inputs: tuple[ScriptInput, ...]) -> None:
    assert facts(engine, script(setup)).inputs == inputs


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        pytest.param("{bands: 3}", (ScriptOutput(id="default", bands=3),), id="one object: default, AUTO"),
        pytest.param(
            '[{id: "a", bands: 1, sampleType: "UINT16", nodataValue: 65535}, {bands: 2, sampleType: SampleType.INT8}]',
            (
                ScriptOutput(id="a", bands=1, sample_type=SampleType.UINT16, nodata=65535.0),
                ScriptOutput(id="default", bands=2, sample_type=SampleType.INT8),
            ),
            id="an array, with a constant for the type",
        ),
        pytest.param(
            "{bands: 1, sampleType: SampleType.DOUBLE}",
            (ScriptOutput(id="default", bands=1),),
            id="an unknown constant is undefined and so AUTO",
        ),
        pytest.param("[]", (), id="nothing but metadata"),
    ],
)
def test_output_may_be_written_as(engine: Engine, output: str, expected: tuple[ScriptOutput, ...]) -> None:
    assert facts(engine, script(f'{{input: ["B04"], output: {output}}}')).outputs == expected


def test_nodata_may_be_nan(engine: Engine) -> None:
    loaded = facts(engine, script('{input: ["B04"], output: {bands: 1, sampleType: "FLOAT32", nodataValue: NaN}}'))
    assert loaded.outputs[0].nodata is not None and math.isnan(loaded.outputs[0].nodata)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("undefined", Mosaicking.SIMPLE, id="nothing: SIMPLE"),
        pytest.param('"ORBIT"', Mosaicking.ORBIT, id="a string"),
        pytest.param("Mosaicking.TILE", Mosaicking.TILE, id="a constant"),
        pytest.param("Mosaicking.TILES", Mosaicking.SIMPLE, id="an unknown constant is undefined and so SIMPLE"),
    ],
)
def test_mosaicking_may_be_written_as(engine: Engine, written: str, expected: Mosaicking) -> None:
    loaded = facts(engine, script(f'{{input: ["B04"], output: {{bands: 1}}, mosaicking: {written}}}'))
    assert (loaded.mosaicking, loaded.inputs[0].mosaicking) == (expected, expected)


def test_the_functions_a_script_defines_are_told_in_any_way_of_writing_them(engine: Engine) -> None:
    text = (
        "//VERSION=3\n"
        "const setup = () => ({input: ['B04'], output: {bands: 1}});\n"
        "var evaluatePixel = function () { return [1]; };\n"
        "filterScenes = (scenes) => scenes;\n"
        "let preProcessScenes = 4;\n"
        "async function updateOutput() {}\n"
    )
    assert facts(engine, text).functions == {"setup", "evaluatePixel", "filterScenes", "updateOutput"}


@pytest.mark.parametrize(
    "first_line",
    [
        pytest.param("//VERSION=3", id="bare"),
        pytest.param("//VERSION=3 (auto-converted from 1)", id="with a remark"),
        pytest.param("//VERSION=3\r", id="with a Windows line end"),
        pytest.param("\n//VERSION=3", id="after a line break"),
        pytest.param("\r\n\t  //VERSION=3\r", id="indented, after a Windows line break"),
        pytest.param("\ufeff//VERSION=3", id="after a byte order mark"),
        pytest.param("// VERSION = 3", id="with spaces"),
        pytest.param("// NDVI\n/* by\n us */ //VERSION=3", id="after other comments"),
    ],
)
def test_the_pragma_may_be(engine: Engine, first_line: str) -> None:
    assert facts(engine, script('{input: ["B04"], output: {bands: 1}}').replace("//VERSION=3", first_line, 1))


@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param("", id="missing"),
        pytest.param("let a = 1; //VERSION=3", id="after code"),
        pytest.param("'//VERSION=3'", id="inside a string"),
        pytest.param("/* //VERSION=3 */", id="inside another comment"),
        pytest.param("//VERSION=2", id="an older version"),
        pytest.param("//VERSION=1 //VERSION=3", id="an older version with a remark"),
        pytest.param("//VERSION=30", id="another number that begins with 3"),
    ],
)
def test_without_the_pragma_nothing_is_run(engine: Engine, beginning: str) -> None:
    body = "\nfunction setup() { return {input: ['B04'], output: {bands: 1}}; }\nfunction evaluatePixel() {}"
    reported = failure(engine, beginning + body)
    assert (reported.kind, reported.line, reported.column) == (FailureKind.SYNTAX, 1, 1)
    assert reported.message.startswith("The first line must be //VERSION=3")


MISTAKES = {
    "nothing returned": ("undefined", "setup() must return an object with `input` and `output`"),
    "no input": (
        "{output: {bands: 1}}",
        'setup().input must be an array of band names, or of objects such as {bands: ["B04", "B08"]}',
    ),
    "bands as one string": (
        '{input: [{bands: "B04"}], output: {bands: 1}}',
        'setup().input[0].bands is "B04"; write an array of band names such as ["B04", "B08"]',
    ),
    "names and objects mixed": (
        '{input: ["B04", {bands: ["B08"]}], output: {bands: 1}}',
        'setup().input[0] is "B04"; all elements must be band names, or all be objects',
    ),
    "too few units": (
        '{input: [{bands: ["B04", "B08", "B02"], units: ["DN"]}], output: {bands: 1}}',
        "setup().input[0].units lists 1 units for 3 bands; write one unit, or one per band",
    ),
    "no output": ('{input: ["B04"]}', "setup().output must be an object such as {bands: 3}, or an array of them"),
    "an output without bands": (
        '{input: ["B04"], output: {}}',
        "setup().output[0].bands is missing; write the number of components, 1 or more",
    ),
    "half a band": (
        '{input: ["B04"], output: {bands: 1.5}}',
        "setup().output[0].bands is 1.5; write the number of components, 1 or more",
    ),
    "bands as a boolean": (
        '{input: ["B04"], output: {bands: true}}',
        "setup().output[0].bands is true; write the number of components, 1 or more",
    ),
    "bands as a list of names": (
        '{input: ["B04"], output: {bands: ["ndvi"]}}',
        'setup().output[0].bands is ["ndvi"]; write the number of components, 1 or more;'
        " lists of names belong to the Statistical API",
    ),
    "an unknown sample type": (
        '{input: ["B04"], output: {bands: 1, sampleType: "UINT32"}}',
        'setup().output[0].sampleType is "UINT32"; write one of INT8, UINT8, INT16, UINT16, FLOAT32, AUTO',
    ),
    "nodata as a word": (
        '{input: ["B04"], output: {bands: 1, nodataValue: "none"}}',
        'setup().output[0].nodataValue is "none"; write a number',
    ),
    "an unknown mosaicking": (
        '{input: ["B04"], output: {bands: 1}, mosaicking: "TILES"}',
        'setup().mosaicking is "TILES"; write one of SIMPLE, ORBIT, TILE',
    ),
    "two outputs with the same id": (
        '{input: ["B04"], output: [{bands: 1}, {bands: 2}]}',
        'setup().output has the id "default" more than once; give each output an `id` of its own',
    ),
    "outputs without an end": (
        '{input: ["B04"], output: Array(200000).fill({})}',
        "setup().output has 200,000 elements; write at most 1,000",
    ),
    "inputs without an end": (
        '{input: Array(200000).fill({bands: ["B04"]}), output: {bands: 1}}',
        "setup().input has 200,000 elements; write at most 1,000",
    ),
    "bands without an end": (
        '{input: [{bands: Array(200000).fill("B04")}], output: {bands: 1}}',
        "setup().input[0].bands has 200,000 elements; write at most 1,000",
    ),
    "more mistakes than are reported": (
        '{input: ["B04"], output: Array(500).fill({id: "a"})}',
        "; ".join(
            f"setup().output[{number}].bands is missing; write the number of components, 1 or more"
            for number in range(10)
        ),
    ),
    "two mistakes are told together": (
        '{input: "B04", output: {bands: 0}}',
        'setup().input must be an array of band names, or of objects such as {bands: ["B04", "B08"]}; '
        "setup().output[0].bands is 0; write the number of components, 1 or more",
    ),
}


@pytest.mark.parametrize(("setup", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_setup_is_told_with_what_to_write(engine: Engine, setup: str, message: str) -> None:
    assert failure(engine, script(setup)) == ScriptFailure(kind=FailureKind.SETUP, message=message)


UNLOADABLE = {
    "setup is missing": (
        "//VERSION=3\nfunction evaluatePixel() {}",
        ScriptFailure(kind=FailureKind.SETUP, message="The script defines no function setup(); write one"),
    ),
    "evaluatePixel is missing": (
        "//VERSION=3\nfunction setup() {}",
        ScriptFailure(kind=FailureKind.SETUP, message="The script defines no function evaluatePixel(); write one"),
    ),
    "nothing but the pragma": (
        "//VERSION=3\n",
        ScriptFailure(
            kind=FailureKind.SETUP, message="The script defines no function setup() and evaluatePixel(); write one"
        ),
    ),
    "setup throws": (
        "//VERSION=3\nfunction setup() {\n  return {input: [B04]};\n}\nfunction evaluatePixel() {}",
        ScriptFailure(kind=FailureKind.SETUP, message="ReferenceError: B04 is not defined", line=3, column=19),
    ),
    "the top level throws": (
        "//VERSION=3\nlet bands = null.length;\nfunction setup() {}\nfunction evaluatePixel() {}",
        ScriptFailure(
            kind=FailureKind.SETUP,
            message="TypeError: Cannot read properties of null (reading 'length')",
            line=2,
            column=18,
        ),
    ),
    "a syntax error": (
        "//VERSION=3\nfunction setup() {\n\tvar x = ;\n}",
        ScriptFailure(kind=FailureKind.SYNTAX, message="SyntaxError: Unexpected token ';'", line=3, column=10),
    ),
    "an unexpected end": (
        "//VERSION=3\nfunction setup() {\n  return {",
        ScriptFailure(kind=FailureKind.SYNTAX, message="SyntaxError: Unexpected end of input", line=3, column=11),
    ),
    "a return beside the functions": (
        "//VERSION=3\nreturn [B04];\nfunction setup() {}",
        ScriptFailure(
            kind=FailureKind.SYNTAX,
            message="SyntaxError: Illegal return statement; it stands outside of every function:"
            " move it into evaluatePixel()",
            line=2,
            column=1,
        ),
    ),
    "the short form with a mistake": (
        "//VERSION=3\nreturn [\nlet;",
        ScriptFailure(kind=FailureKind.SYNTAX, message="SyntaxError: Unexpected token ';'", line=3, column=4),
    ),
    "text that is not Unicode": (
        "//VERSION=3\nvar x = '\ud800';",
        ScriptFailure(
            kind=FailureKind.SYNTAX,
            message="The script holds half of a character pair (a lone surrogate); save it as UTF-8",
            line=2,
        ),
    ),
}


@pytest.mark.parametrize(("text", "expected"), UNLOADABLE.values(), ids=UNLOADABLE)
def test_a_script_that_cannot_be_loaded_says_where(engine: Engine, text: str, expected: ScriptFailure) -> None:
    assert failure(engine, text) == expected


def test_each_load_begins_in_a_fresh_world(engine: Engine) -> None:
    facts(engine, script('{input: ["B04"], output: {bands: 1}}') + "\nlet index = 1; left = 2; Math.floor = null;")
    again = facts(engine, script("{input: [typeof left, typeof index, typeof Math.floor], output: {bands: 1}}"))
    assert again.inputs[0].bands == ("undefined", "function", "function")


def test_an_answer_nested_without_end_is_a_failure_of_setup(engine: Engine) -> None:
    deep = script("deep") + "\nvar deep = []; for (let i = 0; i < 2000; i++) deep = [deep];"
    assert failure(engine, deep).kind is FailureKind.SETUP


def test_a_number_of_thousands_of_digits_is_a_failure_of_setup(engine: Engine) -> None:
    """Python refuses to read it, with an error that was not caught."""
    answer = failure(engine, script('{input: ["B04"], output: {bands: JSON.rawJSON("1".repeat(5000))}}'))
    assert answer == ScriptFailure(
        kind=FailureKind.SETUP, message="The script returned a number of thousands of digits"
    )
