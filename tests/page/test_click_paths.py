"""Three questions that readers have, each answered in at most three clicks from the first page, by clicking."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.page.conftest import ReachedIn, SiteOf, StateOf
from tests.support.browser import watched
from tests.support.page_server import Reached, serving
from tests.support.page_states import THROWN

pytestmark = pytest.mark.slow

MOST = 3  # clicks
MARCH = "select name from job where name like 'alps-%-2025-03' and told like 'Delivered%'"
FAILED = "select distinct job from submission where verdict = 'failed'"
SPENT = """
    select sum(spent_pu) from submission join job on job.name = submission.job
    where job.wanted like '%["team", "agri"]%' and intended_at >= '2025-10'
"""


def first_page(reached: Reached, *words: str) -> str:
    """The first page that holds all these words."""
    for address, response in reached.responses.items():
        text = response.content.decode(errors="replace")
        if response.content_type.startswith("text/html") and all(word in text for word in words):
            return address
    raise AssertionError(f"no page says {words}")


@pytest.fixture
def answer(site: SiteOf, reached: ReachedIn, browser: Browser) -> Callable[[str], str]:
    """What the page at an address says to a reader who clicks all the way from the first one."""

    def found(address: str) -> str:
        clicks = reached("cells").clicks(address)
        assert len(clicks) <= MOST, clicks
        with serving(site("cells")) as url, watched(browser, url) as reader:
            reader.open("/")
            for each in clicks:
                reader.page.locator(f'a[href="{each}"]').first.click()
                reader.page.wait_for_url(url + each)
            assert reader.problems == []
            return reader.page.inner_text("main")

    return found


def test_what_failed_tonight_and_why(state_of: StateOf, reached: ReachedIn, answer: Callable[[str], str]) -> None:
    with closing(_opened(state_of("cells").root)) as ledger:
        names = [name for (name,) in ledger.execute(FAILED)]
    assert len(names) > 10
    text = answer(first_page(reached("cells"), THROWN.replace("'", "&#39;"), *names))
    assert THROWN in text
    assert [name for name in names if name not in text] == []


def test_what_team_agri_has_spent_this_month(
    state_of: StateOf, reached: ReachedIn, answer: Callable[[str], str]
) -> None:
    with closing(_opened(state_of("cells").root)) as ledger:
        [(spent,)] = ledger.execute(SPENT).fetchall()
    assert spent > 1_000
    text = answer(first_page(reached("cells"), "agri", f"{spent:,.0f}"))
    assert "agri" in text and f"{spent:,.0f}" in text


def test_the_raster_of_that_tile_in_march(state_of: StateOf, answer: Callable[[str], str]) -> None:
    with closing(_opened(state_of("cells").root)) as ledger:
        [name] = ledger.execute(MARCH).fetchone()
    text = answer(f"/jobs/{name}")
    assert name in text and "Succeeded" in text and "default.tif" in text


def _opened(root: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{root}/state/shjobs.db?mode=ro", uri=True)
