"""One call of a host's API: a single request with a deadline, no redirect followed, the response bounded.

The token is in a header, and in no message, whatever the other side repeats.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from controller.model.answers import read_received
from controller.model.errors import mask, truncate
from controller.model.skew import date_in
from controller.wire.exchange import BROKEN, Exchange
from controller.wire.messages import connection_error

CONNECT, READ, WHOLE = 10.0, 30.0, 60.0  # seconds
LARGEST = 8 * 1024 * 1024  # bytes of a response: thirty comments of the greatest length, escaped
LONGEST_PAUSE = 3600.0  # seconds: nothing is put off for longer, whatever a response says
_NEXT = re.compile(r'\brel="?next\b')


@dataclass(frozen=True, slots=True, kw_only=True)
class HostResponse:
    """Status, headers (lower case) and body of a response; `content` is None when the body is no JSON."""

    status: int
    headers: Mapping[str, str]
    content: Any
    message: str
    """What the host says, on one line; never empty."""

    @property
    def is_done(self) -> bool:
        return 200 <= self.status < 300

    @property
    def has_more(self) -> bool:
        """Whether another page of a list follows."""
        return _NEXT.search(self.headers.get("link", "")) is not None

    @property
    def is_limited(self) -> bool:
        """Whether it only refuses because we have asked too often."""
        is_asked = "retry-after" in self.headers or self.headers.get("x-ratelimit-remaining", "").strip() == "0"
        return self.status == 429 or (self.status == 403 and (is_asked or "rate limit" in self.message.lower()))

    def pause(self, now: datetime) -> float | None:
        """Seconds to wait before anything else is sent, as the host asks, at most an hour; None: it does not ask."""
        written = self.headers.get("retry-after", "").strip()
        seconds = _number(written)
        if seconds is None and written:
            at = date_in(written)
            seconds = (at - now).total_seconds() if at else None
        if seconds is None and self.headers.get("x-ratelimit-remaining", "").strip() == "0":
            reset = _number(self.headers.get("x-ratelimit-reset", ""))
            seconds = None if reset is None else reset - now.timestamp()
        return None if seconds is None else min(max(seconds, 1.0), LONGEST_PAUSE)


class HostClient:
    """Calls the API at a base URL with these headers, one request after another on a kept connection."""

    def __init__(
        self, base: str, headers: Mapping[str, str], token: SecretStr, authorities: str | None = None,
        longest: float = WHOLE,
    ) -> None:  # fmt: skip
        """`headers` hold the token; `authorities`: additional trusted certificates (PEM).

        A call takes at most `longest` seconds.
        """
        self._longest = longest
        self._base = base.rstrip("/")
        self._headers = {"User-Agent": "shjobs", "Accept": "application/json", **headers}
        self._secrets = (token.get_secret_value(),)
        self._line = Exchange(self._base, authorities)

    def close(self) -> None:
        """Close the connection; a later call opens another."""
        self._line.close()

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> HostResponse | str:
        """The response to one request for a path below the base; a sentence when there was none."""
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = self._headers if body is None else {**self._headers, "Content-Type": "application/json"}
        try:
            with self._line.hung_up_after(self._longest):
                response = self._line.send(
                    method, f"{self._base}{path}", headers, timeouts=(CONNECT, READ), body=content
                )
                try:
                    return self._read(response)
                finally:
                    with suppress(*BROKEN):
                        response.close()
                    self._line.close()
        except BROKEN as error:
            self._line.close()
            why = "no whole answer in time" if self._line.is_hung_up else connection_error(error)
            return truncate(mask(f"{self._base}: {why}", self._secrets), 300)

    def _read(self, response: Any) -> HostResponse:
        text = response.read(LARGEST, decode_content=True).decode(errors="replace")
        try:
            content = read_received(text)
        except (ValueError, RecursionError):
            content = None
        words = truncate(mask(_words(content) or text, self._secrets), 200)
        return HostResponse(
            status=response.status,
            headers={name.lower(): value for name, value in response.headers.items()},
            content=content,
            message=words or truncate(response.reason or "no words", 100),
        )


def _words(content: Any) -> str:
    """The message of an error: a string, or for GitLab an object of lists by field."""
    if not isinstance(content, dict):
        return ""
    found = content.get("message") or content.get("error") or ""
    more = content.get("errors")
    return f"{_flat(found)} {_flat(more) if more else ''}".strip()


def _flat(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,12}(\.\d+)?", text.strip()) else None
