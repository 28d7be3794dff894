"""The map: which jobs it shows where, as GeoJSON, and as a page whose every mark is a link."""

import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from controller.ledger.store import Store
from controller.page.message import PageRequest
from controller.page.site import Site
from controller.page.svg.land import land
from tests.support.sites import LARGEST, empty_site, site_of

DELIVERED, FAILED, RUNNING = "Delivered: it is there", "ErrorReported: no data", "Running: since noon"


FEW = {
    "alps-may": ([10.0, 46, 11, 47], DELIVERED, "agri"),
    "alps-june": ([10.0, 46, 11, 47], FAILED, "agri"),
    "lake": ([12.0, 46, 12.5, 46.5], RUNNING, ""),
    "fiji": ([178.5, -18, 180.5, -16], DELIVERED, ""),
    "gone": ([12.0, 46, 12.5, 46.5], "Removed: forgotten", ""),
}


@pytest.fixture
def few(tmp_path: Path) -> Site:
    return site_of(tmp_path, FEW)


def twin(site: Site, query: str = "") -> dict[str, Any]:
    response = site.respond(PageRequest(path="/map.json", query=query))
    assert response.status == 200, response.content
    found = json.loads(response.content)
    assert isinstance(found, dict)
    return found


def page(site: Site, query: str = "") -> str:
    response = site.respond(PageRequest(path="/map", query=query))
    assert response.status == 200, response.content
    assert len(response.content) <= LARGEST
    return response.content.decode()


def marked(document: Mapping[str, Any]) -> list[tuple[str, int, str]]:
    """What each mark stands for: its shape, number of jobs and most urgent phase."""
    return [
        (each["geometry"]["type"], each["properties"]["jobs"], each["properties"]["phase"])
        for each in document["features"]
    ]


def test_jobs_of_one_place_are_one_mark_of_the_most_urgent_phase_drawn_last(few: Site) -> None:
    found = twin(few, "lat=46&lon=11&zoom=5")
    assert marked(found) == [("Polygon", 1, "Running"), ("Polygon", 2, "Failed")]
    assert found["phases"] == {"Failed": 1, "Running": 1, "Succeeded": 1}
    assert found["features"][1]["geometry"]["coordinates"] == [[[10, 46], [11, 46], [11, 47], [10, 47], [10, 46]]]
    assert found["features"][1]["properties"]["phases"] == {"Failed": 1, "Succeeded": 1}


def test_a_box_over_the_antimeridian_is_cut_there_and_drawn_on_both_sides(few: Site) -> None:
    [mark] = twin(few, "lat=-17&lon=179&zoom=6")["features"]
    assert mark["geometry"]["type"] == "MultiPolygon"
    assert mark["bbox"] == [178.5, -18, -179.5, -16]
    assert len(re.findall(r"<a [^>]*fiji[^>]*>.*?</a>", page(few, "zoom=world"))[0].split("<rect")) == 1 + 2


@pytest.mark.parametrize(
    ("query", "jobs"),
    [
        pytest.param("", 4, id="without a part of the Earth all are there"),
        pytest.param("zoom=world", 4, id="the whole world"),
        pytest.param("phase=Failed", 1, id="of a phase"),
        pytest.param("phase=Removed", 1, id="removed jobs when they are asked for"),
        pytest.param("phase=Failed,Running", 2, id="of two phases"),
        pytest.param("reason=ErrorReported", 1, id="with a reason"),
        pytest.param("text=ALPS", 2, id="with a part of the name, in capitals"),
        pytest.param("label=team%3Dagri", 2, id="with a label"),
        pytest.param("label=team", 2, id="with any value of it"),
        pytest.param("set=alps", 0, id="of a set that there is not"),
        pytest.param("lat=60&lon=-100&zoom=6", 0, id="where nothing is"),
        pytest.param("lat=90&lon=180&zoom=11", 0, id="at the pole"),
    ],
)
def test_the_filter_and_the_part_of_the_earth_decide_what_is_shown(few: Site, query: str, jobs: int) -> None:
    found = twin(few, query)
    assert sum(each["properties"]["jobs"] for each in found["features"]) == found["jobs"] == jobs
    assert len(found["listed"]) == jobs
    assert page(few, query)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        pytest.param("phase=Failed%2CRunning", "<bdi>Failed, Running</bdi>", id="two phases"),
        pytest.param("reason=ErrorReported", "<bdi>ErrorReported</bdi>", id="a reason"),
        pytest.param("label=team%3Dagri", "<bdi>team=agri</bdi>", id="a label"),
        pytest.param("text=ALPS", "names with <bdi>ALPS</bdi>", id="a part of the name"),
        pytest.param(
            "phase=Failed&reason=ErrorReported", "<bdi>Failed</bdi> ·\n<bdi>ErrorReported</bdi>", id="two, set apart"
        ),
    ],
)
def test_the_links_of_a_filtered_map_keep_the_filter_as_it_was_asked_for(few: Site, query: str, words: str) -> None:
    text = page(few, query)
    assert words in text
    [ways] = re.findall(r'<nav class="ways".*?</nav>', text, re.DOTALL)
    links = [html.unescape(each) for each in re.findall(r'href="/map\?([^"]+)"', ways)]
    assert links
    assert all(query in each for each in links)
    [json_link] = re.findall(r'href="/map\.json\?([^"]+)"', text)
    assert twin(few, html.unescape(json_link))["jobs"] == twin(few, query)["jobs"]


