"""What the other sensors of the archive show, how native pixels become output pixels, and which scenes are chosen."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from controller.sandbox.failure import RenderFailed
from controller.sandbox.planet.archive import Area, SceneFilter, Tile, find_tiles, tile_facts
from controller.sandbox.planet.native import METRES_PER_DEGREE, spots
from controller.sandbox.planet.products import product
from controller.sandbox.render.render import Rendered, RenderOptions
from tests.support.rendering import rendered

pytestmark = pytest.mark.slow
JUNE = {"from": "2022-06-01T00:00:00Z", "to": "2022-06-30T23:59:59Z"}
BOX = [14.0, 45.0, 14.1, 45.1]
FLOATS = "FLOAT32"


def script(bands: str, returned: str, *, units: str = "", mode: str = "SIMPLE", count: int = 1, more: str = "") -> str:
    """A script that reads some bands and returns an array of floats."""
    listed = ", ".join(f"'{band}'" for band in bands.split())
    unit = f", units: '{units}'" if units else ""
    setup = f"input: [{{bands: [{listed}]{unit}{more}}}], output: {{bands: {count}, sampleType: '{FLOATS}'}}"
    return (
        f"//VERSION=3\nfunction setup() {{ return {{{setup}, mosaicking: '{mode}'}}; }}\n"
        f"function evaluatePixel(s, scenes, input, custom, output) {{ {returned} }}\n"
    )


def body(evalscript: str, type: str = "sentinel-2-l2a", box: list[float] = BOX, **data: Any) -> dict[str, Any]:
    filters = {} if type == "dem" else {"timeRange": JUNE}
    filters |= data.pop("dataFilter", {})
    return {
        "input": {"bounds": {"bbox": box}, "data": [{"type": type, "dataFilter": filters, **data}]},
        "output": {
            "width": 40,
            "height": 40,
            "responses": [{"identifier": "default", "format": {"type": "image/tiff"}}],
        },
        "evalscript": evalscript,
    }


def values(request: Mapping[str, Any], folder: Path, seed: int = 1) -> tuple[NDArray[Any], Rendered]:
    """(band, row, column) and everything else that came of the request."""
    answer = rendered(request, folder, RenderOptions(seed=seed))
    with rasterio.open(answer.files[0].path) as dataset:
        return dataset.read(), answer


def tiles(type: str, box: Area, **asked: object) -> tuple[Tile, ...]:
    wanted = SceneFilter(
        since=datetime(2022, 6, 1, tzinfo=UTC), until=datetime(2022, 6, 30, 23, 59, tzinfo=UTC), asked=asked
    )
    return find_tiles(product(type), box, wanted, seed=1)


SPOT = Area(west=14.2, south=46.2, east=14.3, north=46.3)
ARCTIC = Area(west=14.2, south=78.2, east=14.3, north=78.3)


# Sentinel-1


def test_radar_sees_each_place_from_both_directions_every_twelve_days_with_one_satellite() -> None:
    seen = tiles("sentinel-1-grd", SPOT)
    for direction in ("ASCENDING", "DESCENDING"):
        days = sorted(tile.sensed.date() for tile in seen if tile_facts(tile)["orbitDirection"] == direction)
        assert len(days) >= 2
        assert {(later - earlier).days for earlier, later in pairwise(days)} <= {5, 7, 12}


@pytest.mark.parametrize(
    ("box", "asked", "is_found"),
    [
        pytest.param(SPOT, {"orbitDirection": "ASCENDING"}, True, id="one direction"),
        pytest.param(SPOT, {"acquisitionMode": "IW", "polarization": "DV"}, True, id="over land"),
        pytest.param(SPOT, {"acquisitionMode": "EW"}, False, id="the mode of the ice, over land"),
        pytest.param(ARCTIC, {"acquisitionMode": "EW", "polarization": "DH", "resolution": "MEDIUM"}, True, id="ice"),
        pytest.param(SPOT, {"polarization": "SV"}, False, id="a polarisation that is never flown"),
        pytest.param(SPOT, {"timeliness": "NRT3h"}, True, id="the quick ones"),
    ],
)
def test_radar_scenes_are_chosen_by_what_they_are(box: Area, asked: dict[str, str], is_found: bool) -> None:
    found = tiles("sentinel-1-grd", box, **asked)
    every = tiles("sentinel-1-grd", box)
    assert bool(found) is is_found
    assert list(found) == [tile for tile in every if asked.items() <= tile_facts(tile).items()]
    assert len(found) < len(every) or asked.keys() != {"orbitDirection"}


def test_radar_echoes_are_linear_power_and_water_is_dark(tmp_path: Path) -> None:
    wide = [12.0, 44.0, 16.0, 47.0]
    radar, _ = values(
        body(script("VV VH dataMask", "return [s.VV, s.VH, s.dataMask]", count=3), "sentinel-1-grd", wide), tmp_path
    )
    water, _ = values(
        body(script("SCL", "return [s.SCL]"), box=wide, dataFilter={"mosaickingOrder": "leastCC"}), tmp_path
    )
    seen, is_water = radar[2] == 1, water[0] == 6
    assert seen.mean() > 0.9 and is_water.sum() > 20
    assert (radar[:2][:, seen] > 0).all() and (radar[:2][:, ~seen] == 0).all()
    assert np.median(radar[0][is_water & seen]) < np.median(radar[0][~is_water & seen]) / 3
    assert np.median(radar[1][seen]) < np.median(radar[0][seen]) / 2


def test_coefficients_differ_by_the_incidence_angle(tmp_path: Path) -> None:
    def mean(**processing: Any) -> float:
        echoes, _ = values(body(script("VV", "return [s.VV]"), "sentinel-1-grd", processing=processing), tmp_path)
        return float(echoes.mean())

    beta, sigma, gamma = mean(backCoeff="BETA0"), mean(backCoeff="SIGMA0_ELLIPSOID"), mean(backCoeff="GAMMA0_ELLIPSOID")
    assert sigma < gamma < beta
    assert gamma == mean()


def test_a_lee_filter_calms_the_speckle(tmp_path: Path) -> None:
    def unrest(**processing: Any) -> float:
        near = [14.0, 45.0, 14.004, 45.004]
        request = body(script("VV", "return [s.VV]"), "sentinel-1-grd", near, processing=processing)
        echoes, _ = values(request, tmp_path)
        return float(echoes.std() / echoes.mean())

    filtered = unrest(speckleFilter={"type": "LEE", "windowSizeX": 5, "windowSizeY": 5})
    assert filtered < unrest() / 1.6


@pytest.mark.parametrize(
    ("band", "processing", "message"),
    [
        pytest.param(
            "localIncidenceAngle", {}, "localIncidenceAngle needs processing.orthorectify", id="not corrected"
        ),
        pytest.param("shadowMask", {"orthorectify": True}, "shadowMask needs processing.backCoeff", id="not flattened"),
    ],
)
def test_radar_bands_that_the_processing_does_not_give(
    band: str, processing: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(RenderFailed, match=message):
        values(body(script(band, f"return [s.{band}]"), "sentinel-1-grd", processing=processing), tmp_path)


def test_terrain_correction_gives_its_bands(tmp_path: Path) -> None:
    bands = "localIncidenceAngle scatteringArea shadowMask"
    returned = "return [s.localIncidenceAngle, s.scatteringArea, s.shadowMask]"
    corrected = {"backCoeff": "GAMMA0_TERRAIN", "orthorectify": True}
    angle, area, shadow = values(
        body(script(bands, returned, count=3), "sentinel-1-grd", processing=corrected), tmp_path
    )[0]
    assert 0 <= angle.min() < angle.max() <= 180
    assert 0 < area.min() <= 1 <= area.max()
    assert set(np.unique(shadow)) <= {0, 1}


# Landsat


@pytest.mark.parametrize("type", ["landsat-ot-l1", "landsat-ot-l2"])
def test_every_landsat_band_is_measured_and_blank_is_not_a_number(type: str, tmp_path: Path) -> None:
    bands = list(product(type).units)
    returned = f"return [{', '.join(f's.{band}' for band in bands)}]"
    request = body(script(" ".join(bands), returned, count=len(bands)), type, [10.0, 45.0, 16.0, 46.0])
    request["input"]["data"][0]["dataFilter"]["timeRange"] = {"from": JUNE["from"], "to": "2022-06-02T23:59:59Z"}
    planes, _ = values(request, tmp_path)
    seen = planes[bands.index("dataMask")] == 1
    assert 0 < seen.mean() < 1
    for band, plane in zip(bands, planes, strict=True):
        assert np.isfinite(plane[seen]).all(), band
        assert (plane[~seen] == 0).all() if band == "dataMask" else np.isnan(plane[~seen]).all(), band


def test_the_quality_bits_tell_the_same_clouds_as_the_other_satellite(tmp_path: Path) -> None:
    day = {"dataFilter": {"timeRange": {"from": "2022-06-01T00:00:00Z", "to": "2022-06-08T23:59:59Z"}}}
    decode = "const q = decodeL8C2Qa(s.BQA); return [q.cloud, q.clear, q.cloudConfidence, s.B04]"
    wide = [12.0, 44.0, 16.0, 47.0]
    cloud, clear, confidence, red = values(
        body(script("BQA B04", decode, count=4), "landsat-ot-l2", wide, **day), tmp_path
    )[0]
    assert set(np.unique(cloud)) == {0, 1}
    assert ((cloud == 1) & (clear == 1)).sum() == 0
    np.testing.assert_array_equal(confidence, np.where(cloud == 1, 3, 1))
    assert red[cloud == 1].mean() > 1.5 * red[clear == 1].mean()


def test_only_the_first_tier_may_be_asked_for() -> None:
    every = tiles("landsat-ot-l1", ARCTIC) + tiles("landsat-ot-l1", Area(west=10, south=44, east=20, north=50))
    first = tiles("landsat-ot-l1", Area(west=10, south=44, east=20, north=50), tiers="TIER_1")
    assert {tile_facts(tile)["tier"] for tile in every} == {"TIER_1", "TIER_2"}
    assert {tile_facts(tile)["tier"] for tile in first} == {"TIER_1"}


# The terrain model

HEIGHT = script("DEM dataMask", "return [s.DEM, s.dataMask]", count=2)
WIDE = [11.2, 44.7, 18.6, 47.9]


def test_terrain_has_no_scenes_and_no_gaps(tmp_path: Path) -> None:
    reported = script("DEM", "output.userData = scenes; return [s.DEM]")
    heights, answer = values(body(reported, "dem", WIDE), tmp_path)
    assert answer.userdata == {}
    assert answer.scenes == 0
    assert (values(body(HEIGHT, "dem", WIDE), tmp_path)[0][1] == 1).all()
    assert heights.min() < 0 < 1000 < heights.max() < 9000


def test_the_instances_of_the_terrain_model(tmp_path: Path) -> None:
    def heights(processing: dict[str, Any], **filters: Any) -> NDArray[Any]:
        [height, _], _ = values(body(HEIGHT, "dem", WIDE, dataFilter=filters, processing=processing), tmp_path)
        return np.asarray(height)

    mapzen, copernicus = heights({}), heights({}, demInstance="COPERNICUS_30")
    np.testing.assert_array_equal(copernicus, np.maximum(mapzen, 0))
    np.testing.assert_array_equal(heights({"clampNegative": True}), copernicus)
    shift = heights({"egm": True}) - mapzen
    assert 0 < np.abs(shift).max() <= 60


@pytest.mark.parametrize("mode", ["ORBIT", "TILE"])
def test_terrain_with_a_mosaicking_is_one_sample_without_a_scene(mode: str, tmp_path: Path) -> None:
    expression = "return [s.length, s[0].DEM, Object.values(scenes)[0].length]"
    planes, answer = values(body(script("DEM", expression, mode=mode, count=3), "dem"), tmp_path)
    np.testing.assert_array_equal(planes[1], alone("DEM", "dem", tmp_path))
    assert (planes[0] == 1).all() and (planes[2] == 0).all()
    assert (answer.samples, answer.scenes) == ((1,), 0)


def test_digital_numbers_of_the_terrain_are_metres_too(tmp_path: Path) -> None:
    metres, numbers = (
        values(body(script("DEM", "return [s.DEM]", units=unit), "dem"), tmp_path)[0] for unit in ("", "dn")
    )
    np.testing.assert_array_equal(metres, numbers)


# Sentinel-2: raw values


def test_raw_numbers_carry_the_offset_of_the_newer_baseline(tmp_path: Path) -> None:
    def red(harmonize: bool, year: int) -> NDArray[Any]:
        times = {"from": f"{year}-06-01T00:00:00Z", "to": f"{year}-06-30T23:59:59Z"}
        request = body(
            script("B04", "return [s.B04]", units="DN"),
            dataFilter={"timeRange": times},
            processing={"harmonizeValues": harmonize},
        )
        return values(request, tmp_path)[0]

    np.testing.assert_array_equal(red(False, 2022), red(True, 2022) + 1000)
    np.testing.assert_array_equal(red(False, 2021), red(True, 2021))


def test_raw_reflectance_may_be_negative_and_harmonized_never_is(tmp_path: Path) -> None:
    def infrared(harmonize: bool) -> NDArray[Any]:
        request = body(
            script("B12", "return s.map((x) => x.B12)", mode="ORBIT", count=20),
            box=[12.0, 44.0, 20.0, 50.0],
            processing={"harmonizeValues": harmonize},
        )
        request["evalscript"] += "function updateOutput(o, c) { o.default.bands = c.scenes.length; }"
        return values(request, tmp_path)[0]

    raw, harmonized = infrared(False), infrared(True)
    assert raw.min() < 0
    np.testing.assert_array_equal(harmonized, np.maximum(raw, 0))


# Native pixels


@pytest.mark.parametrize("method", ["NEAREST", "BILINEAR", "BICUBIC"])
def test_a_plane_that_rises_evenly_stays_what_it_is(method: str) -> None:
    """Every kernel keeps a linear field; NEAREST is off by half a native pixel at most."""
    lon, lat = (grid.ravel() for grid in np.meshgrid(np.linspace(14.0, 14.01, 50), np.linspace(45.0, 45.01, 50)))
    found = spots(lon, lat, 60.0, 10.0, method, 1)
    half = 30.0 / METRES_PER_DEGREE * 1.001
    for plane, truth, off in ((found.ground.lat, lat, half), (found.ground.lon, lon, half / np.cos(np.radians(45.5)))):
        np.testing.assert_allclose(found.blend(plane), truth, atol=off if method == "NEAREST" else 1e-9)


def test_coarser_bands_show_the_squares_of_their_sensor(tmp_path: Path) -> None:
    box = [14.0, 45.0, 14.004, 45.004]
    fine, coarse = (
        np.unique(values(body(script(band, f"return [s.{band}]"), box=box), tmp_path)[0]).size
        for band in ("B04", "B01")
    )
    assert coarse <= 64 < fine


def test_interpolated_numbers_may_be_fractions_and_nearest_ones_are_whole(tmp_path: Path) -> None:
    def numbers(method: str) -> NDArray[Any]:
        request = body(
            script("B11", "return [s.B11]", units="DN"),
            box=[14.0, 45.0, 14.004, 45.004],
            processing={"upsampling": method},
        )
        return values(request, tmp_path)[0]

    nearest, bilinear = numbers("NEAREST"), numbers("BILINEAR")
    np.testing.assert_array_equal(nearest, np.rint(nearest))
    assert (bilinear != np.rint(bilinear)).mean() > 0.5
    assert np.abs(np.diff(bilinear, axis=2)).max() < np.abs(np.diff(nearest, axis=2)).max()


def test_downsampling_counts_where_the_output_is_coarser_and_radar_never_asks_for_it(tmp_path: Path) -> None:
    def is_changed(type: str, band: str, option: str) -> bool:
        plain, mixed = (
            values(body(script(band, f"return [s.{band}]"), type, processing=processing), tmp_path)[0]
            for processing in ({}, {option: "BILINEAR"})
        )
        return bool((plain != mixed).any())

    assert is_changed("sentinel-2-l2a", "B04", "downsampling")
    assert not is_changed("sentinel-2-l2a", "B04", "upsampling")
    assert not is_changed("sentinel-1-grd", "VV", "downsampling")
    assert is_changed("sentinel-1-grd", "VV", "upsampling")
    assert not is_changed("sentinel-2-l2a", "sunZenithAngles", "upsampling")


# Tiles


def test_tile_mosaicking_has_one_sample_for_every_granule(tmp_path: Path) -> None:
    reported = "output.userData = scenes.tiles; return [s.length, s.filter((x) => x.dataMask === 1).length]"
    box = [13.6, 44.6, 15.4, 46.4]
    planes, answer = values(body(script("dataMask", reported, mode="TILE", count=2), box=box), tmp_path)
    shown: Any = answer.userdata
    assert answer.scenes == len(shown) > 20
    assert (planes[0] == len(shown)).all()
    assert 0 < planes[1].max() < len(shown) / 3
    assert [tile["date"] for tile in shown] == sorted((tile["date"] for tile in shown), reverse=True)
    assert set(shown[0]) == {"date", "shId", "cloudCoverage", "dataPath", "__idx"}
    assert [tile["__idx"] for tile in shown] == list(range(len(shown)))


def test_tiles_may_be_chosen_by_their_clouds_and_have_no_from_and_to(tmp_path: Path) -> None:
    choose = """
    function preProcessScenes(c) {
      if (c.from || c.to) throw new Error("there is no time range under TILE");
      c.scenes.tiles = c.scenes.tiles.filter((tile) => tile.cloudCoverage < 30);
      return c;
    }"""
    reported = script(
        "dataMask", "output.userData = scenes.tiles.map((t) => t.cloudCoverage); return [s.length]", mode="TILE"
    )
    box = [13.0, 44.0, 16.0, 47.0]
    planes, answer = values(body(reported + choose, box=box), tmp_path)
    kept: Any = answer.userdata
    assert 0 < len(kept) == planes.max() and max(kept) < 30
    assert len(kept) < values(body(reported, box=box), tmp_path)[1].scenes


def test_bounds_are_shown_when_they_are_asked_for(tmp_path: Path) -> None:
    reported = "output.userData = (scenes.tiles || scenes.orbits[0].tiles)[0]; return [1]"
    for mode in ("TILE", "ORBIT"):
        request = body(script("B04", reported, mode=mode, more=", metadata: ['bounds']"), box=[13.5, 45.2, 15.5, 45.8])
        shown: Any = values(request, tmp_path)[1].userdata
        [ring] = shown["dataGeometry"]["coordinates"]
        [frame] = shown["dataEnvelope"]["coordinates"]
        assert ring[0] == ring[-1] and frame[0] == frame[-1]
        assert {lat for _, lat in ring} == {45, 46}
        assert min(lon for lon, _ in ring) == min(lon for lon, _ in frame)


def test_landsat_tells_its_times_to_the_microsecond_and_its_product(tmp_path: Path) -> None:
    reported = script("B04", "output.userData = scenes.orbits[0].tiles[0]; return [1]", mode="ORBIT")
    shown: Any = values(body(reported, "landsat-ot-l1"), tmp_path)[1].userdata
    assert datetime.fromisoformat(shown["date"]).microsecond > 0
    assert set(shown) == {"date", "shId", "cloudCoverage", "dataPath", "landsatOliTirsProductId"}


def test_the_archive_ends_now(tmp_path: Path) -> None:
    reported = script("B04", "output.userData = scenes.orbits.map((o) => o.dateFrom); return [1]", mode="ORBIT")
    request = body(reported, box=[10.0, 45.0, 16.0, 46.0])
    answer = rendered(request, tmp_path, RenderOptions(now=datetime(2022, 6, 11, 12, tzinfo=UTC)))
    days: Any = answer.userdata
    assert date(2022, 6, 1) <= datetime.fromisoformat(days[-1]).date() < datetime.fromisoformat(days[0]).date()
    assert datetime.fromisoformat(days[0]).date() <= date(2022, 6, 11)


# Data fusion


def fused(returned: str, *inputs: str, more: str = "", data: list[dict[str, Any]]) -> dict[str, Any]:
    request = body(
        f"//VERSION=3\nfunction setup() {{ return {{input: [{', '.join(inputs)}], "
        f"output: {{bands: 2, sampleType: 'FLOAT32'}}}}; }}\n"
        f"function evaluatePixel(s, scenes, input, custom, output) {{ {returned} }}\n{more}"
    )
    request["input"]["data"] = data
    return request


OPTICAL = {"id": "optical", "type": "S2L2A", "dataFilter": {"timeRange": JUNE}}
RADAR = {"id": "radar", "type": "sentinel-1-grd", "dataFilter": {"timeRange": JUNE}}
TERRAIN = {"id": "land", "type": "dem"}


def alone(band: str, type: str, tmp_path: Path) -> NDArray[Any]:
    [plane], _ = values(body(script(band, f"return [s.{band}]"), type), tmp_path)
    return np.asarray(plane)


def test_fused_inputs_are_found_by_their_names_and_hold_the_same_values_as_alone(tmp_path: Path) -> None:
    request = fused(
        "return [s.radar[0].VV, s.optical[0].B04]",
        "{datasource: 'radar', bands: ['VV']}",
        "{datasource: 'optical', bands: ['B04']}",
        data=[OPTICAL, RADAR],
    )
    planes, answer = values(request, tmp_path)
    np.testing.assert_array_equal(planes[0], alone("VV", "sentinel-1-grd", tmp_path))
    np.testing.assert_array_equal(planes[1], alone("B04", "sentinel-2-l2a", tmp_path))
    assert answer.samples == (1, 1)


def test_inputs_without_a_name_are_numbered_in_the_order_of_the_request(tmp_path: Path) -> None:
    request = fused(
        "return [s['0'][0].B04, s[1][0].DEM]", "{bands: ['B04']}", "{bands: ['DEM']}", data=[OPTICAL, TERRAIN]
    )
    planes, _ = values(request, tmp_path)
    np.testing.assert_array_equal(planes[0], alone("B04", "sentinel-2-l2a", tmp_path))
    np.testing.assert_array_equal(planes[1], alone("DEM", "dem", tmp_path))


def test_each_fused_input_may_have_its_own_mosaicking_and_choose_its_scenes(tmp_path: Path) -> None:
    request = fused(
        "output.userData = scenes.radar.scenes.orbits.length; return [s.radar.length, s.optical.length]",
        "{datasource: 'radar', bands: ['VV'], mosaicking: 'ORBIT'}",
        "{datasource: 'optical', bands: ['B04', 'B08']}",
        more="function preProcessScenes(c) { c.radar.scenes.orbits.length = 3; return c; }",
        data=[OPTICAL, RADAR],
    )
    planes, answer = values(request, tmp_path)
    assert (planes[0] == 3).all() and (planes[1] == 1).all()
    assert (answer.userdata, answer.samples) == (3, (3, 1))


def test_a_fused_input_without_any_scene_has_no_sample(tmp_path: Path) -> None:
    never = {**RADAR, "dataFilter": {"timeRange": {"from": "2010-01-01T00:00:00Z", "to": "2010-02-01T00:00:00Z"}}}
    request = fused(
        "return [s.radar.length, s.optical.length]",
        "{datasource: 'radar', bands: ['VV']}",
        "{datasource: 'optical', bands: ['B04']}",
        data=[OPTICAL, never],
    )
    planes, _ = values(request, tmp_path)
    assert (planes[0] == 0).all() and (planes[1] == 1).all()


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        pytest.param(
            ("{bands: ['B04']}", "{bands: ['VV']}", "{bands: ['VH']}"),
            r"setup\(\) has 3 inputs; input.data of the request has 2",
            id="too many",
        ),
        pytest.param(
            ("{datasource: 'sea', bands: ['B04']}", "{datasource: 'radar', bands: ['VV']}"),
            r"reads datasource 'sea'; the ids in input.data are: 'optical', 'radar'",
            id="an unknown name",
        ),
        pytest.param(
            ("{datasource: 'radar', bands: ['VV']}", "{datasource: 'radar', bands: ['VH']}"),
            "two inputs read the same datasource",
            id="one name twice",
        ),
        pytest.param(
            ("{datasource: 'optical', bands: ['VV']}", "{datasource: 'radar', bands: ['VV']}"),
            "sentinel-2-l2a has no band VV",
            id="a band of the other collection",
        ),
    ],
)
def test_inputs_that_do_not_pair(inputs: tuple[str, ...], message: str, tmp_path: Path) -> None:
    with pytest.raises(RenderFailed, match=message):
        values(fused("return [1, 1]", *inputs, data=[OPTICAL, RADAR]), tmp_path)
