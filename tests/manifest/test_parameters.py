"""`spec.parameters`: values that an evalscript finds in the constant `parameters`."""

import json
import math
from typing import Any

import pytest

from controller.manifest.document import read_documents
from controller.manifest.parameters import declaration, with_parameters, written_place
from controller.manifest.validate import Broken, ValidManifest, accept
from tests.conftest import ndvi

GIVEN = {"threshold": 0.3}
CONST = 'const parameters = {"threshold": 0.3}; '
SCRIPT = "//VERSION=3\nlet a;\nlet b;\n"


@pytest.mark.parametrize(
    ("script", "found"),
    [
        pytest.param(SCRIPT, f"//VERSION=3\n{CONST}let a;\nlet b;\n", id="on the line below the version comment"),
        pytest.param("//VERSION=3", f"//VERSION=3\n{CONST}", id="where there is no further line"),
        pytest.param("\n  //VERSION=3 x\r\nlet a;", f"\n  //VERSION=3 x\r\n{CONST}let a;", id="wherever it is"),
        pytest.param("let a;", "let a;", id="not without a version comment"),
        pytest.param("//VERSION=3\u2028let a;", f"//VERSION=3\u2028{CONST}let a;", id="any line end"),
    ],
)
def test_they_are_declared(script: str, found: str) -> None:
    assert with_parameters(script, GIVEN) == found


def test_every_place_is_that_of_the_script_as_it_was_written() -> None:
    combined = with_parameters(SCRIPT, GIVEN)
    for line, text in enumerate(SCRIPT.split("\n"), 1):
        shown = combined.split("\n")[line - 1]
        for column in range(1, len(text) + 1):
            shifted = column + len(shown) - len(text)
            assert written_place(combined, GIVEN, line, shifted) == (line, column)


def test_a_line_separator_cannot_end_the_declaration() -> None:
    assert "\u2028" not in with_parameters(SCRIPT, {"a": "x\u2028alert()"})


def manifest(parameters: str) -> ValidManifest | Broken:
    [document] = read_documents(ndvi().replace("spec:\n", f"spec:\n  parameters: {parameters}\n"), "a.yaml")
    return accept(document, "a.yaml", None)


def digest(parameters: str) -> str:
    found = manifest(parameters)
    assert isinstance(found, ValidManifest), found
    return found.request.digest


def test_another_value_is_another_request_and_another_order_is_not() -> None:
    one = digest("{a: 1, b: {c: [1, 2], d: x}}")
    assert digest("{b: {d: x, c: [1, 2]}, a: 1}") == one
    assert len({one, digest("{a: 2, b: {c: [1, 2], d: x}}"), digest("{a: 1, b: {c: [2, 1], d: x}}"), digest("{}")}) == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("1", "1.0", id="a fraction of zero"),
        pytest.param("-20", "-2e1", id="an exponent"),
        pytest.param("0", "0.0", id="zero"),
        pytest.param("9007199254740991", "9007199254740991.0", id="the largest whole number"),
        pytest.param("1e16", "10000000000000000.0", id="a larger one"),
        pytest.param("[{b: 3}]", "[{b: 3.0}]", id="within a list"),
    ],
)
def test_the_same_number_written_otherwise_is_the_same_request(one: str, other: str) -> None:
    """A manifest whose numbers went through `jq` was paid for again."""
    assert digest(f"{{a: {one}}}") == digest(f"{{a: {other}}}")
    assert json.loads(written(other)) == json.loads(written(one))


