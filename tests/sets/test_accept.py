"""Sets: the cells they declare, and what is wrong with those that declare none."""

import json
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from controller.manifest.document import read_documents
from controller.manifest.validate import Broken, Script, accept, is_set
from controller.sets.accept import ValidSet, accept_set
from controller.sets.cell import Cell

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SCRIPT = """//VERSION=3
function setup() { return {input: ["B04"], output: {bands: 1}}; }
function evaluatePixel(s) { return [s.B04]; }
"""
MALTA = (
    """{"type": "Polygon", "coordinates": [[[14.1, 35.7], [14.7, 35.7], [14.7, 36.2], [14.1, 36.2], [14.1, 35.7]]]}"""
)
SET = """\
apiVersion: shjobs/v1
kind: AsyncProcessSet
metadata: {name: malta, labels: {team: agri}}
spec:
  axes:
    tile:
      grid:
        areaFile: malta.geojson
        pixel: 10
        cell: 5000
    window: {every: month, from: 2024-01, to: 2024-03, after: 5d}
    index:
      values:
        red: {script: red.js, threshold: 0.3}
        nir: {script: nir.js, threshold: 0.1}
  exclude: [{window: 2024-02, index: nir}]
  template:
    evalscriptFile: $index.script
    maxProcessingUnits: 40
    request:
      input:
        bounds: {bbox: $tile.bbox, properties: {crs: $tile.crs}}
        data: [{type: sentinel-2-l2a, dataFilter: {timeRange: $window.range}}]
      output:
        width: $tile.width
        height: $tile.height
        responses: [{identifier: default, format: {type: image/tiff}}]
        delivery: {s3: {url: s3://my-bucket/malta/$index.key, credentialsRef: my-bucket}}
"""
AREAS = {"malta.geojson": MALTA}


def read(text: str = SET, areas: dict[str, str] | None = None, until: datetime = NOW) -> ValidSet | Broken:
    [document] = read_documents(text, "set.yaml")
    assert is_set(document)
    given = areas if areas is not None else AREAS
    files = {name: _file(name, given.get(name)) for name in ("malta.geojson", "other.geojson")}
    return accept_set(document, "set.yaml", files, _script, until)


def _script(name: str) -> Script:
    return _file(name, SCRIPT if name in ("red.js", "nir.js") else None)


def _file(name: str, text: str | None) -> Script:
    return Script(path=name, text=text or "", problem=f"{name} does not exist" if text is None else "")


def cells(text: str = SET, until: datetime = NOW) -> tuple[Cell, ...]:
    found = read(text, until=until)
    assert isinstance(found, ValidSet), found
    return found.cells


def test_a_cell_is_an_ordinary_job_named_by_its_keys() -> None:
    found = cells()
    [first, *_] = found
    assert first.name == "malta-33n-e400-n3950-2024-01-red"
    assert {cell.name.removeprefix("malta-33n-").split("-", 2)[2] for cell in found} == {
        "2024-01-red", "2024-01-nir", "2024-02-red", "2024-03-red", "2024-03-nir",
    }  # fmt: skip
    spec = first.document["spec"]
    assert spec["evalscriptFile"] == "red.js"
    assert spec["request"]["input"]["bounds"]["bbox"] == [400000, 3950000, 450000, 4000000]
    assert spec["request"]["input"]["data"][0]["dataFilter"]["timeRange"] == {
        "from": "2024-01-01T00:00:00Z", "to": "2024-01-31T23:59:59Z",
    }  # fmt: skip
    assert spec["request"]["output"]["delivery"]["s3"]["url"] == "s3://my-bucket/malta/red"
    assert first.document["metadata"]["labels"] == {"team": "agri", "set": "malta"}
    assert first.due == datetime(2024, 2, 6, tzinfo=UTC)


def test_every_cell_would_be_accepted_as_a_manifest_of_its_own() -> None:
    for cell in cells():
        [document] = read_documents(json.dumps(cell.document), "cell.json")
        found = accept(document, "cell.json", _script(cell.document["spec"]["evalscriptFile"]))
        assert not isinstance(found, Broken), found


