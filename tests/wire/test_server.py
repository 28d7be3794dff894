"""The daemon's port under clients that take and never give: the real server, on loopback."""

import resource
import socket
import threading
import time
import urllib.request
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from controller.daemon.http import Web
from controller.page.message import PageResponse
from controller.wire.server import LARGEST_HEAD, LimitedServer
from tests.support.patience import LONGEST

pytestmark = pytest.mark.slow

PAGES = {"/healthz": lambda: PageResponse(content=b"ok\n"), "/large": lambda: PageResponse(content=bytes(64 << 20))}


OTHERS = weakref.WeakSet[threading.Thread]()


@contextmanager
def served() -> Iterator[tuple[str, tuple[str, int]]]:
    OTHERS.update(threading.enumerate())
    with Web("127.0.0.1:0", PAGES) as web:
        host, port = web.url.removeprefix("http://").split(":")
        yield web.url, (host, int(port))


def is_well(url: str) -> bool:
    with urllib.request.urlopen(f"{url}/healthz", timeout=LONGEST) as answer:
        return bool(answer.read() == b"ok\n")


def threads() -> int:
    """The threads of the server of this test: those of other tests may have left some."""
    own = (each for each in threading.enumerate() if each not in OTHERS)
    return sum("process_request_thread" in each.name for each in own)


def until(holds: Callable[[], object]) -> bool:
    ends_at = time.monotonic() + LONGEST
    while not (found := holds()) and time.monotonic() < ends_at:
        time.sleep(0.01)
    return bool(found)


def is_cut(connection: socket.socket) -> bool:
    """Whether the other side has ended it; what it said before that does not matter."""
    connection.settimeout(LONGEST)
    with suppress(ConnectionError):
        while connection.recv(1 << 20):
            pass
    return True


@pytest.mark.parametrize("said", [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "], ids=["nothing", "half"])
def test_hundreds_of_half_open_requests_keep_neither_threads_nor_an_answer_from_others(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.wire.server.BRIEFLY", LONGEST)
    with served() as (url, where), ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(socket.create_connection(where, timeout=LONGEST)).sendall(said)
        assert is_well(url)
        assert until(lambda: threads() <= LimitedServer.most)


@pytest.mark.parametrize("drip", [b"", b"X"], ids=["nothing more comes", "a byte comes now and then"])
def test_a_request_must_be_whole_in_time(monkeypatch: pytest.MonkeyPatch, drip: bytes) -> None:
    monkeypatch.setattr(LimitedServer, "patience", 0.3)
    with served() as (url, where), socket.create_connection(where, timeout=LONGEST) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ")
        with suppress(ConnectionError):
            while until(lambda: not threads() or drip) and threads():
                slow.sendall(drip)
                time.sleep(0.05)
        assert is_cut(slow)
        monkeypatch.setattr(LimitedServer, "patience", LONGEST)
        assert is_well(url)


def test_an_answer_must_be_taken_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LimitedServer, "answer_patience", 0.3)
    with served() as (url, where), socket.create_connection(where, timeout=LONGEST) as deaf:
        deaf.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with suppress(ConnectionError):
            deaf.recv(1, socket.MSG_PEEK)  # the answer has begun, or its time was over before; it stays unread
        assert until(lambda: not threads())
        monkeypatch.setattr(LimitedServer, "answer_patience", LONGEST)
        assert is_well(url)


def deaf(where: tuple[str, int]) -> socket.socket:
    """A client to which a large response is being sent, and that does not read it."""
    client = socket.create_connection(where, timeout=LONGEST)
    client.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert client.recv(1, socket.MSG_PEEK)
    return client


@pytest.fixture
def room_for_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LimitedServer, "most", 3)
    for name, seconds in (("SLOW", 0.0), ("BRIEFLY", LONGEST)):
        monkeypatch.setattr(f"controller.wire.server.{name}", seconds)
    for name in ("patience", "answer_patience"):
        monkeypatch.setattr(LimitedServer, name, LONGEST)


@pytest.mark.usefixtures("room_for_three")
def test_clients_that_do_not_read_their_responses_keep_no_other_out() -> None:
    with served() as (url, where), ExitStack() as stack:
        first, *_ = [stack.enter_context(deaf(where)) for _ in range(LimitedServer.most)]
        assert is_well(url)
        assert is_cut(first)


@pytest.mark.usefixtures("room_for_three")
def test_a_client_that_has_just_come_is_not_cut_for_another_while_one_does_not_read() -> None:
    with served() as (url, where), ExitStack() as stack:
        for _ in range(LimitedServer.most - 1):
            stack.enter_context(deaf(where))
        client = stack.enter_context(socket.create_connection(where, timeout=LONGEST))
        assert until(lambda: threads() == LimitedServer.most)
        assert is_well(url)
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"


def test_a_connection_that_is_used_is_kept() -> None:
    with served() as (_, where):
        client = HTTPConnection(*where, timeout=LONGEST)
        for _ in range(3):
            client.request("GET", "/healthz")
            with client.getresponse() as answer:
                assert (answer.status, answer.read()) == (200, b"ok\n")
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
        client.close()


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"X: " + b"x" * LARGEST_HEAD, id="one long header"),
        pytest.param(b"X: x\r\n" * (LARGEST_HEAD // 6), id="many headers"),
        pytest.param(b"X: " + b"x" * 1000 + b"\r\n", id="no end, a line at a time"),
    ],
)
def test_a_head_has_a_largest_size(head: bytes) -> None:
    with served() as (url, where), socket.create_connection(where, timeout=LONGEST) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        with suppress(ConnectionError):
            for _ in range(40):
                client.sendall(head)
        assert is_cut(client)
        assert is_well(url)


def test_a_body_is_not_taken_for_the_next_request() -> None:
    with served() as (_, where), socket.create_connection(where, timeout=LONGEST) as client:
        client.sendall(
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\nGET /healthz HTTP/1.1\r\n"
        )
        found = b"".join(iter(lambda: client.recv(65536), b""))
        assert found.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(("host", "status"), [("evil.example", 421), ("localhost", 200)])
def test_a_name_that_leads_here_is_not_answered(host: str, status: int) -> None:
    with served() as (_, where):
        client = HTTPConnection(*where, timeout=LONGEST)
        client.request("GET", "/healthz", headers={"Host": host})
        assert client.getresponse().status == status
        client.close()


def test_a_lack_of_descriptors_is_reported_and_survived(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with served() as (url, where), socket.create_connection(where, timeout=LONGEST) as waiting:
        assert until(threads)
        with ExitStack() as stack:
            held = [stack.enter_context(socket.socket()) for _ in range(3)]
            highest = max(each.fileno() for each in held)
            resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
            try:
                with suppress(OSError):
                    while True:
                        stack.enter_context((tmp_path / "x").open("w"))
                client = held.pop()
                client.settimeout(LONGEST)
                client.connect(where)
                assert until(lambda: "Too many open files" in caplog.text)
                assert is_cut(waiting)  # it made room
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert is_well(url)
    assert caplog.text.count("Too many open files") == 1
