"""The service client against a real server on loopback: what may have been taken is never called Refused."""

import datetime
import ipaddress
import json
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

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
from controller.model.timing import Timing
from controller.service.client import Service
from controller.service.oauth import Session
from controller.settings.deployments import DEPLOYMENTS, Deployment

Answer = bytes | Callable[[socket.socket], None]
SECRET = "CANARY/secret+key=="
PAYLOAD = {"input": {}, "output": {"delivery": {"s3": {"accessKey": "CANARY-access", "secretAccessKey": SECRET}}}}
FAST = Timing(connect_timeout=2, answer_timeout=5, read_timeout=5, poll_first=0)


def reply(status: str, body: object = "", headers: str = "") -> bytes:
    text = body if isinstance(body, str) else json.dumps(body)
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(text.encode())}\r\n{headers}\r\n{text}".encode()


def wrapped(status: int, message: str, code: str = "", **more: object) -> dict[str, Any]:
    return {"error": {"status": status, "reason": "", "message": message, "code": code, **more}}


class Server:
    """Answers tokens by itself and everything else from the script, one entry for each request."""

    def __init__(self, *script: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[str] = []
        self.tokens = 0
        self.connections = 0
        self._script = list(script)
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError):
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            self._open.append(connection)
            with connection, connection.makefile("rb") as stream:
                while self._answer(connection, stream):
                    pass
        plain.close()

    def _answer(self, connection: socket.socket, stream: Any) -> bool:
        head = b""
        while (line := stream.readline()) not in (b"", b"\r\n"):
            head += line
        if not line:
            return False
        text = head.decode(errors="replace")
        lengths = [line.split(":")[1] for line in text.splitlines() if line.lower().startswith("content-length")]
        body = stream.read(int(lengths[0])) if lengths else b""
        if "/oauth/token" in text:
            self.tokens += 1
            connection.sendall(reply("200 OK", {"access_token": f"token-{self.tokens}", "expires_in": 3600}))
            return True
        self.requests.append(text + body.decode())
        answer = self._script.pop(0)
        if isinstance(answer, bytes):
            connection.sendall(answer)
            return "connection: close" not in text.lower()
        answer(connection)
        return False


def at(url: str) -> Deployment:
    return DEPLOYMENTS["sandbox"].model_copy(update={"base_url": url, "token_url": f"{url}/oauth/token"})


def opened(deployment: Deployment, timing: Timing = FAST) -> Service:
    return Service(deployment, Session(deployment, "id", SecretStr("CANARY-client"), timing), timing)