def test_a_set_gives_the_same_names_and_documents_wherever_and_whenever_it_is_read() -> None:
    later = cells(until=datetime(2030, 1, 1, tzinfo=UTC))
    [document] = read_documents(SET, "other/place.yaml")
    files = {"malta.geojson": Script(path="malta.geojson", text=MALTA)}
    elsewhere = accept_set(document, "other/place.yaml", files, _script, NOW)
    assert isinstance(elsewhere, ValidSet)
    assert [cell.document for cell in cells()] == [cell.document for cell in later]
    assert [cell.document for cell in cells()] == [cell.document for cell in elsewhere.cells]


def test_a_larger_area_changes_no_cell_that_was_there() -> None:
    larger = MALTA.replace("14.7", "15.3")
    before = {cell.name: cell.document for cell in cells()}
    found = read(areas={"malta.geojson": larger})
    assert isinstance(found, ValidSet)
    after = {cell.name: cell.document for cell in found.cells}
    assert before.items() <= {name: after[name] for name in before}.items()
    assert len(after) > len(before)


def test_one_more_month_adds_only_its_window() -> None:
    before = {cell.name: cell.document for cell in cells()}
    after = {cell.name: cell.document for cell in cells(SET.replace("to: 2024-03", "to: 2024-04"))}
    assert {name: after[name] for name in before} == before
    assert {cell.split("-")[-2] for cell in after.keys() - before.keys()} == {"04"}


def test_an_open_end_has_the_cells_that_are_due() -> None:
    text = SET.replace(", to: 2024-03", "")
    months = {cell.values["window"].key for cell in cells(text, datetime(2024, 6, 5, 23, 59, tzinfo=UTC))}
    assert max(months) == "2024-04"
    assert max(cell.values["window"].key for cell in cells(text, datetime(2024, 6, 6, tzinfo=UTC))) == "2024-05"


def test_a_script_is_read_once_however_many_cells_name_it() -> None:
    values = "".join(f"        v{number}: {{script: red.js, threshold: {number}}}\n" for number in range(625))
    begin, end = SET.index("        red:"), SET.index("  exclude:")
    text = SET[:begin] + values + SET[end:].replace("  exclude: [{window: 2024-02, index: nir}]\n", "")
    for to, count in (("2024-01", 2_500), ("2024-04", 10_000)):
        asked: list[str] = []

        def script(name: str, asked: list[str] = asked) -> Script:
            asked.append(name)
            return _script(name)

        [document] = read_documents(text.replace("to: 2024-03", f"to: {to}"), "set.yaml")
        found = accept_set(document, "set.yaml", {"malta.geojson": _file("malta.geojson", MALTA)}, script, NOW)
        assert isinstance(found, ValidSet)
        assert (len(found.cells), asked) == (count, ["red.js"])


@pytest.mark.parametrize(
    ("every", "ends", "left_out", "key"),
    [
        pytest.param("week", "from: 2024-w01, to: 2024-w03", "2024-W02", "2024-w02", id="a week"),
        pytest.param("dekad", "from: 2024-01, to: 2024-01", "2024-01-D2", "2024-01-d2", id="a dekad"),
        pytest.param("quarter", "from: 2024, to: 2024", "[2024-q1, 2024-Q2]", "2024-q2", id="a quarter, in a list"),
    ],
)
def test_a_window_written_in_capitals_is_left_out_too(every: str, ends: str, left_out: str, key: str) -> None:
    """It was accepted, left out nothing, and the cell was paid for."""
    months = SET.replace("every: month, from: 2024-01, to: 2024-03", f"every: {every}, {ends}")
    text = months.replace("exclude: [{window: 2024-02, index: nir}]", f"exclude: [{{window: {left_out}}}]")
    without = months.replace("  exclude: [{window: 2024-02, index: nir}]\n", "")
    assert key in {cell.values["window"].key for cell in cells(without)}
    assert key not in {cell.values["window"].key for cell in cells(text)}


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        pytest.param(
            "{area: {bbox: [171, 1, 180, 8]}, crs: EPSG:3857, pixel: 100, cell: 10000}",
            "19:18: E202 spec.template.request.input.bounds.bbox: lies outside the Earth as WGS 84 / Pseudo-Mercator "
            "draws it: is this the CRS of these numbers? (in the tile 3857-e20000-n0)",
            id="beyond the Earth",
        ),
        pytest.param(
            "{area: {bbox: [10, -65, 11, -1]}, crs: EPSG:3857, pixel: 2000, cell: 1000}",
            "22:9: E207 spec.template.request.output.width: makes a pixel 1998.33 metres of ground; sentinel-2-l2a may "
            "have at most 1500: write a larger one, or a smaller area (in the tile 3857-e0-s2000)",
            id="too coarse where the ground is less distorted",
        ),
    ],
)
def test_the_place_of_each_tile_is_checked(grid: str, expected: str) -> None:
    """Only the first was, and the others were sent."""
    begin, end = SET.index("      grid:\n"), SET.index("    window:")
    found = read(f"{SET[:begin]}      grid: {grid}\n{SET[end:]}")
    assert isinstance(found, Broken), "it was accepted"
    assert [str(each) for each in found.problems] == [f"set.yaml:{expected}"]


