"""A country at 10 m through the tree: its jobs are tiles of the grid that cover it, computed here in another way."""

import itertools
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import shapely
import yaml
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

from tests.support.command import shjobs
from tests.support.sets import COUNTRY, SLOVENIA, Jobs, utc, write
from tests.support.tiles import in_degrees

pytestmark = pytest.mark.slow

NOW = utc(2026, 3, 1)
METRE = 1 / 111_000
"""In degrees."""
MONTHS = [f"2024-{month:02}" for month in range(1, 13)]


def bodies(jobs: Jobs) -> dict[str, dict[str, Any]]:
    return {name: json.loads(jobs.bodies[name]) for name in jobs.wanted}


def place(body: dict[str, Any]) -> tuple[tuple[float, ...], int, int, int]:
    """Bbox, EPSG code, width and height of a request."""
    bounds, output = body["input"]["bounds"], body["output"]
    epsg = int(bounds["properties"]["crs"].rpartition("/")[2])
    return tuple(bounds["bbox"]), epsg, output["width"], output["height"]


def check_tiles(
    places: set[tuple[tuple[float, ...], int, int, int]], pixel: float, cell: int, area: BaseGeometry
) -> None:
    """On the grid, as large as they say, small enough, without overlap within a zone, and all of the area covered."""
    by_zone = defaultdict(list)
    for bbox, epsg, width, height in places:
        west, south, east, north = bbox
        assert (west % (pixel * cell), south % (pixel * cell)) == (0, 0)
        assert (east - west, north - south) == (width * pixel, height * pixel)
        assert max(width, height) <= min(cell, 10_000)
        by_zone[epsg].append(shapely.box(*bbox))
    for tiles in by_zone.values():
        assert not any(a.intersection(b).area for a, b in itertools.combinations(tiles, 2))
    covered = shapely.union_all([in_degrees(bbox, epsg) for bbox, epsg, _, _ in places])
    assert shapely.difference(area, covered.buffer(5 * METRE)).area < 1e-9