def posted(*script: Answer, timing: Timing = FAST) -> tuple[PostAnswer, Server]:
    with Server(*script) as server, opened(at(server.url), timing) as service:
        return service.submit(PAYLOAD), server


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(
            reply("200 OK", {"id": "abc-1", "status": "RUNNING"}), Accepted(request_id="abc-1"), id="an id is accepted"
        ),
        pytest.param(
            reply(
                "400 Bad Request",
                wrapped(
                    400,
                    "Invalid",
                    "COMMON_BAD_PAYLOAD",
                    errors=[{"parameter": "output->resx", "violation": "too large"}],
                ),
            ),
            Refused(
                why=Refusal.BODY, message="Invalid; output->resx: too large", status=400, code="COMMON_BAD_PAYLOAD"
            ),
            id="a wrong body is told with every violation",
        ),
        pytest.param(
            reply(
                "422 Unprocessable",
                {"status": 422, "message": "Invalid", "errors": {"parameter": "x", "violation": "y"}},
            ),
            Refused(why=Refusal.BODY, message="Invalid; x: y", status=422),
            id="the unwrapped error with errors as an object reads the same",
        ),
        pytest.param(
            reply("400 Bad Request", wrapped(400, "Body should be non-empty")),
            Refused(why=Refusal.SPURIOUS, message="Body should be non-empty", status=400),
            id="the documented spurious 400 has a name of its own",
        ),
        pytest.param(
            reply("413 Too Large", "<html><style>p{}</style><p>Too <b>large</b></p></html>"),
            Refused(why=Refusal.BODY, message="Too large", status=413),
            id="a page is read without its markup",
        ),
        pytest.param(
            reply("403 Forbidden", wrapped(403, "Not allowed", "COMMON_INSUFFICIENT_PERMISSIONS")),
            Refused(why=Refusal.FORBIDDEN, message="Not allowed", status=403, code="COMMON_INSUFFICIENT_PERMISSIONS"),
            id="a missing right is forbidden",
        ),
        pytest.param(
            reply("403 Forbidden", wrapped(403, "Monthly quota exceeded")),
            Refused(why=Refusal.QUOTA, message="Monthly quota exceeded", status=403),
            id="words about an exhausted allowance mean quota",
        ),
        pytest.param(
            reply("403 Forbidden", wrapped(403, "Quota: account expired", "COMMON_SENTINEL_ACCOUNT_EXPIRED")),
            Refused(
                why=Refusal.FORBIDDEN,
                message="Quota: account expired",
                status=403,
                code="COMMON_SENTINEL_ACCOUNT_EXPIRED",
            ),
            id="an expired account is forbidden, not out of quota",
        ),
        pytest.param(
            reply("429 Too Many", wrapped(429, "Slow down", "RATE_LIMIT_EXCEEDED"), "Retry-After: 3398\r\n"),
            Refused(why=Refusal.RATE, message="Slow down", status=429, code="RATE_LIMIT_EXCEEDED", retry_after=3.398),
            id="Retry-After is read as milliseconds",
        ),
        pytest.param(
            reply("429 Too Many", wrapped(429, "Slow down"), "Retry-After: 90000000\r\n"),
            Refused(why=Refusal.RATE, message="Slow down", status=429, retry_after=600),
            id="Retry-After is not believed beyond ten minutes",
        ),
        pytest.param(
            reply("429 Too Many", wrapped(429, "Slow down")),
            Refused(why=Refusal.CONCURRENCY, message="Slow down", status=429),
            id="429 without a time means too many at once",
        ),
        pytest.param(
            reply("429 Too Many", wrapped(429, "Slow down"), "Retry-After: 0\r\n"),
            Refused(why=Refusal.CONCURRENCY, message="Slow down", status=429),
            id="429 with a time of zero means too many at once",
        ),
        pytest.param(
            reply("429 Too Many", wrapped(429, "Too many concurrent requests"), "Retry-After: 5000\r\n"),
            Refused(why=Refusal.CONCURRENCY, message="Too many concurrent requests", status=429, retry_after=5),
            id="429 that says concurrent means too many at once",
        ),
        pytest.param(
            reply("200 OK", {"status": "RUNNING"}),
            Unconfirmed(message="the service answered 200 without a request id: OK"),
            id="200 without an id is unconfirmed",
        ),
        pytest.param(
            reply("200 OK", {"id": "../x"}),
            Unconfirmed(message="the service answered 200 without a request id: OK"),
            id="200 with an id that is no id is unconfirmed",
        ),
        pytest.param(
            b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"id":"abc"}',
            Unconfirmed(message="the service answered 200 without a request id: OK"),
            id="200 whose body breaks off is unconfirmed",
        ),
        pytest.param(
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 500\r\n\r\n{",
            Refused(why=Refusal.BODY, message="Bad Request", status=400),
            id="400 whose body breaks off is refused all the same",
        ),
        pytest.param(
            reply("200 OK", "[" * 200_000),
            Unconfirmed(message="the service answered 200 without a request id: " + "[" * 199 + "…"),
            id="a monstrous body is unconfirmed and cut short",
        ),
        pytest.param(
            reply("408 Request Timeout"),
            Unconfirmed(message="the service answered 408: Request Timeout"),
            id="408 is unconfirmed",
        ),
        pytest.param(
            reply("502 Bad Gateway", "<h1>Bad gateway</h1>"),
            Unconfirmed(message="the service answered 502: Bad gateway"),
            id="502 is unconfirmed",
        ),
        pytest.param(
            reply("502 Bad Gateway", "<head><title>502 Bad Gateway</title></head><h1>Try again</h1>"),
            Unconfirmed(message="the service answered 502: Try again"),
            id="the title of a page is not said beside its words",
        ),
        pytest.param(
            reply("502 Bad Gateway", "<head><title>Out of order</title></head>"),
            Unconfirmed(message="the service answered 502: Out of order"),
            id="a title that is all there is, is said",
        ),
        pytest.param(
            b"nonsense\r\n\r\n",
            Unconfirmed(message=""),
            id="what is no HTTP is unconfirmed",
        ),
        pytest.param(
            lambda _: None, Unconfirmed(message=""), id="a connection closed without an answer is unconfirmed"
        ),
    ],
)
def test_one_post_and_what_its_answer_means(answer: Answer, expected: PostAnswer) -> None:
    answered, server = posted(answer)
    if expected == Unconfirmed(message=""):  # the sentence names the port
        assert isinstance(answered, Unconfirmed)
        assert answered.message.startswith(f"the request was sent to {server.url}/async/v1/process, then: ")
    else:
        assert answered == expected
    assert len(server.requests) == 1


