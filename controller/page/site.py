"""From a request to its response: which page an address means, its JSON twin, and what a browser may do with it.

Nothing that a request names is opened as a file, and no request changes anything.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from controller.ledger.reads.reader import Reader
from controller.lifecycle.status import timestamp
from controller.model.clock import Clock
from controller.model.errors import ShjobsError, StateError, UsageError
from controller.page.context import NotFound, ViewContext
from controller.page.forecast import Forecasts
from controller.page.links import Links, ServedLinks
from controller.page.message import HTML, PageRequest, PageResponse, json_response, sentence
from controller.page.pictures import album as pictures
from controller.page.svg.land import NAME as LAND
from controller.page.svg.land import land
from controller.page.templates import FOLDER, html_of
from controller.page.views import events, job, jobs, overview, spending
from controller.page.views import map as map_page
from controller.page.views import set as set_page
from controller.page.views import sets as sets_page
from controller.settings.settings import Settings

log = logging.getLogger(__name__)

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page may load: from its own address, and nothing that is written into it."""
_OF_A_PAGE = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
ASSETS = {
    "style.css": "text/css; charset=utf-8",
    "script.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    LAND: "image/svg+xml",
}
TWIN = ".json"
FIRST = "overview"

View = Callable[[ViewContext], dict[str, Any]]
PAGES: Mapping[str, View] = {
    FIRST: overview.overview,
    "jobs": jobs.jobs_list,
    "events": events.events_list,
    "spending": spending.spending,
    "map": map_page.map_of_jobs,
    "sets": sets_page.list_sets,
}
"""What a page shows, by the first part of its address."""
OF_ONE: Mapping[str, View] = {"jobs": job.job, "sets": set_page.one_set}
"""The same for the page of one thing, whose name is the rest of the address."""


class Site:
    """All pages of one state directory, with `links` to each other."""

    def __init__(self, settings: Settings, links: Links | None = None, clock: Clock | None = None) -> None:
        self._settings = settings = settings.without_secrets()
        self._links = links or ServedLinks()
        self._forecasts = Forecasts(settings) if self._links.is_live else None
        self._clock = clock or Clock()

    def respond(self, request: PageRequest) -> PageResponse:
        """The response; an error is a page, too, and one of ours a sentence that costs no other page anything."""
        try:
            return self._response(request)
        except Exception:
            log.exception("the page %s cannot be made", request.path)
            return sentence("this page cannot be made; the log says why", 500)

    def _response(self, request: PageRequest) -> PageResponse:
        path = request.path.removeprefix("/")
        if path in ASSETS:
            return _conditional(request, PageResponse(content=_asset(path), content_type=ASSETS[path]))
        if path.startswith(f"{pictures.FOLDER}/"):
            return self._picture(request, path.removeprefix(f"{pictures.FOLDER}/"))
        wants_json = path.endswith(TWIN)
        page, slash, name = path.removesuffix(TWIN).partition("/")
        view = PAGES[FIRST] if not path else (OF_ONE if slash else PAGES).get(page)
        if view is None or path == FIRST or (slash and not name):
            return self._refused(NotFound("there is no such page"), wants_json=wants_json)
        try:
            document = self._viewed(view, request, name)
        except ShjobsError as error:
            return self._refused(error, wants_json=wants_json)
        if wants_json:
            return json_response(document)
        return _conditional(request, self._html(view.__module__.rpartition(".")[2], document))

    def _picture(self, request: PageRequest, name: str) -> PageResponse:
        content = pictures.picture_file(self._settings.state, name)
        if content is None:
            return sentence("there is no such picture; it may have made room for newer ones", 404)
        return _conditional(request, PageResponse(content=content, content_type="image/png"))

    def _viewed(self, view: View, request: PageRequest, name: str) -> dict[str, Any]:
        try:
            fields = request.fields()
        except ValueError:
            raise UsageError("the address has too many fields") from None
        now, store = self._clock.now(), Reader.of(self._settings.state)
        try:
            context = ViewContext(
                settings=self._settings, store=store, now=now, fields=fields, name=name, facts=request.facts,
                forecasts=self._forecasts,
            )  # fmt: skip
            return {"now": timestamp(now), "deployment": self._settings.deployment.name, **view(context)}
        finally:
            if store:
                store.close()

    def _html(self, name: str, document: Mapping[str, Any], status: int = 200) -> PageResponse:
        content = html_of(name, document, self._links).encode(errors="replace")
        return PageResponse(content=content, status=status, content_type=HTML, headers=_OF_A_PAGE)

    def _refused(self, error: ShjobsError, *, wants_json: bool) -> PageResponse:
        status = 404 if isinstance(error, NotFound) else 503 if isinstance(error, StateError) else 400
        if wants_json:
            return json_response({"error": str(error)}, status)
        page = {"now": timestamp(self._clock.now()), "status": status, "message": str(error)}
        return self._html("error", page | {"deployment": self._settings.deployment.name}, status)


def _conditional(request: PageRequest, response: PageResponse) -> PageResponse:
    """The response with its tag, or that the browser has it already."""
    tag = f'"{hashlib.sha256(response.content).hexdigest()[:16]}"'
    headers = {**response.headers, "ETag": tag}
    if request.known == tag:
        return PageResponse(content=b"", status=304, headers=headers)
    return PageResponse(content=response.content, content_type=response.content_type, headers=headers)


@cache
def _asset(name: str) -> bytes:
    return land() if name == LAND else (FOLDER / "static" / name).read_bytes()
