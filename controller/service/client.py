"""The two calls of the service, with every answer as a value: workers call it, the deciding thread reads the values.

`submit` costs money: it sends at most one request, and returns Refused only when the service cannot have accepted it.
Source: reference page "Asynchronous Processing API" §§1, 4 and 7, "Open questions: Async API" 14, 16, 19 and 20.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol, Self
from urllib.parse import quote

from urllib3 import BaseHTTPResponse

from controller.model.answers import (
    Accepted,
    GetAnswer,
    NoAnswer,
    NotVisible,
    PostAnswer,
    Refusal,
    Refused,
    StillRunning,
    Unconfirmed,
)
from controller.model.clock import Clock, ServiceClock
from controller.model.errors import Later, UsageError, mask, truncate
from controller.model.skew import date_in
from controller.model.timing import Timing
from controller.service.response import ServiceResponse
from controller.settings.deployments import Deployment
from controller.wire.exchange import BROKEN, Exchange, KeptExchanges

AT_ODDS = "not sent: this machine's clock and the service's are minutes apart"
_SECRET_KEYS = {"accessKey", "secretAccessKey", "credentials"}
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SPURIOUS = "body should be non-empty"
_CONCURRENT = re.compile(r"concurren", re.IGNORECASE)
_QUOTA = re.compile(r"quota|exhausted|exceeded", re.IGNORECASE)
_EXPIRED = re.compile(r"expired", re.IGNORECASE)


class Tokens(Protocol):
    """What the service needs of an OAuth session."""

    user_agent: str

    def token(self) -> str:
        """A valid token; raises `UsageError` when the client is refused, `Later` when there is none now."""

    def renew(self, stale: str) -> None:
        """Replace this token, which the service refused."""

    def in_words(self, error: BaseException) -> str:
        """Why a connection failed."""


class Service:
    """One deployment, called with one OAuth client. Safe to share between threads; close it when done."""

    def __init__(
        self, deployment: Deployment, session: Tokens, timing: Timing, time: ServiceClock | None = None
    ) -> None:  # fmt: skip
        self._deployment = deployment
        self._session = session
        self._timing = timing
        self._time = time or ServiceClock(Clock())
        self._kept = KeptExchanges(deployment.base_url, deployment.authorities)
        self._headers = {
            "User-Agent": session.user_agent,
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the kept connections; one that is in use is closed after its call."""
        self._kept.close()

    def submit(self, payload: Mapping[str, Any]) -> PostAnswer:
        """POST the payload once, on a new connection. Whatever fails, it is not sent again here.

        Everything that can fail without the service is done before there is a connection: then nothing was sent.
        """
        try:
            body = json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()
            token = self._session.token()
            secrets = (token, *_secrets(payload))
            headers = {**self._bearing(token), "Content-Type": "application/json", "Connection": "close"}
            if self.is_at_odds():
                return Refused(why=Refusal.UNSENT, message=AT_ODDS)
        except UsageError as error:
            return Refused(why=Refusal.CREDENTIALS, message=str(error))
        except Later as error:
            return Refused(why=Refusal.UNSENT, message=str(error), retry_after=error.seconds)
        except Exception as error:  # noqa: BLE001  its message may repeat what was to be sent
            return Refused(why=Refusal.UNSENT, message=f"the request cannot be made: {type(error).__name__}")
        line = Exchange(self._deployment.base_url, self._deployment.authorities)
        try:
            answer = self._exchange(line, "POST", self._deployment.process_url, headers, secrets, body)
        except Exception as error:  # noqa: BLE001  its meaning depends on the stage, never on the type
            return self._broken_off(line, error, secrets)
        finally:
            line.close()
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._session.renew(token)
        return self._read_post(answer)

    def status(self, request_id: str) -> GetAnswer:
        """GET the status of a request. A lost or unclear answer is `NoAnswer`: the request itself is not affected."""
        if not request_id.strip("."):
            return NoAnswer(message=f"{request_id!r} is no request id")
        url = f"{self._deployment.process_url}/{quote(request_id, safe='')}"
        try:
            token = self._session.token()
            headers = self._bearing(token)
            with self._kept.one() as line:
                answer = self._exchange(line, "GET", url, headers, (token,))
        except UsageError as error:
            return NoAnswer(message=str(error))
        except Later as error:
            return NoAnswer(message=str(error), retry_after=error.seconds)
        except BROKEN as error:
            return NoAnswer(message=f"{url}: {self._session.in_words(error)}")
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._session.renew(token)
        return self._read_get(answer)

    def server_time(self) -> datetime | NoAnswer:
        """The service's time, from the Date header of a response to a request that needs no token."""
        url = self._deployment.base_url
        try:
            with self._kept.one() as line, self._answered(line, "HEAD", url, self._headers) as response:
                response.drain_conn()  # the connection is kept
                answered = date_in(response.headers.get("Date"))
            return answered or NoAnswer(message=f"{url} answers without a Date")
        except BROKEN as error:
            return NoAnswer(message=f"{url}: {self._session.in_words(error)}")

    def is_at_odds(self) -> bool:
        """Whether its clock is far from ours; calls once more when the latest response leaves that open."""
        if self._time.is_unsettled:
            self.server_time()
        return self._time.is_off or self._time.is_odd

    def _bearing(self, token: str) -> dict[str, str]:
        """The headers of a call with this token. Raises `ValueError` for one that fits into no header.

        Otherwise it would fail only once there is a connection.
        """
        if not (token.isascii() and token.isprintable()):
            raise ValueError("the access token cannot be sent")
        return {**self._headers, "Authorization": f"Bearer {token}"}

    def _exchange(
        self,
        line: Exchange,
        method: str,
        url: str,
        headers: Mapping[str, str],
        secrets: tuple[str, ...],
        body: bytes | None = None,
    ) -> ServiceResponse:
        """One request and its whole response; the first secret is the token."""
        with self._answered(line, method, url, headers, body) as response:
            return ServiceResponse.read(response, secrets)

    @contextmanager
    def _answered(
        self, line: Exchange, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Iterator[BaseHTTPResponse]:
        """One request and its response, still to be read, within the deadline of its kind."""
        connect = self._timing.connect_timeout
        longest = self._timing.read_timeout if body is None else self._timing.answer_timeout
        with line.hung_up_after(connect + longest):
            response = line.send(method, url, headers, body=body, timeouts=(connect, longest))
            try:
                self._time.receive(response.headers)
                yield response
            finally:
                with suppress(*BROKEN):
                    response.close()

    def _broken_off(self, line: Exchange, error: Exception, secrets: Iterable[str]) -> Refused | Unconfirmed:
        """No status line was read: what counts is whether a connection was established, not what was raised."""
        why = "no whole answer in time" if line.is_hung_up else mask(self._session.in_words(error), secrets)
        if line.was_connected:
            return Unconfirmed(message=f"the request was sent to {self._deployment.process_url}, then: {why}")
        return Refused(why=Refusal.UNSENT, message=f"{self._deployment.process_url} cannot be reached: {why}")

    def _read_post(self, answer: ServiceResponse) -> PostAnswer:
        status = answer.status
        if 200 <= status < 300:
            return _accepted(answer)
        if status < 300 or status == HTTPStatus.REQUEST_TIMEOUT or status >= 500:
            return Unconfirmed(message=f"the service answered {status}: {answer.words}")
        match status:
            case 400 | 413 | 422:
                why = Refusal.SPURIOUS if _SPURIOUS in answer.words.lower() else Refusal.BODY
                return Refused(why=why, message=answer.words, status=status, code=answer.code)
            case 401:
                message = f"the service does not accept the access token: {answer.words}"
                return Refused(why=Refusal.CREDENTIALS, message=message, status=status, code=answer.code)
            case 403:
                return Refused(why=_forbidden(answer), message=answer.words, status=status, code=answer.code)
            case 429:
                return self._too_many(answer)
        message = self._wrong_address(answer)
        return Refused(why=Refusal.ENDPOINT, message=message, status=status, code=answer.code)

    def _too_many(self, answer: ServiceResponse) -> Refused:
        pause = answer.retry_after(self._timing.retry_after_longest)
        is_concurrency = not answer.names_a_time or _CONCURRENT.search(answer.words) is not None
        why = Refusal.CONCURRENCY if is_concurrency else Refusal.RATE
        return Refused(why=why, message=answer.words, status=answer.status, code=answer.code, retry_after=pause)

    def _wrong_address(self, answer: ServiceResponse) -> str:
        advice = "check baseUrl and apiPath in the settings, and any proxy between"
        if answer.status == HTTPStatus.NOT_FOUND:
            advice = f'check baseUrl in the settings, or write apiPath = "{self._deployment.other_path}"'
        return f"{self._deployment.process_url} answers {answer.status}: {answer.words}; {advice}"

    def _read_get(self, answer: ServiceResponse) -> GetAnswer:
        if answer.status == HTTPStatus.OK and answer.is_json_object:
            return StillRunning(status=truncate(str(answer.content.get("status") or "RUNNING"), 50))
        if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN):
            return NotVisible()
        message = f"the service answered {answer.status}: {answer.words}"
        return NoAnswer(message=message, retry_after=answer.retry_after(self._timing.retry_after_longest))


def _accepted(answer: ServiceResponse) -> Accepted | Unconfirmed:
    request_id = answer.content.get("id")
    if isinstance(request_id, str) and _REQUEST_ID.fullmatch(request_id):
        return Accepted(request_id=request_id)
    return Unconfirmed(message=f"the service answered {answer.status} without a request id: {answer.words}")


def _forbidden(answer: ServiceResponse) -> Refusal:
    answered = f"{answer.code} {answer.words}"
    return Refusal.QUOTA if _QUOTA.search(answered) and not _EXPIRED.search(answered) else Refusal.FORBIDDEN


def _secrets(payload: Any) -> Iterator[str]:
    """Every secret string in a payload of dictionaries and lists, at any depth."""
    if isinstance(payload, dict):
        yield from (value for key, value in payload.items() if key in _SECRET_KEYS and isinstance(value, str))
        payload = payload.values()
    for each in payload:
        if isinstance(each, (dict, list, tuple)):  # an area has thousands of numbers
            yield from _secrets(each)