def test_the_request_carries_the_payload_and_the_token_on_a_connection_of_its_own() -> None:
    _, server = posted(reply("200 OK", {"id": "abc"}))
    head, _, body = server.requests[0].partition("{")
    assert head.startswith("POST /async/v1/process HTTP/1.1")
    assert "Authorization: Bearer token-1\r\n" in head
    assert "Connection: close\r\n" in head
    assert "Content-Type: application/json\r\n" in head
    assert "User-Agent: shjobs/" in head
    assert json.loads("{" + body) == PAYLOAD


@pytest.mark.parametrize("status", ["301 Moved", "307 Temporary", "404 Not Found", "405 No", "409 Conflict"])
def test_a_wrong_address_is_named_and_no_redirect_is_followed(status: str) -> None:
    with Server() as elsewhere:
        answered, server = posted(reply(status, "", f"Location: {elsewhere.url}\r\n"))
    assert isinstance(answered, Refused)
    assert (answered.why, answered.status) == (Refusal.ENDPOINT, int(status[:3]))
    assert f"{server.url}/async/v1/process" in answered.message
    assert ('apiPath = "/api/v1/async/process"' in answered.message) == (status[:3] == "404")
    assert elsewhere.requests == []


def test_a_redirect_to_nowhere_is_a_wrong_address_all_the_same() -> None:
    answered, _ = posted(reply("302 Found", "", "Location: http://[nowhere\r\n"))
    assert isinstance(answered, Refused)
    assert answered.why == Refusal.ENDPOINT


def test_after_a_401_the_next_attempt_has_a_new_token_and_this_one_is_not_repeated() -> None:
    script = [reply("401 Unauthorized", wrapped(401, "Expired", "COMMON_UNAUTHORIZED")), reply("200 OK", {"id": "abc"})]
    with Server(*script) as server, opened(at(server.url)) as service:
        first = service.submit(PAYLOAD)
        assert len(server.requests) == 1
        second = service.submit(PAYLOAD)
    message = "the service does not accept the access token: Expired"
    assert first == Refused(why=Refusal.CREDENTIALS, message=message, status=401, code="COMMON_UNAUTHORIZED")
    assert second == Accepted(request_id="abc")
    assert ["token-1" in server.requests[0], "token-2" in server.requests[1]] == [True, True]


def test_no_secret_that_the_service_repeats_reaches_a_message() -> None:
    told = (
        f"bad key CANARY-access / {SECRET} in {json.dumps(PAYLOAD)} for token-1 or %s" % "CANARY%2Fsecret%2Bkey%3D%3D"
    )
    for body in (wrapped(400, told, told, errors=[{"parameter": "x", "violation": told}]), f"<p>{told}</p>"):
        answered, _ = posted(reply("400 Bad Request", body))
        assert isinstance(answered, Refused)
        assert "***" in answered.message
        assert not any(each in repr(answered) for each in ("CANARY", "token-1"))


def test_a_short_secret_does_not_change_the_request_id() -> None:
    with Server(reply("200 OK", {"id": "abc-1"})) as server, opened(at(server.url)) as service:
        assert service.submit({"accessKey": "b"}) == Accepted(request_id="abc-1")


def test_nothing_that_listens_means_unsent() -> None:
    with Server(reply("200 OK", {"id": "a"})) as tokens:
        with socket.create_server(("127.0.0.1", 0)) as gone:
            port = gone.getsockname()[1]
        deployment = at(tokens.url).model_copy(update={"base_url": f"http://127.0.0.1:{port}"})
        with opened(deployment) as service:
            answered = service.submit(PAYLOAD)
    url = f"http://127.0.0.1:{port}/async/v1/process"
    assert answered == Refused(why=Refusal.UNSENT, message=f"{url} cannot be reached: nothing listens there")


def test_a_failed_tls_handshake_means_unsent() -> None:
    with Server() as server:
        deployment = at(server.url).model_copy(update={"base_url": f"https://127.0.0.1:{server.port}"})
        with opened(deployment, Timing(connect_timeout=0.3)) as service:
            answered = service.submit(PAYLOAD)
    assert isinstance(answered, Refused)
    assert answered.why == Refusal.UNSENT


