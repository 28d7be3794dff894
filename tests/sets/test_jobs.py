"""The jobs of a set: what is computed of a whole group is what each cell would be as a manifest of its own."""

from datetime import UTC, datetime

import pytest

from controller.manifest.document import Document, read_documents
from controller.manifest.request import Request
from controller.manifest.validate import Broken, Script, ValidManifest, accept
from controller.sets.accept import ValidSet, accept_set
from controller.sets.jobs import Alike, alike

NOW = datetime(2024, 4, 10, tzinfo=UTC)
SCRIPT = """//VERSION=3
function setup() { return {input: ["B04"], output: {bands: 1}}; }
function evaluatePixel(s) { return [s.B04]; }
"""
SET = """\
apiVersion: shjobs/v1
kind: AsyncProcessSet
metadata: {name: alps}
spec:
  axes:
    tile:
      grid: {area: {bbox: [11.7, 46.9, 12.4, 47.2]}, pixel: 20, cell: 1000, cover: COVER}
    window: {every: month, from: 2024-01, after: 5d}
    index: {values: {red: {gain: 1}, low: {gain: 2}}}
  template:
    evalscriptFile: red.js
    parameters: {gain: $index.gain}
    request:
      input:
        bounds: {bbox: $tile.bbox, properties: {crs: $tile.crs}}
        data: [{type: sentinel-2-l2a, dataFilter: {timeRange: $window.range}}]
      output:
        width: $tile.width
        height: $tile.height
        delivery: {s3: {url: s3://my-bucket/alps, credentialsRef: my-bucket}}
"""
FORMS = [
    pytest.param(SET, id="tiles that differ only in where they are"),
    pytest.param(SET.replace("COVER", "area"), id="tiles of many sizes"),
    pytest.param(SET.replace("s3://my-bucket/alps", "s3://my-bucket/$tile/$window.key"), id="a folder for each tile"),
    pytest.param(
        SET.replace("evalscriptFile: red.js", "evalscriptFile: scripts/$tile/$window"), id="a script for each tile"
    ),
    pytest.param(
        SET.replace("{gain: $index.gain}", "{gain: $index.gain, tile: $tile}"),
        id="a script that reads the tile",
    ),
    pytest.param(
        SET.replace(
            "        height: $tile.height\n",
            "        height: $tile.height\n        responses: [{identifier: $tile.key, format: {type: image/tiff}}]\n",
        ).replace("32n-", ""),
        id="an output named by the tile",
    ),
]


def read_set(text: str) -> ValidSet:
    [document] = read_documents(text.replace("COVER", "cells"), "alps.yaml")
    found = accept_set(document, "alps.yaml", {}, lambda name: Script(path=name, text=SCRIPT), NOW)
    assert isinstance(found, ValidSet), found
    return found


def alone(found: ValidSet, document: dict[str, object]) -> ValidManifest | Broken:
    return accept(Document(index=0, value=document, places={}), "alps.yaml", Script(path="red.js", text=SCRIPT))


@pytest.mark.parametrize("text", FORMS)
def test_a_cell_asks_for_what_its_manifest_would_ask_for(text: str) -> None:
    found = read_set(text)
    seen: dict[str, Request] = {}
    for group in alike(found, NOW):
        assert isinstance(group, Alike), group
        seen |= {cell.name: group.request(cell) for cell in group.cells}
    due = [cell for cell in found.cells if cell.due and cell.due <= NOW]
    assert len(due) == len(found.cells) > 20
    for cell in due:
        manifest = alone(found, cell.document)
        assert isinstance(manifest, ValidManifest), manifest
        assert seen[cell.name] == manifest.request


def test_a_group_has_one_manifest_for_all_its_tiles() -> None:
    groups = [*alike(read_set(SET), NOW)]
    assert len(groups) == 2 * 3 * 2, "zones x months x values"
    assert all(isinstance(group, Alike) and len(group.cells) > 1 for group in groups)


def test_cells_that_are_not_due_have_no_job_yet() -> None:
    found = read_set(SET)
    groups = [*alike(found, datetime(2024, 3, 1, tzinfo=UTC))]
    assert {group.place.window for group in groups if isinstance(group, Alike)} == {"2024-01"}


def recipes(text: str) -> set[str]:
    return {group.place.recipe for group in alike(read_set(text), NOW) if isinstance(group, Alike)}


def test_the_recipe_is_that_of_what_is_asked_for_apart_from_where_and_when() -> None:
    assert len(recipes(SET)) == 2
    assert recipes(SET) == recipes(SET.replace("47.2", "47.4").replace("from: 2024-01", "from: 2023-01"))
    assert recipes(SET) == recipes(SET.replace("evalscriptFile", "maxProcessingUnits: 5\n    evalscriptFile"))
    assert not recipes(SET) & recipes(SET.replace("sentinel-2-l2a", "sentinel-2-l1c"))
    assert len(recipes(SET) & recipes(SET.replace("gain: 2", "gain: 3"))) == 1


def test_a_problem_of_some_cells_is_at_its_place_in_the_template_and_names_one_of_them() -> None:
    text = SET.replace("$window.range", "{from: $window.from, to: 2024-02-15T00:00:00Z}")
    groups = [*alike(read_set(text), NOW)]
    broken = [group for group in groups if isinstance(group, Broken)]
    assert (len(groups), len(broken)) == (12, 4), "of three months the last begins after the end"
    [problem] = broken[0].problems
    assert (problem.line, problem.column, problem.code) == (16, 52, "E216"), problem
    assert problem.field == "spec.template.request.input.data[0].dataFilter.timeRange"
    assert "(in the cell alps-32n-e700-n5180-2024-03-red)" in problem.message


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        pytest.param("every: month", "every: day", id="thirty times as many windows"),
        pytest.param("pixel: 20", "pixel: 10", id="pixels of another size"),
        pytest.param("cell: 1000", "cell: 2000", id="tiles of another size"),
        pytest.param("cover: COVER", "crs: EPSG:3035", id="another CRS"),
        pytest.param("cover: COVER", "zone: 32", id="one zone for all"),
        pytest.param("cover: COVER", "cover: area", id="trimmed tiles"),
    ],
)
def test_a_yes_to_a_set_is_none_to_windows_or_tiles_of_another_size(written: str, instead: str) -> None:
    assert not recipes(SET) & recipes(SET.replace(written, instead))


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        pytest.param("after: 5d", "after: 9d", id="asked for later"),
        pytest.param("from: 2024-01", "from: 2024-01, to: 2030", id="an end, which its own yes is about"),
        pytest.param("cover: COVER", "leaveOutBelow: 5", id="slivers left out"),
        pytest.param("pixel: 20", "pixel: 20.0", id="the same written otherwise"),
    ],
)
def test_which_windows_and_tiles_there_are_needs_no_further_yes(written: str, instead: str) -> None:
    assert recipes(SET) == recipes(SET.replace(written, instead))
