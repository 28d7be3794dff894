"""How often the satellites see a place: by the geometry of their orbits, checked against what their operators say."""

from datetime import date
from typing import Any

import pytest

from controller.analysis.availability import expected_scenes

SUMMER = date(2022, 6, 1), date(2022, 8, 29)  # 90 days


@pytest.mark.parametrize(
    ("type", "latitude", "days", "options", "every"),
    [
        pytest.param("sentinel-2-l2a", 0, SUMMER, {}, 4.8, id="Sentinel-2 at the equator: five days, says ESA"),
        pytest.param("sentinel-2-l2a", 46, SUMMER, {}, 3.28, id="Sentinel-2 at 46 degrees: two to three, says ESA"),
        pytest.param("sentinel-2-l1c", -46, SUMMER, {}, 3.28, id="the same in the south"),
        pytest.param(
            "sentinel-2-l2a", 46, (date(2016, 6, 1), date(2016, 8, 29)), {}, 6.56, id="Sentinel-2A alone: half as often"
        ),
        pytest.param("landsat-ot-l2", 0, SUMMER, {}, 7.4, id="Landsat 8 and 9: eight days, says USGS"),
        pytest.param(
            "landsat-ot-l2", 0, (date(2020, 6, 1), date(2020, 8, 29)), {}, 14.7, id="Landsat 8: sixteen days, says USGS"
        ),
        pytest.param("landsat-etm-l2", 0, SUMMER, {}, 14.7, id="Landsat 7: sixteen days"),
        pytest.param("sentinel-1-grd", 0, SUMMER, {"directions": 1}, 10.9, id="Sentinel-1A: twelve days, says ESA"),
        pytest.param("sentinel-1-grd", 0, SUMMER, {"apart": True}, 5.4, id="Sentinel-1A of both directions"),
        pytest.param("sentinel-3-olci", 0, SUMMER, {}, 1.1, id="OLCI: less than two days, says ESA"),
        pytest.param("sentinel-5p-l2", 30, SUMMER, {}, 1.0, id="TROPOMI: every day"),
        pytest.param("modis", 0, SUMMER, {}, 1.0, id="MODIS: every day"),
        pytest.param("hls", 46, SUMMER, {}, 2.28, id="HLS: Sentinel-2 and Landsat together"),
        pytest.param("sentinel-2-l2a", 88, SUMMER, {}, 1.0, id="no day has more than one"),
        pytest.param("sentinel-2-l2a", None, SUMMER, {}, 3.0, id="an area in a projection that is not known"),
        pytest.param("byoc-123", 46, SUMMER, {}, 3.0, id="own data: one in three days, as the vendor's rule for Batch"),
    ],
)
def test_a_place_is_seen_once_in(
    type: str, latitude: float | None, days: tuple[date, date], options: dict[str, Any], every: float
) -> None:
    assert 90 / expected_scenes(type, days, latitude, **options) == pytest.approx(every, rel=0.02)


def test_days_before_the_first_satellite_have_no_scene() -> None:
    months = date(2015, 5, 29), date(2015, 7, 26)  # the first came on 27 June
    assert expected_scenes("sentinel-2-l2a", months, 0.0) == pytest.approx(30 * 0.1048, rel=0.01)


def test_a_second_satellite_counts_from_its_day_on() -> None:
    halves = date(2017, 6, 6), date(2017, 8, 4)  # 30 days before, 30 after
    assert expected_scenes("sentinel-2-l2a", halves, 0.0) == pytest.approx(30 * 0.1048 * 3, rel=0.01)
