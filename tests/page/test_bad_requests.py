"""Requests that no reader makes: each is refused in a sentence, or cut, and nothing is touched or given away."""

import hashlib
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.page.conftest import SiteOf, StateOf
from tests.support.page_server import serving
from tests.support.patience import LONGEST

pytestmark = pytest.mark.slow

HOST = "Host: 127.0.0.1"
CUT = 0  # instead of a status: the connection may be closed before the response can be read
MOST = 64  # connections that the server has at once


def asked(target: str, *headers: str, method: str = "GET", version: str = "HTTP/1.1", host: str = HOST) -> bytes:
    """A request as it is sent; letters of a target that are no Latin go out as UTF-8."""
    lines = [f"{method} {target} {version}", *([host] if host else []), *headers]
    return "\r\n".join([*lines, "", ""]).encode()


BAD: dict[str, tuple[bytes, int]] = {
    "a POST": (asked("/", "Content-Length: 3", method="POST") + b"a=1", 405),
    "a PUT": (asked("/jobs", method="PUT"), 405),
    "a DELETE": (asked("/jobs/ndvi-malta", method="DELETE"), 405),
    "a PATCH": (asked("/", method="PATCH"), 405),
    "OPTIONS from another origin": (asked("/", "Origin: http://other.example", method="OPTIONS"), 405),
    "a TRACE": (asked("/", method="TRACE"), 405),
    "a CONNECT": (asked("other.example:443", method="CONNECT"), 405),
    "a method of WebDAV": (asked("/", method="PROPFIND"), 405),
    "a method in lowercase": (asked("/", method="get"), 405),
    "a method that is none": (asked("/", method="\x01\x02"), 405),
    "a stranger's Host": (asked("/", host="Host: other.example"), 421),
    "a Host that begins like ours": (asked("/", host="Host: 127.0.0.1.other.example"), 421),
    "a Host with a user": (asked("/", host="Host: 127.0.0.1@other.example"), 421),
    "two Hosts": (asked("/", "Host: other.example"), 421),
    "an empty Host": (asked("/", host="Host:"), 421),
    "a Host for a picture of the style": (asked("/style.css", host="Host: other.example"), 421),
    "a path upwards": (asked("/../../../../etc/passwd"), 404),
    "a path upwards in escapes": (asked("/%2e%2e/%2e%2e/%2e%2e/etc/passwd"), 404),
    "a path upwards in escapes twice": (asked("/%252e%252e/%252e%252e/etc/passwd"), 404),
    "a path upwards from a file": (asked("/style.css/../../../../shjobs.toml"), 404),
    "a path upwards from a job": (asked("/jobs/..%2f..%2fshjobs.toml"), 404),
    "a path with backslashes": (asked("/..\\..\\shjobs.toml"), 404),
    "a path of the disk": (asked("//etc/passwd"), 404),
    "the ledger itself": (asked("/state/shjobs.db"), 404),
    "a template": (asked("/templates/base.html"), 404),
    "an escaped NUL": (asked("/style.css%00.html"), 400),
    "an escaped line break": (asked("/jobs%0d%0aSet-Cookie:%20a=1"), 400),
    "an escape that is none": (asked("/%zz%"), 404),
    "escapes that are no UTF-8": (asked("/%ff%fe"), 404),
    "letters that are not escaped": (asked("/صورة"), 400),
    "an absolute address of another host": (asked("http://other.example/"), 400),
    "an absolute address of a file": (asked("file:///etc/passwd"), 400),
    "an address that is none": (asked("http://["), 400),
    "an asterisk": (asked("*"), 400),
    "no path": (asked("jobs"), 400),
    "an empty address": (asked(""), 400),
    "a space in the address": (asked("/jobs and more"), 400),
    "a long path": (asked("/" + "a" * 3000), 414),
    "a long query": (asked("/jobs?text=" + "a" * 3000), 414),
    "a request line without end": (asked("/" + "a" * 70_000), CUT),
    "many fields": (asked("/jobs?" + "&".join(f"f{each}=1" for each in range(60))), 400),
    "a header of 40 KiB": (asked("/", f"X-Long: {'a' * 40_000}"), 431),
    "two hundred headers": (asked("/", *[f"X-{each}: 1" for each in range(200)]), 431),
    "HTTP/0.9": (b"GET /\r\n", 400),
    "HTTP/3.0": (asked("/", version="HTTP/3.0"), 400),
    "a version that is none": (asked("/", version="HTTP/1.x"), 400),
    "another protocol": (asked("/", version="SIP/2.0"), 400),
    "the beginning of TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(40)) + b"\r\n\r\n", 400),
    "a name that there is not": (asked("/jobs/no-such-job"), 404),
    "a page that there is not": (asked("/admin"), 404),
    "JSON that there is not": (asked("/admin.json"), 404),
}  # fmt: skip


