"""The short form without functions: which bands it reads, how many it returns, and its pixels."""

from array import array

import pytest

from controller.evalscript.blocks import PixelBlock, Planes, Samples
from controller.evalscript.engine import Engine
from controller.model.script import Mosaicking, SampleType, ScriptFacts, ScriptInput, ScriptOutput


def facts(engine: Engine, body: str) -> ScriptFacts:
    answer = engine.load(f"//VERSION=3\n{body}")
    assert isinstance(answer, ScriptFacts), answer
    return answer


def test_the_short_form_is_one_mosaic_of_every_band_it_names_with_one_automatic_output(engine: Engine) -> None:
    assert facts(engine, "return [2.5 * B04, 2.5 * B03, 2.5 * B02, dataMask];") == ScriptFacts(
        inputs=(ScriptInput(bands=("B04", "B03", "B02", "dataMask")),),
        outputs=(ScriptOutput(id="default", bands=4, sample_type=SampleType.AUTO),),
        mosaicking=Mosaicking.SIMPLE,
        functions=frozenset({"setup", "evaluatePixel"}),
    )


@pytest.mark.parametrize(
    ("body", "bands", "components"),
    [
        pytest.param("return [B04]", ["B04"], 1, id="without a semicolon"),
        pytest.param("let ndvi = index(B08, B04), g = 1\nreturn [ndvi, g]", ["B08", "B04"], 2, id="variables"),
        pytest.param("ndvi = B08 - B04;\nreturn [ndvi];", ["B08", "B04"], 1, id="a variable nobody declared"),
        pytest.param("var [a, b] = [B02, B03]; return [a, b];", ["B02", "B03"], 2, id="an array taken apart"),
        pytest.param("[a, b] = [B02, B03]; return [a, b];", ["B02", "B03"], 2, id="the same without a declaration"),
        pytest.param("const {a} = {a: B02}; return [a];", ["B02"], 1, id="an object taken apart: a key is no band"),
        pytest.param("const o = {B99: B02}; return [o.B99];", ["B02"], 1, id="a property is no band"),
        pytest.param("return B04 > 0.5 ? [B04] : [B03];", ["B04", "B03"], 1, id="a choice"),
        pytest.param("if (B08 > 0.1) { return [1, 0, 0]; } else return [B8A, 0, 1]", ["B08", "B8A"], 3, id="if, else"),
        pytest.param("const f = (x, k = B11) => x * k; return [f(B04)];", ["B11", "B04"], 1, id="an arrow function"),
        pytest.param("function f(x) { return x * B01; }\nreturn [f(2)];", ["B01"], 1, id="a function"),
        pytest.param("for (const x of [B01]) { y = x } return [y];", ["B01"], 1, id="a loop"),
        pytest.param("if (B05 > 1) B05 = 1; return [B05];", ["B05"], 1, id="a band that is changed"),
        pytest.param("const v = [0]; v[B05] = B06; return [B06];", ["B05", "B06"], 1, id="an index is read"),
        pytest.param("// B01\n/* B02 */ const t = 'B03'; return [B04];", ["B04"], 1, id="comments and texts"),
        pytest.param("'use strict'; return [Math.max(B04, 1e5, 0xB1)];", ["B04"], 1, id="numbers and the language"),
        pytest.param("return colorBlend(B04, [0, 1], [[0, 0, 0], [1, 1, 1]]);", ["B04"], 3, id="a utility function"),
        pytest.param("return [];", [], 1, id="nothing"),
    ],
)
def test_bands_and_components_of(engine: Engine, body: str, bands: list[str], components: int) -> None:
    found = facts(engine, body)
    assert ([*found.inputs[0].bands], found.outputs[0].bands) == (bands, components)


def test_the_pixels_of_the_short_form(engine: Engine) -> None:
    facts(engine, "if (!dataMask) return [0, 0];\nB04 = B04 * 2; // a band may be changed\nreturn [B04, B08];")
    values = memoryview(array("d", [1, 1, 0, 0.25, 0.75, 0.5, 0.5, 1, 0.5]))  # dataMask, B04, B08 of three pixels
    block = PixelBlock(pixels=3, sources=(Samples(bands=("dataMask", "B04", "B08"), values=values, dtype="float64"),))
    planes = engine.evaluate(block)
    assert isinstance(planes, Planes), planes
    assert planes.outputs == {"default": bytes([128, 255, 0, 128, 255, 0])}


def test_an_error_in_the_short_form_is_on_its_own_line(engine: Engine) -> None:
    facts(engine, "let x = null;\nif (B04 > 5) x.y();\nreturn [B04];")
    values = memoryview(array("d", [9]))
    answer = engine.evaluate(PixelBlock(pixels=1, sources=(Samples(bands=("B04",), values=values, dtype="float64"),)))
    assert not isinstance(answer, Planes)
    assert (answer.line, answer.column) == (3, 16)


def test_a_hostile_script_in_the_short_form_is_read_in_time(engine: Engine) -> None:
    hostile = "return [1]; " + "x) => let a = [b] = " * 20_000
    answer = engine.load(f"//VERSION=3\n{hostile}")
    assert not isinstance(answer, ScriptFacts)
    assert "SyntaxError" in answer.message
