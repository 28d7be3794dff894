"""Rendering end to end: a request body in, georeferenced rasters out, read back by an independent reader."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from controller.manifest.validate import ValidManifest
from controller.sandbox.extent import metres_per_pixel
from controller.sandbox.failure import RenderFailed
from controller.sandbox.planet.archive import SceneFilter, Tile, by_day, find_tiles
from controller.sandbox.planet.look import SensorInput
from controller.sandbox.planet.products import WantedBand, product
from controller.sandbox.planet.samples import Pixels, grouped, read_samples
from controller.sandbox.planet.tracks import TRACKS
from controller.sandbox.render.grid import evaluation_grid, output_grid
from controller.sandbox.render.raster import write_geotiff
from controller.sandbox.render.render import MOST_PIXELS, Rendered, RenderOptions, render
from controller.tree.scan import load
from tests.support import rendering
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow
JOBS = ROOT / "jobs.d"
OPTIONS = RenderOptions()
UTM33 = "http://www.opengis.net/def/crs/EPSG/0/32633"
BOX = [14.0, 45.0, 16.0, 46.5]
JUNE = {"from": "2022-06-01T00:00:00Z", "to": "2022-06-30T23:59:59Z"}
TIFF = [{"identifier": "default", "format": {"type": "image/tiff"}}]

TWO_BANDS = """//VERSION=3
function setup() {
  return { input: ["B04", "B08"], output: { bands: 2, sampleType: "FLOAT32" } };
}
function evaluatePixel(sample) { return [sample.B04, sample.B08]; }
"""
DAYS = """//VERSION=3
function setup() {
  return { input: ["dataMask"], output: { bands: 2, sampleType: "UINT16" }, mosaicking: "ORBIT" };
}
function evaluatePixel(samples, scenes, inputMetadata, customData, outputMetadata) {
  outputMetadata.userData = scenes.orbits.map((orbit) => orbit.dateFrom);
  return [samples.length, samples.filter((sample) => sample.dataMask === 1).length];
}
"""


def constant(returned: str, sample_type: str = "UINT8", bands: int = 1) -> str:
    """A script that returns the same for every pixel."""
    output = f"{{ bands: {bands}, sampleType: '{sample_type}', nodataValue: 7 }}"
    setup = f"function setup() {{ return {{ input: ['B04'], output: {output} }}; }}"
    return f"//VERSION=3\n{setup}\nfunction evaluatePixel(sample) {{ return {returned}; }}\n"


def body_of(script: str, *, data: Mapping[str, Any] | None = None, **output: Any) -> dict[str, Any]:
    source = {"type": "sentinel-2-l2a", "dataFilter": {"timeRange": JUNE}, **(data or {})}
    return {
        "input": {"bounds": {"bbox": BOX}, "data": [source]},
        "output": {"width": 24, "height": 18, "responses": TIFF, **output},
        "evalscript": script,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """A GeoTIFF as the independent reader sees it; `values` is (band, row, column)."""

    values: NDArray[Any]
    profile: Mapping[str, Any]


def read(path: Path) -> Raster:
    with rasterio.open(path) as dataset:
        return Raster(values=dataset.read(), profile=dict(dataset.profile))


def rendered(body: Mapping[str, Any], folder: Path, options: RenderOptions = OPTIONS) -> tuple[Rendered, Raster]:
    answer = rendering.rendered(body, folder, options)
    return answer, read(answer.files[0].path)


def archived(body: Mapping[str, Any]) -> tuple[SensorInput, SceneFilter, Pixels]:
    """What the archive itself says for a body, to compare with."""
    grid = evaluation_grid(output_grid(body), None)
    lon, lat = grid.centres(0, grid.pixels)
    data = body["input"]["data"][0]
    times = data["dataFilter"]["timeRange"]
    wanted = SceneFilter(
        since=datetime.fromisoformat(times["from"]),
        until=datetime.fromisoformat(times["to"]),
        order=data["dataFilter"].get("mosaickingOrder", "mostRecent"),
    )
    bands = tuple(WantedBand(band=name, unit="REFLECTANCE") for name in ("B04", "B08"))
    pixels = Pixels(lon=lon, lat=lat, wanted=np.ones(lon.shape, dtype=np.bool_))
    collection = product(data["type"])
    return SensorInput(product=collection, bands=bands, seed=1, metres_per_pixel=metres_per_pixel(body)), wanted, pixels


def tiles_of(body: Mapping[str, Any]) -> tuple[Tile, ...]:
    source, wanted, _ = archived(body)
    return find_tiles(source.product, output_grid(body).area(), wanted, seed=1)


[TRACK] = TRACKS["sentinel-2-l2a"]


# The four documented jobs


def accepted_job(name: str) -> ValidManifest:
    [document] = next(file for file in load(JOBS) if file.path == f"{name}.yaml").documents
    assert isinstance(document, ValidManifest)
    return document


def job(name: str) -> dict[str, Any]:
    """The body of a documented job, without its size."""
    body = json.loads(json.dumps(accepted_job(name).request.body))
    body["output"] = {key: body["output"][key] for key in body["output"].keys() - {"width", "height", "resx", "resy"}}
    return dict(body)


@pytest.mark.parametrize(
    ("name", "bands", "samples"),
    [
        pytest.param("ndvi", 2, 1, id="1: one mosaic"),
        pytest.param("cloudless", 4, 93, id="2: 93 days"),
        pytest.param("true-color", 3, 1, id="3: one mosaic"),
        pytest.param("median", 6, 361, id="4: 361 days"),
    ],
)
def test_the_documented_jobs_may_spend_what_they_could_cost_at_most(name: str, bands: int, samples: int) -> None:
    accepted = accepted_job(name)
    ceiling = accepted.manifest.spec.max_processing_units
    most = accepted.request.width * accepted.request.height / 512**2 * bands / 3 * samples
    assert ceiling is not None
    assert most <= ceiling < most * 1.05


@pytest.mark.parametrize(
    ("name", "bands", "dtype", "epsg"),
    [
        pytest.param("ndvi", 3, "uint8", 32633, id="1: NDVI, white through green to black"),
        pytest.param("cloudless", 3, "uint16", 4326, id="2: cloudless mosaic"),
        pytest.param("true-color", 3, "uint8", 4326, id="3: large true colour"),
        pytest.param("median", 4, "uint16", 4326, id="4: median of the last year"),
    ],
)
def test_the_documented_jobs_render(name: str, bands: int, dtype: str, epsg: int, tmp_path: Path) -> None:
    body = job(name)
    body["output"] |= {"width": 36, "height": 34}
    answer, raster = rendered(body, tmp_path)
    assert [file.name for file in answer.files] == ["default.tif"]
    assert raster.values.shape == (bands, 34, 36)
    assert raster.profile["dtype"] == dtype
    assert raster.profile["crs"].to_epsg() == epsg
    assert raster.values.max() > 100
    assert list(tmp_path.iterdir()) == [tmp_path / "default.tif"]


@pytest.mark.parametrize(
    ("name", "days"),
    [
        pytest.param("cloudless", 93, id="the cloudless mosaic reads three months of five"),
        pytest.param("median", 361, id="the median reads twelve months of three years"),
    ],
)
def test_preprocess_scenes_of_the_documented_jobs_drops_the_older_days(name: str, days: int, tmp_path: Path) -> None:
    body = job(name)
    body["output"] |= {"width": 4, "height": 4}
    answer, _ = rendered(body, tmp_path)
    assert days * 0.4 < answer.samples_per_pixel == answer.scenes <= days


# Mosaicking


@pytest.mark.parametrize("order", ["mostRecent", "leastRecent", "leastCC"])
def test_simple_takes_the_first_tile_in_order_that_has_data_at_the_pixel(order: str, tmp_path: Path) -> None:
    body = body_of(TWO_BANDS, data={"dataFilter": {"timeRange": JUNE, "mosaickingOrder": order}})
    answer, raster = rendered(body, tmp_path)
    source, _, pixels = archived(body)
    expected = np.zeros((2, pixels.lon.size))
    for tile in reversed(tiles_of(body)):
        west, south = tile.cell
        inside = (np.floor(pixels.lon) == west) & (np.floor(pixels.lat) == south)
        here = inside & TRACK.sees(tile.sensed.date(), pixels.lon, pixels.lat)
        if here.any():
            spot = Pixels(lon=pixels.lon[here], lat=pixels.lat[here], wanted=pixels.wanted[here])
            expected[:, here] = read_samples(source, [grouped([tile])], spot)[0]
    np.testing.assert_array_equal(raster.values.reshape(2, -1), expected.astype(np.float32))
    assert answer.samples_per_pixel == 1


def test_a_place_looks_the_same_in_two_overlapping_requests(tmp_path: Path) -> None:
    large = body_of(TWO_BANDS, width=20, height=15)
    small = body_of(TWO_BANDS, width=10, height=5)
    small["input"]["bounds"]["bbox"] = [14.5, 45.5, 15.5, 46.0]
    folders = tmp_path / "large", tmp_path / "small"
    for folder in folders:
        folder.mkdir()
    _, whole = rendered(large, folders[0])
    _, part = rendered(small, folders[1])
    np.testing.assert_array_equal(part.values, whole.values[:, 5:10, 5:15])


def test_rendering_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first = rendering.rendered(body_of(TWO_BANDS), tmp_path, OPTIONS).files[0].path.read_bytes()
    assert rendering.rendered(body_of(TWO_BANDS), tmp_path, OPTIONS).files[0].path.read_bytes() == first


def test_another_seed_gives_another_archive(tmp_path: Path) -> None:
    _, first = rendered(body_of(TWO_BANDS), tmp_path)
    _, second = rendered(body_of(TWO_BANDS), tmp_path, RenderOptions(seed=2))
    assert (first.values != second.values).any()


def test_orbit_has_one_sample_a_day_and_marks_where_the_day_saw_nothing(tmp_path: Path) -> None:
    body = body_of(DAYS)
    answer, raster = rendered(body, tmp_path)
    days = [datetime.fromisoformat(text).date() for text in list(answer.userdata)]  # type: ignore[call-overload]
    _, _, pixels = archived(body)
    seen = sum(TRACK.sees(day, pixels.lon, pixels.lat).astype(int) for day in days)
    assert answer.scenes == answer.samples_per_pixel == len(days)
    assert (raster.values[0] == len(days)).all()
    np.testing.assert_array_equal(raster.values[1].ravel(), seen)
    assert 0 < raster.values[1].min() < len(days)
    assert days == sorted(days, reverse=True)


@pytest.mark.parametrize(
    ("order", "is_ascending"),
    [
        pytest.param("leastRecent", True, id="leastRecent: oldest first"),
        pytest.param("mostRecent", False, id="mostRecent: newest first"),
    ],
)
def test_days_come_in_mosaicking_order(order: str, is_ascending: bool, tmp_path: Path) -> None:
    body = body_of(DAYS, data={"dataFilter": {"timeRange": JUNE, "mosaickingOrder": order}})
    answer, _ = rendered(body, tmp_path)
    dates = list(answer.userdata)  # type: ignore[call-overload]
    assert dates == sorted(dates, reverse=not is_ascending)


def test_bands_are_zero_where_a_day_saw_nothing() -> None:
    source, wanted, pixels = archived(body_of(TWO_BANDS))
    orbit = by_day(tiles_of(body_of(TWO_BANDS)), wanted.order)[0]
    [samples] = read_samples(source, [grouped(orbit)], pixels)
    unseen = ~TRACK.sees(orbit[0].sensed.date(), pixels.lon, pixels.lat)
    assert (samples[:, unseen] == 0).all()
    assert (samples[:, ~unseen] > 0).all()


def test_cloudy_granules_are_left_out_pixel_by_pixel(tmp_path: Path) -> None:
    cloudless = {"dataFilter": {"timeRange": JUNE, "maxCloudCoverage": 20}}
    _, every = rendered(body_of(DAYS), tmp_path)
    _, clear = rendered(body_of(DAYS, data=cloudless), tmp_path)
    assert (clear.values[1] <= every.values[1]).all()
    assert clear.values[1].sum() < every.values[1].sum()


def test_scenes_dropped_by_the_script_are_not_samples(tmp_path: Path) -> None:
    choose = "function preProcessScenes(c) { c.scenes.orbits = c.scenes.orbits.slice(1, 4).reverse(); return c; }"
    every, _ = rendered(body_of(DAYS), tmp_path)
    answer, raster = rendered(body_of(DAYS + choose), tmp_path)
    assert answer.userdata == list(every.userdata)[3:0:-1]  # type: ignore[call-overload]
    assert answer.samples_per_pixel == 3
    assert (raster.values[0] == 3).all()


@pytest.mark.parametrize("script", [TWO_BANDS, DAYS.replace("scenes.orbits.map", "[].map")], ids=["SIMPLE", "ORBIT"])
def test_before_the_mission_there_is_nothing_and_that_is_no_error(script: str, tmp_path: Path) -> None:
    before = {"dataFilter": {"timeRange": {"from": "2014-01-01T00:00:00Z", "to": "2014-12-31T23:59:59Z"}}}
    answer, raster = rendered(body_of(script, data=before), tmp_path)
    assert answer.scenes == 0
    assert (raster.values == 0).all()


def test_without_a_time_range_every_scene_until_today_counts(tmp_path: Path) -> None:
    now = datetime(2022, 7, 1, tzinfo=UTC)
    reported = []
    for asked in ({}, {"timeRange": {"from": "1999-01-01T00:00:00Z", "to": "2030-01-01T00:00:00Z"}}):
        body = body_of(DAYS, data={"type": "landsat-ot-l1", "dataFilter": asked}, width=2, height=2)
        answer, _ = rendered(body, tmp_path, RenderOptions(now=now))
        reported.append(answer.userdata)
    assert reported[0] == reported[1]
    assert reported[0][0] > "2022-06-01"  # type: ignore[index]


def test_a_time_range_in_lower_case_reads_the_same_scenes(tmp_path: Path) -> None:
    """RFC 3339 allows `t` and `z`, and so do `check` and the sandbox's validation."""
    lower = {"dataFilter": {"timeRange": {end: moment.lower() for end, moment in JUNE.items()}}}
    assert rendered(body_of(DAYS, data=lower), tmp_path)[0].userdata == rendered(body_of(DAYS), tmp_path)[0].userdata


