"""The engine finds `spec.parameters` as they were written, and errors keep their places."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.evalscript.engine import Engine
from controller.manifest.parameters import with_parameters
from controller.model.script import ScriptFacts
from tests.conftest import SETTINGS, ndvi
from tests.support.command import shjobs

pytestmark = pytest.mark.slow

SCRIPT = """//VERSION=3
function setup() { return {input: ["B04"], output: {bands: 1}}; }
function evaluatePixel(s) { return [s.B04 > parameters.threshold ? 1 : 0]; }
function updateOutputMetadata(scenes, input, output) { output.userData = parameters; }
"""
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15)
NAMES = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1).filter(lambda name: name != "__proto__")
VALUES = st.recursive(
    st.booleans() | NUMBERS | st.text(st.characters(blacklist_categories=["Cs"])),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40)
@given(parameters=st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
def test_the_script_finds_what_was_written(engine: Engine, parameters: dict[str, Any]) -> None:
    assert isinstance(engine.load(with_parameters(SCRIPT, parameters)), ScriptFacts)
    assert engine.finish() == parameters


def checked(folder: Path, script: str, parameters: str = "{threshold: 0.3}") -> tuple[int, str]:
    (folder / "jobs.d").mkdir()
    (folder / "shjobs.toml").write_text(SETTINGS.format(folder=folder))
    text = ndvi().replace("spec:\n", f"spec:\n  evalscriptFile: a.js\n  parameters: {parameters}\n")
    (folder / "jobs.d" / "a.yaml").write_text(text[: text.index("    evalscript: |")])
    (folder / "jobs.d" / "a.js").write_text(script)
    done = shjobs("check", "--no-cache", cwd=folder)
    return done.returncode, done.stdout


def test_check_knows_them(tmp_path: Path) -> None:
    assert checked(tmp_path, SCRIPT)[0] == 0


def test_a_script_that_needs_them_is_refused_without_them(tmp_path: Path) -> None:
    code, shown = checked(tmp_path, SCRIPT, "{other: 1}\n  priority: 1")
    assert (code, "W" in shown or "E" in shown) == (0, False), "undefined compares as false: no error of JavaScript"
    (tmp_path / "b").mkdir()
    code, shown = checked(tmp_path / "b", SCRIPT, "{}")
    assert (code, "parameters is not defined" in shown) == (1, True)


def test_an_error_on_the_shared_line_is_told_where_it_was_written(tmp_path: Path) -> None:
    code, shown = checked(tmp_path, SCRIPT.replace("function setup() {", "function setup() { nowhere();"))
    assert (code, "a.js:2:20: E300" in shown) == (1, True), shown


def test_a_script_with_a_constant_of_that_name_is_refused(tmp_path: Path) -> None:
    code, shown = checked(tmp_path, SCRIPT + "const parameters = {};\n")
    assert (code, "'parameters' has already been declared" in shown) == (1, True), shown
