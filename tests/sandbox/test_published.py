"""Evalscripts in the manner of published ones: what `check` accepts the sandbox renders, with the pixels NumPy gives."""

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
from controller.sandbox.render.render import Rendered, RenderOptions, render
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
    answer = render(body, folder, RenderOptions(seed=SEED, **options))
    with rasterio.open(answer.files[0].path) as dataset:
        return answer, dataset.read()


def archived(body: Mapping[str, Any], *bands: str, unit: str = "REFLECTANCE", source: int = 0) -> Numbers:
    """What the archive holds for the mosaic of one source, as (band, row, column)."""
    grid = evaluation_grid(output_grid(body), None)
    lon, lat = grid.centres(0, grid.pixels)
    data = body["input"]["data"][source]
    wanted = tuple(WantedBand(band=band, unit=unit) for band in bands)
    looked = SensorInput(product=product(data["type"]), bands=wanted, seed=SEED, metres_per_pixel=metres_per_pixel(body))
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
    "colorBlend": ("", "colorBlend(sample.DEM, map.map((p) => p[0]), map.map((p) => int2rgb(p[1]).map((c) => c / 255)))"),
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