# The raster


def test_the_raster_lies_where_the_request_says(tmp_path: Path) -> None:
    body = body_of(TWO_BANDS)
    body["input"]["bounds"] = {"bbox": [426000, 3960000, 428000, 3961000], "properties": {"crs": UTM33}}
    body["output"] = {"resx": 50, "resy": 100, "responses": TIFF}
    _, raster = rendered(body, tmp_path)
    profile = raster.profile
    assert raster.values.shape == (2, 10, 40)
    assert profile["crs"].to_epsg() == 32633
    assert profile["transform"][:6] == (50, 0, 426000, 0, -100, 3961000)
    assert (profile["blockysize"], profile["blockxsize"], profile["compress"]) == (16, 48, "deflate")
    assert profile["nodata"] is None


@pytest.mark.parametrize(
    ("sample_type", "returned", "dtype", "stored"),
    [
        pytest.param("AUTO", "[0.5]", "uint8", 128, id="AUTO scales 0..1 to a byte"),
        pytest.param("UINT8", "[40.6]", "uint8", 41, id="UINT8 rounds"),
        pytest.param("INT8", "[-200]", "int8", -128, id="INT8 clamps"),
        pytest.param("UINT16", "[2500]", "uint16", 2500, id="UINT16"),
        pytest.param("INT16", "[-15]", "int16", -15, id="INT16"),
        pytest.param("FLOAT32", "[NaN]", "float32", np.nan, id="FLOAT32 keeps NaN"),
    ],
)
def test_sample_types(sample_type: str, returned: str, dtype: str, stored: float, tmp_path: Path) -> None:
    _, raster = rendered(body_of(constant(returned, sample_type), width=3, height=2), tmp_path)
    assert raster.profile["dtype"] == dtype
    assert raster.profile["nodata"] == 7
    np.testing.assert_array_equal(raster.values, np.full((1, 2, 3), stored, dtype=dtype))


