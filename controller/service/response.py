"""A response of the service: the status, the body, and a message for the user. `Service` decides what they mean.

Source: reference page "Asynchronous Processing API" §7, "Open questions: Async API" 16 and 19.
"""

import math
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from urllib3 import BaseHTTPResponse

from controller.model.answers import read_received
from controller.model.errors import mask, truncate
from controller.wire.exchange import BROKEN

_LONGEST_BODY = 256 * 1024
_MOST_OF_A_PAGE = 8 * 1024
"""Characters of a page that are searched for words: each `<` of it may be looked at once for each other."""
_MARKUP = re.compile(r"<(script|style)\b.*?(?:</\1>|\Z)|<[^<>]*>", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title\b.*?</title>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceResponse:
    """Status and body of a response. A truncated body is ignored; the status line still counts.

    `words` and `code` never contain one of the secrets, whatever the service repeats.
    """

    status: int
    reason: str
    text: str
    content: dict[str, Any]
    """The body as an object; empty when it is not one."""
    retry_header: str | None
    secrets: tuple[str, ...]

    @classmethod
    def read(cls, response: BaseHTTPResponse, secrets: tuple[str, ...]) -> Self:
        """Reads the response, at most 256 KiB of it. `secrets` are the texts that no message may repeat."""
        body = b""
        with suppress(*BROKEN):
            body = response.read(_LONGEST_BODY, decode_content=True)
        text = body.decode(errors="replace")
        return cls(
            status=response.status,
            reason=response.reason or "",
            text=text,
            content=_object_in(text),
            retry_header=response.headers.get("Retry-After"),
            secrets=secrets,
        )

    @property
    def is_json_object(self) -> bool:
        """Whether the body is a JSON object, as the service itself writes."""
        return bool(self.content)

    @property
    def wrapper(self) -> dict[str, Any]:
        """The error's own object, which is the body itself or under `error`."""
        inner = self.content.get("error")
        return inner if isinstance(inner, dict) else self.content

    @property
    def code(self) -> str:
        """The service's code, such as COMMON_BAD_PAYLOAD."""
        return truncate(mask(str(self.wrapper.get("code") or ""), self.secrets), 100)

    @property
    def words(self) -> str:
        """The service's message, for the user; never empty."""
        wrapper = self.wrapper
        reported = wrapper.get("message") or wrapper.get("error_description") or wrapper.get("error")
        if self.content:
            text, limit = "; ".join(str(each) for each in (reported, *_violations(wrapper.get("errors"))) if each), 500
        else:
            text, limit = _words_of(self.text[:_MOST_OF_A_PAGE]), 200
        return truncate(mask(text, self.secrets), limit) or truncate(mask(self.reason, self.secrets), 100) or "no words"

    @property
    def names_a_time(self) -> bool:
        """Whether there is a Retry-After other than zero."""
        return self.retry_header is not None and self.retry_header.strip() not in ("", "0")

    def retry_after(self, longest: float) -> float | None:
        """Seconds to wait, from 1 to `longest`; the header is in milliseconds."""
        try:
            milliseconds = float(self.retry_header or "")
        except ValueError:
            return None
        return min(max(milliseconds / 1000, 1.0), longest) if 0 < milliseconds < math.inf else None


def _object_in(text: str) -> dict[str, Any]:
    try:
        content = read_received(text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _words_of(page: str) -> str:
    """The text of an HTML page; its title mostly repeats it, and is used when there is no other."""
    return _MARKUP.sub(" ", _TITLE.sub(" ", page)).strip() or _MARKUP.sub(" ", page)


def _violations(errors: Any) -> Iterator[str]:
    """`errors` of the wrapper, documented as an object and seen as an array."""
    for each in errors if isinstance(errors, list) else [errors]:
        if isinstance(each, dict):
            yield ": ".join(str(each[key]) for key in ("parameter", "violation") if each.get(key))
        elif each:
            yield str(each)