def test_a_geometry_of_all_tiles_is_checked_once_for_each_kind_of_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have thousands of positions, and was checked again for each tile."""
    checked: list[object] = []

    def noted(geometry: object) -> str:
        checked.append(geometry)
        return ""

    monkeypatch.setattr(sys.modules["controller.manifest.rules.area"], "ring_error", noted)
    corners = "[[300000, 3900000], [700000, 3900000], [700000, 4100000], [300000, 4100000], [300000, 3900000]]"
    text = SET.replace("bbox: $tile.bbox,", f"bbox: $tile.bbox, geometry: {{type: Polygon, coordinates: [{corners}]}},")
    found = read(text.replace("cell: 5000", "cell: 500"))
    assert isinstance(found, ValidSet), found
    assert len(checked) == 2 < len({cell.keys[0] for cell in found.cells})


SECRET = "wJalrXUtnFEMI"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "{script: nir.js, threshold: 0.1}",
            f"{{script: nir.js, threshold: {{secretAccessKey: {SECRET}}}}}",
            "15:43: E110 spec.axes.index.values.nir.threshold.secretAccessKey: a secret must not be in a manifest: "
            "remove it, and change it if it was ever shared",
            id="on an axis",
        ),
        pytest.param(
            "maxProcessingUnits: 40",
            f"parameters: {{access_key: {SECRET}}}",
            "19:18: E110 spec.template.parameters.access_key: a secret must not be in a manifest: remove it, "
            "and change it if it was ever shared",
            id="in the parameters of the template",
        ),
        pytest.param(
            "credentialsRef: my-bucket",
            f"accessKey: AKIAIOSFODNN7, secretAccessKey: {SECRET}",
            "28:63: E110 spec.template.request.output.delivery.s3.accessKey: keys must not be in a manifest: write "
            "instead `credentialsRef: my-bucket`, and give the keys that belong to it as "
            "SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY and SHJOBS_CREDENTIALS_MY_BUCKET_SECRET_ACCESS_KEY (or name "
            "their files in shjobs.toml)",
            id="for the bucket",
        ),
    ],
)
def test_a_secret_in_a_set_is_refused(old: str, new: str, expected: str) -> None:
    """One on an axis could be filled in anywhere: it was sent, and written to the ledger."""
    found = read(SET.replace(old, new))
    assert isinstance(found, Broken), "it was accepted"
    assert [str(each) for each in found.problems] == [f"set.yaml:{expected}"]


def test_a_secret_in_a_set_is_in_no_message() -> None:
    text = SET.replace("threshold: 0.1}", f"threshold: 0.1, secretAccessKey: {SECRET}}}")
    found = read(text.replace("every: month", f"every: {SECRET}").replace("from: 2024-01,", f"from: {SECRET},"))
    assert isinstance(found, Broken)
    assert "[hidden]" in str(found.problems)
    assert not any(SECRET in each.message for each in found.problems)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(
            "    evalscriptFile: $index.script\n", "    parameters: {script: $index.script}\n", id="in a script"
        ),
        pytest.param(
            "    request:", "    parameters: {a: 5 $, b: $$index-a, c: US$index2}\n    request:", id="elsewhere"
        ),
    ],
)
def test_a_dollar_that_means_no_axis_may_be_written(old: str, new: str) -> None:
    script = "" if "request" in new else "      evalscript: '//VERSION=3 const a = `${index}$tile.`;'\n"
    found = read(SET.replace(old, new).replace("      input:\n", f"{script}      input:\n"))
    assert isinstance(found, ValidSet), found


TWO_OF_ONE_NAME = """\
apiVersion: shjobs/v1
kind: AsyncProcessSet
metadata: {name: farm}
spec:
  axes:
    crop: {values: {a: {}, a-b: {}}}
    field: {values: {b-c: {}, c: {}}}
  template:
    evalscriptFile: red.js
    parameters: {crop: $crop, field: $field}
    request:
      input:
        bounds: {bbox: [14.4, 35.8, 14.5, 35.9]}
        data: [{type: sentinel-2-l2a, dataFilter: {timeRange: {from: 2024-01-01T00:00:00Z, to: 2024-01-31T23:59:59Z}}}]
      output: {width: 600, height: 600, delivery: {s3: {url: s3://my-bucket/farm, credentialsRef: my-bucket}}}
"""


def test_two_cells_of_one_name_are_refused() -> None:
    """One was lost without a word, and after a restart the other, which was then paid for."""
    found = read(TWO_OF_ONE_NAME)
    assert isinstance(found, Broken), "it was accepted"
    assert [str(each) for each in found.problems] == [
        "set.yaml:5:3: E194 spec.axes: (a, b-c) and (a-b, c) both make the job 'farm-a-b-c': rename one of the keys"
    ]


def test_of_two_cells_of_one_name_one_may_be_left_out() -> None:
    text = TWO_OF_ONE_NAME.replace("  template:", "  exclude: [{crop: a-b, field: c}]\n  template:")
    assert [cell.name for cell in cells(text)] == ["farm-a-b-c", "farm-a-c", "farm-a-b-b-c"]


def wrong(old: str, new: str, words: str, id: str, place: str = "") -> Any:
    assert old in SET, old
    return pytest.param(SET.replace(old, new), place, words, id=id)


WRONG = [
    wrong("  axes:\n", "  axs:\n", "did you mean `axes`?", "a misspelt key", "5:3"),
    wrong("metadata: {name: malta, labels: {team: agri}}\n", "", "is missing", "no metadata"),
    wrong("name: malta", "name: Malta", "lowercase letters", "a name with a capital", "3:12"),
    wrong(
        "    window: {every: month, from: 2024-01, to: 2024-03, after: 5d}\n",
        "    window: {from: 2024-01}\n",
        "with `grid`, `every` or `values`",
        "an axis of no kind",
        "11:5",
    ),
    wrong("every: month", "evry: month", "did you mean `every`?", "a misspelt every", "11:5"),
    wrong("every: month", "every: fortnight", "must be day, week", "a length of a window that there is not", "11:14"),
    wrong("every: month", "every: month, values: {a: {}}", "write an axis for each", "two kinds in one axis", "11:5"),
    wrong("from: 2024-01,", "from: 2024-13,", "not in the calendar", "month 13", "11:28"),
    wrong("from: 2024-01,", "from: January,", "names no day", "a word for a month", "11:28"),
    wrong("from: 2024-01,", "from: 2024-06,", "exchange them", "from after to", "11:28"),
    wrong("from: 2024-01, to: 2024-03", "from: 2024-01-02, to: 2024-01-30", "no month begins", "no window"),
    wrong("after: 5d", "after: 5", 'such as "5d"', "after without a unit", "11:56"),
    wrong("after: 5d", "after: 5w", "a number with a unit", "after in weeks", "11:56"),
    wrong(
        "every: month, from: 2024-01, to: 2024-03",
        "every: day, from: 1980, to: 2024",
        "more than 10,000 windows",
        "ten thousand windows",
    ),
    wrong("areaFile: malta.geojson", "areaFile: other.geojson", "does not exist", "no such area file", "8:9"),
    wrong(
        "areaFile: malta.geojson", "areafile: malta.geojson", "did you mean `areaFile`?", "a misspelt areaFile", "8:9"
    ),
    wrong("        areaFile: malta.geojson\n", "", "has no area", "no area at all"),
    wrong("areaFile: malta.geojson", "area: {bbox: [14.1, 35.7, 14.0]}", "four numbers", "three numbers", "8:16"),
    wrong(
        "areaFile: malta.geojson",
        "area: {bbox: [35.7, 141, 36.2, 147]}",
        "[west, south, east, north]",
        "latitude first",
        "8:16",
    ),
    wrong(
        "areaFile: malta.geojson",
        "area: {geometry: {type: Point, coordinates: [1, 2]}}",
        "of the type 'Point'",
        "a point for an area",
        "8:16",
    ),
    wrong(
        "areaFile: malta.geojson",
        "area: {bbox: [14, 35, 15, 36]}\n        areaFile: malta.geojson",
        "keep one",
        "two areas",
    ),
    wrong("pixel: 10\n", "pixel: 0\n", "more than 0", "a pixel of nothing", "9:9"),
    wrong("pixel: 10\n", "pixel: ten\n", "must be a number", "a pixel in words", "9:9"),
    wrong("pixel: 10\n", "pixel: 1.0e+20\n", "longer than 10,000 km", "a pixel wider than the Earth", "9:9"),
    wrong("cell: 5000", "cell: 20000", "at most 10000", "a tile larger than the service takes", "10:9"),
    wrong("cell: 5000", "cell: 5050", "whole number of km", "half a kilometre", "10:9"),
    wrong("cell: 5000", "cell: 5000\n        zone: 61", "a zone of UTM", "zone 61", "11:9"),
    wrong("cell: 5000", "cell: 5000\n        zone: 40", "from the middle of zone 40", "a far zone"),
    wrong("cell: 5000", "cell: 5000\n        crs: EPSG:4326", "counts in degrees", "a grid in degrees", "11:9"),
    wrong("cell: 5000", "cell: 5000\n        crs: EPSG:99999", "not a CRS the service knows", "no such CRS", "11:9"),
    wrong("cell: 5000", "cell: 5000\n        zone: 33\n        crs: EPSG:3035", "keep one of the two", "zone and crs"),
    wrong("cell: 5000", "cell: 5000\n        leaveOutBelow: 101", "at most 100", "more than all of a tile", "11:9"),
    wrong("cell: 5000", "cell: 5000\n        leaveOutBelow: 100", "has no tile", "every tile left out"),
    wrong(
        "        red: {script: red.js, threshold: 0.3}\n        nir: {script: nir.js, threshold: 0.1}\n",
        "        {}\n",
        "an axis without values",
        "no values",
        "13:7",
    ),
    wrong(
        "nir: {script: nir.js, threshold: 0.1}",
        "Nir: {script: nir.js, threshold: 0.1}",
        "a key is made of",
        "a key with a capital",
        "15:9",
    ),
    wrong(
        "nir: {script: nir.js, threshold: 0.1}",
        "nir: {script: nir.js}",
        "has no `threshold`",
        "a value lacks a field",
        "15:9",
    ),
    wrong(
        "nir: {script: nir.js, threshold: 0.1}",
        "nir: {key: x, script: nir.js, threshold: 0.1}",
        "name of the value itself",
        "a field named key",
        "15:15",
    ),
    wrong(
        "nir: {script: nir.js, threshold: 0.1}", "nir: nir.js", "must be a mapping", "a value without fields", "15:9"
    ),
    wrong("    index:\n", "    Index:\n", "an axis is named by", "an axis with a capital", "12:5"),
    wrong(
        "window: 2024-02, index: nir",
        "window: 2024-20, index: nir",
        "no cell has the key 2024-20",
        "a key of no window",
        "16:14",
    ),
    wrong(
        "window: 2024-02, index: nir",
        "window: 2024-02, index: nri",
        "no cell has the key nri",
        "a misspelt value",
        "16:31",
    ),
    wrong("window: 2024-02, index: nir", "month: 2024-02", "no axis of this set", "an axis that there is not", "16:14"),
    wrong(
        "exclude: [{window: 2024-02, index: nir}]", "exclude: [{}]", "leave out every cell", "an empty exclude", "16:13"
    ),
    wrong(
        "s3://my-bucket/malta/$index.key",
        "s3://my-bucket/malta-$index",
        "`$index` is a piece of `malta-$index`, and only a whole text, or one between slashes, is filled in",
        "a piece of a folder",
        "28:25",
    ),
    wrong(
        "s3://my-bucket/malta/$index.key",
        "'s3://my-bucket/${index}'",
        "is a piece of `${index}`",
        "another notation for a folder",
        "28:25",
    ),
    wrong("evalscriptFile: $index.script", "evalscriptFile: $index.js", "has no `js`", "a field that is no field"),
    wrong(
        "$index.script", "$index.script.js", "is a piece of `$index.script.js`", "a field with more behind it", "18:5"
    ),
    wrong("$index.script", "$indx.script", "did you mean `$index`?", "a misspelt axis", "18:5"),
    wrong("$index.script", "$index.scrpt", "did you mean `$index.script`?", "a misspelt field", "18:5"),
    wrong("$tile.crs", "$tile.epsg", "it has bbox, crs, height, key, width", "a field that tiles lack", "22:49"),
    wrong(
        "timeRange: $window.range",
        "timeRange: {from: 2024-01-01T00:00:00Z, to: 2024-01-02T00:00:00Z}",
        "all its jobs would be the same",
        "an axis that nothing refers to",
        "11:5",
    ),
    wrong(
        "maxProcessingUnits: 40", "maxProcessingUnits: forty", "must be a number", "a mistake in the template", "19:5"
    ),
    wrong("type: image/tiff", "type: image/tif", "did you mean image/tiff?", "a mistake deep in the template", "27:52"),
    wrong("width: $tile.width", "width: $index.threshold", "must be a whole number", "a value of another type", "25:9"),
    wrong("script: nir.js", "script: nri.js", "nri.js does not exist (with nir)", "a script that is not there", "18:5"),
    wrong(
        "type: sentinel-2-l2a", "type: sentinel-2-l2b", "did you mean sentinel-2-l2a?", "no such collection", "23:17"
    ),
    wrong("  exclude:", "  trial: 0\n  exclude:", "at least 1", "no trial at all", "16:3"),
    wrong("  exclude:", "  limits: {perWindow: -1}\n  exclude:", "more than 0", "a limit below nothing", "16:12"),
    wrong(
        "  exclude:",
        "  limits: {perWindow: 1.0e+308}\n  exclude:",
        "at most 1,000,000,000",
        "a limit beyond all sums",
        "16:12",
    ),
    wrong(
        "maxProcessingUnits: 40",
        "maxProcessingUnits: 1.0e+308",
        "at most 1,000,000,000",
        "a cell whose sum would be infinite",
        "19:5",
    ),
    wrong("name: malta", f"name: {'m' * 45}", "shorten it", "names that become too long", "3:12"),
    wrong(
        "every: month, from: 2024-01, to: 2024-03",
        "every: day, from: 2018, to: 2024",
        "at most 10,000: split it",
        "more cells than a set may have",
        "5:3",
    ),
    wrong(
        "every: month, from: 2024-01, to: 2024-03",
        "every: day, from: 1980",
        "has more than 10,000 windows: write a later `from`; no cell is renamed",
        "more windows than a set may have cells, without an end",
        "",
    ),
    wrong(SET[SET.index("  template:") :], "  template: 5\n", "must be a mapping", "a number for a template", "17:3"),
]


@pytest.mark.parametrize(("text", "place", "words"), WRONG)
def test_a_wrong_set_is_told_where_and_what_to_write(text: str, place: str, words: str) -> None:
    found = read(text)
    assert isinstance(found, Broken), "it was accepted"
    told = [str(each) for each in found.problems]
    matching = [each for each in told if words in each]
    assert matching, told
    assert matching[0].startswith(f"set.yaml:{place}:" if place else "set.yaml:"), told
    assert len(told) <= 3, told


@pytest.mark.parametrize(
    ("area", "words"),
    [
        pytest.param("", "is not JSON from line 1, column 1 on", id="an empty file"),
        pytest.param("{'type': 1}", "line 1, column 2", id="no JSON"),
        pytest.param("[" * 100_000, "nested too deeply", id="too deep"),
        pytest.param('{"type": "FeatureCollection", "features": []}', "holds no polygon", id="no feature"),
        pytest.param(MALTA.replace("[14.7, 36.2]", "[14.0, 36.3]").replace("[14.1, 36.2]", "[14.8, 36.0]"),
                     "crosses itself", id="an outline that crosses itself"),
        pytest.param(MALTA.replace("14.7", "NaN"), "is not [longitude, latitude]", id="not a number"),
    ],
)  # fmt: skip
def test_a_wrong_area_is_told_at_the_key_that_names_it(area: str, words: str) -> None:
    found = read(areas={"malta.geojson": area})
    assert isinstance(found, Broken)
    [told] = [str(each) for each in found.problems]
    assert told.startswith("set.yaml:8:9: E200 spec.axes.tile.grid.areaFile: malta.geojson: ")
    assert words in told