def test_a_large_raster_repeats_the_pixels_of_a_coarser_one(tmp_path: Path) -> None:
    _, raster = rendered(body_of(TWO_BANDS, width=1100, height=530), tmp_path, RenderOptions(coarse_side=64))
    assert raster.values.shape == (2, 530, 1100)
    cells = raster.values[:, ::9, ::18]
    repeated = cells.repeat(9, axis=1)[:, :530].repeat(18, axis=2)[:, :, :1100]
    np.testing.assert_array_equal(raster.values, repeated)
    assert np.unique(cells[0]).size > 500


def test_pixels_are_evaluated_row_by_row_across_blocks(tmp_path: Path) -> None:
    count = constant("[pixels++]", "FLOAT32") + "var pixels = 0;"
    size = 300
    assert size * size > MOST_PIXELS
    _, raster = rendered(body_of(count, width=size, height=size), tmp_path, RenderOptions(full_resolution=True))
    np.testing.assert_array_equal(raster.values.ravel(), np.arange(size * size))


def test_outside_the_polygon_there_is_no_data(tmp_path: Path) -> None:
    body = body_of(TWO_BANDS, width=4, height=4)
    ring = [[14, 45], [15, 45], [15, 46.5], [14, 46.5], [14, 45]]
    body["input"]["bounds"]["geometry"] = {"type": "Polygon", "coordinates": [ring]}
    _, raster = rendered(body, tmp_path)
    assert (raster.values[:, :, :2] > 0).all()
    assert (raster.values[:, :, 2:] == 0).all()


