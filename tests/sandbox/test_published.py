"""Evalscripts in the manner of published ones: what `check` accepts the sandbox renders, with the pixels of NumPy."""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from controller.sandbox.extent import metres_per_pixel
from controller.sandbox.failure import RenderFailed
from controller.sandbox.planet.archive import SceneFilter, find_tiles
from controller.sandbox.planet.look import SensorInput
from controller.sandbox.planet.products import WantedBand, product
from controller.sandbox.planet.samples import Pixels, grouped, read_samples, read_timeless
from controller.sandbox.render.grid import evaluation_grid, output_grid
from controller.sandbox.render.render import Rendered, RenderOptions
from tests.support import rendering
from tests.support.scripts import accepted, appraised, reported

pytestmark = pytest.mark.slow
Numbers = NDArray[np.float64]
MAY = "2022-05-01/2022-05-31"
SEED = 1


def checked(script: str, collections: str = "sentinel-2-l2a", **output: Any) -> dict[str, Any]:
    """The body of a job with this script that `check` accepts, small enough to render here."""
    job = accepted(script, collections, MAY, width=24, height=18, **output)
    found = appraised(job)
    assert reported(found.problems) == []
    return {**job.request.body, "evalscript": script}


def rendered(body: Mapping[str, Any], folder: Path, **options: Any) -> tuple[Rendered, NDArray[Any]]:
    """The answer, and the raster as (band, row, column)."""
    answer = rendering.rendered(body, folder, RenderOptions(seed=SEED, **options))
    with rasterio.open(answer.files[0].path) as dataset:
        return answer, dataset.read()


def archived(body: Mapping[str, Any], *bands: str, unit: str = "REFLECTANCE", source: int = 0) -> Numbers:
    """What the archive holds for the mosaic of one source, as (band, row, column)."""
    grid = evaluation_grid(output_grid(body), None)
    lon, lat = grid.centres(0, grid.pixels)
    data = body["input"]["data"][source]
    wanted = tuple(WantedBand(band=band, unit=unit) for band in bands)
    metres = metres_per_pixel(body)
    looked = SensorInput(product=product(data["type"]), bands=wanted, seed=SEED, metres_per_pixel=metres)
    pixels = Pixels(lon=lon, lat=lat, wanted=np.ones(lon.shape, dtype=np.bool_))
    if looked.product.since is None:
        samples = read_timeless(looked, pixels)
    else:
        times = data["dataFilter"]["timeRange"]
        since, until = (datetime.fromisoformat(times[end]) for end in ("from", "to"))
        tiles = find_tiles(looked.product, output_grid(body).area(), SceneFilter(since=since, until=until), SEED)
        samples = read_samples(looked, (grouped(tiles),), pixels)
    return np.asarray(samples[0], dtype=np.float64).reshape(len(bands), grid.height, grid.width)


def automatic(values: Numbers) -> NDArray[np.uint8]:
    """As AUTO stores them."""
    return np.floor(np.clip(values * 255, 0, 255) + 0.5).astype(np.uint8)


FILTERED = """//VERSION=3
function setup() { return { input: ["B04"], output: { bands: 1, sampleType: "UINT8" }, mosaicking: "MODE" }; }
function filterScenes(scenes, inputMetadata) {
  return scenes.filter((scene) => scene.date.getTime() >= inputMetadata.to.getTime() - 10 * 24 * 3600 * 1000);
}
function evaluatePixel(samples, scenes) { return [samples.length]; }
"""


@pytest.mark.parametrize("mosaicking", ["ORBIT", "TILE"])
def test_filter_scenes_is_called_only_if_the_sandbox_shall_do_it(mosaicking: str, tmp_path: Path) -> None:
    body = checked(FILTERED.replace("MODE", mosaicking))
    answers = {is_called: rendered(body, tmp_path, filter_scenes=is_called) for is_called in (False, True)}
    counts = {is_called: answer.samples_per_pixel for is_called, (answer, _) in answers.items()}
    assert 0 < counts[True] < counts[False]
    for is_called, (_, raster) in answers.items():
        assert (raster == counts[is_called]).all()


INDENTED = """

    //VERSION=3
    return [2.5 * B04, 2.5 * B03, 2.5 * B02]
"""
BRANCHES = """//VERSION=3 (auto-converted from 1)
var ndvi = index(B08, B04);
if (ndvi > 0.05) { return [0, ndvi, 0]; }
bare = 2 * B11
return [bare, bare, B04 / 2];
"""


def test_the_short_form_gives_the_pixels_of_its_bands(tmp_path: Path) -> None:
    body = checked(INDENTED)
    _, raster = rendered(body, tmp_path)
    assert (raster == automatic(2.5 * archived(body, "B04", "B03", "B02"))).all()


def test_the_short_form_with_branches_gives_the_pixels_of_each(tmp_path: Path) -> None:
    body = checked(BRANCHES)
    _, raster = rendered(body, tmp_path)
    red, near, short = archived(body, "B04", "B08", "B11")
    total = near + red
    ndvi = np.divide(near - red, total, out=np.zeros_like(total), where=total != 0)
    green = np.stack([np.zeros_like(ndvi), ndvi, np.zeros_like(ndvi)])
    assert 0 < (ndvi > 0.05).sum() < ndvi.size
    assert (raster == automatic(np.where(ndvi > 0.05, green, np.stack([2 * short, 2 * short, red / 2])))).all()


