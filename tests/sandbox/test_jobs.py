"""The four documented jobs at full resolution, against NumPy: cuts of 128 x 128 pixels, under a fresh seed each time.

What the scripts say is computed here a second time, vectorised and from the scenes alone: the archive's own samples,
but neither the engine nor the renderer.
"""

import json
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from controller.sandbox.extent import metres_per_pixel
from controller.sandbox.planet.archive import SceneFilter, by_day, find_tiles
from controller.sandbox.planet.look import SensorInput
from controller.sandbox.planet.products import WantedBand, product
from controller.sandbox.planet.samples import Pixels, grouped, read_samples
from controller.sandbox.render.grid import evaluation_grid, output_grid
from controller.sandbox.render.render import RenderOptions
from tests.sandbox.test_render import TIFF, job
from tests.support import rendering

pytestmark = pytest.mark.slow
SIDE = 128
SEED = random.randrange(1 << 32)
Samples = NDArray[np.float64]  # (sample, band, pixel)


def cut(name: str, width: int, height: int) -> dict[str, Any]:
    """The body of a job over a random 128 x 128 pixels of its own raster of this size, at its own pixel size."""
    body: dict[str, Any] = json.loads(json.dumps(job(name)))
    west, south, east, north = body["input"]["bounds"]["bbox"]
    across, down = (east - west) / width, (north - south) / height
    chance = random.Random(f"{SEED} {name}")
    left, top = chance.randrange(width - SIDE), chance.randrange(height - SIDE)
    west, north = west + left * across, north - top * down
    body["input"]["bounds"]["bbox"] = [west, north - SIDE * down, west + SIDE * across, north]
    body["output"] |= {"width": SIDE, "height": SIDE, "responses": TIFF}
    return body


def scenes(body: Mapping[str, Any], bands: Mapping[str, str], since: timedelta | None) -> Samples:
    """The samples of a body: one mosaic, or with `since` one a day for so long before its end."""
    data = body["input"]["data"][0]
    times = {end: datetime.fromisoformat(data["dataFilter"]["timeRange"][end]) for end in ("from", "to")}
    grid = evaluation_grid(output_grid(body), None)
    collection = product(data["type"])
    order = data["dataFilter"].get("mosaickingOrder", "mostRecent")
    wanted = SceneFilter(since=times["from"], until=times["to"], order=order)
    tiles = find_tiles(collection, grid.output.area(), wanted, SEED)
    days = by_day(tiles, order) if since else (tiles,)
    if since:
        first = (times["to"] - since).date() + timedelta(days=(times["to"] - since).time() > datetime.min.time())
        days = tuple(day for day in days if day[0].sensed.date() >= first)
    source = SensorInput(
        product=collection,
        bands=tuple(WantedBand(band=band, unit=unit) for band, unit in bands.items()),
        seed=SEED,
        metres_per_pixel=metres_per_pixel(body),
    )
    lon, lat = grid.centres(0, grid.pixels)
    pixels = Pixels(lon=lon, lat=lat, wanted=np.ones(lon.shape, dtype=np.bool_))
    return read_samples(source, [grouped(day) for day in days], pixels)


def white_green(samples: Samples) -> NDArray[Any]:
    """NDVI through black, dark green, light green and white over 0, 0.4, 0.7 and 1; whole 255ths."""
    [[red, infrared]] = samples
    total = infrared + red
    ndvi = np.divide(infrared - red, total, out=np.zeros_like(total), where=total != 0)
    stops, channels = [0, 0.4, 0.7, 1], [(0x00, 0x00, 0x80, 0xFF), (0x00, 0x66, 0xB3, 0xFF), (0x00, 0x00, 0x00, 0xFF)]
    after = np.clip(np.searchsorted(stops, ndvi), 1, 3)
    low, high = np.array(stops)[after - 1], np.array(stops)[after]
    share = (ndvi - low) / (high - low)
    mixed = [np.array(each)[after] * share + np.array(each)[after - 1] * (1 - share) for each in channels]
    coloured = [np.floor(each + 0.5) for each in mixed]
    flat = [
        np.where(ndvi <= 0, each[0], np.where(ndvi >= 1, each[-1], c))
        for each, c in zip(channels, coloured, strict=True)
    ]
    return np.array(flat).astype(np.uint8)


