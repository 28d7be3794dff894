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
