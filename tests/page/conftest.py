"""One browser and one copy of each state for all tests of a process, and a site over a small ledger."""

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from controller.cli.settings import load_settings
from controller.page.site import Site
from tests.support import browser as browsers
from tests.support.listed import filled
from tests.support.page_server import Reached, crawl, site_of
from tests.support.page_states import PageState, made

StateOf = Callable[[str], PageState]
SiteOf = Callable[[str], Site]
ReachedIn = Callable[[str], Reached]
PICTURES = "PAGE_PICTURES"  # the folder into which every page is drawn, if any


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with browsers.started() as started:
        yield started


@pytest.fixture(scope="session")
def state_of(tmp_path_factory: pytest.TempPathFactory) -> StateOf:
    """A state by its name; the processes of one run share them, and nobody changes them."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "page-states"
    folder.mkdir(exist_ok=True)
    return lambda name: made(name, folder)


@pytest.fixture(scope="session")
def site(state_of: StateOf) -> SiteOf:
    """All pages of a state by its name."""
    return cache(lambda name: site_of(state_of(name)))


@pytest.fixture(scope="session")
def reached(site: SiteOf) -> ReachedIn:
    """What can be reached from the first page of a state: at most 24 pages of a kind."""
    return cache(lambda name: crawl(site(name), 400, 24))


@pytest.fixture(scope="session")
def pictures() -> Path | None:
    """Where to draw every page, if anywhere."""
    return Path(os.environ[PICTURES]) if PICTURES in os.environ else None


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with settings and the ledger."""
    (tmp_path / "shjobs.toml").write_text('deployment = "sandbox"\nmonthlyBudget = 100\n', encoding="utf-8")
    (tmp_path / "state").mkdir()
    filled(tmp_path / "state")
    return tmp_path


@pytest.fixture
def listed(root: Path) -> Site:
    return Site(load_settings(root / "shjobs.toml", {}))


@pytest.fixture
def empty_site(tmp_path: Path) -> Site:
    """A site where nothing ever ran."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "shjobs.toml").write_text('deployment = "sandbox"\n', encoding="utf-8")
    return Site(load_settings(tmp_path / "empty" / "shjobs.toml", {}))
