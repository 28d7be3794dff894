"""Where things are in the picture of a map, and what part of the Earth it shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.manifest.footprint import Footprint, placed
from controller.page.svg.filters import around, borders, closer, compact
from controller.page.svg.marks import locator, marks, meridians, parallels, picture
from controller.page.svg.projection import MOST_ZOOM, WORLD, MapDrawing, MapView, corners, view_around


def box(west: float, south: float, east: float, north: float) -> Footprint:
    return Footprint(west=west, south=south, east=east, north=north)


@given(
    west=st.floats(-180, 179.99), south=st.floats(-90, 89), width=st.floats(0, 360), height=st.floats(0, 180)
)  # fmt: skip
def test_the_view_around_a_box_shows_all_of_it(west: float, south: float, width: float, height: float) -> None:
    found = placed(west, south, west + width, min(90, south + height))
    assert found is not None
    window = view_around(found).window
    assert window.south <= found.south + 1e-4 and window.north >= found.north - 1e-4
    drawn = MapDrawing(window=window, width=960)
    parts = list(drawn.boxes(found))
    shown = sum(part[2] for part in parts) / 960 * window.width
    if found.width and found.height > 1e-4:
        assert shown == pytest.approx(found.width, abs=0.3 * window.width / 960)


def test_the_nearest_view_is_taken_and_a_point_has_one() -> None:
    assert view_around(box(14, 46, 14, 46)).zoom == MOST_ZOOM
    assert view_around(box(-180, -90, 180, 90)) == MapView()
    assert view_around(box(14, 46, 14.1, 46.1), most=4).zoom == 4


@pytest.mark.parametrize(
    ("view", "east", "north", "middle"),
    [
        pytest.param(MapView(longitude=170, zoom=4), 1, 0, (0, -167.5), id="over the antimeridian"),
        pytest.param(MapView(latitude=89, zoom=3), 0, 1, (90, 0), id="not over the pole"),
        pytest.param(MapView(latitude=10, longitude=10, zoom=5), -1, 0, (10, -1.25), id="to the west"),
    ],
)
def test_a_view_moves_by_its_own_size(view: MapView, east: float, north: float, middle: tuple[float, float]) -> None:
    moved = view.moved(east, north)
    assert (moved.latitude, moved.longitude) == pytest.approx(middle, abs=0.01)
    assert moved.window.north <= 90


def test_a_box_over_the_edge_of_the_world_is_drawn_at_both() -> None:
    drawn = MapDrawing(window=WORLD, width=360)
    assert list(drawn.boxes(box(178, 0, 182, 10))) == [(0.0, 80.0, 2.0, 10.0), (358.0, 80.0, 2.0, 10.0)]
    assert list(drawn.boxes(box(10, 0, 12, 10))) == [(190.0, 80.0, 2.0, 10.0)]


def test_the_land_is_drawn_as_often_as_the_window_shows_it() -> None:
    assert list(MapDrawing(window=WORLD, width=360).worlds()) == [(0, 0, 360, 180)]
    assert len(list(MapDrawing(window=box(170, 0, 190, 10), width=360).worlds())) == 2


def test_a_disc_stays_inside_the_picture() -> None:
    feature = {"geometry": {"type": "Point", "coordinates": [-180, 90]}, "properties": {"jobs": 10_000}}
    [mark] = marks([feature], picture([-180, -90, 180, 90]))
    assert mark.x == mark.y == mark.radius > 20


def test_lines_have_round_degrees_and_are_few() -> None:
    drawn = picture([170, -20, 192.5, -10])
    assert [line.label for line in meridians(drawn)] == ["175°E", "180°", "175°W"]
    assert all(0 < len(lines) <= 9 for lines in (meridians(drawn), parallels(drawn)))


def test_the_map_of_one_job_shows_its_surroundings() -> None:
    window = locator([14.4, 35.8, 14.5, 35.9]).window
    assert window.width == 22.5
    assert around([14.4, 35.8, 14.5, 35.9]) == {"lat": 35.85, "lon": 14.45, "zoom": 10}
    assert corners(None) is None


@pytest.mark.parametrize(
    ("corners", "words"),
    [
        ([14.4, 35.8, 14.5, 35.9], "14.4°E to 14.5°E, 35.8°N to 35.9°N"),
        ([178.5, -18, 180.5, -16], "178.5°E to 179.5°W, 18°S to 16°S"),
    ],
)
def test_borders_in_words(corners: list[float], words: str) -> None:
    assert borders(corners) == words


@pytest.mark.parametrize(("jobs", "words"), [(7, "7"), (999, "999"), (1_234, "1.2k"), (98_765, "99k")])
def test_the_number_on_a_disc(jobs: int, words: str) -> None:
    assert compact(jobs) == words


def test_a_disc_leads_nearer_and_not_beyond_the_nearest() -> None:
    feature = {"geometry": {"type": "Point", "coordinates": [14.123, 46.5]}}
    assert closer(feature, 0) == {"lat": 46.5, "lon": 14.12, "zoom": 2}
    assert closer(feature, 10)["zoom"] == MOST_ZOOM
