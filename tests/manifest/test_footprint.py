"""Where on Earth a request is, compared with pyproj where it is computed here."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from controller.manifest.footprint import Footprint, footprint, placed

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
METRE = 1e-5  # degrees


def of(bbox: list[float], epsg: int | None = None) -> Footprint | None:
    return footprint({"bbox": bbox, **({"properties": {"crs": f"{EPSG}{epsg}"}} if epsg else {})})


def box(west: float, south: float, east: float, north: float) -> Footprint:
    return Footprint(west=west, south=south, east=east, north=north)


@pytest.mark.parametrize(
    ("bbox", "epsg", "found"),
    [
        pytest.param([14.4, 35.8, 14.5, 35.9], None, box(14.4, 35.8, 14.5, 35.9), id="degrees stay as they are"),
        pytest.param([14.5, 35.9, 14.4, 35.8], 4326, box(14.4, 35.8, 14.5, 35.9), id="any two corners"),
        pytest.param([-180, -90, 180, 90], None, box(-180, -90, 180, 90), id="the whole world"),
        pytest.param([-400, -100, 400, 95], None, box(-180, -90, 180, 90), id="more than the whole world"),
        pytest.param([179, -17, 181, -16], None, box(179, -17, 181, -16), id="over the antimeridian, counted on"),
        pytest.param([-181, -17, -179, -16], None, box(179, -17, 181, -16), id="over it from the other side"),
        pytest.param([190, 1, 191, 2], None, box(-170, 1, -169, 2), id="longitudes past 180"),
        pytest.param([10, 91, 11, 92], None, None, id="beyond the pole"),
        pytest.param(
            [19_900_000, 0, 20_100_000, 100_000], 3857, box(178.76474, 0, 180.56137, 0.89828), id="web mercator over it"
        ),
        pytest.param([-1e6, -1e6, 1e6, 1e6], 3413, box(-180, 76.99882, 180, 90), id="around the north pole"),
        pytest.param([-1e6, -1e6, 1e6, 1e6], 3031, box(-180, -90, 180, -77.03740), id="around the south pole"),
        pytest.param([4e6, 3e6, 4.1e6, 3.1e6], 3035, box(5.43162, 50.02412, 6.91229, 50.96856), id="another CRS"),
        pytest.param([1e12, 1e12, 2e12, 2e12], 3035, None, id="where the CRS does not reach"),
    ],
)
def test_the_footprint_of_bounds(bbox: list[float], epsg: int | None, found: Footprint | None) -> None:
    known = of(bbox, epsg)
    assert (known is None) == (found is None)
    if known and found:
        assert borders(known) == pytest.approx(borders(found), abs=2 * METRE)


def test_a_geometry_is_where_its_corners_are() -> None:
    ring = [[14, 35], [15, 35.5], [14.5, 36], [14, 35]]
    geometry: dict[str, Any] = {
        "type": "MultiPolygon",
        "coordinates": [[ring], [[[20, 30], [21, 30], [20, 31], [20, 30]]]],
    }
    assert footprint({"geometry": geometry}) == box(14, 30, 21, 36)


@given(
    zone=st.integers(1, 60),
    is_south=st.booleans(),
    x=st.floats(150_000, 750_000),
    metres=st.tuples(st.floats(100, 100_000), st.floats(100, 100_000)),
    y=st.floats(0, 8_900_000),
)
def test_the_footprint_of_a_box_in_any_zone_is_that_of_pyproj(
    zone: int, is_south: bool, x: float, y: float, metres: tuple[float, float]
) -> None:  # fmt: skip
    y += 1_000_000 if is_south else 0
    bbox, epsg = [x, y, x + metres[0], y + metres[1]], (32700 if is_south else 32600) + zone
    transformer = Transformer.from_crs(f"EPSG:{epsg}", "OGC:CRS84", always_xy=True)
    west, south, east, north = transformer.transform_bounds(bbox[0], bbox[1], bbox[2], bbox[3], densify_pts=201)
    expected, found = placed(west, south, east + 360 * (east < west), north), of(bbox, epsg)
    assert found is not None and expected is not None
    turn = 360 * round((expected.west - found.west) / 360)  # -180 and 180 are one
    shifted = (found.west + turn, found.south, found.east + turn, found.north)
    assert shifted == pytest.approx(borders(expected), abs=2 * METRE)


@given(west=st.floats(-1000, 1000), width=st.floats(0, 400))
def test_every_footprint_begins_in_the_world_and_is_no_wider(west: float, width: float) -> None:
    found = placed(west, 0, west + width, 1)
    assert found is not None
    assert -180 <= found.west < 180 and 0 <= found.width <= 360 + METRE
    assert all(-180 <= part[0] <= part[2] <= 180 for part in found.parts)
    assert sum(part[2] - part[0] for part in found.parts) == pytest.approx(found.width)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_has_no_footprint(value: float) -> None:
    assert placed(value, 0, 1, 1) is None
    assert placed(0, 0, 1, value) is None


def borders(found: Footprint) -> tuple[float, float, float, float]:
    return found.west, found.south, found.east, found.north