HEIGHTS = [(2000, 0xFFFFFF), (800, 0x8B6D00), (300, 0x78385A), (100, 0x63383B), (0, 0xC7C7C7), (-50, 0x3B50F5)]
TERRAIN = f"""
//VERSION=3
const map = [{", ".join(f"[{height}, {colour}]" for height, colour in HEIGHTS)}];
function setup() {{ return {{ input: ["DEM"], output: {{ bands: 3, sampleType: "AUTO" }} }}; }}
DEFINITION
function evaluatePixel(sample) {{ return COLOUR; }}
"""
RAMPS = {
    "a ramp": ("const ramp = new ColorRampVisualizer(map, -50, 2000);", "ramp.process(sample.DEM)"),
    "a ramp by its other name": ("const ramp = new ColorRampVisualizer(map);", "ramp.getColorFromValue(sample.DEM)"),
    "colorBlend": (
        "const colours = map.map((pair) => normalizeRGB(int2rgb(pair[1])));",
        "colorBlend(sample.DEM, map.map((pair) => pair[0]), colours)",
    ),
}


@pytest.mark.parametrize(("definition", "colour"), RAMPS.values(), ids=RAMPS)
def test_heights_listed_from_high_to_low_get_their_colours(definition: str, colour: str, tmp_path: Path) -> None:
    body = checked(TERRAIN.replace("DEFINITION", definition).replace("COLOUR", colour), "dem")
    _, raster = rendered(body, tmp_path)
    heights = archived(body, "DEM", unit="METERS")[0]
    stops = [height for height, _ in reversed(HEIGHTS)]
    channels = [[(colour >> shift) & 255 for _, colour in reversed(HEIGHTS)] for shift in (16, 8, 0)]
    expected = np.stack([np.floor(np.interp(heights, stops, each) + 0.5) for each in channels])
    assert len(np.unique(raster)) > 3
    assert np.abs(raster.astype(float) - expected).max() <= 1  # halves, and colours stored twice
    assert (raster == expected).mean() > 0.98


CLASSED = """//VERSION=3
const classes = new ColorMapVisualizer([[0.1, 0x006600], [0.05, 0x80B300], [0.01, 0xFFFFFF], [-1, 0x0000FF]]);
function setup() { return { input: ["B04", "B08"], output: { bands: 3 } }; }
function evaluatePixel(s) { return classes.process(index(s.B08, s.B04)); }
"""


def test_classes_listed_from_high_to_low_get_their_colours(tmp_path: Path) -> None:
    body = checked(CLASSED)
    _, raster = rendered(body, tmp_path)
    red, near = archived(body, "B04", "B08")
    total = near + red
    ndvi = np.divide(near - red, total, out=np.zeros_like(total), where=total != 0)
    colours = np.array([[0, 0, 255], [255, 255, 255], [0x80, 0xB3, 0], [0, 0x66, 0]], dtype=np.uint8)
    found = np.digitize(ndvi, [0.01, 0.05, 0.1])
    assert len(np.unique(found)) >= 3
    assert (raster == np.moveaxis(colours[found], 2, 0)).all()