@pytest.mark.parametrize(
    ("bands", "dtype"), [pytest.param(1, "uint8", id="one band"), pytest.param(13, "float32", id="thirteen bands")]
)
def test_any_number_of_bands_is_written_tile_by_tile(bands: int, dtype: str, tmp_path: Path) -> None:
    grid = evaluation_grid(output_grid(body_of(TWO_BANDS, width=700, height=520)), 1000)
    cells = np.random.default_rng(0).integers(0, 200, (520, 700, bands)).astype(dtype)
    write_geotiff(tmp_path / "any.tif", grid, cells, nodata=float("nan") if dtype == "float32" else None)
    raster = read(tmp_path / "any.tif")
    np.testing.assert_array_equal(raster.values, cells.transpose(2, 0, 1))
    assert np.isnan(raster.profile["nodata"]) if dtype == "float32" else raster.profile["nodata"] is None


# Formats

FOUR = "[0.2, 0.4, 0.6, 0.8]"


def picture(kind: str, bands: int, sample_type: str, folder: Path, **output: Any) -> tuple[Path, Raster]:
    """What a script that returns one colour, darker where the ground is, delivers."""
    top = {"AUTO": 1, "UINT8": 255, "UINT16": 65535}[sample_type]
    returned = f"{FOUR}.slice(0, {bands}).map((x) => x * sample.B04 / (sample.B04 + 0.01) * {top})"
    responses = [{"identifier": "default", "format": {"type": kind, **output.pop("format", {})}}]
    body = body_of(constant(returned, sample_type, bands), responses=responses, **{"width": 70, "height": 50, **output})
    [file] = rendering.rendered(body, folder, OPTIONS).files
    return file.path, read(file.path)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
