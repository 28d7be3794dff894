"""One connection: kept and replaced, new for each POST, through proxies, and over TLS contexts that are shared."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from importlib.util import find_spec
from pathlib import Path

import pytest
from pydantic import SecretStr

from controller.model.answers import Accepted, NoAnswer, PostAnswer, Refusal, Refused, StillRunning, Unconfirmed
from controller.model.timing import Timing
from controller.service.client import Service
from controller.service.oauth import Session
from controller.settings.deployments import DEPLOYMENTS, Deployment
from controller.wire.exchange import BROKEN, Exchange
from controller.wire.trust import tls_context
from tests.conftest import served
from tests.support.certificates import Authority, Served
from tests.support.patience import LONGEST
from tests.support.stores import Reply, false_store
from tests.support.tunnel import tunnel

TIMING = Timing(connect_timeout=LONGEST, answer_timeout=LONGEST, read_timeout=LONGEST)
ID = Reply(body=b'{"id": "abc"}')


class Known(Session):
    """Has a token without asking for one."""

    def token(self) -> str:
        return "a-token"


def service(url: str, authorities: str | None = None) -> Service:
    deployment: Deployment = DEPLOYMENTS["sandbox"].model_copy(update={"base_url": url, "authorities": authorities})
    return Service(deployment, Known(deployment, "id", SecretStr("secret"), TIMING), TIMING)


def posted(url: str, authorities: str | None = None) -> PostAnswer:
    with service(url, authorities) as opened:
        return opened.submit({})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def own(authority: Authority) -> Served:
    return authority.serves()


@pytest.fixture
def no_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable keeps a host from a proxy."""
    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