UNITS = {
    "reflectance of classes": ("['B04', 'SCL', 'dataMask'], units: 'REFLECTANCE'", "REFLECTANCE"),
    "digital numbers of all": ("['B04', 'SCL', 'dataMask'], units: 'DN'", "DN"),
    "a unit for each, and one of the mask": (
        "['B04', 'SCL', 'dataMask'], units: ['REFLECTANCE', 'DN', 'REFLECTANCE']", "REFLECTANCE",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("bands", "unit"), UNITS.values(), ids=UNITS)
def test_a_unit_holds_for_the_bands_that_have_it(bands: str, unit: str, tmp_path: Path) -> None:
    setup = f"return {{ input: [{{ bands: {bands} }}], output: {{ bands: 3, sampleType: 'FLOAT32' }} }};"
    body = checked(f"//VERSION=3\nfunction setup() {{ {setup} }}\n"
                   "function evaluatePixel(s) { return [s.B04, s.SCL, s.dataMask]; }")  # fmt: skip
    _, raster = rendered(body, tmp_path)
    expected = [archived(body, "B04", unit=unit)[0], *archived(body, "SCL", "dataMask", unit="DN")]
    np.testing.assert_allclose(raster, expected, rtol=1e-6)


def test_a_unit_that_radar_is_not_documented_to_have_gives_linear_power(tmp_path: Path) -> None:
    setup = "return { input: [{ bands: ['VV'], units: 'REFLECTANCE' }], output: { bands: 1, sampleType: 'FLOAT32' } };"
    body = checked(
        f"//VERSION=3\nfunction setup() {{ {setup} }}\nfunction evaluatePixel(s) {{ return [s.VV]; }}", "sentinel-1-grd"
    )
    plain = {**body, "evalscript": body["evalscript"].replace(", units: 'REFLECTANCE'", "")}
    assert (rendered(body, tmp_path)[1] == rendered(plain, tmp_path)[1]).all()


TWO_SOURCES = "sentinel-2-l2a as l2a, dem as land"
ONE_INPUT = """//VERSION=3
function setup() { return { input: [INPUT], output: { bands: 1, sampleType: "FLOAT32" } }; }
function evaluatePixel(samples) { return [SAMPLE]; }
"""


@pytest.mark.parametrize(
    ("collections", "read", "sample"),
    [
        pytest.param(TWO_SOURCES, "{bands: ['B04'], datasource: 'l2a'}", "samples.l2a[0].B04", id="found by its name"),
        pytest.param(TWO_SOURCES, "{bands: ['B04'], datasource: 'l2a'}", "samples.B04", id="found as if it were alone"),
        pytest.param(TWO_SOURCES, "{bands: ['B04']}", "samples.B04", id="unnamed, as if it were alone"),
        pytest.param(TWO_SOURCES, "{bands: ['B04']}", "samples[0][0].B04", id="unnamed, found by its number"),
        pytest.param("sentinel-2-l2a as l2a", "{bands: ['B04'], datasource: 'l2a'}", "samples.l2a[0].B04", id="alone"),
        pytest.param("sentinel-2-l2a", "{bands: ['B04'], datasource: 'l2a'}", "samples.B04", id="a name of no source"),
    ],
)
def test_one_input_of_a_request_reads_its_source(collections: str, read: str, sample: str, tmp_path: Path) -> None:
    body = checked(ONE_INPUT.replace("INPUT", read).replace("SAMPLE", sample), collections)
    answer, raster = rendered(body, tmp_path)
    np.testing.assert_allclose(raster, archived(body, "B04"), rtol=1e-6)
    assert answer.samples == (1,)


def test_one_input_of_days_is_found_by_its_name_and_as_if_it_were_alone(tmp_path: Path) -> None:
    script = """//VERSION=3
function setup() {
  const input = [{ bands: ["B04"], datasource: "l2a", mosaicking: "ORBIT" }];
  return { input, output: { bands: 2, sampleType: "UINT8" } };
}
function evaluatePixel(samples) { return [samples.length, samples.l2a.length]; }
"""
    answer, raster = rendered(checked(script, TWO_SOURCES), tmp_path)
    assert answer.samples_per_pixel > 1
    assert (raster == answer.samples_per_pixel).all()


def test_a_typed_array_gives_the_pixels_of_an_array(tmp_path: Path) -> None:
    body = checked(
        "//VERSION=3\nfunction setup() { return { input: ['B04', 'B08'], output: { bands: 2 } }; }\n"
        "function evaluatePixel(s) { return new Float64Array([s.B04, s.B08]); }"
    )
    assert (rendered(body, tmp_path)[1] == automatic(archived(body, "B04", "B08"))).all()


ONE_OUTPUT = "output: {bands: 1}"
REFUSED = {
    "an output that leaves its folder": (
        "input: ['B04'], output: {id: '../b', bands: 1}", "E222", "cannot name a file",
    ),
    "an output in a folder": ("input: ['B04'], output: {id: 'a/b', bands: 1}", "E222", "cannot name a file"),
    "an output with a very long name": (
        f"input: ['B04'], output: {{id: '{'x' * 300}', bands: 1}}", "E222", "cannot name a file",
    ),
    "two inputs of one source": (
        "input: [{bands: ['B04'], datasource: 'l2a'}, {bands: ['B08'], datasource: 'l2a'}], " + ONE_OUTPUT,
        "E230", "two inputs read the same datasource",
    ),
    "more inputs than sources": (
        "input: [{bands: ['B04']}, {bands: ['DEM']}, {bands: ['B08']}], " + ONE_OUTPUT, "E230", "has 3 inputs",
    ),
    "a unit no band has": (
        "input: [{bands: ['B04', 'SCL'], units: 'METERS'}], " + ONE_OUTPUT, "E233", "no unit METERS",
    ),
    "a unit of another band": (
        "input: [{bands: ['B04', 'SCL'], units: ['DN', 'REFLECTANCE']}], " + ONE_OUTPUT, "E233", "no unit REFLECTANCE",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("setup", "code", "words"), REFUSED.values(), ids=REFUSED)
def test_what_check_refuses_the_sandbox_refuses(setup: str, code: str, words: str, tmp_path: Path) -> None:
    script = f"//VERSION=3\nfunction setup() {{ return {{ {setup} }}; }}\nfunction evaluatePixel() {{ return [1]; }}"
    named = re.search("id: '([^']+)'", setup)
    responses = [(named[1] if named else "default", "image/tiff")]
    job = accepted(script, TWO_SOURCES, MAY, responses=responses, width=24, height=18)
    assert [each.code for each in appraised(job).problems] == [code]
    with pytest.raises(RenderFailed, match=words):
        rendering.rendered({**job.request.body, "evalscript": script}, tmp_path, RenderOptions())
