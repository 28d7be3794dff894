"""`spec.parameters`: values that an evalscript finds in the constant `parameters`."""

from typing import Any

import pytest

from controller.manifest.document import read_documents
from controller.manifest.parameters import with_parameters, written_place
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