def test_a_map_without_an_address_is_around_the_jobs_of_its_filter(few: Site) -> None:
    found = twin(few, "label=team%3Dagri")
    west, south, east, north = found["window"]
    assert west < 10 < 11 < east and south < 46 < 47 < north and east - west < 8


def test_a_single_job_leads_to_its_page_and_several_to_their_place(few: Site) -> None:
    text = page(few, "lat=46&lon=11&zoom=5")
    assert 'href="/jobs/lake" class="run"' in text
    [address] = re.findall(r'href="/map\?(place=\d+)" class="bad"', text)
    there = twin(few, address)
    assert [each["job"] for each in there["listed"]] == ["alps-june", "alps-may"]
    assert "Jobs at this place" in page(few, address)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("phase=Lost", 400), ("zoom=0", 400), ("zoom=x", 400), ("zoom=2&lat=91", 400), ("zoom=2&lon=nan", 400),
        ("zoom=2&lat=1e999", 400), ("place=-1", 400), ("place=9999999999999999999", 400), ("place=12345", 404),
    ],
)  # fmt: skip
def test_an_address_that_names_nothing_is_refused_with_a_sentence(few: Site, query: str, status: int) -> None:
    response = few.respond(PageRequest(path="/map", query=query))
    assert response.status == status
    assert "<p>" in response.content.decode()


def box_number(number: int) -> list[float]:
    west, south = number % 60 / 10, 40 + number // 60 / 10
    return [west, south, west + 0.1, south + 0.1]


MANY = {
    f"job-{number:04}-{'x' * 50}": (box_number(number), told, "a" * 40)
    for number, told in enumerate([DELIVERED] * 900 + [FAILED] * 100)
}


def test_many_places_are_discs_with_the_number_of_jobs_and_nearer_ones_boxes(tmp_path: Path) -> None:
    site = site_of(tmp_path, MANY, base="/a/rather/long/path/of/a/proxy")
    far, query = twin(site), f"label=team%3D{'a' * 40}"
    assert {each[0] for each in marked(far)} == {"Point"}
    assert sum(jobs for _, jobs, _ in marked(far)) == far["jobs"] == 1000
    assert len(far["features"]) <= 128
    text = page(site, query)
    assert "The first 50 of 1,000" in text
    near = twin(site, "lat=41&lon=1&zoom=9")
    assert {each[0] for each in marked(near)} == {"Polygon"}
    assert page(site, f"lat=41&lon=1&zoom=9&{query}")


def test_every_mark_is_a_link_with_words(few: Site) -> None:
    text = page(few)
    drawing = text[text.index("<svg") : text.index("</svg>")]
    words = re.findall(r'<a href="/[^"]+" class="[a-z]+"><title>([^<]+)</title>', drawing)
    assert words == ["fiji: Succeeded", "lake: Running", "2 jobs: 1 Failed, 1 Succeeded"]


def test_documents_that_were_never_accepted_are_counted(tmp_path: Path) -> None:
    site = site_of(tmp_path, FEW)
    with Store.open(tmp_path / "state", {}) as store, store.transaction():
        store.set_fact("rejected bad.yaml", "bad: bad.yaml:1:2: E101 no size\nworse: bad.yaml:9:2: E101 no size")
    assert twin(site)["unplaced"] == 2
    assert twin(site, "label=team")["unplaced"] == 0
    assert "2 jobs have no place" in page(site)


def test_a_state_without_a_ledger_says_so(tmp_path: Path) -> None:
    assert "There is no ledger yet" in page(empty_site(tmp_path))


def test_names_and_filters_of_any_kind_are_text(tmp_path: Path) -> None:
    name = '<script>alert("1")</script>'
    site = site_of(tmp_path, {name: ([10.0, 46, 11, 47], FAILED, "")})
    assert "<script>alert" not in page(site)
    assert "<script>alert" not in page(site, "label=%3Cscript%3Ealert")


def test_no_edge_of_the_land_crosses_the_whole_picture() -> None:
    text = land().decode()
    assert len(text) < 48_000
    assert "prefers-color-scheme" in text
    edges = [
        (top, step)
        for top, steps in re.findall(r"M-?\d+ (\d+)l([^z]*)z", text)
        for step in map(int, re.findall(r"-?\d+", steps)[::2])
    ]
    assert len(edges) > 5_000
    assert [step for top, step in edges if abs(step) > 18_000 and int(top) < 16_000] == []  # but around the south pole
