"""What a job delivered is seen on its page: the picture with its legend, or why there is none."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from controller.ledger.store import Store
from controller.model.submission import Submission
from controller.operations.picture.drawing import picture_of
from controller.page.message import PageRequest
from controller.page.pictures.album import stem_of
from controller.page.pictures.shelf import Shelf
from controller.page.site import Site
from controller.settings.settings import Settings
from tests.operations.picture.test_drawing import tiff
from tests.support.factories import DIGEST, OTHER_DIGEST, job, succeeded, wanted
from tests.support.set_loops import settings_of

GREY = picture_of(tiff(np.linspace(0, 1, 100).reshape(10, 10).astype("f4")))
CLASSES = picture_of(tiff(np.repeat(np.array([3, 7], "u1"), 50).reshape(10, 10)))
RUN = succeeded(job="ndvi", number=0)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path)


def recorded(settings: Settings, digest: str, *runs: Submission) -> None:
    with Store.open(settings.state, {}) as store, store.transaction():
        store.save_job(job(wanted=wanted(digest=digest)), "{}")
        for each in runs:
            store.add(each, "{}")


def page(settings: Settings) -> tuple[dict[str, Any], str]:
    """What is said of the pictures, and the part of the page that shows them."""
    document, html = (Site(settings).respond(PageRequest(path=path)) for path in ("/jobs/ndvi.json", "/jobs/ndvi"))
    assert (document.status, html.status) == (200, 200)
    found = re.search(r'<section id="pictures".*?</section>', html.content.decode(), re.DOTALL)
    assert found, "the part that a refresh renews is there also without a picture"
    return json.loads(document.content)["pictures"], found[0]


def test_a_picture_has_its_legend_and_its_words(settings: Settings) -> None:
    recorded(settings, DIGEST, RUN)
    Shelf(settings.state, 10**6).put(stem_of(RUN, 0), GREY)
    found, html = page(settings)
    address = f"/pictures/{RUN.id}-0.png"
    assert (found["submission"], found["isEarlier"]) == (RUN.id, False)
    assert f'src="{address}" width="10" height="10" alt="default: grey from 0.02 (black) to 0.98 (white)"' in html
    assert Site(settings).respond(PageRequest(path=address)).content == GREY.png


def test_classes_have_their_colours(settings: Settings) -> None:
    recorded(settings, DIGEST, RUN)
    Shelf(settings.state, 10**6).put(stem_of(RUN, 0), CLASSES)
    _, html = page(settings)
    assert re.findall(r'fill="(#[0-9a-f]{6})"/></svg> ([37]) <span class="soft">50.0%', html) == [
        (each.colour, str(each.value)) for each in CLASSES.legend.classes
    ]


def test_why_there_is_no_picture_takes_its_place(settings: Settings) -> None:
    recorded(settings, DIGEST, RUN)
    Shelf(settings.state, 10**6).note(stem_of(RUN, 0), "it has <1> pixel")
    _, html = page(settings)
    assert "it has &lt;1&gt; pixel" in html
    assert "<img" not in html


def test_what_was_delivered_before_a_change_is_said_to_be_earlier(settings: Settings) -> None:
    recorded(settings, OTHER_DIGEST, RUN)
    Shelf(settings.state, 10**6).put(stem_of(RUN, 0), GREY)
    found, html = page(settings)
    assert (found["isEarlier"], "Of an earlier request" in html) == (True, True)


def test_the_run_in_force_is_shown_and_not_one_that_delivered_something_else_later(settings: Settings) -> None:
    other = replace(RUN, digest=OTHER_DIGEST, request_id="another")
    recorded(settings, DIGEST, RUN, other)
    for run in (RUN, other):
        Shelf(settings.state, 10**6).put(stem_of(run, 0), GREY)
    assert page(settings)[0]["submission"] == RUN.id


def test_without_a_picture_nothing_is_shown(settings: Settings) -> None:
    recorded(settings, DIGEST, RUN)
    assert page(settings)[0]["shown"] == []
    assert "Result" not in page(settings)[1]
