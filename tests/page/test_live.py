"""A job that runs becomes Succeeded on the screen, without a reload, while the reader is elsewhere on the page."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from controller.model.clock import Clock
from controller.page.site import Site
from tests.support.browser import watched
from tests.support.page_server import serving
from tests.support.page_states import NOW, write_plain
from tests.support.patience import LONGEST
from tests.support.set_loops import running, settings_of

pytestmark = pytest.mark.slow

SOON = LONGEST * 1000  # milliseconds
JOB = "field-00"
ROW = f"tr:has(a[href$='/jobs/{JOB}']), li:has(a[href$='/jobs/{JOB}'])"
TOP_OF_EVENTS = "Math.round(document.getElementById('events').getBoundingClientRect().top)"
"""What is above grows: what the reader sees stays where it is."""


@pytest.mark.parametrize(
    ("path", "place", "scroll", "kept"),
    [
        pytest.param("/jobs", ROW, "300", "scrollY", id="in the list of jobs"),
        pytest.param(f"/jobs/{JOB}", ".phase", TOP_OF_EVENTS, TOP_OF_EVENTS, id="on the page of the job"),
    ],
)
def test_a_running_job_becomes_succeeded(
    tmp_path: Path, browser: Browser, path: str, place: str, scroll: str, kept: str
) -> None:
    with running(tmp_path, NOW) as loop:
        for number in range(30):
            write_plain(tmp_path, f"field-{number:02}.yaml", f"field-{number:02}", number, {"team": "agri"})
        loop.unfinished.add(JOB)
        loop.rest()
        loop.loop.report(loop.now)
        site = Site(settings_of(tmp_path), clock=Clock(wall=lambda: loop.now))
        with serving(site) as url, watched(browser, url) as reader:
            page = reader.page
            reader.open(path)
            expect(page.locator(place).first).to_contain_text("Running")
            page.evaluate(
                "for (const each of document.querySelectorAll('details')) each.open = true; window.isSame = true"
            )
            opened = page.locator("details[open]").count()
            page.evaluate(f"scrollTo(0, {scroll})")
            before = page.evaluate(f"[{kept}, isSame]")
            assert page.evaluate("scrollY") > 200
            loop.unfinished.clear()
            loop.rest()
            loop.loop.report(loop.now)
            expect(page.locator(place).first).to_contain_text("Succeeded", timeout=SOON)
            assert page.evaluate(f"[{kept}, isSame]") == before
            assert page.locator("details[open]").count() >= opened
            assert reader.problems == []