@pytest.fixture(scope="module")
def url(site: SiteOf) -> Iterator[str]:
    with serving(site("demo")) as found:
        yield found


def connected(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=LONGEST)


def exchanged(url: str, request: bytes) -> bytes:
    """All that comes back until the server closes, or, where it keeps the connection, until a second request's end."""
    with connected(url) as client:
        try:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it was refused before its end
        found = b""
        try:
            while piece := client.recv(65536):
                found += piece
        except ConnectionResetError:
            pass
        return found


def contents(root: Path) -> dict[str, str]:
    """A hash of every file, but for those in which readers of SQLite keep their locks."""
    files = [
        each for each in sorted(root.rglob("*")) if each.is_file() and not each.name.endswith((".db-shm", ".db-wal"))
    ]
    return {str(each.relative_to(root)): hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_request_is_refused_and_touches_nothing(state_of: StateOf, url: str, kind: str) -> None:
    request, status = BAD[kind]
    before = contents(state_of("demo").root)
    response = exchanged(url, request)
    first, _, rest = response.partition(b"\r\n")
    if first or status != CUT:
        assert (first[:12], response.count(b"HTTP/1.1 ")) == (f"HTTP/1.1 {status or 414}".encode(), 1), response
    head, _, body = rest.partition(b"\r\n\r\n")
    assert b"Set-Cookie" not in head
    assert b"root:" not in body and b"SQLite" not in body and b"Traceback" not in body
    assert contents(state_of("demo").root) == before
    assert exchanged(url, asked("/")).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(["Content-Length: 1000000000"], id="a length"),
        pytest.param(["Content-Length: -1"], id="a length below nothing"),
        pytest.param(["Transfer-Encoding: chunked"], id="pieces"),
        pytest.param(["Transfer-Encoding: chunked", "Content-Length: 5"], id="both"),
    ],
)
def test_a_body_is_not_taken_for_a_second_request(url: str, headers: list[str]) -> None:
    response = exchanged(url, asked("/jobs.json", *headers) + asked("/events.json"))
    assert response.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close" in response


def test_a_token_may_have_any_letters(site: SiteOf) -> None:
    with serving(site("demo"), token="clé-密-мир") as url:
        assert exchanged(url, asked("/", "Authorization: Bearer clé-密-мир")).startswith(b"HTTP/1.1 200 ")
        assert exchanged(url, asked("/", "Authorization: Bearer clé-密")).startswith(b"HTTP/1.1 401 ")


def test_more_silent_connections_than_there_are_slots_keep_no_reader_out(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.wire.server.BRIEFLY", LONGEST)
    with ExitStack() as stack:
        for _ in range(MOST + 20):
            stack.enter_context(connected(url)).sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-")
        began = time.monotonic()
        assert exchanged(url, asked("/")).startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - began < LONGEST / 10


def test_a_request_that_comes_a_byte_at_a_time_is_cut(url: str) -> None:
    with connected(url) as client:
        client.settimeout(0.5)
        began = time.monotonic()
        assert _dripped(client), "it was never cut"
        assert time.monotonic() - began < LONGEST / 5


def _dripped(client: socket.socket) -> bool:
    """Send a byte twice a second; whether the server closes the connection without a response."""
    for letter in b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: " + b"a" * 200:
        try:
            client.sendall(bytes([letter]))
            return client.recv(100) == b""
        except TimeoutError:
            continue
        except OSError:
            return True
    return False
