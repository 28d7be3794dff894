"""Tiles: on the grid, without overlap within a zone, and all of the area covered; computed here in another way."""

import itertools
import math
from typing import Any

import pytest
import shapely
from pyproj import CRS, Transformer
from shapely.geometry.base import BaseGeometry

from controller.sets import grid as grids
from controller.sets.area import AreaError, area_of, area_of_bbox
from controller.sets.grid import Grid, GridError, GridTile, outline, tiles
from controller.sets.zones import Zone, all_zones
from tests.support.tiles import in_degrees

pytestmark = pytest.mark.slow
MOST = 10_000
SLOVENIA = [[13.4, 45.5], [13.7, 46.5], [15, 46.6], [16.2, 46.9], [16.6, 46.5], [15.3, 45.5], [14, 45.4], [13.4, 45.5]]
RING = [[10.0, 46.0], [13.0, 46.0], [13.0, 48.0], [10.0, 48.0], [10.0, 46.0]]
LAKE = [[11.0, 46.5], [11.0, 47.5], [12.0, 47.5], [12.0, 46.5], [11.0, 46.5]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def feature(geometry: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": None, "geometry": geometry}


FIJI = [[176.8, -19.3], [182, -19.3], [182, -16], [176.8, -16], [176.8, -19.3]]
AREAS: dict[str, tuple[BaseGeometry, Grid]] = {
    "Slovenia": (area_of(feature(polygon(SLOVENIA))), Grid(pixel=10, cell=5000)),
    "Slovenia, larger tiles": (area_of(polygon(SLOVENIA)), Grid(pixel=10, cell=10_000)),
    "Fiji, over the antimeridian": (area_of(polygon(FIJI)), Grid(pixel=10, cell=10_000)),
    "Fiji as a bbox": (area_of_bbox([176.8, -19.3, -178, -16]), Grid(pixel=10, cell=10_000)),
    "Svalbard": (area_of_bbox([10, 76.5, 33.5, 80.8]), Grid(pixel=20, cell=5000)),
    "the west of Norway": (area_of_bbox([2.5, 58, 13, 65]), Grid(pixel=10, cell=10_000)),
    "a ring with a lake": (area_of(polygon(RING, LAKE)), Grid(pixel=10, cell=2000)),
    "inside one tile": (area_of_bbox([14.3, 35.85, 14.4, 35.9]), Grid(pixel=10, cell=10_000)),
    "over the equator": (area_of_bbox([35, -1, 37, 1.5]), Grid(pixel=10, cell=5000)),
    "three dimensions": (area_of(polygon([[x, y, 100.0] for x, y in SLOVENIA])), Grid(pixel=10, cell=5000)),
    "the Alps in one grid": (area_of_bbox([5, 44, 16, 48]), Grid(pixel=20, cell=10_000, epsg=3035)),
    "all of it in zone 32": (area_of_bbox([5, 44, 14, 48]), Grid(pixel=20, cell=5000, zone=Zone(32))),
    "two islands": (
        area_of(
            {
                "type": "FeatureCollection",
                "features": [
                    feature(polygon([[14.1, 35.8], [14.6, 35.8], [14.6, 36.1], [14.1, 35.8]])),
                    feature(None),
                    feature({"type": "MultiPolygon", "coordinates": [[[[9, 39], [9.5, 39], [9.5, 40], [9, 39]]]]}),
                ],
            }
        ),
        Grid(pixel=10, cell=2000),
    ),
}


def shape(tile: GridTile) -> BaseGeometry:
    return shapely.box(*tile.bbox)


@pytest.mark.parametrize("name", AREAS)
def test_every_tile_is_on_the_grid_and_small_enough_for_the_service(name: str) -> None:
    area, grid = AREAS[name]
    for tile in tiles(grid, area, MOST):
        west, south, east, north = tile.bbox
        assert (west % grid.side, south % grid.side) == (0, 0)
        assert (east - west, north - south) == (tile.width * grid.pixel, tile.height * grid.pixel)
        assert max(tile.width, tile.height) <= 10_000
        zone, corner_x, corner_y = tile.key.split("-")
        assert [corner_x[1:], corner_y[1:]] == [str(abs(int(each // 1000))) for each in (west, south)]
        assert grid.epsg or CRS.from_epsg(tile.epsg).utm_zone == zone.upper()


@pytest.mark.parametrize("name", AREAS)
def test_no_two_tiles_of_a_zone_overlap_and_no_key_occurs_twice(name: str) -> None:
    area, grid = AREAS[name]
    found = tiles(grid, area, MOST)
    assert len({each.key for each in found}) == len(found)
    for _, group in itertools.groupby(sorted(found, key=lambda each: each.epsg), lambda each: each.epsg):
        shapes = [shape(each) for each in group]
        assert shapely.union_all(shapes).area == pytest.approx(sum(each.area for each in shapes))


@pytest.mark.parametrize("name", AREAS)
def test_all_tiles_together_cover_the_area(name: str) -> None:
    area, grid = AREAS[name]
    covered = shapely.union_all([in_degrees(each.bbox, each.epsg) for each in tiles(grid, area, MOST)])
    metre = 1 / 111_000
    assert shapely.difference(area, covered.buffer(5 * metre)).area < 1e-9


@pytest.mark.parametrize("name", AREAS)
def test_every_tile_touches_the_area(name: str) -> None:
    area, grid = AREAS[name]
    for tile in tiles(grid, area, MOST):
        assert 0 < tile.share <= 1
        assert shapely.intersection(in_degrees(tile.bbox, tile.epsg), area).area > 0


def test_a_share_is_the_part_of_a_tile_inside_the_area() -> None:
    area = area_of_bbox([14.3, 35.85, 14.4, 35.9])
    [tile] = tiles(Grid(pixel=10, cell=10_000), area, MOST)
    forward = Transformer.from_crs(4326, tile.epsg, always_xy=True)
    corners = [forward.transform(x, y) for x, y in ((14.3, 35.85), (14.4, 35.85), (14.4, 35.9), (14.3, 35.9))]
    assert tile.share == pytest.approx(shapely.Polygon(corners).area / 100_000**2, rel=1e-3)


def test_a_change_of_the_area_moves_no_tile() -> None:
    grid = Grid(pixel=10, cell=5000)
    before = {each.key: each for each in tiles(grid, area_of_bbox([13.4, 45.4, 16.6, 46.9]), MOST)}
    after = {each.key: each for each in tiles(grid, area_of_bbox([13.4, 45.4, 16.7, 46.9]), MOST)}
    assert before.keys() <= after.keys()
    assert {after[key].bbox for key in before} == {each.bbox for each in before.values()}


def test_slivers_are_left_out_when_asked() -> None:
    area = AREAS["Slovenia"][0]
    every, few = (tiles(Grid(pixel=10, cell=5000, least=least), area, MOST) for least in (0, 20))
    assert (
        {each.key for each in few} == {each.key for each in every if each.share >= 0.2} != {each.key for each in every}
    )


def test_trimmed_tiles_are_smaller_and_still_cover_the_area() -> None:
    area, grid = AREAS["Slovenia"][0], Grid(pixel=10, cell=5000, cover="area")
    whole = {each.key: each for each in tiles(Grid(pixel=10, cell=5000), area, MOST)}
    trimmed = tiles(grid, area, MOST)
    assert {each.key for each in trimmed} == whole.keys()
    assert sum(each.width * each.height for each in trimmed) < 0.85 * len(whole) * 5000**2
    for tile in trimmed:
        offsets = [(low - corner) / 10 for low, corner in zip(tile.bbox[:2], whole[tile.key].bbox[:2], strict=True)]
        assert [each % 256 for each in offsets] == [0, 0]
    covered = shapely.union_all([in_degrees(each.bbox, each.epsg) for each in trimmed])
    assert shapely.difference(area, covered.buffer(5 / 111_000)).area < 1e-9


@pytest.mark.parametrize(
    ("area", "grid", "words"),
    [
        pytest.param([0, 84.5, 3, 86], Grid(pixel=10, cell=5000), "polar cap", id="beyond the zones"),
        pytest.param([0, 40, 30, 50], Grid(pixel=10, cell=5000, zone=Zone(33)), "middle of zone 33", id="far zone"),
        pytest.param([-10, 35, 30, 60], Grid(pixel=10, cell=1000), "more than 10000 tiles", id="too many tiles"),
        pytest.param([14, 45, 14.01, 45.01], Grid(pixel=10, cell=10_000, least=50), "has no tile", id="only slivers"),
    ],
)
def test_an_area_without_such_a_grid_is_refused(area: list[float], grid: Grid, words: str) -> None:
    with pytest.raises(GridError, match=words):
        tiles(grid, area_of_bbox(area), MOST)


@pytest.mark.parametrize(
    ("area", "zone", "degrees"),
    [
        pytest.param(area_of_bbox([120, 0, -179, 3]), 1, 63, id="from far in the west to its own side"),
        pytest.param(area_of_bbox([179, 0, -120, 3]), 60, 63, id="from its own side to far in the east"),
        pytest.param(area_of_bbox([-180, 0, 180, 3]), 60, 177, id="around the Earth"),
    ],
)
def test_an_area_over_the_antimeridian_is_measured_everywhere(area: BaseGeometry, zone: int, degrees: int) -> None:
    """Only its ends were, and both are near once it touches either side: its tiles lay 63° away."""
    with pytest.raises(GridError, match=f"reaches {degrees}° from the middle of zone {zone}:"):
        tiles(Grid(pixel=100, cell=10_000, zone=Zone(zone)), area, MOST)


def test_an_area_over_the_antimeridian_may_be_in_one_zone() -> None:
    area = AREAS["Fiji, over the antimeridian"][0]
    assert {each.epsg for each in tiles(Grid(pixel=10, cell=10_000, zone=Zone(1, is_south=True)), area, MOST)} == {
        32701
    }


def test_the_zones_cover_the_earth_between_the_caps_once() -> None:
    parts = [shapely.box(*part) for zone in all_zones() for part in zone.parts]
    assert sum(each.area for each in parts) == pytest.approx(360 * 164)
    assert shapely.union_all(parts).area == pytest.approx(360 * 164)


@pytest.mark.parametrize("key", ["60s-e500-n8000", "1s-e100-n8000"])
def test_the_outline_of_a_tile_is_a_polygon_in_degrees(key: str) -> None:
    area, grid = AREAS["Fiji, over the antimeridian"]
    [tile] = [each for each in tiles(grid, area, MOST) if each.key == key]
    ring = outline(tile)["coordinates"][0]
    assert ring[0] == ring[-1]
    assert shapely.Polygon(ring).exterior.is_ccw
    assert math.dist(ring[0], ring[len(ring) // 2]) < 3


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param({"type": "Point", "coordinates": [1, 2]}, "of the type 'Point'", id="a point"),
        pytest.param({"type": "FeatureCollection", "features": []}, "holds no polygon", id="nothing"),
        pytest.param({"type": "FeatureCollection"}, "no list `features`", id="no features"),
        pytest.param([1, 2], "no GeoJSON object", id="a list"),
        pytest.param(polygon(RING[:-1]), "not closed", id="an open ring"),
        pytest.param(polygon(RING[:2]), "fewer than four", id="a line"),
        pytest.param(polygon([[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]), r"crosses itself at \[1 1\]", id="a bow tie"),
        pytest.param(polygon([[4e5, 5e6], [5e5, 5e6], [5e5, 6e6], [4e5, 5e6]]), "not a longitude", id="metres"),
        pytest.param(polygon([[45, 95], [46, 95], [46, 96], [45, 95]]), "not a longitude", id="latitude first"),
        pytest.param(polygon([[178, 0], [-178, 0], [-178, 2], [178, 0]]), "write 182, not -178", id="the long way"),
        pytest.param(polygon([[0, 0], [1, 0], ["x", 1], [0, 0]]), "is not \\[longitude, latitude\\]", id="text"),
        pytest.param(polygon([[0, 0], [1, 0], [2, 0], [0, 0]]), "not simple|covers nothing", id="a flat ring"),
        pytest.param(
            {"type": "FeatureCollection", "features": [feature(polygon(RING)), feature(polygon(RING[:2]))]},
            "feature 2: a ring", id="the second feature",
        ),
    ],
)  # fmt: skip
def test_what_is_no_area_is_refused_with_its_place(value: Any, words: str) -> None:
    with pytest.raises(AreaError, match=words):
        area_of(value)


def scattered(*corners: tuple[float, float], side: float = 1e-7) -> BaseGeometry:
    """A grain of this size in degrees at each corner."""
    rings = [[[x, y], [x + side, y], [x + side, y + side], [x, y]] for x, y in corners]
    return area_of({"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]})


def test_two_grains_at_the_ends_of_the_world_are_a_few_tiles() -> None:
    """Every block of tiles between them was looked at: 1.6 million a side, near the other pole."""
    found = tiles(Grid(pixel=10, cell=100, epsg=3031), scattered((45, -75), (45, 89.9)), MOST)
    assert 2 <= len(found) < 100  # a grain is large there


def test_an_area_in_too_many_places_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grids, "_MOST_BLOCKS", 20)
    grains = scattered(*((x, y) for x in range(8, 12) for y in range(42, 48)))
    with pytest.raises(GridError, match="is too scattered for tiles of 1 km"):
        tiles(Grid(pixel=10, cell=100, epsg=3035, least=50), grains, MOST)


def test_an_outline_of_too_many_pieces_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each edge is projected in pieces, and a few corners make long edges."""
    monkeypatch.setattr(grids, "_MOST_POINTS", 1_000)
    assert tiles(Grid(pixel=100, cell=10_000, epsg=3857), area_of_bbox([0, 0, 10, 10]), MOST)
    with pytest.raises(GridError, match="has an outline that is too long"):
        tiles(Grid(pixel=100, cell=10_000, epsg=3857), area_of_bbox([0, 0, 20, 10]), MOST)


def test_a_projection_is_not_defined_at_the_pole_opposite_to_its_own() -> None:
    """It is finite there, and further away than any range of whole numbers reaches."""
    with pytest.raises(GridError, match="lies where EPSG:3031 is not defined"):
        tiles(Grid(pixel=10, cell=100, epsg=3031), area_of_bbox([-180, -90, 180, 90]), MOST)
