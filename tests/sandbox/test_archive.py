"""The synthetic archive: the same everywhere and every time, and plausible enough for the four documented jobs."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import rasterio.warp

from controller.model.script import ScriptInput
from controller.sandbox.failure import RenderFailed
from controller.sandbox.planet.archive import Area, SceneFilter, Tile, by_day, find_tiles
from controller.sandbox.planet.look import GroundView, SensorInput
from controller.sandbox.planet.noise import Degrees, Locations
from controller.sandbox.planet.optical import sentinel2
from controller.sandbox.planet.products import WantedBand, product, wanted_bands
from controller.sandbox.planet.samples import data_samples, grouped
from controller.sandbox.planet.tracks import TRACKS
from controller.sandbox.planet.world import CLOUDY, ground_at
from controller.sandbox.render.grid import EvaluationGrid, evaluation_grid, output_grid
from controller.sandbox.render.projection import CRS84, epsg_of, to_lonlat

L1C, L2A = product("sentinel-2-l1c"), product("sentinel-2-l2a")
[TRACK] = TRACKS["sentinel-2-l2a"]
SUMMER, WINTER = date(2022, 6, 20), date(2022, 1, 15)
ALPS = Area(west=11.2, south=44.7, east=18.6, north=47.8)
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


def positions(area: Area, columns: int, rows: int) -> tuple[Degrees, Degrees]:
    lon, lat = np.meshgrid(np.linspace(area.west, area.east, columns), np.linspace(area.north, area.south, rows))
    return lon.ravel(), lat.ravel()


def look_at(lon: Degrees, lat: Degrees, day: date, seed: int = 1) -> GroundView:
    return GroundView(ground_at(Locations(lon, lat), seed), seed, (day, TRACK))


def measured(
    look: GroundView, wanted: WantedBand, archived: Any = L2A, **processing: Any
) -> np.ndarray[Any, np.dtype[Any]]:
    return sentinel2(SensorInput(product=archived, bands=(wanted,), seed=1, processing=processing), wanted, look)


def band(look: GroundView, name: str, unit: str = "DN") -> np.ndarray[Any, np.dtype[np.float64]]:
    return measured(look, WantedBand(band=name, unit=unit))


def june(order: str = "mostRecent", max_cloud: float = 100.0, area: Area = ALPS) -> tuple[Tile, ...]:
    since, until = datetime(2022, 6, 1, tzinfo=UTC), datetime(2022, 6, 30, 23, 59, 59, tzinfo=UTC)
    return find_tiles(L2A, area, SceneFilter(since=since, until=until, order=order, max_cloud=max_cloud), seed=1)


# What is seen


@pytest.mark.parametrize("archived", [L1C, L2A], ids=["L1C", "L2A"])
def test_every_band_of_the_catalogue_has_finite_values_in_every_unit(archived: Any) -> None:
    lon, lat = positions(ALPS, 40, 40)
    look = look_at(lon, lat, SUMMER)
    for name, units in archived.units.items():
        for unit in units:
            if name == "dataMask":
                continue
            plane = measured(look, WantedBand(band=name, unit=unit), archived)
            assert plane.shape == lon.shape, name
            assert np.isfinite(plane).all(), name
            assert (plane >= 0).all(), name


@pytest.mark.parametrize("name", ["B02", "B08", "SCL", "CLM", "AOT"])
def test_values_depend_on_the_place_and_not_on_the_pixels_around_it(name: str) -> None:
    lon, lat = positions(ALPS, 60, 60)
    some = np.random.default_rng(0).permutation(lon.size)[:500]
    together = band(look_at(lon, lat, SUMMER), name)
    apart = band(look_at(lon[some], lat[some], SUMMER), name)
    np.testing.assert_array_equal(apart, together[some])


def test_another_seed_is_another_world() -> None:
    lon, lat = positions(ALPS, 30, 30)
    assert (
        band(look_at(lon, lat, SUMMER, seed=1), "B04") != band(look_at(lon, lat, SUMMER, seed=2), "B04")
    ).mean() > 0.9


def test_digital_numbers_are_whole_and_ten_thousand_times_the_reflectance() -> None:
    lon, lat = positions(ALPS, 30, 30)
    look = look_at(lon, lat, SUMMER)
    numbers, reflectances = band(look, "B04", "DN"), band(look, "B04", "REFLECTANCE")
    np.testing.assert_array_equal(numbers, np.rint(numbers))
    np.testing.assert_array_equal(reflectances, numbers / 10000)
    assert numbers.min() > 0


def test_aerosol_depth_has_its_own_scale() -> None:
    lon, lat = positions(ALPS, 10, 10)
    look = look_at(lon, lat, SUMMER)
    np.testing.assert_array_equal(band(look, "AOT", "OPTICAL_DEPTH"), band(look, "AOT", "DN") / 1000)


def test_the_air_adds_blue_light_at_the_top_of_the_atmosphere() -> None:
    lon, lat = positions(ALPS, 30, 30)
    look = look_at(lon, lat, SUMMER)
    clear = look.sky.opacity == 0
    blue = WantedBand(band="B02", unit="REFLECTANCE")
    added = measured(look, blue, L1C)[clear] - measured(look, blue)[clear]
    assert np.median(added) > 0.03


def test_scene_classes_agree_with_the_clouds_and_their_shadows() -> None:
    lon, lat = positions(ALPS, 120, 120)
    look = look_at(lon, lat, SUMMER + timedelta(days=25))
    classes, clouds = band(look, "SCL"), band(look, "CLM")
    is_cloud = np.isin(classes, [8, 9])
    np.testing.assert_array_equal(is_cloud, look.sky.opacity >= CLOUDY)
    assert set(np.unique(clouds)) <= {0, 1, 255}
    np.testing.assert_array_equal(clouds[clouds != 255] == 1, is_cloud[clouds != 255])
    assert {3, 4, 5, 6, 9} <= set(np.unique(classes))
    assert band(look, "B04")[classes == 9].mean() > 2 * band(look, "B04")[classes == 4].mean()


def test_plants_are_greener_in_summer_and_snow_lies_in_winter() -> None:
    lon, lat = positions(ALPS, 60, 60)
    seasons = {}
    for day in (SUMMER, WINTER):
        look = look_at(lon, lat, day)
        land = ~look.ground.water & (look.sky.opacity == 0)
        red, infrared = band(look, "B04")[land], band(look, "B08")[land]
        seasons[day] = np.median((infrared - red) / (infrared + red)), look.sky.snow.mean()
    assert seasons[SUMMER][0] > seasons[WINTER][0] + 0.1
    assert seasons[WINTER][1] > seasons[SUMMER][1]


def test_the_sun_is_high_in_summer_and_stands_in_the_south_east_in_the_morning() -> None:
    here = np.array([14.4]), np.array([46.0])
    assert band(look_at(*here, SUMMER), "sunZenithAngles", "DEGREES")[0] == pytest.approx(30, abs=4)
    assert band(look_at(*here, WINTER), "sunZenithAngles", "DEGREES")[0] == pytest.approx(69, abs=4)
    assert 110 < band(look_at(*here, SUMMER), "sunAzimuthAngles", "DEGREES")[0] < 170


# When it is seen


@pytest.mark.parametrize(
    ("year", "latitude", "days"),
    [
        pytest.param(2022, 0, 5.0, id="two satellites at the equator"),
        pytest.param(2022, 46, 3.3, id="two satellites at 46 degrees"),
        pytest.param(2022, -33, 4.0, id="two satellites in the south"),
        pytest.param(2022, 65, 1.9, id="two satellites in the north"),
        pytest.param(2016, 46, 6.7, id="one satellite at 46 degrees"),
    ],
)
def test_a_place_is_seen_as_often_as_the_mission_sees_its_latitude(year: int, latitude: int, days: float) -> None:
    """ESA: five days at the equator with two satellites, two or three at middle latitudes."""
    lon, lat = positions(Area(west=-179, south=latitude, east=179, north=latitude + 0.5), 720, 2)
    seen = [TRACK.sees(date(year, 1, 1) + timedelta(days=number), lon, lat) for number in range(100)]
    times = np.sum(seen, axis=0)
    assert 100 / times.mean() == pytest.approx(days, rel=0.06)
    assert times.min() >= (20 if year == 2022 else 10)


def test_an_area_of_600_km_is_seen_in_parts_nearly_every_day() -> None:
    """Relative orbits over it are six in five days, each with its own strip."""
    assert len({tile.sensed.date() for tile in june()}) >= 28


def test_cloud_cover_varies_and_belongs_to_the_granule() -> None:
    cover = {tile.number: tile.cloud_coverage for tile in june()}
    assert min(cover.values()) < 5
    assert max(cover.values()) > 90
    inside = june(area=Area(west=14.2, south=46.2, east=14.3, north=46.3))
    assert inside
    assert all(cover[tile.number] == tile.cloud_coverage for tile in inside)


def test_a_granule_is_listed_exactly_when_its_part_of_the_area_was_seen() -> None:
    spot = Area(west=14.20, south=46.20, east=14.21, north=46.21)
    lon, lat = positions(spot, 20, 20)
    seen = {day for n in range(30) if TRACK.sees(day := date(2022, 6, 1) + timedelta(days=n), lon, lat).any()}
    assert {tile.sensed.date() for tile in june(area=spot)} == seen


def test_mosaicking_orders() -> None:
    newest, oldest, clearest = (june(order) for order in ("mostRecent", "leastRecent", "leastCC"))
    assert newest == oldest[::-1]
    assert [tile.sensed for tile in oldest] == sorted(tile.sensed for tile in oldest)
    assert [tile.cloud_coverage for tile in clearest] == sorted(tile.cloud_coverage for tile in clearest)
    assert set(clearest) == set(newest)


def test_days_follow_the_mosaicking_order_too() -> None:
    tiles = june()
    newest, oldest, clearest = (by_day(tiles, order) for order in ("mostRecent", "leastRecent", "leastCC"))
    assert newest == oldest[::-1]
    means = [np.mean([tile.cloud_coverage for tile in orbit]) for orbit in clearest]
    assert means == sorted(means)


def test_a_cloud_limit_includes_the_limit_itself() -> None:
    every = june()
    limit = sorted(tile.cloud_coverage for tile in every)[len(every) // 2]
    assert set(june(max_cloud=limit)) == {tile for tile in every if tile.cloud_coverage <= limit}


def test_both_ends_of_the_time_range_count() -> None:
    tile = june()[5]
    exactly = SceneFilter(since=tile.sensed, until=tile.sensed)
    assert tile in find_tiles(L2A, ALPS, exactly, seed=1)
    later = SceneFilter(since=tile.sensed + timedelta(seconds=1), until=tile.sensed + timedelta(seconds=2))
    assert tile not in find_tiles(L2A, ALPS, later, seed=1)


@pytest.mark.slow
def test_too_many_scenes_are_refused_plainly() -> None:
    decade = SceneFilter(since=datetime(2016, 1, 1, tzinfo=UTC), until=datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(RenderFailed, match="narrow the time range"):
        find_tiles(L2A, Area(west=-170, south=-50, east=170, north=80), decade, seed=1)


def test_across_track_positions_grow_to_the_east() -> None:
    lon = np.array([0.0, 1.0, 2.0])
    start = TRACK.across(SUMMER, lon, np.zeros(3))
    assert np.allclose(np.diff(start) % 24, 1)


# What a script may ask for


def test_the_older_name_of_a_collection_is_the_same_archive() -> None:
    assert product("S2L2A") is not None
    assert product("S2L2A") == L2A


def test_units_are_compared_without_case_and_default_to_the_first() -> None:
    asked = ScriptInput(bands=("B04", "SCL", "B04"), units=("dn", "DN", "DN"))
    assert wanted_bands(asked, L2A) == (WantedBand(band="B04", unit="DN"), WantedBand(band="SCL", unit="DN"))
    assert wanted_bands(ScriptInput(bands=("B04",)), L2A) == (WantedBand(band="B04", unit="REFLECTANCE"),)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        pytest.param(ScriptInput(bands=("B99",)), "has no band B99; it has B01", id="unknown band"),
        pytest.param(ScriptInput(bands=("SCL",), units=("REFLECTANCE",)), "SCL .* has no unit", id="unknown unit"),
        pytest.param(ScriptInput(bands=("B02", "B03", "B04"), units=("DN", "DN")), "3 bands but 2 units", id="too few"),
    ],
)
def test_wrong_bands_and_units_are_named(asked: ScriptInput, message: str) -> None:
    with pytest.raises(RenderFailed, match=message):
        wanted_bands(asked, L2A)


# Where the pixels are


def grid_of(bounds: dict[str, Any], coarse_side: int = 256, **output: Any) -> EvaluationGrid:
    body = {"input": {"bounds": bounds}, "output": output}
    return evaluation_grid(output_grid(body), coarse_side)


def test_any_two_opposite_corners_make_the_same_box() -> None:
    first = grid_of({"bbox": [11, 44, 18, 47]}, width=70, height=30)
    assert first == grid_of({"bbox": [18, 44, 11, 47]}, width=70, height=30)
    assert first.output.west == 11
    assert first.output.pixel_height == pytest.approx(0.1)


def test_a_geometry_alone_gives_its_envelope_and_masks_by_pixel_centre() -> None:
    ring = [[10, 40], [14, 40], [14, 44], [10, 44], [10, 40]]
    hole = [[11, 41], [13, 41], [13, 43], [11, 43], [11, 41]]
    grid = grid_of({"geometry": {"type": "Polygon", "coordinates": [ring, hole]}}, width=4, height=4)
    assert (grid.output.west, grid.output.south, grid.output.east, grid.output.north) == (10, 40, 14, 44)
    expected = [[1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1]]
    np.testing.assert_array_equal(grid.wanted(0, 16).reshape(4, 4), expected)
    np.testing.assert_array_equal(grid.wanted(3, 11), np.array(expected).ravel()[3:11])


def test_polygons_of_a_multipolygon_may_overlap() -> None:
    square = [[[10, 40], [12, 40], [12, 42], [10, 42], [10, 40]]]
    geometry = {"type": "MultiPolygon", "coordinates": [square, square]}
    grid = grid_of({"bbox": [10, 40, 14, 42], "geometry": geometry}, width=4, height=2)
    np.testing.assert_array_equal(grid.wanted(0, 8).reshape(2, 4), [[1, 1, 0, 0], [1, 1, 0, 0]])


def test_a_large_raster_is_evaluated_on_cells_of_whole_pixels() -> None:
    grid = grid_of({"bbox": [0, 0, 10, 4]}, coarse_side=4, width=10, height=4)
    assert (grid.step_x, grid.step_y, grid.width, grid.height) == (3, 1, 4, 4)
    lon, lat = grid.centres(0, 5)
    np.testing.assert_allclose(lon, [1.5, 4.5, 7.5, 9.5, 1.5])
    np.testing.assert_allclose(lat, [3.5, 3.5, 3.5, 3.5, 2.5])


def test_full_resolution_evaluates_every_pixel() -> None:
    body = {"input": {"bounds": {"bbox": [0, 0, 10, 4]}}, "output": {"width": 1000, "height": 400}}
    grid = evaluation_grid(output_grid(body), None)
    assert (grid.width, grid.height) == (1000, 400)


@pytest.mark.parametrize("epsg", [32601, 32633, 32660, 32701, 32733, 3857])
def test_coordinates_agree_with_proj_to_a_millimetre(epsg: int) -> None:
    easting = np.linspace(250_000, 750_000, 7)
    northing = np.linspace(500_000, 9_000_000, 7)
    x, y = (axis.ravel() for axis in np.meshgrid(easting, northing))
    lon, lat = to_lonlat(epsg, x, y)
    expected_lon, expected_lat = rasterio.warp.transform(f"EPSG:{epsg}", "OGC:CRS84", x, y)
    off_lon = (lon - np.array(expected_lon) + 180) % 360 - 180
    np.testing.assert_allclose(off_lon * np.cos(np.radians(lat)) * 111_320, 0, atol=1e-3)
    np.testing.assert_allclose((lat - np.array(expected_lat)) * 111_320, 0, atol=1e-3)


def test_the_area_of_a_projected_box_holds_every_pixel_centre() -> None:
    bounds = {"bbox": [426000, 3960000, 462000, 3994000], "properties": {"crs": f"{EPSG}32633"}}
    grid = grid_of(bounds, resx=200, resy=200)
    area, (lon, lat) = grid.output.area(), grid.centres(0, grid.pixels)
    assert area.west < lon.min() < lon.max() < area.east
    assert area.south < lat.min() < lat.max() < area.north
    assert area.west == pytest.approx(14.18, abs=0.01)


@pytest.mark.parametrize(
    ("epsg", "box"),
    [
        pytest.param(32760, [800_000, 8_100_000, 840_000, 8_140_000], id="the last zone, in the south"),
        pytest.param(32601, [165_000, 1_880_000, 205_000, 1_920_000], id="the first zone, in the north"),
        pytest.param(3413, [-1_020_000, 1_000_000, -1_000_000, 1_020_000], id="a polar system"),
    ],
)
def test_an_area_across_the_180th_meridian_is_not_the_whole_circle(epsg: int, box: list[int]) -> None:
    """It had the scenes from all round the Earth, and all their days."""
    grid = grid_of({"bbox": box, "properties": {"crs": f"{EPSG}{epsg}"}}, width=40, height=40)
    area, (lon, lat) = grid.output.area(), grid.centres(0, grid.pixels)
    assert area.west < 180 < area.east < area.west + 2 or area.west < -180 < area.east < area.west + 2
    assert lon.min() < -179
    assert lon.max() > 179
    tiles = june(area=area)
    cells = {(column, row) for column, row in zip(np.floor(lon).tolist(), np.floor(lat).tolist(), strict=True)}
    assert {tile.cell for tile in tiles} <= cells
    days = [date(2022, 6, 1) + timedelta(days=n) for n in range(30)]
    assert {tile.sensed.date() for tile in tiles} == {day for day in days if TRACK.sees(day, lon, lat).any()}
    assert 0 < data_samples([grouped(tiles)], "sentinel-2-l2a", area) <= 1


def test_an_area_round_a_pole_reaches_it() -> None:
    bounds = {"bbox": [-1e6, -1e6, 1e6, 1e6], "properties": {"crs": f"{EPSG}3413"}}
    area = grid_of(bounds, width=40, height=40).output.area()
    assert (area.west, area.east, area.north) == (-180, 180, 90)
    assert area.south == pytest.approx(77, abs=0.1)


def test_an_area_that_its_system_cannot_express_is_refused_plainly() -> None:
    bounds = {"bbox": [2e7, 2e7, 2.1e7, 2.1e7], "properties": {"crs": f"{EPSG}32633"}}
    with pytest.raises(RenderFailed, match="outside what EPSG:32633 can express"):
        grid_of(bounds, width=40, height=40).output.area()


def test_an_area_wider_than_the_earth_has_each_granule_once() -> None:
    """The memory for a box of a billion degrees had no end."""
    day = SceneFilter(since=datetime(2022, 6, 1, tzinfo=UTC), until=datetime(2022, 6, 2, tzinfo=UTC))
    area = Area(west=-1e9, south=10, east=1e9, north=12)
    tiles = find_tiles(product("sentinel-1-grd"), area, day, seed=1)
    assert len({(tile.cell, tile.sensed) for tile in tiles}) == len(tiles) <= 2 * 180 * 2


def test_coordinate_systems() -> None:
    assert epsg_of(CRS84) == 4326
    assert epsg_of(f"{EPSG}32733") == 32733
    assert epsg_of(f"{EPSG}3035") == 3035
    with pytest.raises(RenderFailed, match="is not a CRS address"):
        epsg_of("EPSG:4326")
