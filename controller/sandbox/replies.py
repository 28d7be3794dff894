"""The replies of the sandbox as values: one HTTP reply, and the two forms in which the service reports an error.

`routes` and `faults` make them, `server` writes them to the socket. Source of the forms: reference page
"Asynchronous Processing API" §§4, 7.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One field of a body that violates a rule; `parameter` is formatted the service's way, `output->resx`."""

    parameter: str
    violation: str

    def __str__(self) -> str:
        return f"{self.parameter}: {self.violation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reply, sent after `delay` seconds.

    What may happen to it on the wire: `hang_up` closes the connection without sending a byte; `cut_at` resets the
    connection after that many bytes; `garbled` sends garbage instead; `copies` is how often it is sent; `drip` is the
    pause in seconds after every byte.
    """

    status: int
    content: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    hang_up: bool = False
    cut_at: int | None = None
    garbled: bool = False
    copies: int = 1
    drip: float = 0.0

    def later(self, seconds: float) -> Self:
        return replace(self, delay=seconds)

    def bare(self) -> Self:
        """An error without its wrapper."""
        document = json.loads(self.content)
        return replace(self, content=_compact(document.get("error", document)))


def json_reply(status: int, document: object, headers: Mapping[str, str] | None = None) -> Reply:
    """`document` as compact JSON."""
    return Reply(status=status, content=_compact(document), headers=headers or {})


def html_reply(status: int) -> Reply:
    """The reply of a proxy in front of the service: HTML, without the error wrapper."""
    title = f"{status} {HTTPStatus(status).phrase}"
    page = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"
    return Reply(status=status, content=page.encode(), content_type="text/html")


def error_document(status: int, code: str, message: str) -> dict[str, object]:
    """The flat form: the body of `error.json`, and the inside of the wrapper."""
    return {"status": status, "reason": HTTPStatus(status).phrase, "message": message, "code": code}


def error_reply(
    status: int,
    code: str,
    message: str,
    *,
    errors: Sequence[Violation] = (),
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """The service's error wrapper; `errors` is left out when empty."""
    document = error_document(status, code, message)
    if errors:
        document["errors"] = [{"parameter": one.parameter, "violation": one.violation} for one in errors]
    return json_reply(status, {"error": document}, headers)


def not_found(what: str) -> Reply:
    return error_reply(404, "COMMON_NOT_FOUND", f"{what} was not found.")


def too_many_concurrent() -> Reply:
    """The concurrency limit: 429 without Retry-After (reference page "Open questions: Async API" 19)."""
    return error_reply(429, "RATE_LIMIT_EXCEEDED", "The maximum number of concurrent async requests is reached.")


def too_many_calls(milliseconds: float) -> Reply:
    """The rate limit: Retry-After is in milliseconds."""
    message = f"The rate limit is exceeded. Come back in {milliseconds:.0f} ms."
    return error_reply(429, "RATE_LIMIT_EXCEEDED", message, headers={"Retry-After": f"{milliseconds:.0f}"})


def unauthorized(message: str) -> Reply:
    return error_reply(401, "COMMON_UNAUTHORIZED", message)


def forbidden(message: str) -> Reply:
    return error_reply(403, "COMMON_INSUFFICIENT_PERMISSIONS", message)


def quota_exhausted() -> Reply:
    return forbidden("The quota of processing units of this account is exhausted for this month.")


def empty_body() -> Reply:
    return error_reply(400, "COMMON_BAD_PAYLOAD", "The request body should be non-empty.")


def _compact(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
