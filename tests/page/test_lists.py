"""The lists of jobs and events, and what was spent: filtered by fields of the address."""

from pathlib import Path
from urllib.parse import quote

import pytest

from controller.ledger.store import Store
from controller.page.site import Site
from controller.page.views import events, jobs
from tests.support.factories import NOW
from tests.support.pages import assert_names_its_twin, got, html, twin

IN_ORDER = ["swamp", "shore", "bad", "alps-2", "moor", "lake", "alps-1"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param("", IN_ORDER, id="everything: what needs an operator first"),
        pytest.param("?phase=failed", ["alps-2"], id="a phase, in any case"),
        pytest.param("?phase=Held,Invalid", ["shore", "bad"], id="two phases"),
        pytest.param("?phase=Held", ["shore"], id="a phase without the documents that were never accepted"),
        pytest.param("?reason=Queued", ["moor"], id="a reason"),
        pytest.param("?label=team%3Dagri", ["shore", "alps-2", "alps-1"], id="a label"),
        pytest.param("?set=alps&phase=Succeeded", ["alps-1"], id="a set and a phase"),
        pytest.param("?text=OO", ["moor"], id="part of a name"),
        pytest.param("?text=nothing", [], id="nothing"),
        pytest.param("?unknown=1&phase=", IN_ORDER, id="a field that is none, and an empty one"),
    ],
)
def test_an_address_lists_what_it_names(listed: Site, query: str, names: list[str]) -> None:
    found = twin(listed, f"/jobs.json{query}")
    assert ([row["name"] for row in found["rows"]], found["total"]) == (names, len(names))
    assert all(name in html(listed, f"/jobs{query}") for name in names)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        pytest.param("/jobs?phase=Done", "write one of Invalid, Held", id="a phase that is none"),
        pytest.param("/jobs?reason=because", "there is none of this name", id="a reason that is none"),
        pytest.param("/jobs?after=soon", "not a position", id="a position that is none"),
        pytest.param("/events?before=soon", "whole number", id="a number that is none"),
        pytest.param("/events?before=99999999999999", "whole number", id="a number without end"),
        pytest.param("/events?before=" + "0" * 12 + "9" * 900, "whole number", id="a number of many digits"),
        pytest.param("/spending?month=2026-13", "such as 2026-03", id="a month that is none"),
        pytest.param("/jobs?" + "&".join(f"a{n}=1" for n in range(40)), "too many fields", id="forty fields"),
    ],
)
def test_a_wrong_field_is_refused_with_what_to_write(listed: Site, target: str, words: str) -> None:
    response = got(listed, target)
    assert (response.status, words in response.content.decode()) == (400, True)


def test_the_pages_of_a_list_follow_each_other(listed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SIZE", 2)
    found, target = [], "/jobs"
    while target:
        page = twin(listed, target.replace("/jobs", "/jobs.json"))
        found += [row["name"] for row in page["rows"]]
        rest = html(listed, target).partition('rel="next" href="')[2]
        target = rest.partition('"')[0].replace("&amp;", "&")
        assert bool(target) == bool(page["next"])
    assert found == IN_ORDER


def test_events_come_latest_first_and_page_by_page(listed: Site, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "SIZE", 2)
    first = twin(listed, "/events.json")
    assert [each["job"] for each in first["events"]] == ["lake", "alps-2"]
    second = twin(listed, f"/events.json?before={first['next']}")
    assert ([each["job"] for each in second["events"]], second["next"]) == (["alps-1"], None)
    assert [each["job"] for each in twin(listed, "/events.json?job=lake")["events"]] == ["lake"]


@pytest.mark.parametrize(
    "target",
    [
        "/events", "/events?before=3", "/events?before=3&job=alps-1", "/jobs?phase=Held&text=o", "/jobs?set=alps",
        "/spending?month=2026-03&by=team", "/map?label=team%3Dagri&zoom=3&lat=10&lon=20", "/map?zoom=world",
    ],
)  # fmt: skip
def test_a_page_names_the_json_of_the_rows_that_it_shows(
    listed: Site, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.setattr(jobs, "SIZE", 1)
    assert_names_its_twin(listed, target)


def test_a_later_page_of_the_jobs_names_its_json(listed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SIZE", 2)
    assert_names_its_twin(listed, f"/jobs?after={quote(twin(listed, '/jobs.json')['next'])}")


def test_many_events_alike_are_one_row_that_no_page_repeats(
    listed: Site, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "SIZE", 1)
    with Store.open(root / "state", {}) as store, store.transaction():
        for number in range(40):
            store.add_event(NOW, "Queued", "waits", f"cell-{number:02}")
    first = twin(listed, "/events.json")
    assert first["events"][0]["jobs"] == 40
    assert twin(listed, f"/events.json?before={first['next']}")["events"][0]["job"] == "lake"


def test_a_month_is_summed_by_day_and_by_label(listed: Site) -> None:
    found = twin(listed, "/spending.json?month=2026-03&by=team")
    month = found["month"]
    assert (month["spent"], month["reserved"], month["budget"], month["left"]) == (16.5, 20.0, 100.0, 63.5)
    assert [each for each in month["days"] if each["spent"] or each["reserved"]] == [
        {"day": "2026-03-01", "spent": 12.5, "reserved": 0.0},
        {"day": "2026-03-02", "spent": 4.0, "reserved": 20.0},
    ]
    assert [(each["name"], each["spent"], each["reserved"]) for each in found["groups"]] == [
        ("water", 0.0, 20.0),
        ("agri", 16.5, 0.0),
    ]
    assert "63.5" in html(listed, "/spending?month=2026-03")


def test_all_months_are_listed_the_latest_first(listed: Site) -> None:
    assert [each["name"] for each in twin(listed, "/spending.json?by=month")["groups"]] == ["2026-03"]
    assert twin(listed, "/spending.json?month=0001-01")["month"]["before"] == "0001-01"


@pytest.mark.parametrize("name", ["jobs", "events", "spending", "map"])
def test_without_a_ledger_a_list_is_empty(empty_site: Site, name: str) -> None:
    assert html(empty_site, f"/{name}")
    assert twin(empty_site, f"/{name}.json")
