"""Tokens: fetched once for everybody, renewed in time, and every failure told plainly and without the secret."""

import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr

from controller.model.timing import Timing
from controller.service.oauth import Session, TokenRefused, TokenUnavailable
from controller.settings.deployments import DEPLOYMENTS, Deployment
from tests.service.test_transport import Drip
from tests.support.patience import LONGEST, PATIENT
from tests.support.peer import Server, at, reply
from tests.support.sandbox import until

SECRET = "CANARY/secret"


@dataclass(kw_only=True)
class Endpoint:
    """A token endpoint: numbers its tokens until it is told to answer otherwise."""

    url: str = ""
    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    lifetime: object = 3600
    pause: float = 0
    is_open: threading.Event = field(default_factory=threading.Event)
    forms: list[dict[str, list[str]]] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)

    def answer(self) -> bytes:
        if self.body is not None:
            return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()
        token = {"access_token": f"token-{len(self.forms)}", "token_type": "Bearer", "expires_in": self.lifetime}
        return json.dumps({key: value for key, value in token.items() if value is not None}).encode()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    reported = Endpoint()
    reported.is_open.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            reported.forms.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            reported.agents.append(self.headers["User-Agent"])
            time.sleep(reported.pause)
            reported.is_open.wait(LONGEST)
            content = reported.answer()
            self.send_response(reported.status)
            for name, value in reported.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    reported.url = f"http://127.0.0.1:{server.server_port}/oauth/token"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield reported
    server.shutdown()
    server.server_close()
    thread.join()


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def session(endpoint: Endpoint, clock: Time) -> Iterator[Session]:
    deployment = DEPLOYMENTS["sandbox"].model_copy(update={"token_url": endpoint.url})
    with Session(deployment, "me", SecretStr(SECRET), Timing(), monotonic=clock) as opened:
        yield opened


def test_a_token_is_asked_for_with_client_credentials_in_the_body(session: Session, endpoint: Endpoint) -> None:
    assert session.token() == "token-1"
    assert endpoint.forms == [{"grant_type": ["client_credentials"], "client_id": ["me"], "client_secret": [SECRET]}]
    assert endpoint.agents[0].startswith("shjobs/")


@pytest.mark.parametrize(
    ("lifetime", "last", "first"),
    [
        pytest.param(3600, 3239, 3241, id="an hour: renewed 10 % before its end"),
        pytest.param(300, 239, 241, id="five minutes: renewed a minute before its end"),
        pytest.param(30, 14, 16, id="half a minute: used for half of it"),
        pytest.param(None, 539, 541, id="no lifetime told: ten minutes are believed"),
        pytest.param("3600", 3239, 3241, id="a lifetime written as text counts as well"),
        pytest.param(10**400, 539, 541, id="a lifetime too long for a number: ten minutes are believed"),
    ],
)
def test_a_token_serves_until_shortly_before_it_expires(
    session: Session, endpoint: Endpoint, clock: Time, lifetime: object, last: float, first: float
) -> None:
    endpoint.lifetime = lifetime
    session.token()
    clock.now = last
    assert session.token() == "token-1"
    clock.now = first
    assert session.token() == "token-2"


def test_many_threads_cause_one_request(session: Session, endpoint: Endpoint) -> None:
    endpoint.pause = 0.1
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: session.token(), range(8))) == {"token-1"}
    assert len(endpoint.forms) == 1


def test_a_refused_token_is_renewed_once_however_many_threads_saw_it_refused(session: Session, clock: Time) -> None:
    stale = session.token()
    clock.now = 100
    for _ in range(3):
        session.renew(stale)
        assert session.token() == "token-2"


def test_a_token_refused_as_soon_as_it_was_fetched_is_not_fetched_again_and_again(session: Session) -> None:
    for _ in range(3):
        session.renew(session.token())
    assert session.token() == "token-1"


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_wrong_client_is_refused_in_the_words_of_the_service(
    session: Session, endpoint: Endpoint, status: int
) -> None:
    endpoint.status = status
    endpoint.body = {"error": "invalid_client", "error_description": f"no client with {SECRET}"}
    with pytest.raises(TokenRefused) as caught:
        session.token()
    assert str(caught.value) == (
        f"{endpoint.url} does not accept the OAuth client: invalid_client: no client with ***; "
        "check SHJOBS_CLIENT_ID and SHJOBS_CLIENT_SECRET"
    )


def test_an_error_under_status_200_is_a_refusal_too(session: Session, endpoint: Endpoint) -> None:
    endpoint.body = {"error": "invalid_client"}
    with pytest.raises(TokenRefused, match="invalid_client"):
        session.token()


