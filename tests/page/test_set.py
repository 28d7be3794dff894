"""The page of a set: its cells as a grid and on a map, what failed and what to do, from what a real loop recorded."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from controller.ledger.location import FILE_NAME
from controller.page.message import PageRequest
from controller.page.site import Site
from controller.page.views import sets
from tests.support.pages import assert_names_its_twin
from tests.support.set_loops import running
from tests.support.sets import COUNTRY, SCRIPTS, SLOVENIA
from tests.support.sites import LARGEST, empty_site

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
FREE = "largeChangeJobs = 100000\nlargeChangeProcessingUnits = 1000000000"
PLAIN = """\
apiVersion: shjobs/v1
kind: AsyncProcessSet
metadata: {name: fields}
spec:
  axes:
    field: {values: {north: {west: 14.4}, south: {west: 14.5}}}
  template:
    evalscriptFile: ndvi.js
    request:
      input:
        bounds: {geometry: {type: Polygon, coordinates: [[[14.4, 35.8], [14.5, 35.8], [14.5, 35.9], [14.4, 35.8]]]}}
        data: [{type: sentinel-2-l2a, dataFilter: {timeRange: {from: 2022-06-20T00:00:00Z, to: 2022-06-30T23:59:59Z}}}]
      output:
        width: 64
        height: 64
        responses: [{identifier: default, format: {type: image/tiff}}]
        delivery: {s3: {url: s3://my-bucket/$field, credentialsRef: my-bucket}}
"""
LATER = COUNTRY.replace("name: slovenia", "name: later").replace("from: 2024-01, to: 2024-12", "from: 2030-01")
"""A set none of whose cells is due yet."""
BROKEN = "apiVersion: shjobs/v1\nkind: AsyncProcessSet\nmetadata: {name: broken}\nspec: {axes: {}}\n"


def written(root: Path, **files: str) -> None:
    jobs = root / "jobs.d"
    jobs.mkdir()
    for name, text in {**SCRIPTS, "slovenia.geojson": SLOVENIA}.items():
        (jobs / name).write_text(text, encoding="utf-8")
    for name, text in files.items():
        (jobs / f"{name}.yaml").write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A country of 504 cells, of which 12 failed, beside other sets."""
    root = tmp_path_factory.mktemp("sets")
    written(root, slovenia=COUNTRY, fields=PLAIN, later=LATER, broken=BROKEN)
    with running(root, NOW, FREE) as loop:
        loop.turns(1)
        loop.failing.update(name for name in loop.ledger.jobs if "e500" in name and "2024-03" in name)
        loop.failing.update(name for name in loop.ledger.jobs if "e400" in name and name.endswith("2024-07-ndwi"))
        loop.rest()
        loop.loop.report(loop.now)
    yield empty_site(root)


def twin(site: Site, path: str, query: str = "") -> dict[str, Any]:
    response = site.respond(PageRequest(path=f"/{path}.json", query=query))
    assert response.status == 200, response.content
    found = json.loads(response.content)
    assert isinstance(found, dict)
    return found


def page(site: Site, path: str, query: str = "") -> str:
    response = site.respond(PageRequest(path=f"/{path}", query=query))
    assert response.status == 200, response.content
    assert len(response.content) <= LARGEST
    return response.content.decode()


def test_the_page_says_how_far_a_set_is_and_what_may_help(site: Site) -> None:
    found = twin(site, "sets/slovenia")
    assert found["phases"] == {"Failed": 12, "Succeeded": 492}
    assert found["status"]["message"] == "492/504 Succeeded, 12 Failed"
    assert found["groups"][0] == {
        "reason": "ErrorReported", "phase": "Failed", "cells": 12, "message": "it threw",
        "command": "shjobs retry set/slovenia",
    }  # fmt: skip
    text = page(site, "sets/slovenia")
    assert "492/504 Succeeded, 12 Failed" in text
    assert '<code class="command">shjobs retry set/slovenia</code>' in text
    assert 'href="/jobs?set=slovenia&amp;phase=Failed"' in text


def test_the_rows_with_failed_cells_come_first(site: Site) -> None:
    rows = twin(site, "sets/slovenia")["rows"]
    failed = ["Failed" in {cell["phase"] for cell in row["cells"].values()} for row in rows]
    assert failed[:12] == [True] * 12 and not any(failed[12:])


def test_each_cell_is_a_link_whose_phase_can_be_read_and_no_page_is_too_long(site: Site) -> None:
    pages = twin(site, "sets/slovenia")["pages"]
    texts = [page(site, "sets/slovenia", f"page={number}") for number in range(1, pages + 1)]
    cells = [
        each for text in texts for each in re.findall(r'class="(\w+)" href="/jobs/([\w-]+)" title="(\w+)">(.)<', text)
    ]
    assert len(cells) == len({name for _, name, _, _ in cells}) == 504
    assert {(tone, phase, sign) for tone, _, phase, sign in cells} == {
        ("good", "Succeeded", "●"),
        ("bad", "Failed", "▲"),
    }


def test_the_raster_of_a_tile_and_a_month_is_two_clicks_from_the_list_of_sets(site: Site) -> None:
    assert 'href="/sets/slovenia"' in page(site, "sets")
    assert 'href="/jobs/slovenia-33n-e500-n5050-2024-03-ndvi"' in page(site, "sets/slovenia")


def test_the_tiles_on_the_map_have_the_most_urgent_phase_and_lead_to_their_rows(site: Site) -> None:
    found = twin(site, "sets/slovenia")["map"]
    tiles = {each["properties"]["tile"]: each["properties"] for each in found["features"]}
    assert len(tiles) == 21
    assert sum(each["jobs"] for each in tiles.values()) == 504
    assert sorted(key for key, each in tiles.items() if each["phase"] == "Failed") == [
        *(f"33n-e400-n{row}-ndwi" for row in (5000, 5050, 5100, 5150)),
        *(f"33n-e500-n{row}-ndvi" for row in (5000, 5050, 5100, 5150)),
    ]
    west, south, east, north = found["window"]
    assert west < 13.4 and east > 16.6 and south < 45.4 and north > 46.9
    text = page(site, "sets/slovenia")
    for address in re.findall(r'<a href="#(r-[^"]+)" class="bad">', text):
        assert f'<tr id="{address}">' in text


def test_the_page_that_a_cell_is_on_opens_with_it_marked(site: Site) -> None:
    last = twin(site, "sets/slovenia", "page=2")["rows"][-1]["cells"]["2024-05"]["job"]
    text = page(site, "sets/slovenia", f"cell={last}")
    assert f'<td class="marked"><a class="good" href="/jobs/{last}"' in text


def test_cells_without_windows_are_a_list_with_their_names(site: Site) -> None:
    text = page(site, "sets/fields")
    assert re.findall(r'href="/jobs/([\w-]+)" title="Succeeded">● (\w+)<', text) == [
        ("fields-north", "north"), ("fields-south", "south"),
    ]  # fmt: skip
    [mark] = twin(site, "sets/fields")["map"]["features"]
    assert mark["properties"]["jobs"] == 2


def test_a_set_without_due_cells_says_when_the_next_are(site: Site) -> None:
    text = page(site, "sets/later")
    assert "no cell is due yet; the next cells become due" in text
    assert "No cell is due yet." in text
    assert "<svg" not in text


def test_all_sets_are_listed_the_most_urgent_first(site: Site) -> None:
    found = twin(site, "sets")
    assert [each["name"] for each in found["sets"]] == ["slovenia", "later", "fields"]
    assert found["total"] == 3


@pytest.mark.parametrize("query", ["", "page=2", "era=1", "cell=slovenia-33n-e400-n5150-2024-06-ndvi"])
def test_a_page_of_a_set_names_its_json(site: Site, query: str) -> None:
    assert_names_its_twin(site, f"/sets/slovenia?{query}")


def test_a_page_of_the_sets_names_its_json(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sets, "MOST", 1)
    assert_names_its_twin(site, "/sets?page=2")


@pytest.mark.parametrize("path", ["sets/nothing", "sets/nothing.json", "sets/slovenia-33n-e500-n5050-2024-03-ndvi"])
def test_a_set_that_there_is_not_is_not_found(site: Site, path: str) -> None:
    assert site.respond(PageRequest(path=f"/{path}")).status == 404


@pytest.mark.parametrize("query", ["page=0", "page=x", "era=-1"])
def test_a_part_that_is_no_number_is_refused(site: Site, query: str) -> None:
    assert site.respond(PageRequest(path="/sets/slovenia", query=query)).status == 400


def test_a_state_without_a_ledger_has_no_set(tmp_path: Path) -> None:
    assert "There is no set" in page(empty_site(tmp_path), "sets")
    assert empty_site(tmp_path).respond(PageRequest(path="/sets/any")).status == 404


def test_a_set_whose_manifest_is_broken_keeps_its_page_with_the_reason(tmp_path: Path) -> None:
    written(tmp_path, fields=PLAIN)
    with running(tmp_path, NOW, FREE) as loop:
        loop.rest()
        (tmp_path / "jobs.d" / "fields.yaml").write_text(PLAIN.replace("width: 64", "width: -1"), encoding="utf-8")
        loop.rest()
        loop.loop.report(loop.now)
    site = empty_site(tmp_path)
    text = page(site, "sets/fields")
    assert re.search(r'<p class="bad">[^<]*width', text)
    assert 'title="Succeeded"' in text
    assert [each["name"] for each in twin(site, "sets")["sets"]] == ["fields"]


def test_a_refresh_leaves_the_box_in_which_the_grid_scrolls(site: Site) -> None:
    text = page(site, "sets/slovenia")
    scrolled = text.index('class="scroll"')
    before = text[:scrolled]
    assert before.count("<div") - before.count("</div") == 1, "what is refreshed ends before, but for the box itself"
    assert text.index('id="cells" data-live') > scrolled


def test_what_another_version_recorded_is_shown_as_far_as_it_is_known(tmp_path: Path) -> None:
    written(tmp_path, fields=PLAIN)
    with running(tmp_path, NOW, FREE) as loop:
        loop.turns(1)
        loop.failing.update(loop.ledger.jobs)
        loop.rest()
        loop.loop.report(loop.now)
    with closing(sqlite3.connect(tmp_path / "state" / FILE_NAME)) as ledger, ledger:
        ledger.execute("update status set documents = replace(documents, 'ErrorReported', 'FromTheFuture')")
        ledger.execute("update job set reason = 'FromTheFuture'")
    text = page(empty_site(tmp_path), "sets/fields")
    assert "FromTheFuture" in text
    assert len(re.findall(r'title="Pending"', text)) == 2