def test_a_proxy_that_refuses_the_tunnel_means_unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with Server(reply("502 Bad Gateway")) as server:
        monkeypatch.setenv("https_proxy", server.url)
        deployment = at(server.url).model_copy(update={"base_url": "https://service.invalid"})
        with opened(deployment) as service:
            answered = service.submit(PAYLOAD)
    assert server.requests[0].startswith("CONNECT service.invalid:443")
    assert isinstance(answered, Refused)
    assert answered.why == Refusal.UNSENT


def test_plain_http_never_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        answered, _ = posted(reply("200 OK", {"id": "abc"}))
    assert (answered, proxy.requests) == (Accepted(request_id="abc"), [])


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's context whose certificate the client believes."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "certificate.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(key.private_bytes(*form) + certificate.public_bytes(serialization.Encoding.PEM))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def garbage(connection: socket.socket) -> None:
    """A broken TLS record: the client raises the same SSLError as for a failed handshake."""
    socket.socket.sendall(connection, b"\x17\x03\x03\x00\x20" + b"x" * 32)
    with suppress(OSError):
        connection.recv(1)


def test_a_broken_tls_record_after_the_post_is_unconfirmed(tls: ssl.SSLContext) -> None:
    with Server(garbage, tls=tls) as server, opened(at(server.url)) as service:
        answered = service.submit(PAYLOAD)
    assert isinstance(answered, Unconfirmed)
    assert len(server.requests) == 1


