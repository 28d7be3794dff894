"""What a page answers, for tests: its HTML, and its JSON twin."""

import json
import re
from html import unescape
from typing import Any

from controller.page.message import PageRequest, PageResponse, page_request
from controller.page.site import Site


def got(site: Site, target: str) -> PageResponse:
    """The response to a GET of this target."""
    request = page_request(target, "")
    return site.respond(request) if isinstance(request, PageRequest) else request


def html(site: Site, target: str) -> str:
    """The page, which must be there."""
    response = got(site, target)
    assert response.status == 200, response.content
    return response.content.decode()


def twin(site: Site, target: str) -> dict[str, Any]:
    """The JSON at this target, which must be there."""
    response = got(site, target)
    assert (response.status, response.content_type) == (200, "application/json"), response.content
    found: dict[str, Any] = json.loads(response.content)
    return found


def assert_names_its_twin(site: Site, target: str) -> None:
    """The link of a page to its JSON leads to what this page shows, not to another part of the list."""
    path, _, query = target.partition("?")
    found = re.findall(r'<a href="([^"]*)">This [a-z]+ as (?:Geo)?JSON</a>', html(site, target))
    assert [twin(site, unescape(each)) | {"now": ""} for each in found] == [
        twin(site, f"{path}.json?{query}") | {"now": ""}
    ]
