"""The page of a prepared state on a port of this machine, and all that can be reached from its first address."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Protocol
from urllib.parse import unquote, urlsplit

from controller.daemon.http import Pages, Web
from controller.model.clock import Clock
from controller.page.links import ServedLinks
from controller.page.message import PageRequest, PageResponse
from controller.page.site import ASSETS, FIRST, OF_ONE, PAGES, Site
from tests.support.page_states import PageState

KINDS = (*PAGES, *(f"{kind}/" for kind in OF_ONE))
"""The kinds of pages that there are: a page of one thing ends with a slash."""


class Responds(Protocol):
    """A site, or what stands for one."""

    def respond(self, request: PageRequest, /) -> PageResponse: ...


def site_of(state: PageState, base: str = "") -> Site:
    """All pages as they were when the state was made."""
    return Site(state.settings(), ServedLinks(base), Clock(wall=lambda: state.now, monotonic=lambda: 0.0))


@contextmanager
def serving(site: Responds, base: str = "", token: str = "") -> Iterator[str]:
    """The address of a server for it, until it is left."""
    with Web("127.0.0.1:0", {}, (), Pages(respond=site.respond, base=base, token=token)) as web:
        yield web.url


def kind_of(path: str) -> str:
    """Which of `KINDS` is at this path."""
    first, slash, _ = path.strip("/").partition("/")
    return f"{first}{slash}" or FIRST


def get(site: Site, address: str) -> PageResponse:
    """The response to a GET of this address, which may have a query and escapes."""
    parts = urlsplit(address)
    return site.respond(PageRequest(path=unquote(parts.path) or "/", query=parts.query))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What a reader without scripts can reach: the responses by address, in the order in which they were found.

    `origins` names for each address, also for one that was not followed, the page on which it was first seen.
    """

    responses: Mapping[str, PageResponse]
    origins: Mapping[str, str]

    def clicks(self, address: str) -> list[str]:
        """The addresses to click on one after the other, from `/` to this one, on a shortest way."""
        found = []
        while address != "/":
            found.append(address)
            address = self.origins[address]
        return found[::-1]

    def of_kind(self, kind: str, most: int) -> list[str]:
        """At most so many pages of this kind, from the first to the last, each as it is without a filter."""
        paths = [each for each in self.responses if "?" not in each and not each.endswith(".json")]
        paths = [path for path in paths if path.strip("/") not in ASSETS and kind_of(path) == kind]
        return paths[:: max(1, -(-len(paths) // most))]


def crawl(site: Site, most: int, of_a_kind: int) -> Reached:
    """Follow every link from `/`, breadth first: at most so many pages, and so many of a kind with the same fields."""
    waiting, responses, seen = ["/"], dict[str, PageResponse](), Counter[tuple[str, ...]]()
    origins: dict[str, str] = {}
    while waiting and len(responses) < most:
        address = waiting.pop(0)
        shape = _shape(address)
        if seen[shape] >= of_a_kind:
            continue
        seen[shape] += 1
        responses[address] = response = get(site, address)
        if response.content_type.startswith("text/html"):
            fresh = [each for each in links_in(response.content.decode()) if each not in origins and each != "/"]
            origins |= dict.fromkeys(fresh, address)
            waiting += fresh
    return Reached(responses=responses, origins=origins)


def links_in(html: str) -> list[str]:
    """The addresses that a page names, each once, without those of its own parts."""
    parser = _Links()
    parser.feed(html)
    return list(dict.fromkeys(each.partition("#")[0] for each in parser.found if not each.startswith("#")))


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("href", "src", "xlink:href") and value]


def _shape(address: str) -> tuple[str, ...]:
    """What addresses of one kind have in common: the page, whether it is the twin, and the names of the fields."""
    parts = urlsplit(address)
    fields = sorted(field.partition("=")[0] for field in parts.query.split("&"))
    return (kind_of(parts.path), parts.path[-5:] if parts.path.endswith(".json") else "", *fields)
