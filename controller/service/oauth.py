"""Access tokens of the service: fetched with the OAuth client, shared by all threads, renewed before they expire.

`client` gets one before every call. Client credentials have no refresh token, so a new one is fetched each time.
Source: reference page "Asynchronous Processing API" §2, "Open questions: Async API" 20 and 21.
"""

import logging
import math
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Self

import requests
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from oauthlib.oauth2.rfc6749.errors import MissingTokenError
from pydantic import SecretStr
from requests_oauthlib import OAuth2Session

from controller.model.answers import read_received
from controller.model.errors import Later, UsageError, mask, truncate
from controller.model.timing import Timing
from controller.settings.deployments import Deployment, is_loopback
from controller.wire.adapter import BoundedAdapter
from controller.wire.messages import connection_error

_LIFETIME = 600.0  # assumed when the response has none
_LEAST_MARGIN = 60.0
_REFUSED = (400, 401, 403)
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # b64token of RFC 6750
"""What a header may contain (RFC 6750); anything else would fail only once there is a connection."""


class TokenRefused(UsageError):  # noqa: N818  (the name of an outcome, like those in answers)
    """The token endpoint does not accept the OAuth client: its id or secret must change."""


class TokenUnavailable(Later):
    """No token this time: the endpoint is busy, broken or not reachable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    text: str
    asked_at: float
    renew_at: float
    expires_at: float


class Session:
    """Provides a token that is valid for the next call. Safe to share between threads; close it when done."""

    def __init__(
        self,
        deployment: Deployment,
        client_id: str,
        client_secret: SecretStr,
        timing: Timing,
        monotonic: Callable[[], float] = time.monotonic,
        receive: Callable[[Mapping[str, str]], None] = lambda _headers: None,
    ) -> None:
        self.user_agent = f"shjobs/{_version()}"
        self._url = deployment.token_url
        self._authorities = deployment.authorities
        self._client_id = client_id
        self._secret = client_secret
        self._timing = timing
        self._monotonic = monotonic
        self._receive = receive
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self._failure: TokenRefused | TokenUnavailable | None = None
        self._ask_again_at = 0.0
        # It logs the secret in its debug messages.
        logging.getLogger("requests_oauthlib").setLevel(logging.INFO)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Session({self._url})"

    def close(self) -> None:
        """Forget the token, at once: a thread may hold the lock for as long as it waits for another."""
        self._token = None

    def token(self) -> str:
        """A token that is valid long enough for the next call. Raises `TokenRefused` or `TokenUnavailable`.

        One thread fetches, the others wait for its result. After a failure no thread fetches again for a moment, and
        while the held token is still valid the failure is not reported.
        """
        with self._lock:
            now = self._monotonic()
            held = self._token
            if held is not None and now < held.renew_at:
                return held.text
            if self._failure is None or now >= self._ask_again_at:
                held = self._fetched(now)
            if held is not None and now < held.expires_at:
                return held.text
            raise self._known_failure(now)

    def renew(self, stale: str) -> None:
        """The service answered 401 to `stale`: the next call of `token` fetches another one.

        A token that was renewed meanwhile, or fetched only just now, is kept: it has not expired.
        """
        with self._lock:
            held = self._token
            is_old = held is not None and self._monotonic() >= held.asked_at + self._timing.poll_first
            if held is not None and held.text == stale and is_old:
                self._token = None

    def in_words(self, error: BaseException) -> str:
        """Why a connection failed, for the user: the root of the error, the same text every time, no secret."""
        return truncate(mask(connection_error(error), [self._secret.get_secret_value()]), 200)

    def _fetched(self, now: float) -> _Token | None:
        """Fetch a token once, and keep it or the failure."""
        try:
            answer = self._asked()
        except (TokenRefused, TokenUnavailable) as error:
            pause = error.seconds if isinstance(error, TokenUnavailable) else None
            self._failure, self._ask_again_at = error, now + (pause or self._timing.unsent_first)
            return self._token
        lifetime = _lifetime(answer)
        margin = min(max(_LEAST_MARGIN, lifetime / 10), lifetime / 2)
        self._failure = None
        self._token = token = _Token(
            text=answer["access_token"],
            asked_at=now,
            renew_at=now + lifetime - margin,
            expires_at=now + lifetime,
        )
        return token

    def _known_failure(self, now: float) -> TokenRefused | TokenUnavailable:
        """The failure as a new exception: one raised in several threads would accumulate their tracebacks."""
        if isinstance(self._failure, TokenUnavailable):
            left = None if self._failure.seconds is None else max(0.0, self._ask_again_at - now)
            return TokenUnavailable(str(self._failure), left)
        return TokenRefused(str(self._failure))

    def _asked(self) -> dict[str, Any]:
        """One request to the token endpoint; returns the token, or raises why there is none."""
        if self._url.startswith("http://") and is_loopback(self._url):
            os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
        with OAuth2Session(client=BackendApplicationClient(client_id=self._client_id)) as http:
            http.headers["User-Agent"] = self.user_agent
            http.trust_env = self._url.startswith("https://")  # no proxy may forward the secret in plain http
            for scheme in ("https://", "http://"):
                http.mount(scheme, BoundedAdapter(self._authorities))
            http.max_redirects = 0  # the secret goes to this address only
            http.register_compliance_hook("access_token_response", self._checked)
            try:
                answer: dict[str, Any] = http.fetch_token(
                    self._url,
                    client_secret=self._secret.get_secret_value(),
                    include_client_id=True,
                    timeout=(self._timing.connect_timeout, self._timing.read_timeout),
                )
            except requests.TooManyRedirects as error:
                raise TokenUnavailable(
                    f"{self._url} answers with a redirect; set tokenUrl to where it leads"
                ) from error
            except requests.RequestException as error:
                raise TokenUnavailable(f"{self._url} cannot be reached: {self.in_words(error)}") from error
            except (TokenRefused, TokenUnavailable):
                raise
            except Exception as error:
                # The OAuth library raises arbitrary errors for JSON of another shape.
                if isinstance(error, OAuth2Error) and not isinstance(error, MissingTokenError):
                    raise TokenRefused(self._refusal(f"{error.error}: {error.description or ''}")) from error
                raise self._no_token() from error
        if not isinstance(text := answer.get("access_token"), str) or not _TOKEN.fullmatch(text):
            raise self._no_token()
        return answer

    def _no_token(self) -> TokenUnavailable:
        return TokenUnavailable(f"{self._url} answered without a token that can be used; is tokenUrl right?")

    def _checked(self, response: requests.Response) -> requests.Response:
        """Report an error status plainly: the OAuth library would only miss the token in it."""
        self._receive(response.headers)
        status = response.status_code
        if status == requests.codes.ok:
            return response
        words = _oauth_words(response)
        if status in _REFUSED:
            raise TokenRefused(self._refusal(words or f"status {status}"))
        plain = mask(words or response.reason or "", [self._secret.get_secret_value()])
        message = truncate(f"{self._url} gives no token now ({status}): {plain}")
        raise TokenUnavailable(message, _retry_after(response, self._timing.retry_after_longest))

    def _refusal(self, words: str) -> str:
        words = truncate(mask(words, [self._secret.get_secret_value()]), 300)
        return f"{self._url} does not accept the OAuth client: {words}; check SHJOBS_CLIENT_ID and SHJOBS_CLIENT_SECRET"


def _oauth_words(response: requests.Response) -> str:
    """`error` and `error_description` of an OAuth response; empty when it is something else, such as a proxy's page."""
    try:
        answer = read_received(response.content)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(answer, dict):
        return ""
    return ": ".join(str(answer[key]) for key in ("error", "error_description") if answer.get(key))


def _retry_after(response: requests.Response, longest: float) -> float | None:
    """Seconds to wait. The API uses milliseconds, an identity server perhaps seconds: below 1000 it is seconds."""
    try:
        number = float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        return None
    seconds = number if number < 1000 else number / 1000
    return min(max(seconds, 1.0), longest) if math.isfinite(number) else None


def _lifetime(answer: Mapping[str, Any]) -> float:
    try:
        lifetime = float(answer["expires_in"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return _LIFETIME
    return lifetime if 0 < lifetime < math.inf else _LIFETIME


def _version() -> str:
    try:
        return version("shjobs")
    except PackageNotFoundError:
        return "0"