@pytest.mark.parametrize("sample_type", ["AUTO", "UINT8", "UINT16"])
def test_a_png_holds_what_the_tiff_holds(bands: int, sample_type: str, tmp_path: Path) -> None:
    path, shown = picture("image/png", bands, sample_type, tmp_path)
    _, stored = picture("image/tiff", bands, sample_type, tmp_path)
    assert path.name == "default.png"
    assert shown.profile["driver"] == "PNG"
    assert shown.values.dtype == stored.values.dtype
    np.testing.assert_array_equal(shown.values, stored.values)
    assert np.unique(shown.values[0]).size > 5


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_large_png_repeats_its_pixels_strip_by_strip(tmp_path: Path) -> None:
    _, shown = picture("image/png", 3, "UINT8", tmp_path, width=600, height=700)
    _, stored = picture("image/tiff", 3, "UINT8", tmp_path, width=600, height=700)
    np.testing.assert_array_equal(shown.values, stored.values)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("bands", [1, 3])
def test_a_jpeg_looks_like_the_tiff_and_the_better_the_quality_the_larger_it_is(bands: int, tmp_path: Path) -> None:
    sizes = []
    for quality in ({"quality": 20}, {}, {"quality": 100}):
        path, shown = picture("image/jpeg", bands, "AUTO", tmp_path, format=quality)
        sizes.append(path.stat().st_size)
    _, stored = picture("image/tiff", bands, "AUTO", tmp_path)
    assert (path.name, shown.profile["driver"]) == ("default.jpg", "JPEG")
    assert np.abs(shown.values.astype(int) - stored.values.astype(int)).mean() < 8
    assert sizes == sorted(set(sizes))