def test_slovenia_has_a_job_for_each_tile_month_and_index(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs.d", {"slovenia.yaml": COUNTRY, "slovenia.geojson": SLOVENIA}, NOW)
    jobs.scan()
    assert jobs.problems("slovenia.yaml") == []
    found = bodies(jobs)
    places = {place(body) for body in found.values()}
    check_tiles(places, 10, 5000, shapely.from_geojson(SLOVENIA))
    assert {epsg for _, epsg, _, _ in places} == {32633}
    names = {
        f"slovenia-33n-e{bbox[0] / 1000:.0f}-n{bbox[1] / 1000:.0f}-{month}-{index}"
        for (bbox, _, _, _), month, index in itertools.product(places, MONTHS, ("ndvi", "ndwi"))
    }
    assert (set(found), len(found)) == (names, 24 * len(places))
    for name, body in found.items():
        (west, south, _, _), _, _, _ = place(body)
        month = body["input"]["data"][0]["dataFilter"]["timeRange"]["from"][:7]
        index = body["output"]["delivery"]["s3"]["url"].split("/")[4]
        assert name == f"slovenia-33n-e{west / 1000:.0f}-n{south / 1000:.0f}-{month}-{index}"
        assert body["evalscript"] == (jobs.root / f"{index}.js").read_text()


def test_expand_lists_the_jobs_of_the_tree(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs.d", {"slovenia.yaml": COUNTRY, "slovenia.geojson": SLOVENIA}, NOW)
    jobs.scan()
    done = shjobs("expand", "jobs.d/slovenia.yaml", cwd=tmp_path)
    lines = done.stdout.splitlines()
    listed = [line.split()[0] for line in lines[1 : lines.index("")]]
    assert (len(listed), set(listed)) == (len(jobs.wanted), set(jobs.wanted))
    assert tuple(listed) == jobs.tree.sets["slovenia"].cells


# --- other areas ---


def grid(area: Any, pixel: float = 10, cell: int = 5000, **more: Any) -> dict[str, Any]:
    given = {"bbox": area} if isinstance(area, list) else {"geometry": area}
    return {"area": given, "pixel": pixel, "cell": cell, **more}


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


RING = [[10.0, 46.0], [13.0, 46.0], [13.0, 48.0], [10.0, 48.0], [10.0, 46.0]]
LAKE = [[11.0, 46.5], [11.0, 47.5], [12.0, 47.5], [12.0, 46.5], [11.0, 46.5]]
FIJI = [[176.8, -19.3], [182, -19.3], [182, -16], [176.8, -16], [176.8, -19.3]]
HALVES = shapely.union_all([shapely.box(176.8, -19.3, 180, -16), shapely.box(-180, -19.3, -178, -16)])
MALTA = [[14.1, 35.8], [14.6, 35.8], [14.6, 36.1], [14.1, 35.8]]
SARDINIA = [[9.0, 39.0], [9.5, 39.0], [9.5, 40.0], [9.0, 39.0]]

AREAS = [
    pytest.param(grid(polygon(FIJI), cell=10_000), HALVES, {32701, 32760}, id="Fiji, going on beyond 180"),
    pytest.param(grid([176.8, -19.3, -178, -16], cell=10_000), HALVES, {32701, 32760}, id="Fiji as a bbox"),
    pytest.param(
        grid({"type": "MultiPolygon", "coordinates": [
            [[[176.8, -19.3], [180, -19.3], [180, -16], [176.8, -16], [176.8, -19.3]]],
            [[[-180, -19.3], [-178, -19.3], [-178, -16], [-180, -16], [-180, -19.3]]]]}, cell=10_000),
        HALVES, {32701, 32760}, id="Fiji, cut at 180",
    ),
    pytest.param(
        grid([10, 76.5, 33.5, 80.8], 20), shapely.box(10, 76.5, 33.5, 80.8), {32633, 32635, 32637}, id="Svalbard"
    ),
    pytest.param(
        grid([2.5, 58, 13, 65], cell=10_000), shapely.box(2.5, 58, 13, 65), {32631, 32632, 32633},
        id="the west of Norway",
    ),
    pytest.param(grid(polygon(RING, LAKE), cell=2000), shapely.Polygon(RING, [LAKE]), {32632, 32633}, id="with a lake"),
    pytest.param(
        grid([14.3, 35.85, 14.4, 35.9], cell=10_000), shapely.box(14.3, 35.85, 14.4, 35.9), {32633}, id="in one tile"
    ),
    pytest.param(grid([35, -1, 37, 1.5]), shapely.box(35, -1, 37, 1.5), {32636, 32637, 32736, 32737}, id="the equator"),
    pytest.param(
        grid([5, 44, 16, 48], 20, 10_000, crs="EPSG:3035"), shapely.box(5, 44, 16, 48), {3035},
        id="the Alps in one grid",
    ),
    pytest.param(grid([5, 44, 14, 48], 20, zone=32), shapely.box(5, 44, 14, 48), {32632}, id="all of it in one zone"),
    pytest.param(
        grid({"type": "GeometryCollection", "geometries": [polygon(MALTA), polygon(SARDINIA)]}, cell=2000),
        shapely.union_all([shapely.Polygon(MALTA), shapely.Polygon(SARDINIA)]), {32632, 32633}, id="two islands",
    ),
    pytest.param(
        grid(polygon([[x, y, 512.5] for x, y in RING])), shapely.Polygon(RING), {32632, 32633}, id="with heights"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("written", "area", "zones"), AREAS)
def test_the_jobs_of_any_area_cover_it_with_tiles_of_the_grid(
    tmp_path: Path, written: dict[str, Any], area: BaseGeometry, zones: set[int]
) -> None:
    document = yaml.safe_load(COUNTRY)
    document["metadata"]["name"] = "area"
    document["spec"]["template"]["maxProcessingUnits"] = 5000
    document["spec"]["axes"] = {
        "tile": {"grid": written},
        "window": {"every": "month", "from": "2024-06", "to": "2024-06"},
        "index": {"values": {"ndvi": {"script": "ndvi.js"}}},
    }
    jobs = Jobs(tmp_path / "jobs.d", {"area.yaml": yaml.safe_dump(document, sort_keys=False)}, NOW)
    jobs.scan()
    assert jobs.problems("area.yaml") == []
    places = [place(body) for body in bodies(jobs).values()]
    assert len(set(places)) == len(places), "two jobs ask for the same tile"
    check_tiles(set(places), written["pixel"], written["cell"], area)
    assert {epsg for _, epsg, _, _ in places} == zones
    assert all(shapely.intersection(in_degrees(bbox, epsg), area).area > 0 for bbox, epsg, _, _ in places)
    if "crs" not in written:
        for name, body in bodies(jobs).items():
            assert name.split("-")[1] == str(CRS.from_epsg(place(body)[1]).utm_zone).lower()


def test_trimmed_tiles_lie_within_those_of_the_grid_and_cover_the_area(tmp_path: Path) -> None:
    trimmed = COUNTRY.replace("cell: 5000", "cell: 5000, cover: area").replace("slovenia", "trimmed")
    files = {"slovenia.yaml": COUNTRY, "trimmed.yaml": trimmed}
    jobs = Jobs(tmp_path / "jobs.d", {**files, "slovenia.geojson": SLOVENIA, "trimmed.geojson": SLOVENIA}, NOW)
    jobs.scan()
    found = bodies(jobs)
    whole = {name.partition("-")[2]: place(body) for name, body in found.items() if name.startswith("slovenia-")}
    cut = {name.partition("-")[2]: place(body) for name, body in found.items() if name.startswith("trimmed-")}
    assert whole.keys() == cut.keys()
    for key, (bbox, _, width, height) in cut.items():
        assert shapely.box(*whole[key][0]).covers(shapely.box(*bbox))
        assert (bbox[2] - bbox[0], bbox[3] - bbox[1]) == (10 * width, 10 * height)
    covered = shapely.union_all([in_degrees(bbox, epsg) for bbox, epsg, _, _ in set(cut.values())])
    assert shapely.difference(shapely.from_geojson(SLOVENIA), covered.buffer(5 * METRE)).area < 1e-9


def test_a_sliver_below_the_limit_is_left_out_of_all_months(tmp_path: Path) -> None:
    files = {"a/slovenia.yaml": COUNTRY, "a/slovenia.geojson": SLOVENIA}
    every = Jobs(tmp_path / "every", files, NOW)
    few = Jobs(tmp_path / "few", files, NOW)
    write(few.root, {"a/slovenia.yaml": COUNTRY.replace("cell: 5000", "cell: 5000, leaveOutBelow: 20")})
    every.scan()
    few.scan()
    area = shapely.from_geojson(SLOVENIA)
    for name, body in bodies(every).items():
        bbox, epsg, _, _ = place(body)
        tile = in_degrees(bbox, epsg)
        share = shapely.intersection(tile, area).area / tile.area
        assert (name in few.wanted) == (share >= 0.2), (name, share)
