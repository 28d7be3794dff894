"""A real browser for tests of the page, and what it finds wrong with one: errors, other hosts, overflow."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, Response, expect, sync_playwright

from tests.support.patience import LONGEST

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "no chromium is installed, which looks at the page: apt-get install chromium"
WIDTHS = (1280, 400)
SERIOUS = frozenset({"serious", "critical"})
_NO_OTHER_HOST = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"

STICKING_OUT = """() => {
  const found = [], width = document.documentElement.clientWidth;
  const whole = document.scrollingElement.scrollWidth;
  if (whole > width) found.push(`the page is ${whole} wide`);
  const name = (each) => {
    const words = (each.textContent || "").trim().slice(0, 40);
    return `<${each.tagName.toLowerCase()} class="${each.getAttribute("class") || ""}"> ${words}`;
  };
  const isBox = (each) => getComputedStyle(each).overflowX !== "visible";
  const isInBox = (each) => {
    for (let outer = each.parentElement; outer && outer !== document.body; outer = outer.parentElement)
      if (isBox(outer)) return true;
    return false;
  };
  for (const each of document.body.querySelectorAll("*")) {
    const box = each.getBoundingClientRect();
    const isDrawn = box.width > 0 && box.height > 0 && box.right > 0 && !each.parentElement.closest("svg");
    if (!isDrawn || isInBox(each)) continue;
    if (box.right > width + 1 || box.left < -1) found.push(`${name(each)} reaches from ${box.left} to ${box.right}`);
    if (each.clientWidth && !isBox(each) && each.tagName !== "svg" && each.scrollWidth > each.clientWidth + 2)
      found.push(`${name(each)} holds ${each.scrollWidth} in ${each.clientWidth}`);
  }
  return found.slice(0, 10);
}"""
"""What is wider than the window, or than the element that holds it, except within a box that scrolls."""


def found() -> str | None:
    """The program, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def started() -> Iterator[Browser]:
    """A browser that knows no other host than this machine; skips the test where none is installed."""
    program = found()
    if program is None:
        pytest.skip(MISSING)
    expect.set_options(timeout=LONGEST * 1000)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", _NO_OTHER_HOST]
        browser = playwright.chromium.launch(executable_path=program, args=arguments, timeout=LONGEST * 1000)
        try:
            yield browser
        finally:
            browser.close()


@dataclass(kw_only=True)
class Watched:
    """A page of the browser; `problems` are what it complained of, asked of other hosts, or could not load."""

    page: Page
    url: str
    problems: list[str] = field(default_factory=list)

    def open(self, path: str) -> Response:
        """Go to an address below that of the server; the response."""
        response = self.page.goto(self.url + path)
        assert response is not None, "it is another document"
        return response

    def overflow(self) -> list[str]:
        """What sticks out at the current width."""
        found: list[str] = self.page.evaluate(STICKING_OUT)
        return found

    def violations(self) -> list[str]:
        """What axe-core calls serious or worse, each with the first elements that it names."""
        found: list[dict[str, Any]] = Axe().run(self.page).response["violations"]
        return [
            f"{each['id']} ({each['help']}): {[_shown(node) for node in each['nodes'][:3]]}"
            for each in found
            if each["impact"] in SERIOUS
        ]

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text}")

    def _note_request(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.url).netloc:
            self.problems.append(f"a request to {request.url}")

    def _note_failure(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a reader who goes on does not wait for a refresh
            self.problems.append(f"failed: {request.url}: {request.failure}")

    def _note_dialog(self, dialog: Dialog) -> None:
        self.problems.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def listen(self) -> None:
        """Begin to note problems."""
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("request", self._note_request)
        self.page.on("requestfailed", self._note_failure)
        self.page.on("dialog", self._note_dialog)


@contextmanager
def watched(browser: Browser, url: str, **options: Any) -> Iterator[Watched]:
    """A fresh page for the server at `url`; `options` are those of a context of the browser."""
    context = browser.new_context(**options)
    context.set_default_timeout(LONGEST * 1000)
    try:
        found = Watched(page=context.new_page(), url=url)
        found.listen()
        yield found
        assert context.cookies() == [], "the page needs no cookies"
    finally:
        context.close()


def _shown(node: dict[str, Any]) -> str:
    return f"{node['html'][:120]}: {node['failureSummary'].splitlines()[-1].strip()[:160]}"