def test_no_response_means_one_png_of_the_default_output(tmp_path: Path) -> None:
    answer = rendering.rendered(body_of(constant("[1]"), responses=[]), tmp_path, OPTIONS)
    assert [(file.identifier, file.name) for file in answer.files] == [("default", "default.png")]
    assert answer.files[0].path.read_bytes().startswith(b"\x89PNG")


# Responses


def test_several_outputs_and_user_data_become_files_of_their_own(tmp_path: Path) -> None:
    script = """//VERSION=3
    function setup() {
      return { input: ["B04"], output: [{ id: "low", bands: 1 }, { id: "high", bands: 2, sampleType: "INT16" }] };
    }
    function evaluatePixel() { return { low: [1], high: [300, -300] }; }
    function updateOutputMetadata(scenes, inputMetadata, outputMetadata) { outputMetadata.userData = { note: 1 }; }
    """
    formats = {"high": "image/tiff", "userdata": "application/json"}
    responses = [{"identifier": name, "format": {"type": kind}} for name, kind in formats.items()]
    answer = rendering.rendered(body_of(script, responses=responses), tmp_path, OPTIONS)
    assert [(file.identifier, file.name) for file in answer.files] == [
        ("high", "high.tif"),
        ("userdata", "userdata.json"),
    ]
    assert read(tmp_path / "high.tif").values[:, 0, 0].tolist() == [300, -300]
    assert json.loads((tmp_path / "userdata.json").read_text(encoding="utf-8")) == {"note": 1} == answer.userdata


# What goes wrong


