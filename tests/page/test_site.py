"""From an address to a page: what there is, what there is not, and what a browser is told about it."""

from datetime import datetime
from pathlib import Path

import pytest

from controller.cli.settings import load_settings
from controller.model.clock import Clock
from controller.page.links import ServedLinks
from controller.page.message import LONGEST_PATH, PageRequest, page_request
from controller.page.site import ASSETS, PAGES, POLICY, Site
from tests.support.pages import got, html, twin


@pytest.mark.parametrize("name", PAGES)
def test_every_page_has_a_twin_with_the_same_content(listed: Site, name: str) -> None:
    address = "/" if name == "overview" else f"/{name}"
    assert html(listed, address).startswith("<!doctype html>")
    assert twin(listed, f"/{name}.json")["deployment"] == "sandbox"
    assert f'href="/{name}.json' in html(listed, address)


@pytest.mark.parametrize("name", ASSETS)
def test_what_pages_share_is_served_once(listed: Site, name: str) -> None:
    response = got(listed, f"/{name}")
    assert (response.status, response.content_type) == (200, ASSETS[name])
    again = listed.respond(PageRequest(path=f"/{name}", known=response.headers["ETag"]))
    assert (again.status, again.content) == (304, b"")


@pytest.mark.parametrize(
    "target",
    ["/nothing", "/overview", "/jobs/", "/jobs/none", "/jobs/none.json", "/../shjobs.toml",
     "/static/style.css",
     "//jobs",     "/jobs/../../state/shjobs.db", "/%2e%2e/shjobs.toml",
      "/style.css/", "/templates/base.html", "/.json"],
)  # fmt: skip
def test_what_is_not_there_is_said_to_be_none(listed: Site, target: str) -> None:
    assert got(listed, target).status == 404


@pytest.mark.parametrize(
    ("target", "status"),
    [
        pytest.param("http://elsewhere.example/", 400, id="an absolute address"),
        pytest.param("*", 400, id="no path"),
        pytest.param("/jobs%00", 400, id="a character that is none"),
        pytest.param("/jobs%0d%0aSet-Cookie:x", 400, id="line breaks"),
        pytest.param("/" + "a" * LONGEST_PATH, 414, id="an address without end"),
        pytest.param("/jobs?text=" + "%F0" * 900, 414, id="a query without end"),
    ],
)
def test_an_address_that_is_none_is_refused(listed: Site, target: str, status: int) -> None:
    assert got(listed, target).status == status


def test_a_page_may_load_nothing_from_elsewhere_and_run_nothing_written_into_it(listed: Site) -> None:
    response = got(listed, "/")
    assert response.headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY and "http" not in POLICY
    text = response.content.decode()
    assert " style=" not in text and "<style" not in text and " onclick=" not in text
    assert text.count("<script") == text.count('<script src="/script.js" defer></script>') == 1


def test_below_a_base_path_every_link_has_it(root: Path) -> None:
    site = Site(load_settings(root / "shjobs.toml", {}), ServedLinks("/base"))
    request = page_request("/base/jobs?phase=Failed", "/base")
    assert isinstance(request, PageRequest) and request.path == "/jobs"
    text = site.respond(request).content.decode()
    assert {part.partition('"')[0][:6] for part in text.split('href="')[1:]} <= {"/base/", "#main"}


@pytest.mark.parametrize("target", ["/base", "/base/", "/"])
def test_a_proxy_may_have_removed_the_base_path_or_not(target: str) -> None:
    request = page_request(target, "/base")
    assert isinstance(request, PageRequest) and request.path == "/"


def test_a_damaged_ledger_is_said_and_not_a_traceback(listed: Site, root: Path) -> None:
    (root / "state" / "shjobs.db").write_bytes(b"SQLite format 3\x00" + b"x" * 5000)
    response = got(listed, "/")
    assert (response.status, b"move it away" in response.content) == (503, True)


class BrokenClock(Clock):
    def now(self) -> datetime:
        raise ZeroDivisionError


def test_an_error_of_ours_is_a_sentence_and_in_the_log(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    response = got(Site(load_settings(root / "shjobs.toml", {}), clock=BrokenClock()), "/jobs")
    assert (response.status, response.content) == (500, b"this page cannot be made; the log says why\n")
    assert "the page /jobs cannot be made" in caplog.text
    assert "ZeroDivisionError" in caplog.text
