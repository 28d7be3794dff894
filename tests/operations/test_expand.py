"""`shjobs expand`, and the sets that the page of sets shows."""

import json
import re
from pathlib import Path

import pytest
import shapely

from tests.support.command import Done, shjobs
from tests.support.paths import ROOT
from tests.support.sets import SCRIPTS, Jobs, utc

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "sets.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SLOVENIA = [[13.4, 45.5], [13.7, 46.5], [15, 46.6], [16.2, 46.9], [16.6, 46.5], [15.3, 45.5], [14, 45.4], [13.4, 45.5]]
SETTINGS = """\
deployment = "cdse"

[credentials.my-bucket]
prefixes = ["s3://my-bucket/"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shjobs.toml").write_text(SETTINGS)
    for place in ("sets", "jobs.d"):
        (tmp_path / place).mkdir()
        for name in ("ndvi", "ndwi", "true-color"):
            script = (ROOT / "jobs.d" / "ndvi.js").read_text(encoding="utf-8")
            (tmp_path / place / f"{name}.js").write_text(script)
    outline = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [SLOVENIA]}}
    (tmp_path / "sets" / "slovenia.geojson").write_text(json.dumps(outline))
    return tmp_path


def expanded(folder: Path, text: str, *options: str) -> Done:
    (folder / "sets" / "set.yaml").write_text(text)
    return shjobs("expand", "sets/set.yaml", *options, cwd=folder)


IDS = ["a country", "one grid", "a farm"]
SUMS = [
    "slovenia: 478 cells (20 tile x 12 window x 2 index)",
    "alps: 120 cells (15 tile x 8 quarter)",
    "farm: 72 cells (24 month x 3 index); it goes on with every month",
]


@pytest.mark.parametrize(
    ("text", "total"), list(zip(SHOWN, SUMS, strict=True)), ids=["a country", "one grid", "a farm"]
)
def test_the_sets_that_are_shown_have_the_cells_that_they_should(folder: Path, text: str, total: str) -> None:
    done = expanded(folder, text, "--at", "2026-01-06")
    assert done.returncode == 0, done.stdout + done.stderr
    assert total in done.stdout.splitlines(), done.stdout[-300:]


@pytest.mark.parametrize("text", SHOWN, ids=IDS)
def test_the_manifests_of_the_cells_are_accepted(folder: Path, text: str) -> None:
    done = expanded(folder, text, "-o", "yaml", "--at", "2024-04-30")
    manifests = done.stdout.split("---\n")[1:]
    (folder / "jobs.d" / "cells.yaml").write_text("---\n".join(["", *manifests[:30]]))
    checked = shjobs("check", cwd=folder)
    assert (checked.returncode, len(manifests) > 5) == (0, True), checked.stdout[-600:]
    assert " 0 errors" in checked.stdout


def test_the_tiles_are_a_map(folder: Path) -> None:
    done = expanded(folder, SHOWN[0], "-o", "geojson")
    features = json.loads(done.stdout)["features"]
    assert len(features) == 20
    assert {each["properties"]["cells"] for each in features} == {24, 22}
    tiles = shapely.union_all([shapely.from_geojson(json.dumps(each["geometry"])) for each in features])
    assert tiles.buffer(0.001).contains(shapely.Polygon(SLOVENIA))


def test_what_is_paid_for_outside_the_area_is_told(folder: Path) -> None:
    done = expanded(folder, SHOWN[0])
    assert re.search(r"^paid outside the area: \d\d%; \d+ tiles less than half inside$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        pytest.param("$index.script", "$indx.script", 1, "sets/set.yaml:16:5: E108", id="a misspelt axis"),
        pytest.param("kind: AsyncProcessSet", "kind: AsyncProcess", 2, "declares no set", id="no set"),
        pytest.param("slovenia.geojson", "../shjobs.toml", 1, "inside the jobs folder", id="a file outside"),
        pytest.param("slovenia.geojson", "/etc/passwd", 1, "inside the jobs folder", id="a file of the machine"),
        pytest.param("ndvi.js", "../shjobs.toml", 1, "inside the jobs folder", id="a script outside"),
        pytest.param("kind:", "kind: [", 1, "E100", id="no YAML"),
    ],
)
def test_a_wrong_use_says_what_to_do(folder: Path, old: str, new: str, code: int, words: str) -> None:
    done = expanded(folder, SHOWN[0].replace(old, new))
    assert (done.returncode, words in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_link_out_of_the_folder_is_not_followed(folder: Path) -> None:
    (folder / "sets" / "slovenia.geojson").unlink()
    (folder / "sets" / "slovenia.geojson").symlink_to("/etc/hostname")
    done = expanded(folder, SHOWN[0])
    assert (done.returncode, "leads out of the jobs folder" in done.stdout) == (1, True), done.stdout


@pytest.mark.parametrize(("text", "count"), list(zip(SHOWN, (478, 120, 72), strict=True)), ids=IDS)
def test_the_sets_that_are_shown_are_taken_from_the_jobs_folder(tmp_path: Path, text: str, count: int) -> None:
    scripts = {"true-color.js": SCRIPTS["ndvi.js"]}
    outline = json.dumps({"type": "Polygon", "coordinates": [SLOVENIA]})
    priced = (
        text
        if "maxProcessingUnits" in text
        else text.replace("  template:\n", "  template:\n    maxProcessingUnits: 9000\n")
    )
    jobs = Jobs(tmp_path / "jobs.d", {"slovenia.geojson": outline, **scripts, "set.yaml": priced}, utc(2026, 1, 6))
    jobs.scan()
    assert (jobs.problems("set.yaml"), len(jobs.wanted)) == ([], count)


def test_the_area_is_read_as_the_controller_reads_it(folder: Path) -> None:
    """Its limit was that of a script, and a manifest's name was taken."""
    area = folder / "sets" / "slovenia.geojson"
    area.write_text(area.read_text() + " " * 1_000_000)
    assert expanded(folder, SHOWN[0], "--at", "2026-01-06").returncode == 0
    area.rename(area.with_suffix(".json"))
    refused = expanded(folder, SHOWN[0].replace(".geojson", ".json"), "--at", "2026-01-06")
    assert (refused.returncode, "this is the name of a manifest" in refused.stdout + refused.stderr) == (1, True)
