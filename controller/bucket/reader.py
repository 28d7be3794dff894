"""Reads an S3 store with a key pair: every page of a listing, small objects, a policy; every response is checked.

`Bucket` calls it for everything that costs depend on, since the object store library takes any response with status
200 for an empty listing. Safe to share between threads; connections are kept.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from controller.bucket.listing import NotAListing, page_of
from controller.bucket.messages import StoreError, refusal
from controller.bucket.signature import signature, url_of
from controller.model.answers import StoredObject
from controller.model.errors import Later
from controller.model.timing import Timing
from controller.wire.exchange import BROKEN, Exchange, KeptExchanges
from controller.wire.messages import NO_ANSWER, connection_error

RETRIES = 2
_LARGEST_PAGE = 8 * 1024 * 1024
_LARGEST_ERROR = 64 * 1024
_PIECE = 64 * 1024
Objects = tuple[tuple[bytes, StoredObject], ...]
"""Objects with their whole keys, as stored."""
_PAUSE = 0.1  # seconds before the first retry, twice as long before the next


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where a bucket is, and the key pair that opens it."""

    endpoint: str
    region: str
    bucket: str
    credential: str
    """The name of the credential, for messages."""
    keys: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Response:
    """A store's response; `is_cut`: the body was longer than the limit."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool


class Deadline:
    """The time that all responses of one operation may take together."""

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._ends_at = monotonic() + seconds

    def after(self, pause: float) -> float:
        """Wait for `pause` seconds; returns how many are left then. Without a wait 0, if it would use them up."""
        if self._ends_at - self._monotonic() <= pause:
            return 0
        time.sleep(pause)
        return max(0, self._ends_at - self._monotonic())

    def left(self) -> float:
        """Seconds left. Raises `Later` when none are."""
        left = self._ends_at - self._monotonic()
        if left <= 0:
            raise Later("reading took too long; are there too many objects under the prefix?")
        return left


class S3Reader:
    """GETs of S3, signed, with bounds on time and size. `authorities`: see `Deployment`."""

    def __init__(self, authorities: str | None, timing: Timing) -> None:
        self._authorities = authorities
        self._timing = timing
        self._kept: dict[str, KeptExchanges] = {}
        self._lock = threading.Lock()

    def pages(self, home: Home, path: str, deadline: Deadline, *, most: int = 1000) -> Iterator[Objects]:
        """The objects below `path`, page by page, with their whole keys. Raises `StoreError` or `Later`."""
        prefix = f"{path}/" if path else ""
        query = {"list-type": "2", "prefix": prefix, "encoding-type": "url", "max-keys": str(most)}
        seen: set[bytes] = set()
        tokens: set[str] = set()
        while True:
            answer = self.get(home, b"", query, deadline, limit=_LARGEST_PAGE)
            if answer.status != HTTPStatus.OK:
                raise refusal(answer.status, answer.headers, answer.body, home.credential, home.region)
            try:
                page = page_of(_plain(answer), home.bucket, prefix)
                keys = {key for key, _ in page.objects}
                if page.token in tokens or len(keys) < len(page.objects) or not keys.isdisjoint(seen):
                    raise NotAListing("a listing that repeats itself")
            except NotAListing as error:
                raise StoreError(f"cannot be listed: {error} came instead of a listing") from None
            yield page.objects
            if page.token is None:
                return
            seen |= keys
            tokens.add(page.token)
            query["continuation-token"] = page.token

    def document(self, home: Home, key: bytes, deadline: Deadline, *, limit: int) -> bytes | None:
        """The object, at most `limit` bytes of it; None when there is none, or its key cannot be part of a URL."""
        if any(part in (b"", b".", b"..") for part in key.split(b"/")):
            return None  # on the way such a path would be rewritten
        answer = self.get(home, key, {}, deadline, limit=limit)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if answer.status != HTTPStatus.OK:
            denied = "the credential may list the bucket, but not read it (AccessDenied)"
            raise refusal(answer.status, answer.headers, answer.body, home.credential, home.region, denied=denied)
        return answer.body

    def get(
        self, home: Home, key: bytes, query: Mapping[str, str], deadline: Deadline, *, limit: int = _LARGEST_ERROR
    ) -> S3Response:
        """The response to one GET; retried without a response, or when the store has problems. Raises `StoreError`."""
        url = url_of(home.endpoint, b"/".join((b"", home.bucket.encode(), *([key] if key else []))), query)
        seconds = deadline.left()
        for left in reversed(range(RETRIES + 1)):
            pause = _PAUSE * 2 ** (RETRIES - left)
            with self._kept_for(home.endpoint).one() as line:
                answer = self._attempt(line, url, home, min(self._patience, seconds), limit)
            if isinstance(answer, S3Response) and not _is_passing(answer.status):
                return answer
            if not left or not (seconds := deadline.after(pause)):
                break
        if isinstance(answer, StoreError):
            raise answer
        return answer

    def _attempt(self, line: Exchange, url: str, home: Home, seconds: float, limit: int) -> S3Response | StoreError:
        """One attempt within so many seconds; the error when there was no response."""
        try:
            return self._once(line, url, home, seconds, limit)
        except BROKEN as error:
            return StoreError(NO_ANSWER if line.is_hung_up else connection_error(error))

    def _once(self, line: Exchange, url: str, home: Home, seconds: float, limit: int) -> S3Response:
        """One request and its whole response; a body longer than `limit` is cut."""
        # Any other encoding would have to be decompressed before its size can be bounded.
        headers = {**signature(url, home.region, home.keys, datetime.now(UTC)), "Accept-Encoding": "identity"}
        wait = (min(self._timing.connect_timeout, seconds), seconds)
        with line.hung_up_after(seconds), line.send("GET", url, headers, timeouts=wait) as response:
            body = b""
            while len(body) <= limit and (piece := response.read(_PIECE, decode_content=False)):
                body += piece
            if line.is_hung_up:
                raise TimeoutError("what was read is not known to be all")
            return S3Response(
                status=response.status, headers=response.headers, body=body[:limit], is_cut=len(body) > limit
            )

    def _kept_for(self, endpoint: str) -> KeptExchanges:
        with self._lock:
            if endpoint not in self._kept:
                self._kept[endpoint] = KeptExchanges(endpoint, self._authorities)
            return self._kept[endpoint]

    @property
    def _patience(self) -> float:
        return self._timing.read_timeout / (RETRIES + 1)


def _plain(answer: S3Response) -> bytes:
    """The body of a page, which must be complete and not compressed."""
    if answer.is_cut:
        raise NotAListing("a page of more than 8 MiB")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise NotAListing("a compressed body, which was not asked for,")
    return answer.body


def _is_passing(status: int) -> bool:
    """Whether a retry may succeed in a moment."""
    return status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
