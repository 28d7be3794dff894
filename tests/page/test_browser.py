"""What looks at the pages would see it if something were wrong."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from controller.page.message import HTML, PageRequest, PageResponse
from tests.support.browser import Watched, watched
from tests.support.page_server import serving

pytestmark = pytest.mark.slow

WELL = "<!doctype html><html lang=en><title>x</title><link rel=icon href=data:,><body><main><h1>x</h1>{}</main>"


class OnePage:
    """Responds with the same content at every address."""

    def __init__(self, content: str) -> None:
        self._content = WELL.format(content)

    def respond(self, request: PageRequest) -> PageResponse:
        return PageResponse(content=self._content.encode(), content_type=HTML)


@pytest.fixture
def reader(browser: Browser, request: Any) -> Iterator[Watched]:
    with serving(OnePage(request.param)) as url, watched(browser, url) as found:
        found.open("/")
        yield found


@pytest.mark.parametrize("reader", ["<p>Nothing is wrong here.</p>"], indirect=True)
def test_a_page_without_fault_has_none(reader: Watched) -> None:
    assert (reader.problems, reader.overflow(), reader.violations()) == ([], [], [])


@pytest.mark.parametrize(
    ("reader", "words"),
    [
        pytest.param("<script>console.error('no')</script>", "console: no", id="an error on the console"),
        pytest.param("<script>undefined.x</script>", "error: Cannot read", id="an exception"),
        pytest.param(
            "<img alt=x src=http://other.example/x.png>", "a request to http://other.example", id="another host"
        ),
        pytest.param("<script>alert(1)</script>", "a dialog: 1", id="a dialog"),
    ],
    indirect=["reader"],
)
def test_what_a_page_does_wrong_is_noted(reader: Watched, words: str) -> None:
    reader.page.wait_for_load_state("load")
    assert any(words in each for each in reader.problems), reader.problems


@pytest.mark.parametrize(
    ("reader", "words"),
    [
        pytest.param("<p>" + "wide" * 900, "holds", id="a word without a break"),
        pytest.param("<div style='width: 3000px; height: 9px'></div>", "reaches from", id="an element"),
        pytest.param(
            "<p style='margin-left: -50px'>x</p>", "reaches from -", id="an element that begins before the page"
        ),
    ],
    indirect=["reader"],
)
def test_what_sticks_out_is_found(reader: Watched, words: str) -> None:
    assert any(words in each for each in reader.overflow()), reader.overflow()


@pytest.mark.parametrize(
    ("reader", "rule"),
    [
        pytest.param("<img src=data:,>", "image-alt", id="an image without words"),
        pytest.param("<p style='color: #ddd; background: #fff'>pale</p>", "color-contrast", id="pale text"),
    ],
    indirect=["reader"],
)
def test_what_shuts_readers_out_is_found(reader: Watched, rule: str) -> None:
    assert [each for each in reader.violations() if each.startswith(rule)]
