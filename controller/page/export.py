"""Writes the pages as files that open without a server: to hand on, or to look at what a demo made."""

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

from controller.ledger.reads.listing import Filter, list_jobs
from controller.ledger.reads.reader import Reader
from controller.manifest.fields import is_name
from controller.model.errors import UsageError
from controller.page.links import FileLinks
from controller.page.message import PageRequest, PageResponse
from controller.page.pictures.album import kept_pictures
from controller.page.recorded import recorded_sets
from controller.page.site import ASSETS, PAGES, Site
from controller.settings.settings import Settings

MOST = 500
"""Jobs and sets that get a page of their own."""
FOLDER = "page"


def export_pages(settings: Settings, folder: Path) -> Path:
    """Write `index.html` into the folder, and what it leads to into `page/` beside it; returns the path of the first.

    Raises `UsageError` when they cannot be written.
    """
    try:
        for path, response in _pages(settings):
            if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise UsageError(f"{path}: {response.content.decode().strip()}")
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(response.content)
    except OSError as error:
        raise UsageError(f"{folder}: the page cannot be written: {error.strerror}") from error
    return folder / "index.html"


def _pages(settings: Settings) -> Iterator[tuple[str, PageResponse]]:
    """Each file below the folder with its content."""
    named = list(_named(settings))
    first, top, below = (Site(settings, FileLinks(up, set(named))) for up in (f"{FOLDER}/", "", "../"))
    yield "index.html", first.respond(PageRequest(path="/"))
    yield f"{FOLDER}/index.html", top.respond(PageRequest(path="/"))
    for name in ASSETS:
        yield f"{FOLDER}/{name}", top.respond(PageRequest(path=f"/{name}"))
    for name in kept_pictures(settings.state):
        yield f"{FOLDER}/{name}", top.respond(PageRequest(path=f"/{name}"))
    for name in list(PAGES)[1:]:
        yield f"{FOLDER}/{name}.html", top.respond(PageRequest(path=f"/{name}"))
    for name in named:
        yield f"{FOLDER}/{name}.html", below.respond(PageRequest(path=f"/{name}"))


def _named(settings: Settings) -> Iterator[str]:
    """The pages of single sets and jobs, the first of the lists; a name that is none is no file."""
    store = Reader.of(settings.state)
    if store is None:
        return
    with store:
        yield from (f"sets/{each['name']}" for each in recorded_sets(store)[:MOST])
        yield from (f"jobs/{row.name}" for row in list_jobs(store, Filter(), MOST).rows if is_name(row.name))
