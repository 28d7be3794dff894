"""Line breaks that were lost on the way are put back: what the script does is what it did."""

import re
from dataclasses import replace

import pytest

from controller.analysis.source import SourceText
from controller.evalscript import cache as scripts
from controller.model.script import ScriptFacts
from controller.operations.scaffold.linebreaks import (
    end_of_comment,
    has_lost_breaks,
    python_with_breaks,
    script_with_breaks,
)
from tests.support.paths import DATA, ROOT

FOLDERS = (DATA / "evalscripts", ROOT / "jobs.d")
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for folder in FOLDERS for path in sorted(folder.glob("*.js"))}
BEYOND = {
    "auto-converted.js": "a comment ends where a call begins",
    "odd-syntax.js": "a comment in the middle of odd expressions",
}
"""Scripts whose comments cannot be told from what follows them; the engine, or a person, has to see that."""


def without_breaks(script: str) -> str:
    """As a page loses them: the lines one behind the other, without their indentation."""
    return "".join(line.strip() for line in script[script.index("//VERSION=3") :].splitlines())


def bare(script: str) -> str:
    """The code alone, without spaces and comments."""
    return re.sub(r"\s+", "", SourceText(script).words)


@pytest.mark.parametrize("name", sorted(SCRIPTS.keys() - BEYOND.keys()))
def test_the_code_is_the_same_as_before(name: str) -> None:
    script = SCRIPTS[name]
    assert has_lost_breaks(without_breaks(script))
    assert not has_lost_breaks(script)
    restored = script_with_breaks(without_breaks(script))
    assert bare(restored) == bare(script)
    assert not has_lost_breaks(restored)


def test_the_engine_sees_the_same_script() -> None:
    names = ("ndvi.js", "cloudless.js", "median.js", "true-color.js", "orbit-loop.js", "several-outputs.js")
    for name in names:
        before, after = (scripts.facts(text) for text in (SCRIPTS[name], restored(SCRIPTS[name])))
        assert isinstance(before, ScriptFacts)
        assert isinstance(after, ScriptFacts)
        assert repr(before.outputs) == repr(after.outputs)  # a nodata of NaN equals nothing, not even itself
        assert replace(before, outputs=()) == replace(after, outputs=())


@pytest.mark.parametrize(
    ("script", "is_lost"),
    [
        pytest.param("//VERSION=3 (auto-converted from 1)\nreturn [B04];\n", False, id="words behind the number"),
        pytest.param("\n\n   //VERSION=3\nreturn [B04];\n", False, id="white space before it"),
        pytest.param("\ufeff// VERSION = 3\nreturn [B04];\n", False, id="a mark and spaces"),
        pytest.param(
            "//VERSION=3 function setup() {}\nfunction evaluatePixel() {}\n", True, id="only one break is lost"
        ),
        pytest.param("//VERSION=3 return [2.5 * B04];", True, id="all is in one line"),
        pytest.param("//VERSION=3\n", False, id="nothing else"),
        pytest.param("return [B04]; //VERSION=3 x", False, id="no first line"),
    ],
)
def test_words_behind_the_version_are_a_comment_and_code_is_not(script: str, is_lost: bool) -> None:
    assert has_lost_breaks(script) is is_lost


def restored(script: str) -> str:
    return script_with_breaks(without_breaks(script))


def test_it_is_laid_out_to_be_read() -> None:
    lost = (
        '//VERSION=3function setup() {return {input: ["B04"], //red, and only redunits: "DN",output: {bands: 1}}}'
        "let seen = 0;function evaluatePixel(s) {if (s.B04 > 1) { // TOO_BRIGHTreturn [0];} else if (s.B04 < 0) "
        "{ // never// return [1];}for (var i = 0; i < 2; i++) {seen = seen + i;}return [s.B04]}"
    )
    assert script_with_breaks(lost).replace("\n\n", "\n") == (
        "//VERSION=3\n"
        "function setup() {\n"
        '  return {input: ["B04"], //red, and only red\n'
        '    units: "DN",output: {bands: 1}}\n'
        "}\n"
        "let seen = 0;\n"
        "function evaluatePixel(s) {\n"
        "  if (s.B04 > 1) { // TOO_BRIGHT\n"
        "    return [0];\n"
        "  } else if (s.B04 < 0) { // never\n"
        "    // return [1];\n"
        "  }\n"
        "  for (var i = 0; i < 2; i++) {\n"
        "    seen = seen + i;\n"
        "  }\n"
        "  return [s.B04]\n"
        "}\n"
    )


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        pytest.param(" SHADOWreturn false;}", " SHADOW", id="a statement without a space before it"),
        pytest.param(" return what is left}", " return what is left", id="a statement in words is part of it"),
        pytest.param(" return false;} else {", " return false;", id="code that was switched off"),
        pytest.param(" from [0,1] to [0,255].}}}", " from [0,1] to [0,255].", id="brackets of its own"),
        pytest.param(" LOW / HIGH// return x;}", " LOW / HIGH", id="another comment"),
        pytest.param(" see https://a.b/c}", " see https://a.b/c", id="an address"),
        pytest.param(' all bandsunits: "DN"}', " all bands", id="an option of setup()"),
        pytest.param(" one\nlet two", " one", id="a break that was kept"),
        pytest.param(" the end", " the end", id="nothing follows"),
    ],
)
def test_where_a_comment_ends(text: str, comment: str) -> None:
    assert text[: end_of_comment(text)] == comment


@pytest.mark.parametrize(
    ("lost", "found"),
    [
        pytest.param("url = 'a'body = {'b': 1}print(body)", "url = 'a'\nbody = {'b': 1}\nprint(body)", id="statements"),
        pytest.param('x = """a\nb"""y = f"{x}"z = [1]', 'x = """a\nb"""\ny = f"{x}"\nz = [1]', id="strings of lines"),
        pytest.param("x = (1)if y else [2]", "x = (1)if y else [2]", id="an expression that goes on"),
        pytest.param("x = {'a': 'b'if c else 'd'}", "x = {'a': 'b'if c else 'd'}", id="inside of brackets"),
        pytest.param("x = 'a'y = 'never ends", "x = 'a'\ny = 'never ends", id="as far as it can be read"),
    ],
)
def test_python_statements_are_parted(lost: str, found: str) -> None:
    assert python_with_breaks(lost) == found
