"""The JSON Schema of sets, judged by an independent validator: what is good fits it, what is wrong does not."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from controller.manifest.document import read_documents
from controller.operations.scaffold.schema import file_schema, set_schema
from tests.sets.test_accept import SET
from tests.support.command import shjobs
from tests.support.paths import ROOT
from tests.support.sets import COUNTRY, FARM

pytestmark = pytest.mark.slow

VALIDATOR = Draft202012Validator(file_schema())
PAGE = (ROOT / "docs" / "sets.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^```yaml\n(apiVersion.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
REQUEST = "$.spec.template.request"
EXAMPLES = sorted((ROOT / "docs" / "examples").rglob("*.yaml"))


def misfits(text: str) -> list[str]:
    [document] = read_documents(text, "a.yaml")
    return sorted(each.json_path for each in VALIDATOR.iter_errors(document.value))


@pytest.mark.parametrize(
    "text",
    [
        *(pytest.param(text, id=f"the {number}. of the page") for number, text in enumerate(SHOWN, 1)),
        *(pytest.param(path.read_text(encoding="utf-8"), id=path.name) for path in EXAMPLES),
        pytest.param(COUNTRY, id="a country"),
        pytest.param(FARM, id="a farm"),
        pytest.param(SET, id="with exclude"),
        pytest.param(FARM.replace("{script: ndvi.js}", "{script: ndvi.js, type: sentinel-2-l1c}").replace(
            "type: sentinel-2-l2a", "type: $index.type"), id="a collection from an axis"),
        pytest.param(FARM.replace("from: 2024-01, to: 2024-03", "from: 2024, to: 2025"), id="years, which are numbers"),
        pytest.param(
            COUNTRY.replace("  template:", "  trial: 2\n  limits: {perWindow: 600}\n  template:"), id="a trial"
        ),
        pytest.param(f"# yaml-language-server: $schema=../manifest.schema.json\n{FARM}", id="with the editor's line"),
    ],
)  # fmt: skip
def test_a_good_set_fits(text: str) -> None:
    assert misfits(text) == []


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        pytest.param("  axes:\n", "  axs:\n", "$.spec", id="a misspelt key"),
        pytest.param("name: slovenia", "name: Slovenia", "$.metadata.name", id="a name with a capital"),
        pytest.param("areaFile:", "areafile:", "$.spec.axes.tile.grid", id="a misspelt key of a grid"),
        pytest.param("pixel: 10,", "pixel: 0,", "$.spec.axes.tile.grid.pixel", id="a pixel of nothing"),
        pytest.param("cell: 5000", "cell: 20000", "$.spec.axes.tile.grid.cell", id="a tile that is too large"),
        pytest.param("{areaFile: slovenia.geojson,", "{", "$.spec.axes.tile.grid", id="no area"),
        pytest.param("every: month", "every: fortnight", "$.spec.axes.window.every", id="no such window"),
        pytest.param("from: 2024-01, ", "", "$.spec.axes.window", id="no beginning"),
        pytest.param("after: 5d", "after: 5w", "$.spec.axes.window.after", id="a unit that there is not"),
        pytest.param("every: month", "evry: month", "$.spec.axes.window", id="an axis of no kind"),
        pytest.param("    window:", "    Window:", "$.spec.axes", id="an axis with a capital"),
        pytest.param("ndvi: {", "ND: {", "$.spec.axes.index.values", id="a key with capitals"),
        pytest.param("evalscriptFile: $index.script", "evalscriptfile: $index.script", "$.spec.template",
                     id="a misspelt key of the template"),
        pytest.param("maxProcessingUnits: 700", "maxProcessingUnits: many", "$.spec.template.maxProcessingUnits",
                     id="a word for a number"),
        pytest.param("type: image/tiff", "type: tiff", f"{REQUEST}.output.responses[0].format.type", id="no format"),
        pytest.param("bbox: $tile.bbox", "bbox: [1, 2]", f"{REQUEST}.input.bounds.bbox", id="half a bbox"),
        pytest.param("bbox: $tile.bbox", "bbox: tile.bbox", f"{REQUEST}.input.bounds.bbox", id="no dollar"),
        pytest.param("  template:", "  trial: 0\n  template:", "$.spec.trial", id="no trial"),
        pytest.param("  template:", "  exclude: [{}]\n  template:", "$.spec.exclude[0]", id="an empty exclude"),
    ],
)  # fmt: skip
def test_a_wrong_set_does_not_fit_and_the_editor_marks_the_place(old: str, new: str, place: str) -> None:
    assert old in COUNTRY
    found = misfits(COUNTRY.replace(old, new))
    assert any(each.startswith(place) for each in found), found


def fields(schema: Any) -> Iterator[tuple[str, Any]]:
    """Every field below a schema, in whichever branch it stands."""
    if isinstance(schema, list):
        for each in schema:
            yield from fields(each)
    if isinstance(schema, dict):
        for key, value in schema.get("properties", {}).items():
            if isinstance(value, dict) and "const" not in value:
                yield key, value
        for value in schema.values():
            yield from fields(value)


def test_every_key_of_a_set_has_a_text_to_hover_over() -> None:
    spec = set_schema()["properties"]["spec"]["properties"]
    for keys in (spec, spec["limits"]["properties"], spec["template"]["properties"]):
        assert [key for key, value in keys.items() if not value.get("description")] == []
    of_axes = dict(fields(spec["axes"]["additionalProperties"]["allOf"]))
    known = {"areaFile", "area", "zone", "crs", "pixel", "cell", "leaveOutBelow", "cover"}
    known |= {"every", "from", "to", "after", "values"}
    assert {key for key, value in of_axes.items() if value.get("description")} >= known
    of_template = dict(fields(spec["template"]))
    deep = ("bounds", "timeRange", "responses", "credentialsRef")
    assert [key for key in deep if not of_template[key].get("description")] == []


def test_a_new_repository_has_the_schema_with_sets(tmp_path: Path) -> None:
    assert shjobs("init", "here", cwd=tmp_path).returncode == 0
    made = (tmp_path / "here" / "manifest.schema.json").read_text(encoding="utf-8")
    assert made == shjobs("schema", cwd=tmp_path).stdout
    assert "AsyncProcessSet" in made