def test_a_netrc_entry_does_not_take_the_place_of_the_token(
    tls: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Server(reply("200 OK", {"id": "abc"}), tls=tls) as server, opened(at(server.url)) as service:
        assert service.submit(PAYLOAD) == Accepted(request_id="abc")
    assert "Authorization: Bearer token-1\r\n" in server.requests[0]


class Drip:
    """An answer that never ends by itself; `was_hung_up` tells that the client did not wait for its end."""

    def __init__(self, prefix: bytes) -> None:
        self._prefix = prefix
        self.was_hung_up = False

    def __call__(self, connection: socket.socket) -> None:
        connection.sendall(self._prefix)
        try:
            for _ in range(100):
                connection.sendall(b"x")
                time.sleep(0.05)
        except OSError:
            self.was_hung_up = True


@pytest.mark.parametrize(
    "prefix",
    [
        pytest.param(b"", id="before the status line"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-Slow: ", id="inside the headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", id="inside the body"),
    ],
)
def test_an_answer_that_drips_is_given_up_in_time_and_unconfirmed(prefix: bytes) -> None:
    timing = Timing(connect_timeout=0.3, answer_timeout=0.3, read_timeout=2)
    drip = Drip(prefix)
    answered, server = posted(drip, timing=timing)
    assert isinstance(answered, Unconfirmed)
    assert (len(server.requests), drip.was_hung_up) == (1, True)


def test_a_client_that_is_not_accepted_sends_nothing() -> None:
    with Server(reply("401 No", {"error": "invalid_client"})) as server:
        deployment = at(server.url).model_copy(update={"token_url": f"{server.url}/elsewhere"})
        with opened(deployment) as service:
            answered = service.submit(PAYLOAD)
    assert isinstance(answered, Refused)
    assert answered.why == Refusal.CREDENTIALS
    assert [each.split()[1] for each in server.requests] == ["/elsewhere"]


def test_without_a_token_nothing_is_sent_and_the_time_to_come_back_is_told() -> None:
    with Server(reply("429 Slow", "", "Retry-After: 7\r\n")) as server:
        deployment = at(server.url).model_copy(update={"token_url": f"{server.url}/elsewhere"})
        with opened(deployment) as service:
            answered = service.submit(PAYLOAD)
    assert isinstance(answered, Refused)
    assert answered.why == Refusal.UNSENT
    assert answered.retry_after == pytest.approx(7, abs=0.5)
    assert [each.split()[1] for each in server.requests] == ["/elsewhere"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(reply("200 OK", {"id": "a", "status": "RUNNING"}), StillRunning(), id="running"),
        pytest.param(
            reply("200 OK", {"id": "a", "status": "QUEUED"}), StillRunning(status="QUEUED"), id="any word runs"
        ),
        pytest.param(reply("200 OK", {"id": "a"}), StillRunning(), id="no word runs"),
        pytest.param(reply("404 Not Found", wrapped(404, "Gone")), NotVisible(), id="404 is not visible"),
        pytest.param(reply("403 Forbidden"), NotVisible(), id="403 is not visible"),
        pytest.param(
            reply("200 OK", "<p>Please log in</p>"),
            NoAnswer(message="the service answered 200: Please log in"),
            id="a proxy's page is no answer",
        ),
        pytest.param(
            reply("429 Too Many", wrapped(429, "Slow"), "Retry-After: 2000\r\n"),
            NoAnswer(message="the service answered 429: Slow", retry_after=2),
            id="429 is no answer, with a time",
        ),
        pytest.param(reply("503 Busy"), NoAnswer(message="the service answered 503: Busy"), id="503 is no answer"),
        pytest.param(
            reply("302 Found", "", "Location: http://127.0.0.1:1/\r\n"),
            NoAnswer(message="the service answered 302: Found"),
            id="a redirect is no answer",
        ),
    ],
)
def test_what_a_status_means(answer: bytes, expected: GetAnswer) -> None:
    with Server(answer) as server, opened(at(server.url)) as service:
        assert service.status("a") == expected


def test_polls_of_one_thread_share_a_connection_and_a_401_brings_a_new_token() -> None:
    script = [reply("401 No", wrapped(401, "Expired")), *[reply("200 OK", {"status": "RUNNING"})] * 2]
    with Server(*script) as server, opened(at(server.url)) as service:
        answers = [service.status("a") for _ in range(3)]
        assert answers == [NoAnswer(message="the service answered 401: Expired"), StillRunning(), StillRunning()]
        assert len(server._open) == 3  # two for tokens
    assert server.tokens == 2


@pytest.mark.parametrize("request_id", ["..", ".", ""])
def test_an_id_that_would_lead_elsewhere_is_not_asked_for(request_id: str) -> None:
    with Server() as server, opened(at(server.url)) as service:
        assert service.status(request_id) == NoAnswer(message=f"{request_id!r} is no request id")


def test_an_id_is_quoted_into_the_path() -> None:
    with Server(reply("404 No")) as server, opened(at(server.url)) as service:
        assert service.status("a/b?c") == NotVisible()
    assert server.requests[0].startswith("GET /async/v1/process/a%2Fb%3Fc HTTP/1.1")


def test_a_lost_answer_to_a_poll_is_no_answer() -> None:
    with Server(lambda _: None) as server, opened(at(server.url)) as service:
        answered = service.status("a")
    assert answered == NoAnswer(message=f"{server.url}/async/v1/process/a: the connection was closed without an answer")


class Tokens(Session):
    """Hands out whatever a test wants in the place of a token, or fails with it."""

    def __init__(self, deployment: Deployment, given: str | Exception) -> None:
        super().__init__(deployment, "id", SecretStr("CANARY-client"), FAST)
        self._given = given

    def token(self) -> str:
        if isinstance(self._given, Exception):
            raise self._given
        return self._given


ENDLESS: dict[str, Any] = {}
ENDLESS["input"] = ENDLESS


@pytest.mark.parametrize(
    ("payload", "token"),
    [
        pytest.param({"width": math.nan}, "good", id="a body with NaN"),
        pytest.param({"width": math.inf}, "good", id="a body with an endless number"),
        pytest.param({"evalscript": "\ud800"}, "good", id="a body with half a character"),
        pytest.param({"accessKey": "\udce9"}, "good", id="a key that is not UTF-8"),
        pytest.param({"width": {1, 2}}, "good", id="a body that is no JSON"),
        pytest.param(ENDLESS, "good", id="a body without end"),
        pytest.param(PAYLOAD, "a\nb", id="a token that breaks the header"),
        pytest.param(PAYLOAD, "ключ", id="a token that fits into no header"),
        pytest.param(PAYLOAD, TypeError("list indices"), id="a token that could not be read"),
        pytest.param(PAYLOAD, MemoryError(), id="no memory for the token"),
    ],
)
def test_what_fails_before_the_first_byte_was_taken_for_sent(payload: dict[str, Any], token: str | Exception) -> None:
    """It was called Unconfirmed, shut the gate for all jobs, and waited for an operator for ever."""
    with Server(reply("200 OK", {"id": "abc"})) as server:
        with Service(at(server.url), Tokens(at(server.url), token), FAST) as service:
            answered = service.submit(payload)
        assert (server.requests, isinstance(answered, Refused) and answered.why) == ([], Refusal.UNSENT)
    assert "CANARY" not in repr(answered)
    assert not isinstance(token, str) or token not in repr(answered)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(1)
    assert [each.name for each in threading.enumerate() if each not in before and each.name != "deadlines"] == []