def brightened(samples: Samples) -> NDArray[Any]:
    """True colour times 2.5, AUTO."""
    [[blue, green, red]] = samples
    return np.floor(np.clip(2.5 * np.array([red, green, blue]) * 255, 0, 255) + 0.5).astype(np.uint8)


def ranked(samples: Samples, usable: NDArray[np.bool_], bands: list[int], share: int, divisor: int) -> Samples:
    """Of the usable samples of a pixel, else of those with data, the one at floor(count * share / divisor); else 0."""
    values = samples[:, bands]
    seen = (values > 0).all(axis=1)
    usable = usable & seen
    chosen = np.where(usable.any(axis=0), usable, seen)
    count = chosen.sum(axis=0)
    ordered = np.sort(np.where(chosen[:, np.newaxis], values, np.inf), axis=0)
    place = np.broadcast_to((count * share // divisor)[np.newaxis, np.newaxis], (1, len(bands), count.size))
    found = np.take_along_axis(ordered, np.minimum(place, max(len(samples) - 1, 0)), axis=0)[0]
    return np.where(count > 0, found, 0)


def first_quartile(samples: Samples) -> NDArray[Any]:
    """B04, B03, B02 of the days whose SCL is usable, times 10000."""
    usable = ~np.isin(samples[:, 3], [1, 3, 8, 9, 10, 11])
    return np.floor(ranked(samples, usable, [0, 1, 2], 1, 4) * 10000 + 0.5).astype(np.uint16)


def upper_median(samples: Samples) -> NDArray[Any]:
    """B08, B04, B03, B02 of the days without cloud in CLM and with a usable SCL."""
    usable = ~np.isin(samples[:, 5], [1, 3, 7, 8, 9, 10, 11]) & ~np.isin(samples[:, 4], [1, 255])
    return ranked(samples, usable, [0, 1, 2, 3], 1, 2).astype(np.uint16)


REFLECTANCE = "REFLECTANCE"
JOBS = [
    pytest.param("ndvi", (3600, 3400), dict.fromkeys(("B04", "B08"), REFLECTANCE), None, white_green, id="1: NDVI"),
    pytest.param(
        "cloudless",
        (5000, 5000),
        dict.fromkeys(("B04", "B03", "B02"), REFLECTANCE) | {"SCL": "DN"},
        timedelta(days=93),
        first_quartile,
        id="2: first quartile of the clear days of three months",
    ),
    pytest.param(
        "true-color",
        (10000, 10000),
        dict.fromkeys(("B02", "B03", "B04"), REFLECTANCE),
        None,
        brightened,
        id="3: true colour",
    ),
    pytest.param(
        "median",
        (5000, 5000),
        dict.fromkeys(("B08", "B04", "B03", "B02", "CLM", "SCL"), "DN"),
        timedelta(days=360),
        upper_median,
        id="4: median of the clear days of twelve months",
    ),
]


@pytest.mark.parametrize(("name", "size", "bands", "since", "computed"), JOBS)
def test_a_documented_job_equals_numpy_pixel_for_pixel(
    name: str,
    size: tuple[int, int],
    bands: Mapping[str, str],
    since: timedelta | None,
    computed: Callable[[Samples], NDArray[Any]],
    tmp_path: Path,
) -> None:
    body = cut(name, *size)
    answer = rendering.rendered(body, tmp_path, RenderOptions(seed=SEED, full_resolution=True))
    with rasterio.open(answer.files[0].path) as dataset:
        rendered = dataset.read()
    samples = scenes(body, bands, since)
    assert answer.samples_per_pixel == len(samples)
    expected = computed(samples).reshape(-1, SIDE, SIDE)
    assert rendered.dtype == expected.dtype
    np.testing.assert_array_equal(rendered, expected, err_msg=f"seed {SEED}")