class Counting(BaseHTTPRequestHandler):
    """Counts connections, and closes none of them by itself, whatever a request says."""

    protocol_version = "HTTP/1.1"
    connections: set[object]
    closes_after: int
    closed: threading.Semaphore

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.connections.add(self.client_address)
        self.send_response(200)
        self.send_header("Content-Length", str(len(ID.body)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else ID.body)
        self.answered = getattr(self, "answered", 0) + 1
        self.close_connection = self.answered == self.closes_after

    do_HEAD = do_POST = do_GET  # noqa: N815  (the names are the library's)

    def finish(self) -> None:
        super().finish()
        self.server.shutdown_request(self.request)
        self.closed.release()

    def log_message(self, *_: object) -> None:
        return


def counting(closes_after: int = 0) -> type[Counting]:
    members = {"connections": set(), "closes_after": closes_after, "closed": threading.Semaphore(0)}
    return type("Handler", (Counting,), members)


def test_polls_and_the_questions_for_the_time_share_a_kept_connection() -> None:
    handler = counting()
    with served(handler) as url, service(url) as opened:
        for _ in range(3):
            assert opened.status("a") == StillRunning()
            assert not isinstance(opened.server_time(), NoAnswer)
    assert len(handler.connections) == 1


def test_a_kept_connection_outlives_the_thread_that_opened_it() -> None:
    """Each thread had its own, which stayed open after it: a daemon that polls rarely ran out of descriptors."""
    handler, answers = counting(), []
    with served(handler) as url, service(url) as opened:
        for _ in range(3):
            thread = threading.Thread(target=lambda: answers.append(opened.status("a")))
            thread.start()
            thread.join()
    assert (answers, len(handler.connections)) == ([StillRunning()] * 3, 1)


def test_a_post_never_goes_over_a_used_connection_even_if_the_service_keeps_it_open() -> None:
    handler = counting()
    with served(handler) as url, service(url) as opened:
        for _ in range(2):
            assert opened.status("a") == StillRunning()
            assert opened.submit({}) == Accepted(request_id="abc")
    assert len(handler.connections) == 1 + 2


def test_a_kept_connection_that_the_service_closed_is_replaced_without_a_lost_answer() -> None:
    handler = counting(closes_after=1)
    with served(handler) as url, service(url) as opened:
        for _ in range(3):
            assert opened.status("a") == StillRunning()
            assert handler.closed.acquire(timeout=LONGEST)
    assert len(handler.connections) == 3


def test_a_long_answer_is_not_read_to_its_end_and_the_next_call_has_a_new_connection() -> None:
    long = Reply(body=b'{"id": "' + b"a" * 300_000 + b'"}')
    answers = iter([long, ID])
    with false_store(lambda _path, _query: next(answers)) as server, service(server.url) as opened:
        assert isinstance(opened.status("a"), NoAnswer)
        assert opened.status("a") == StillRunning()
    assert len(server.connections) == 2


def test_a_compressed_answer_is_read() -> None:
    import gzip

    answer = Reply(body=gzip.compress(ID.body), headers={"Content-Encoding": "gzip"})
    with false_store(lambda _path, _query: answer) as server:
        assert posted(server.url) == Accepted(request_id="abc")
    assert server.headers[0]["accept-encoding"] == "gzip, deflate"


@pytest.mark.slow
@pytest.mark.usefixtures("no_exception")
@pytest.mark.parametrize("is_secure", [pytest.param(False, id="plain"), pytest.param(True, id="itself over TLS")])
def test_a_post_goes_through_a_tunnel_of_a_proxy_that_wants_a_password(
    is_secure: bool, authority: Authority, own: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        tunnel(own.context() if is_secure else None) as proxy,
        false_store(lambda _path, _query: ID, own.context()) as server,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("://", "://me:p%40ss@"))
        assert posted(server.url, authority.file.read_text()) == Accepted(request_id="abc")
        assert isinstance(posted(server.url), Refused)
    address = server.url.removeprefix("https://")
    assert {target for target, _ in proxy.asked} == {address}
    assert proxy.asked[0][1]["proxy-authorization"] == "Basic bWU6cEBzcw=="
    assert "proxy-authorization" not in server.headers[0]
    assert [method for method, _ in server.asked] == ["POST"]


@pytest.mark.slow
@pytest.mark.usefixtures("no_exception")
def test_what_breaks_behind_a_tunnel_may_have_been_sent(
    authority: Authority, own: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = Reply(length=500)
    with tunnel() as proxy, false_store(lambda _path, _query: cut, own.context()) as server:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        answer = posted(server.url, authority.file.read_text())
    assert isinstance(answer, Unconfirmed)


@pytest.mark.usefixtures("no_exception")
@pytest.mark.parametrize("address", ["socks5://127.0.0.1:9", "socks5h://me:secret@127.0.0.1:9", "http://", "ftp://a:1"])
def test_a_proxy_that_cannot_be_used_is_said_and_its_password_is_not(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", address)
    answer = posted("https://service.invalid")
    if address.startswith("socks") and find_spec("socks"):
        assert isinstance(answer, Unconfirmed)  # its connections do not say how far they came
    else:
        assert isinstance(answer, Refused)
        assert answer.why == Refusal.UNSENT
    assert "secret" not in answer.message


MOST_DRIPS = 2_000  # of 20 ms: what is cut after half a second sees a few of them


def dripping(first: bytes, then: bytes, drips: list[bytes]) -> Callable[[socket.socket], None]:
    """A side that begins with `first`, and goes on with one byte after the other for as long as someone reads."""

    def speak(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(first)
            while len(drips) < MOST_DRIPS:
                connection.sendall(then)
                drips.append(then)
                time.sleep(0.02)

    return speak


@contextmanager
def speaking(speak: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port at which this side answers every connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=speak, args=[listener.accept()[0]], daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.usefixtures("no_exception")
@pytest.mark.parametrize(
    ("first", "then", "by_proxy"),
    [
        pytest.param(b"\x16\x03\x03\x40\x00\x02", b"\0", False, id="a TLS handshake"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: ", b"x", True, id="a proxy's answer to CONNECT"),
    ],
)
def test_what_drips_before_a_request_can_be_sent_is_cut_and_nothing_was_sent(
    monkeypatch: pytest.MonkeyPatch, first: bytes, then: bytes, by_proxy: bool
) -> None:
    """Each byte began the time to connect anew: such a call held its thread for ever."""
    drips: list[bytes] = []
    with speaking(dripping(first, then, drips)) as port:
        if by_proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        url = "https://example.invalid" if by_proxy else f"https://127.0.0.1:{port}"
        line = Exchange(url)
        with pytest.raises(BROKEN), line.hung_up_after(0.5):
            line.send("POST", url, {}, timeouts=(LONGEST, LONGEST), body=b"{}")
        assert (line.is_hung_up, line.was_connected) == (True, False)
        assert len(drips) < MOST_DRIPS
        line.close()


@pytest.mark.slow
def test_all_posts_of_a_process_share_one_tls_context(
    authority: Authority, own: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    loaded: list[object] = []
    load = ssl.SSLContext.load_verify_locations

    def counted(context: ssl.SSLContext, *args: object, **options: object) -> None:
        loaded.append(context)
        load(context, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(Authority(tmp_path, "other").file))
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
    answers: list[PostAnswer] = []
    with (
        false_store(lambda _path, _query: ID, own.context()) as server,
        service(server.url, authority.file.read_text()) as opened,
    ):
        threads = [threading.Thread(target=lambda: answers.append(opened.submit({}))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [Accepted(request_id="abc")] * 4
    assert (len(loaded), len(server.connections)) == (1, 4)


@pytest.mark.slow
def test_certificates_that_were_renewed_count_for_polls_too(
    authority: Authority, own: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = Authority(tmp_path, "other").file
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with false_store(lambda _path, _query: ID, own.context()) as server, service(server.url) as opened:
        assert isinstance(opened.status("a"), NoAnswer)
        bundle.write_text(bundle.read_text() + authority.file.read_text())
        assert opened.status("a") == StillRunning()


def replaced(bundle: Path, _other: str) -> tuple[str, str | None]:
    bundle.write_text(bundle.read_text() + "\n")
    return str(bundle), None


@pytest.mark.parametrize(
    ("asked", "is_same"),
    [
        pytest.param(lambda bundle, _other: (str(bundle), None), True, id="the same choice shares it"),
        pytest.param(lambda bundle, other: (str(bundle), other), False, id="other authorities have their own"),
        pytest.param(replaced, False, id="a file of certificates that was replaced is read again"),
        pytest.param(lambda bundle, _other: (str(bundle.parent), None), False, id="a folder is another choice"),
    ],
)
def test_which_tls_contexts_are_shared(
    asked: Callable[[Path, str], tuple[str, str | None]], is_same: bool, tmp_path: Path
) -> None:
    bundle, other = Authority(tmp_path).file, Authority(tmp_path, "other").file.read_text()
    before = tls_context(str(bundle), None)
    assert (tls_context(*asked(bundle, other)) is before) is is_same


@pytest.mark.usefixtures("no_exception")
def test_certificates_that_are_not_there_are_said_and_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    answer = posted("https://service.invalid")
    assert isinstance(answer, Refused)
    assert answer.why == Refusal.UNSENT
    assert "there are no certificates at /nowhere/ca.pem" in answer.message
