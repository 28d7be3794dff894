"""Responses of the service and the bucket as values: edges create them, decisions read them.

Nothing here is an exception. A lost response, a refusal and an unreadable bucket are ordinary outcomes of one
call, and the loop goes on. Facts: reference page "Asynchronous Processing API" §§4, 5, 7.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

_HALF_OF_A_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")


class Refusal(StrEnum):
    """Why the service provably did not accept a request."""

    BODY = "Body"  # 400, 413, 422: the request itself is wrong
    SPURIOUS = "Spurious"  # the documented 400 "body should be non-empty" under load
    CREDENTIALS = "Credentials"  # 401: the OAuth client is not accepted
    FORBIDDEN = "Forbidden"  # 403: the account lacks the right, or has expired
    QUOTA = "Quota"  # 403 whose text mentions an exhausted allowance
    RATE = "Rate"  # 429 with a Retry-After
    CONCURRENCY = "Concurrency"  # 429 without one: too many requests run at once
    ENDPOINT = "Endpoint"  # any other 3xx or 4xx: wrong address, path or proxy
    UNSENT = "Unsent"  # no byte of the request was written
    NOT_ACCEPTED = "NotAccepted"  # an operator says so
    CLAIMED = "Claimed"  # another claim is active, or our own could not be written and read back
    UNCLAIMED = "Unclaimed"  # the credential may not write a claim: it is not tried there again


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """200 with an id."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The request was certainly not accepted. `retry_after` is in seconds; `status` is 0 without a response."""

    why: Refusal
    message: str
    status: int = 0
    code: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconfirmed:
    """The request may or may not have been accepted; the response does not say."""

    message: str


PostAnswer = Accepted | Refused | Unconfirmed


@dataclass(frozen=True, slots=True, kw_only=True)
class StillRunning:
    """200: any status word counts as running."""

    status: str = "RUNNING"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotVisible:
    """404 or 403 on GET: finished, failed or never known, which look the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """The status is not known this time (429, 5xx, 401, no connection). `retry_after` is in seconds."""

    message: str
    retry_after: float | None = None


GetAnswer = StillRunning | NotVisible | NoAnswer


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class StoredObject:
    """One object of the bucket. `key` is relative to the delivery prefix that was listed, without a leading '/'."""

    key: str
    bytes: int
    etag: str = ""
    modified: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The objects under a prefix, sorted by key; `documents` holds the text of small JSON objects, cut at 256 KiB."""

    objects: tuple[StoredObject, ...] = ()
    documents: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """The bucket could not be listed, read or written; `message` says why, in stable words.

    `denied`: the store says that the credential lacks the permission; retrying cannot help.
    """

    message: str
    denied: bool = False


BucketAnswer = Listing | Unreadable


def read_received(text: str | bytes) -> Any:
    """JSON that a service, a bucket or a script wrote. Raises what `json.loads` does.

    It may hold half of a surrogate pair (an emoji that was cut), which no UTF-8 text can: that becomes `?`.
    """
    value = json.loads(text)
    if _HALF_OF_A_PAIR.search(text if isinstance(text, bytes) else text.encode("utf-8", "replace")) is None:
        return value
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
