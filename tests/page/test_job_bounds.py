"""The page of one job stays below 60 KiB and keeps its form, whatever a manifest, a script or a service wrote."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from controller.ledger.store import Store
from controller.model.errors import Problem
from controller.model.job import ExpectedOutput
from controller.model.reasons import Reason
from controller.model.submission import Outcome
from controller.operations.picture.drawing import picture_of
from controller.page.job.cut import cut_text, weight
from controller.page.message import PageRequest
from controller.page.pictures.album import stem_of
from controller.page.pictures.shelf import Shelf
from controller.page.site import Site
from controller.settings.settings import Settings
from tests.operations.picture.test_drawing import tiff
from tests.support.factories import DIGEST, NOW, at, evidence, failed, job, stored, wanted
from tests.support.set_loops import settings_of

LARGEST = 60 * 1024
LONG = 2_000
ALPHABETS = [
    pytest.param("<script>alert(1)</script>", id="markup"),
    pytest.param('"', id="quotes, which take five bytes each"),
    pytest.param("'&", id="apostrophes and ampersands"),
    pytest.param("ظل الأرض ", id="Arabic"),
    pytest.param("土地覆盖", id="Chinese, without a space"),
    pytest.param("\u202e\u2066\x07", id="marks that turn the direction"),
    pytest.param("{{ page }}{% raw %}", id="the template's own language"),
    pytest.param("\U0001f6f0", id="pictures of four bytes"),
]
CLASSES = picture_of(tiff((np.arange(900).reshape(30, 30) % 21).astype("u1")))
VOID = frozenset({"meta", "link", "img", "br", "input"})


class Form(HTMLParser):
    """Whether every element is closed, and what elements there are."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        assert not any(name.startswith("on") or name == "style" for name, _ in attrs), attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def filled(settings: Settings, words: str) -> None:
    """A job of which everything is as long as it may be, and longer."""
    text = (words * LONG)[:LONG]
    warnings = tuple(
        Problem(path=text if line % 2 else "w.js", line=line, message=text, code="W005") for line in range(1, 40)
    )
    outputs = tuple(
        ExpectedOutput(identifier=f"{text[:200]}{number}", media_type="image/tiff", extensions=("tif",))
        for number in range(40)
    )
    asked = wanted(
        labels=tuple((f"{text[:300]}{number}", text) for number in range(40)), script="w.js", outputs=outputs,
        warnings=warnings, cause=text, revision=text, delivery_url=f"s3://my-bucket/{text}", credentials_ref=text,
    )  # fmt: skip
    objects = tuple(stored(f"{text}{number}", 10**number) for number in range(60))
    seen = evidence(objects=objects, error=text, message=text, spent=1.0)
    plain = failed(job="long", outputs=outputs, evidence=seen, approved_by=text, revision=text, prefix=f"s3://{text}")
    with Store.open(settings.state, {}) as store, store.transaction():
        store.save_job(
            job(name="long", path=f"{text}.yaml", wanted=asked), json.dumps(body(text, 0), ensure_ascii=False)
        )
        store.mark_reported({"long": f"{Reason.ERROR_REPORTED}: {text}"}, NOW)
        for number in range(70):
            digest = f"1:{number:064}" if number < 69 else DIGEST
            each = replace(
                plain, number=0, digest=digest, request_id=f"{text[:100]}{number}", message=text, intended_at=at(number)
            )
            if number == 68:
                each = replace(each, outcome=Outcome.SUCCEEDED, reason="Delivered")
                for place in range(len(outputs)):
                    Shelf(settings.state, 10**8).put(stem_of(each, place), CLASSES)
            store.add(each, json.dumps(body(text, number + 1), ensure_ascii=False))
            store.add_event(at(number), "Failed", text, "long", each.id)
        problems = [f"{number}: {text}" for number in range(100)]
        status = {"name": "long", "phase": "Failed", "reason": "ErrorReported", "message": text}
        manifest = {"accepted": False, "reason": "Rejected", "problems": problems}
        store.replace_statuses({f"{text}.yaml": json.dumps([{**status, "manifest": manifest}])}, [])


def body(text: str, number: int) -> dict[str, Any]:
    """A request with a long outline, a long script, and deep values."""
    deep: Any = text
    for _ in range(40):
        deep = {text[:50]: [deep]}
    ring = [[x / 1000, number] for x in range(5_000)]
    return {
        "input": {
            "bounds": {"geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {"crs": text}},
            "data": [{"type": text, "dataFilter": {"timeRange": {"from": text, "to": text}}, "more": deep}] * 20,
        },
        "output": {"width": number, "height": 1, "responses": [{"identifier": text}] * 30},
        "evalscript": "\n".join(f"{text} {line * number}" for line in range(60)),
    }


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path)


def content(settings: Settings, path: str) -> bytes:
    response = Site(settings).respond(PageRequest(path=path))
    assert response.status == 200, response.content[:500]
    return response.content


@pytest.mark.parametrize("words", ALPHABETS)
def test_the_page_is_bounded_and_whole_whatever_is_written(settings: Settings, words: str) -> None:
    filled(settings, words)
    page = content(settings, "/jobs/long")
    assert len(page) <= LARGEST
    form = Form()
    form.feed(page.decode())
    assert (form.open, "script" in form.seen) == ([], True)
    assert page.count(b"<script") == 1, "the page's own"
    assert len(form.ids) == len(set(form.ids))
    for part in (b"W005", b"It was cut", b"older:", b"All events", b"error.json", b"<img"):
        assert part in page, part


def test_what_was_cut_is_whole_in_the_json(settings: Settings) -> None:
    filled(settings, "x")
    found = json.loads(content(settings, "/jobs/long.json"))
    assert found["request"] == body("x" * LONG, 0)
    assert found["excerpt"]["script"]["more"] > 0
    assert re.search(rb'href="/jobs/long.json">the JSON of this page</a>', content(settings, "/jobs/long"))


@pytest.mark.parametrize(
    ("text", "most", "kept"),
    [
        pytest.param("abc", 3, "abc", id="what fits stays"),
        pytest.param("abcdefgh", 6, "abc…", id="what does not ends with an ellipsis"),
        pytest.param('""""', 13, '""…', id="a quote takes five bytes"),
        pytest.param("ظظظظظظ", 9, "ظظظ…", id="an Arabic letter takes two"),
        pytest.param('"' * 1000, 2, "…", id="where nothing fits, nothing stays"),
    ],
)
def test_text_is_cut_by_its_bytes_in_html(text: str, most: int, kept: str) -> None:
    assert cut_text(text, most) == kept
    assert weight(cut_text(text, most)) <= max(most, 3)