def written(value: str) -> str:
    """The parameters as the script has them."""
    [document] = read_documents(f"a: {value}", "a.yaml")
    return declaration(document.value).removeprefix("const parameters = ").removesuffix("; ")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("-0.0", "-0.0", id="minus zero, which JavaScript divides by to minus infinity"),
        pytest.param("1.0", "1", id="one"),
        pytest.param("9007199254740992.0", "9007199254740992", id="beyond the whole numbers that are exact"),
        pytest.param("1152921504606846976.0", "1152921504606847000", id="the shortest digits of the same number"),
        pytest.param("1e20", "100000000000000000000", id="the last without an exponent"),
        pytest.param("1e21", "1e+21", id="the first with one"),
        pytest.param("1.7976931348623157e308", "1.7976931348623157e+308", id="the largest"),
    ],
)
def test_an_integral_number_keeps_the_value_that_javascript_sees(value: str, text: str) -> None:
    assert written(value) == f'{{"a": {text}}}'
    [found] = json.loads(written(value), parse_int=float).values()
    assert (found, math.copysign(1, found)) == (float(value), math.copysign(1, float(value)))


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        pytest.param("{a: 0.1}", '{"a": 0.1}', id="a fraction"),
        pytest.param("{a: 1, b: -7, c: 0}", '{"a": 1, "b": -7, "c": 0}', id="whole numbers"),
        pytest.param(
            "{a: 9007199254740991, b: -9007199254740991}",
            '{"a": 9007199254740991, "b": -9007199254740991}',
            id="the largest whole numbers",
        ),
        pytest.param("{a: 0x10, b: +3}", '{"a": 16, "b": 3}', id="whole numbers in other notations"),
        pytest.param(
            "{a: 1.5e-7, b: 0.00001, c: 5e-324}", '{"a": 1.5e-07, "b": 1e-05, "c": 5e-324}', id="small fractions"
        ),
        pytest.param(
            "{a: 123456.789, b: -0.30000000000000004}",
            '{"a": 123456.789, "b": -0.30000000000000004}',
            id="long fractions",
        ),
        pytest.param("{a: 4503599627370495.5}", '{"a": 4503599627370495.5}', id="the largest fraction"),
        pytest.param("{a: true, b: false}", '{"a": true, "b": false}', id="booleans"),
        pytest.param("{a: '1.0', b: x, c: ''}", '{"a": "1.0", "b": "x", "c": ""}', id="texts"),
        pytest.param('{a: "é\\u2028\\"\\\\\\n"}', '{"a": "\\u00e9\\u2028\\"\\\\\\n"}', id="a text with escapes"),
        pytest.param("{a: [], b: {}}", '{"a": [], "b": {}}', id="nothing in them"),
        pytest.param(
            "{b: {d: x, c: [1, 2.5, [true, 'y']]}, a: 1}",
            '{"a": 1, "b": {"c": [1, 2.5, [true, "y"]], "d": "x"}}',
            id="nested",
        ),
        pytest.param("{a: -0.0}", '{"a": -0.0}', id="minus zero"),
        pytest.param("{a: 1e21, b: -1.5e300}", '{"a": 1e+21, "b": -1.5e+300}', id="with an exponent"),
        pytest.param("{ö: b, A: a, a: 1}", '{"A": "a", "a": 1, "\\u00f6": "b"}', id="names"),
    ],
)
def test_other_parameters_are_written_as_ever(parameters: str, text: str) -> None:
    """Else their jobs would be paid for again."""
    [document] = read_documents(f"a: {parameters}", "a.yaml")
    assert declaration(document.value["a"]) == f"const parameters = {text}; "


def test_without_any_nothing_changes() -> None:
    [document] = read_documents(ndvi(), "a.yaml")
    plain = accept(document, "a.yaml", None)
    assert isinstance(plain, ValidManifest)
    assert digest("{}") == plain.request.digest


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        pytest.param("{a: .inf}", "a finite number", id="infinity"),
        pytest.param("{a: .nan}", "a finite number", id="not a number"),
        pytest.param("{__proto__: {a: 1}}", "meaning of its own", id="a prototype"),
        pytest.param("{a: {__proto__: 1}}", "meaning of its own", id="a prototype within"),
        pytest.param(f"{{a: {'x' * 17_000}}}", "longer than 16384", id="data"),
        pytest.param("[1, 2]", "must be a mapping", id="a list"),
        pytest.param("0.3", "must be a mapping", id="a number"),
        pytest.param("{a: }", "is empty", id="nothing"),
        pytest.param("{accessKey: AKIAXXXXXXXXXXXX}", "must not be in a manifest", id="a secret"),
    ],
)
def test_what_cannot_be_a_parameter_is_refused(parameters: str, words: Any) -> None:
    found = manifest(parameters)
    assert isinstance(found, Broken)
    assert [each for each in found.problems if words in each.message], found.problems
    assert all("XXXX" not in str(each) for each in found.problems)
