"""A job that runs becomes Succeeded on the screen by itself, with what it delivered, and takes nothing away."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from controller.ledger.store import Store
from controller.model.reasons import Reason
from controller.operations.picture.drawing import picture_of
from controller.page.pictures.album import stem_of
from controller.page.pictures.shelf import Shelf
from controller.page.site import Site
from controller.settings.settings import Settings
from tests.operations.picture.test_drawing import tiff
from tests.page.test_refresh import SOON
from tests.support.browser import Watched, watched
from tests.support.factories import NOW, OTHER_DIGEST, accepted, failed, job, succeeded
from tests.support.page_server import serving
from tests.support.set_loops import settings_of

pytestmark = pytest.mark.slow

RUNNING = accepted(number=2, request_id="run")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = settings_of(tmp_path)
    with Store.open(found.state, {}) as store, store.transaction():
        store.save_job(job(), "{}")
        store.add(failed(number=1, digest=OTHER_DIGEST), "{}")
        store.add(RUNNING, "{}")
        store.mark_reported({"ndvi": f"{Reason.RUNNING}: the service is working on it"}, NOW)
    return found


@pytest.fixture
def reader(browser: Browser, settings: Settings) -> Iterator[Watched]:
    with serving(Site(settings)) as url, watched(browser, url) as found:
        found.open("/jobs/ndvi")
        yield found


def test_a_running_job_becomes_succeeded_on_the_screen(settings: Settings, reader: Watched) -> None:
    page = reader.page
    expect(page.locator("#state .phase")).to_have_text("Running")
    page.locator("details summary").click()
    Shelf(settings.state, 10**6).put(stem_of(RUNNING, 0), picture_of(tiff(np.arange(100, dtype="f4").reshape(10, 10))))
    with Store.open(settings.state, {}) as store, store.transaction():
        store.save(succeeded(number=2, request_id="run"))
        store.mark_reported({"ndvi": f"{Reason.DELIVERED}: every declared output is in the bucket"}, NOW)
    expect(page.locator("#state .phase")).to_have_text("Succeeded", timeout=SOON)
    expect(page.locator("#outputs .card td").nth(1)).to_contain_text("default.tif")
    expect(page.locator("#pictures img")).to_be_visible()
    expect(page.locator("details")).to_have_attribute("open", "")
    assert reader.problems == []
