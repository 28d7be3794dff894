"""Every page in a real browser: wide and narrow, by day and by night, with all kinds of content."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.page.conftest import ReachedIn, SiteOf
from tests.support.browser import WIDTHS, Watched, watched
from tests.support.hostile import TEXTS
from tests.support.page_server import KINDS, serving
from tests.support.page_states import STATES

pytestmark = pytest.mark.slow

HEIGHT = 800
MOST = {"hostile": len(TEXTS)}
"""How many pages of a kind are looked at, by state; elsewhere two."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("state", STATES)
def test_nothing_sticks_out_or_fails_or_shuts_anyone_out(
    site: SiteOf, reached: ReachedIn, browser: Browser, pictures: Path | None, state: str, kind: str
) -> None:
    pages = reached(state).of_kind(kind, MOST.get(state, 2))
    with serving(site(state)) as url, watched(browser, url) as reader:
        found = {path: problems for path in pages if (problems := _problems(reader, path, pictures, state))}
    assert found == {}


def test_pages_of_every_kind_are_looked_at(reached: ReachedIn) -> None:
    assert {kind for state in STATES for kind in KINDS if reached(state).of_kind(kind, 1)} == set(KINDS)


def _problems(reader: Watched, path: str, pictures: Path | None, state: str) -> list[str]:
    page = reader.page
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": WIDTHS[0], "height": HEIGHT})
    status = reader.open(path).status
    problems = [] if status == 200 else [f"{status}"]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        problems += [f"at {width}: {each}" for each in reader.overflow()]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            if (width, scheme) in ((WIDTHS[0], "light"), (WIDTHS[-1], "dark")):
                problems += [f"at {width}, {scheme}: {each}" for each in reader.violations()]
            if pictures:
                name = path.strip("/").replace("/", "-") or "overview"
                page.screenshot(path=pictures / state / f"{name[:80]}-{width}-{scheme}.png", full_page=True)
    problems, reader.problems = [*problems, *reader.problems], []
    return problems
