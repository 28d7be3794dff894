"""A request for a page and the response to it: values that pass between the port and the process that renders.

Whatever is in a request comes from a browser: it is data, bounded in size, and never decides which file is opened.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, unquote

from controller.source.facts import SourceFacts

PLAIN = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
JSON = "application/json"
LONGEST_PATH = 2048  # bytes of path and query
MOST_FIELDS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonFacts:
    """What only the running daemon knows. `unready` holds a word and a sentence for each reason, as `/readyz` does.

    `source` is where it fetches the tree from, None when something else writes the folder.
    """

    unready: tuple[tuple[str, str], ...] = ()
    rejection: str = ""
    scanned_at: datetime | None = None
    source: SourceFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """A GET. `path` is decoded and below the base path, `query` the text after `?`; `known` is its If-None-Match."""

    path: str
    query: str = ""
    known: str = ""
    facts: DaemonFacts | None = None

    def fields(self) -> dict[str, str]:
        """The fields of the query by name; of two with one name the last. Raises `ValueError` for more than 32."""
        return dict(parse_qsl(self.query, max_num_fields=MOST_FIELDS, errors="replace"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PageResponse:
    """What is sent back. `headers` are those besides the length and what every response has."""

    content: bytes
    status: int = 200
    content_type: str = PLAIN
    headers: Mapping[str, str] = field(default_factory=dict)


def sentence(words: str, status: int, headers: Mapping[str, str] = {}) -> PageResponse:
    """One sentence, as a refusal."""
    return PageResponse(content=f"{words}\n".encode(errors="replace"), status=status, headers=headers)


def json_response(value: object, status: int = 200) -> PageResponse:
    """A JSON document. Text that is no Unicode is replaced."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return PageResponse(content=text.encode(errors="replace") + b"\n", content_type=JSON, status=status)


def page_request(target: str, base: str, known: str = "") -> PageRequest | PageResponse:
    """The request for a target as in the request line, or the refusal of it.

    `base` is the path under which a proxy serves the page, such as `/shjobs`: it may have removed it, or not.
    """
    if len(target) > LONGEST_PATH:
        return sentence(f"the address is longer than {LONGEST_PATH} bytes", 414)
    written, _, query = target.partition("?")
    path = unquote(written, errors="replace")
    if not path.startswith("/") or not path.isprintable():
        return sentence("the address is no path", 400)
    if base and (path == base or path.startswith(f"{base}/")):
        path = path.removeprefix(base) or "/"
    return PageRequest(path=path, query=query, known=known)
