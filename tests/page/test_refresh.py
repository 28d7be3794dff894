"""The script of the page: what changes appears by itself, and takes nothing away from a reader."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from controller.page.message import HTML, PageRequest, PageResponse, sentence
from controller.page.site import Site
from tests.page.conftest import SiteOf
from tests.support.browser import Watched, watched
from tests.support.page_server import serving
from tests.support.patience import LONGEST

pytestmark = pytest.mark.slow

SOON = LONGEST * 1000  # milliseconds within which a change is to be seen
A_WHILE = 5_000  # milliseconds in which the script asks at least once
PAGE = """<!doctype html><html lang=en><title>x</title><link rel=icon href=data:,>
<main><div id=jobs data-live>
<p data-row=ndvi>ndvi <span>{phase}</span></p>
<details id=more><summary>More</summary><p>Evidence of {phase}</p></details>
<p>{long}</p><a href=/jobs/last>last</a></div>
<label>Name <input id=name></label><p id=fixed>{phase}</p></main>
<script src=/script.js defer></script>"""


class Changing:
    """A page with a phase that a test sets, beside the product's own script."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.phase, self.is_down, self.known = "Running", False, list[str]()

    def respond(self, request: PageRequest) -> PageResponse:
        if request.path == "/script.js":
            return self._site.respond(request)
        if self.is_down:
            return sentence("busy", 503)
        self.known.append(request.known)
        tag = f'"{self.phase}"'
        if request.known == tag:
            return PageResponse(content=b"", status=304, headers={"ETag": tag})
        content = PAGE.format(phase=self.phase, long="line<br>" * 300).encode()
        return PageResponse(content=content, content_type=HTML, headers={"ETag": tag})


@pytest.fixture
def changing(site: SiteOf) -> Changing:
    return Changing(site("empty"))


@pytest.fixture
def reader(browser: Browser, changing: Changing) -> Iterator[Watched]:
    with serving(changing) as url, watched(browser, url) as found:
        found.open("/")
        yield found


def test_a_change_appears_and_takes_nothing_away(changing: Changing, reader: Watched) -> None:
    page = reader.page
    page.evaluate("window.isSame = true")
    page.locator("#more summary").click()
    page.locator("a").focus()
    page.evaluate("scrollTo(0, 700)")
    scrolled = page.evaluate("scrollY")
    assert scrolled >= 600
    changing.phase = "Succeeded"
    expect(page.locator("[data-row=ndvi] span")).to_have_text("Succeeded", timeout=SOON)
    expect(page.locator("#more p")).to_have_text("Evidence of Succeeded")
    assert page.locator("#more").get_attribute("open") is not None
    assert page.evaluate("scrollY") == scrolled
    assert page.evaluate("document.activeElement.textContent") == "last"
    assert page.locator("#fixed").inner_text() == "Running", "only what is marked as live is replaced"
    assert page.evaluate("window.isSame"), "it was not loaded anew"
    assert reader.problems == []


def test_what_is_selected_stays_until_it_is_let_go(changing: Changing, reader: Watched) -> None:
    page = reader.page
    page.evaluate("getSelection().selectAllChildren(document.querySelector('[data-row=ndvi]'))")
    changing.phase = "Failed"
    with page.expect_response(lambda response: response.ok, timeout=SOON):
        pass
    page.wait_for_timeout(A_WHILE)
    assert page.evaluate("getSelection().toString()") == "ndvi Running"
    page.evaluate("getSelection().removeAllRanges()")
    expect(page.locator("[data-row=ndvi] span")).to_have_text("Failed", timeout=SOON)


def test_a_server_that_is_away_is_shown_and_comes_back(changing: Changing, reader: Watched) -> None:
    page = reader.page
    changing.is_down = True
    expect(page.locator("body.offline")).to_be_attached(timeout=SOON)
    changing.is_down, changing.phase = False, "Verifying"
    expect(page.locator("[data-row=ndvi] span")).to_have_text("Verifying", timeout=SOON)
    expect(page.locator("body.offline")).not_to_be_attached()
    assert all("503" in each for each in reader.problems), "the browser reports the response, and nothing else"


def test_what_has_not_changed_is_not_sent_again(changing: Changing, reader: Watched) -> None:
    with reader.page.expect_response(lambda response: response.status == 304, timeout=SOON):
        pass
    assert changing.known[:2] == ["", ""] and changing.known[2] == '"Running"'
