"""Sends a message to a webhook: one POST of a CloudEvent, signed if there is a key, never redirected.

What the other side answers is read to 64 KiB and ignored; its status decides.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from controller import __version__
from controller.model.errors import mask, truncate
from controller.model.notices.event import Message
from controller.model.timing import Timing
from controller.notify.retries import retry_after
from controller.notify.sender import NotSent, SendOutcome, Sent
from controller.notify.sinks.cloud_event import CONTENT_TYPE, cloud_event
from controller.settings.deployments import is_loopback
from controller.settings.sinks import Sink
from controller.wire.exchange import BROKEN, Exchange
from controller.wire.messages import NO_ANSWER, connection_error

SIGNATURE = "X-Signature"
MOST_READ = 64 * 1024
SHORTEST_SECRET = 4  # characters: shorter parts of an address are in every sentence
_MAY_PASS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
"""Statuses in the 4xx range that say "later", not "no"."""
_NO_ADDRESS = "the address in its file is no URL; write one line like https://host/path"
_PLAIN = "plain http is only allowed to this machine (127.0.0.1, localhost); write https:// into its file"
_SEVERAL = "its file holds several addresses; a webhook has one: make a sink for each"
_MISSING = "its file with the address is missing or empty"


def post(sink: Sink, message: Message, instance: str, timing: Timing, authorities: str | None, now: datetime
) -> SendOutcome:  # fmt: skip
    """Send the message once. Whatever fails is a value, and names no address: it may be a secret.

    `authorities`: additional trusted certificates (PEM).
    """
    place = _address(sink)
    if isinstance(place, NotSent):
        return place
    body = cloud_event(message, instance, sink.page)
    line = Exchange(place.geturl(), authorities)
    try:
        with line.hung_up_after(timing.notify_answer):
            response = line.send(
                "POST", place.geturl(), _headers(sink, place, body), body=body,
                timeouts=(timing.connect_timeout, timing.notify_answer),
            )  # fmt: skip
            with suppress(*BROKEN):  # its status is known: whatever becomes of the body is of no interest
                response.read(MOST_READ)
        return _outcome(response.status, response.headers, now)
    except BROKEN as error:
        return NotSent(message=_why(error, line, place, timing))
    finally:
        line.close()


def _address(sink: Sink) -> SplitResult | NotSent:
    if not sink.urls:
        return NotSent(message=_MISSING, is_refused=True)
    if len(sink.urls) > 1:
        return NotSent(message=_SEVERAL, is_refused=True)
    text = sink.urls[0].get_secret_value()
    try:
        place = urlsplit(text)
        is_url = place.scheme in ("http", "https") and bool(place.hostname) and (place.port or 1) > 0
        is_plain = place.scheme == "http" and not is_loopback(text)
    except ValueError:
        is_url = is_plain = False
    if not is_url or not text.isascii() or any(each.isspace() for each in text):
        return NotSent(message=_NO_ADDRESS, is_refused=True)
    return NotSent(message=_PLAIN, is_refused=True) if is_plain else place


def _headers(sink: Sink, place: SplitResult, body: bytes) -> Mapping[str, str]:
    headers = {"Content-Type": CONTENT_TYPE, "User-Agent": f"shjobs/{__version__}", "Connection": "close"}
    if place.username is not None:
        name_and_password = unquote_to_bytes(f"{place.username}:{place.password or ''}")
        headers["Authorization"] = f"Basic {b64encode(name_and_password).decode()}"
    if sink.secret:
        headers[SIGNATURE] = body_signature(sink.secret.get_secret_value(), body)
    return headers


def body_signature(secret: str, body: bytes) -> str:
    """The value of `X-Signature`: how a receiver knows that the body is ours and whole."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def _outcome(status: int, headers: Mapping[str, str], now: datetime) -> SendOutcome:
    if 200 <= status < 300:
        return Sent()
    if 300 <= status < 400:
        words = f"it answered {status}, a redirect, which is not followed: write the final address"
        return NotSent(message=words, is_refused=True)
    is_refused = 400 <= status < 500 and status not in _MAY_PASS
    words = f"it answered {status}{_phrase(status)}"
    return NotSent(message=words, retry_after=retry_after(headers.get("Retry-After"), now), is_refused=is_refused)


def _phrase(status: int) -> str:
    """What the status means; what the other side writes beside it is not repeated: it may quote the request."""
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _why(error: BaseException, line: Exchange, place: SplitResult, timing: Timing) -> str:
    """Why there was no answer, without any part of the address that a library may have quoted."""
    words = connection_error(error)
    if line.is_hung_up or (line.was_connected and words == NO_ANSWER):
        return f"no whole answer within {timing.notify_answer:g} s"
    parts = (place.geturl(), place.netloc, place.hostname, place.path.strip("/"), place.query, place.password)
    return truncate(mask(words, (part for part in parts if part and len(part) >= SHORTEST_SECRET)), 200)
