"""Without JavaScript every page can be read and reached; each has JSON beside it, and is small."""

import json
import re

import pytest
from playwright.sync_api import Browser

from controller.page.message import PageResponse
from tests.page.conftest import ReachedIn, SiteOf, StateOf
from tests.support.browser import watched
from tests.support.page_server import KINDS, crawl, get, links_in, serving, site_of
from tests.support.page_states import STATES

pytestmark = pytest.mark.slow

LARGEST = 60 * 1024  # bytes of a page


@pytest.mark.parametrize("state", STATES)
def test_every_link_leads_somewhere(reached: ReachedIn, state: str) -> None:
    responses = reached(state).responses
    assert {address: each.status for address, each in responses.items() if each.status != 200} == {}
    assert all(address.startswith("/") for address in responses), "other hosts are not linked"
    assert {address: len(each.content) for address, each in responses.items() if is_large(each)} == {}


def is_large(response: PageResponse) -> bool:
    return response.content_type.startswith("text/html") and len(response.content) > LARGEST


@pytest.mark.parametrize("state", STATES)
def test_every_page_names_its_json_which_can_be_read(site: SiteOf, reached: ReachedIn, state: str) -> None:
    for address, response in reached(state).responses.items():
        if response.content_type.startswith("text/html") and response.status == 200:
            twins = [each for each in links_in(response.content.decode()) if ".json" in each]
            assert twins, address
            document = json.loads(get(site(state), twins[-1]).content)
            assert document.get("deployment") == "sandbox" or document["type"] == "FeatureCollection", address


def test_a_base_path_is_before_every_address(state_of: StateOf) -> None:
    pages = crawl(site_of(state_of("demo"), "/eo/jobs"), 1, 1).responses
    assert [
        each for page in pages.values() for each in links_in(page.content.decode()) if not each.startswith("/eo/jobs/")
    ] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_says_the_same_without_scripts(site: SiteOf, reached: ReachedIn, browser: Browser, kind: str) -> None:
    state = next(each for each in STATES if reached(each).of_kind(kind, 1))
    [path] = reached(state).of_kind(kind, 1)
    texts = []
    with serving(site(state)) as url:
        for is_on in (False, True):
            with watched(browser, url, java_script_enabled=is_on) as reader:
                reader.open(path)
                texts.append(re.sub(r"\d+ (s|min|h) ago", "some time ago", reader.page.inner_text("body")))
                assert reader.page.locator("main").is_visible()
                assert reader.problems == []
    assert texts[0] == texts[1]
    assert texts[0].strip()