UNRENDERABLE = {
    "the script throws": (
        body_of(constant("[sample.B04.length.x]")),
        "RENDERER_EXCEPTION",
        r"^Failed to evaluate script! TypeError: .*\(line 3, column",
    ),
    "the script gives up by itself": (
        body_of(constant("(() => { throw new Error('no summer data'); })()")),
        "RENDERER_EXCEPTION",
        "^Failed to evaluate script! .*no summer data",
    ),
    "a number is returned": (body_of(constant("5")), "RENDERER_EXCEPTION", "Script must return an array"),
    "a syntax error": (body_of("//VERSION=3\nfunction {"), "RENDERER_EXCEPTION", "SyntaxError"),
    "an unknown band": (
        body_of(TWO_BANDS.replace('"B08"]', '"B99"]')),
        "RENDERER_EXCEPTION",
        "sentinel-2-l2a has no band B99",
    ),
    "a response without an output": (
        body_of(TWO_BANDS, responses=[{"identifier": "ndvi", "format": {"type": "image/tiff"}}]),
        "RENDERER_EXCEPTION",
        "responses ask for output 'ndvi'; setup\\(\\) has 'default'",
    ),
    "an output that would leave its folder": (
        body_of(
            TWO_BANDS.replace("{ bands: 2", "{ id: '../up', bands: 2"),
            responses=[{"identifier": "../up", "format": {"type": "image/tiff"}}],
        ),
        "RENDERER_EXCEPTION",
        "output '../up' cannot name a file",
    ),
    "a sample type the format cannot hold": (
        body_of(TWO_BANDS, responses=[{"identifier": "default", "format": {"type": "image/jpeg"}}]),
        "RENDERER_EXCEPTION",
        "image/jpeg cannot hold FLOAT32",
    ),
    "a number of bands the format cannot hold": (
        body_of(constant("[1, 2]", bands=2), responses=[{"format": {"type": "image/jpeg"}}]),
        "RENDERER_EXCEPTION",
        "image/jpeg cannot hold 2 bands",
    ),
    "more bands than a TIFF can count": (
        body_of(constant("new Array(65536).fill(1)", bands=65536)),
        "RENDERER_EXCEPTION",
        "image/tiff cannot hold 65536 bands",
    ),
    "user data as an image": (
        body_of(constant("[1]"), responses=[{"identifier": "userdata", "format": {"type": "image/tiff"}}]),
        "COMMON_BAD_PAYLOAD",
        "userdata can only be application/json",
    ),
    "a collection that is not in the archive": (
        body_of(TWO_BANDS, data={"type": "sentinel-3-olci"}),
        "SANDBOX_UNSUPPORTED",
        "sentinel-3-olci is not in the sandbox's archive; it holds sentinel-2-l1c, .* dem",
    ),
    "a mosaicking the collection has not": (
        body_of(DAYS.replace('"ORBIT"', '"TILE"'), data={"type": "sentinel-1-grd"}),
        "RENDERER_EXCEPTION",
        "sentinel-1-grd has no mosaicking TILE; it has SIMPLE and ORBIT",
    ),
}


@pytest.mark.parametrize(("body", "code", "message"), UNRENDERABLE.values(), ids=UNRENDERABLE)
def test_a_request_that_cannot_be_rendered_says_why(
    body: Mapping[str, Any], code: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(RenderFailed, match=message) as caught:
        rendering.rendered(body, tmp_path, OPTIONS)
    assert caught.value.code == code
    assert list(tmp_path.iterdir()) == []


def test_a_script_that_runs_too_long_ends_as_a_failure(tmp_path: Path) -> None:
    endless = constant("(() => { while (true) {} })()")
    with pytest.raises(RenderFailed) as caught:
        render(body_of(endless), tmp_path, RenderOptions(seconds=0.3))
    assert caught.value.code == "RENDERER_EXCEPTION"


def test_the_time_of_a_script_is_that_of_the_whole_request(tmp_path: Path) -> None:
    """A year of scenes in every band fills several blocks; none of them takes too long by itself."""
    bands = ", ".join(f"'{band}'" for band in product("sentinel-2-l2a").units)
    slow = f"""//VERSION=3
    function setup() {{ return {{ input: [{bands}], output: {{ bands: 1 }}, mosaicking: "ORBIT" }}; }}
    function evaluatePixel() {{ const end = Date.now() + 1; while (Date.now() <= end); return [1]; }}
    """
    year = {"dataFilter": {"timeRange": {"from": "2021-01-01T00:00:00Z", "to": "2021-12-31T23:59:59Z"}}}
    body = body_of(slow, data=year, width=40, height=40)
    body["input"]["bounds"]["bbox"] = [8.0, 45.0, 20.0, 46.5]
    with pytest.raises(RenderFailed, match=r"ran longer than 1\.5 s"):
        render(body, tmp_path, RenderOptions(seconds=1.5))


def test_the_archive_has_no_gap_between_two_days() -> None:
    source, _, pixels = archived(body_of(TWO_BANDS))
    since = datetime(2022, 6, 1, tzinfo=UTC)
    wanted = SceneFilter(since=since, until=since + timedelta(days=5))
    tiles = find_tiles(source.product, output_grid(body_of(TWO_BANDS)).area(), wanted, seed=1)
    assert (read_samples(source, [grouped(tiles)], pixels) > 0).all()
    assert {tile.sensed.date() for tile in tiles} <= {date(2022, 6, day) for day in range(1, 7)}
