"""The way to the service: TLS, proxies, answers that drip, and what fails before the first byte."""

import datetime
import ipaddress
import math
import socket
import ssl
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from controller.model.answers import Accepted, NoAnswer, Refusal, Refused, Unconfirmed
from controller.model.timing import Timing
from controller.service.client import Service
from controller.service.oauth import Session
from controller.settings.deployments import Deployment
from tests.support.patience import LONGEST, PATIENT
from tests.support.peer import PAYLOAD, Server, at, opened, posted, reply
from tests.support.sandbox import until

pytestmark = pytest.mark.slow


def test_a_failed_tls_handshake_means_unsent() -> None:
    with Server() as server:
        deployment = at(server.url).model_copy(update={"base_url": f"https://127.0.0.1:{server.port}"})
        with opened(deployment, Timing(connect_timeout=0.3)) as service:
            answered = service.submit(PAYLOAD)
    assert isinstance(answered, Refused) and answered.why == Refusal.UNSENT


def test_a_proxy_that_refuses_the_tunnel_means_unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with Server(reply("502 Bad Gateway")) as server:
        monkeypatch.setenv("https_proxy", server.url)
        deployment = at(server.url).model_copy(update={"base_url": "https://service.invalid"})
        with opened(deployment) as service:
            answered = service.submit(PAYLOAD)
    assert server.requests[0].startswith("CONNECT service.invalid:443")
    assert isinstance(answered, Refused) and answered.why == Refusal.UNSENT


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
        try:
            connection.sendall(self._prefix)
            while True:
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
    timing = Timing(connect_timeout=0.3, answer_timeout=2.7, read_timeout=LONGEST)
    drip = Drip(prefix)
    with Server(drip) as server, opened(at(server.url), timing) as service:
        answered = service.submit(PAYLOAD)
        until(lambda: drip.was_hung_up)
    assert isinstance(answered, Unconfirmed)
    assert len(server.requests) == 1


def test_after_a_poll_that_dripped_the_service_was_not_asked_for_the_time() -> None:
    """The next connection of that thread was closed as one that was established too late."""
    date = reply("200 OK", "", "Date: Sun, 01 Mar 2026 12:00:00 GMT\r\n")
    drip = Drip(b"")
    with Server(drip, date) as server, opened(at(server.url)) as service:
        service._timing = Timing(connect_timeout=0.3, read_timeout=2.7)
        assert isinstance(service.status("a"), NoAnswer)
        until(lambda: drip.was_hung_up)
        service._timing = PATIENT
        assert service.server_time() == datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "date",
    [
        pytest.param("Mon, 01 Jan 99999999999 00:00:00 GMT", id="a year beyond the calendar"),
        pytest.param("Sun, 01 Mar 2026 12:00:00 +99999999999999999", id="a zone beyond every other"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 -0100", id="the year after the last in UTC"),
        pytest.param("soon", id="a word"),
    ],
)
def test_a_date_that_is_none_is_no_answer(date: str) -> None:
    with Server(reply("200 OK", "", f"Date: {date}\r\n")) as server, opened(at(server.url)) as service:
        assert isinstance(service.server_time(), NoAnswer)


class Tokens(Session):
    """Hands out whatever a test wants in the place of a token, or fails with it."""

    def __init__(self, deployment: Deployment, given: str | Exception) -> None:
        super().__init__(deployment, "id", SecretStr("CANARY-client"), PATIENT)
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
        with Service(at(server.url), Tokens(at(server.url), token), PATIENT) as service:
            answered = service.submit(payload)
        assert (server.requests, isinstance(answered, Refused) and answered.why) == ([], Refusal.UNSENT)
    assert "CANARY" not in repr(answered)
    assert not isinstance(token, str) or token not in repr(answered)