@pytest.mark.parametrize(
    ("status", "body", "headers", "seconds"),
    [
        pytest.param(502, "<html>Bad <b>gateway</b></html>", {}, None, id="a proxy's page"),
        pytest.param(503, {"error": "temporarily_unavailable"}, {}, None, id="an OAuth error with 503"),
        pytest.param(429, "", {"Retry-After": "30"}, 30, id="429: a small number is seconds"),
        pytest.param(429, "", {"Retry-After": "3398"}, 3.398, id="429: a big number is milliseconds"),
        pytest.param(429, "", {"Retry-After": "900000000"}, 600, id="429: not believed beyond ten minutes"),
        pytest.param(429, "", {"Retry-After": "soon"}, None, id="429: no number"),
        pytest.param(200, "<html>Please log in</html>", {}, None, id="200 without JSON"),
        pytest.param(200, {"status": "ok"}, {}, None, id="200 without a token"),
        pytest.param(200, [], {}, None, id="an empty list"),
        pytest.param(200, "[" * 100_000, {}, None, id="a list without end"),
        pytest.param(200, [{"access_token": "a"}], {}, None, id="a list of tokens"),
        pytest.param(200, '"x"', {}, None, id="a text"),
        pytest.param(200, "null", {}, None, id="null"),
        pytest.param(200, "7", {}, None, id="a number"),
        pytest.param(200, "", {}, None, id="an empty body"),
        pytest.param(200, {"access_token": None}, {}, None, id="the token is null"),
        pytest.param(200, {"access_token": ""}, {}, None, id="the token is empty"),
        pytest.param(200, {"access_token": 7}, {}, None, id="the token is a number"),
        pytest.param(200, {"access_token": {"a": "b"}}, {}, None, id="the token is an object"),
        pytest.param(200, {"access_token": "a\nb"}, {}, None, id="the token has a line break"),
        pytest.param(200, {"access_token": "canary,canary"}, {}, None, id="the token has a sign no token has"),
        pytest.param(200, {"access_token": "canary=canary"}, {}, None, id="the token is padded in its midst"),
        pytest.param(200, {"access_token": "ключ"}, {}, None, id="the token fits into no header"),
        pytest.param(200, {"access_token": "a", "scope": 7}, {}, None, id="a scope that is a number"),
        pytest.param(200, {"access_token": "a", "expires_in": "soon"}, {}, None, id="a lifetime that is no number"),
        pytest.param(200, {"access_token": "a", "expires_in": [1]}, {}, None, id="a lifetime that is a list"),
        pytest.param(502, [], {}, None, id="502 with a list"),
        pytest.param(503, "[" * 100_000, {}, None, id="503 with a list without end"),
        pytest.param(204, "", {}, None, id="204"),
        pytest.param(307, "", {"Location": "http://127.0.0.1:1/"}, None, id="a redirect, which is not followed"),
    ],
)
def test_an_endpoint_in_trouble_is_only_unavailable(
    session: Session, endpoint: Endpoint, status: int, body: object, headers: dict[str, str], seconds: float | None
) -> None:
    endpoint.status, endpoint.body, endpoint.headers = status, body, headers
    with pytest.raises(TokenUnavailable) as caught:
        session.token()
    assert str(caught.value).startswith(endpoint.url)
    assert caught.value.seconds == seconds
    assert len(endpoint.forms) == 1


def test_an_endpoint_that_is_not_there_is_unavailable(clock: Time) -> None:
    deployment = DEPLOYMENTS["sandbox"].model_copy(update={"token_url": "http://127.0.0.1:1/oauth/token"})
    with (
        Session(deployment, "me", SecretStr(SECRET), Timing(), monotonic=clock) as session,
        pytest.raises(TokenUnavailable) as caught,
    ):
        session.token()
    assert str(caught.value) == "http://127.0.0.1:1/oauth/token cannot be reached: nothing listens there"


def test_after_a_failure_nobody_asks_again_for_a_moment(session: Session, endpoint: Endpoint, clock: Time) -> None:
    endpoint.status, endpoint.headers, endpoint.body = 429, {"Retry-After": "30"}, ""
    for clock.now, left in ((0, 30), (10, 20), (29, 1)):
        with pytest.raises(TokenUnavailable) as caught:
            session.token()
        assert caught.value.seconds == left
    assert len(endpoint.forms) == 1
    endpoint.status, endpoint.body, clock.now = 200, None, 31
    assert session.token() == "token-2"


def test_a_failed_renewal_is_not_told_while_the_token_is_good(
    session: Session, endpoint: Endpoint, clock: Time
) -> None:
    session.token()
    endpoint.status = 503
    clock.now = 3300
    assert session.token() == "token-1"
    clock.now = 3601
    with pytest.raises(TokenUnavailable):
        session.token()


def test_the_secret_and_the_token_are_in_no_log_and_no_repr(
    session: Session, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = session.token()
    endpoint.status = 500
    shown = caplog.text + repr(session) + repr(vars(session))
    assert "CANARY" not in shown
    assert token not in caplog.text + repr(session)


def elsewhere(server: Server) -> Deployment:
    """Its tokens come from a place that answers from its script."""
    return at(server.url).model_copy(update={"token_url": f"{server.url}/token"})


def test_an_endpoint_that_drips_is_given_up_in_time(clock: Time) -> None:
    """Its deadline began anew with each byte, and every thread, and the end of the program, waited for it."""
    drip = Drip(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    timing = Timing(connect_timeout=0.3, read_timeout=2.7)
    with Server(drip) as server, Session(elsewhere(server), "id", SecretStr(SECRET), timing, clock) as session:
        with pytest.raises(TokenUnavailable, match="cannot be reached: no answer in time"):
            session.token()
        until(lambda: drip.was_hung_up)


def test_no_more_of_an_answer_is_read_than_a_token_needs(clock: Time) -> None:
    answer = json.dumps({"token_type": "Bearer", "more": "x" * 200_000, "access_token": "late"})
    with (
        Server(reply("200 OK", answer)) as server,
        Session(elsewhere(server), "id", SecretStr(SECRET), PATIENT, clock) as session,
        pytest.raises(TokenUnavailable, match="without a token that can be used"),
    ):
        session.token()


def test_it_is_closed_while_a_thread_waits_for_a_token(session: Session, endpoint: Endpoint) -> None:
    endpoint.is_open.clear()
    with ThreadPoolExecutor(1) as pool:
        token = pool.submit(session.token)
        until(lambda: bool(endpoint.forms))
        session.close()
        assert not token.done()
        endpoint.is_open.set()
        assert token.result(LONGEST) == "token-1"
