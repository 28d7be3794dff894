"""What the sandbox makes of bodies, addresses, headers and connections."""

import json
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import requests

from controller.sandbox.http.server import SandboxServer
from controller.sandbox.ledger import posts
from tests.support.charges import accepted_entries
from tests.support.patience import LONGEST
from tests.support.sandbox import NEW, OLD, Service, error_of, request_body, running


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        pytest.param(b"", "application/json", 400, "COMMON_BAD_PAYLOAD", id="an empty body"),
        pytest.param(b"{", "application/json", 400, "COMMON_BAD_PAYLOAD", id="not JSON"),
        pytest.param(b"\xff\xfe", "application/json", 400, "COMMON_BAD_PAYLOAD", id="not even text"),
        pytest.param(b'{"a": NaN}', "application/json", 400, "COMMON_BAD_PAYLOAD", id="NaN is not JSON"),
        pytest.param(b"[" * 100_000, "application/json", 400, "COMMON_BAD_PAYLOAD", id="a bottomless body"),
        pytest.param(b"[]", "application/json", 400, "COMMON_BAD_PAYLOAD", id="not an object"),
        pytest.param(b"{}", "text/plain", 415, "COMMON_UNSUPPORTED_MEDIA_TYPE", id="another content type"),
        pytest.param(b"{}", "application/json; charset=utf-8", 400, "COMMON_BAD_PAYLOAD", id="nothing in the object"),
    ],
)
def test_bodies_that_are_refused(service: Service, content: bytes, kind: str, status: int, code: str) -> None:
    response = service.web.post(service.url + OLD, data=content, headers={"Content-Type": kind}, timeout=LONGEST)
    assert error_of(response)[:2] == (status, code)
    assert accepted_entries(service.entries()) == []
    assert list((service.folder / "my-bucket").iterdir()) == []


@pytest.mark.parametrize("levels", [101, 489, 900])
def test_a_body_nested_too_deep_is_refused_and_holds_no_slot(tmp_path: Path, levels: int) -> None:
    """It was answered with 500, and kept its slot for ever."""
    deep = f'"note": {"[" * levels}{"]" * levels}, '
    content = json.dumps(request_body()).replace("{", "{" + deep, 1)
    headers = {"Content-Type": "application/json"}
    with running(tmp_path, max_running=1) as service:
        refused = service.web.post(service.url + OLD, data=content, headers=headers, timeout=LONGEST)
        assert error_of(refused) == (
            400,
            "COMMON_BAD_PAYLOAD",
            "The body is not valid JSON, or has more than 100 levels.",
        )
        assert service.post().status_code == 200


def test_a_violation_names_the_field(service: Service) -> None:
    body = request_body()
    body["output"]["width"] = 10001
    response = service.post(body)
    assert response.json()["error"]["errors"] == [
        {"parameter": "output->width", "violation": "must be a whole number from 1 to 10000"}
    ]
    refusal = next(entry for entry in service.entries() if entry.event == "refused")
    assert (refusal.status, refusal.code, refusal.prefix) == (400, "COMMON_BAD_PAYLOAD", "s3://my-bucket/ndvi")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        pytest.param("GET", OLD, "POST", id="there is no list"),
        pytest.param("DELETE", f"{NEW}/some-id", "GET", id="there is no cancel"),
        pytest.param("PUT", OLD, "POST", id="no PUT"),
        pytest.param("GET", "/oauth/token", "POST", id="tokens are posted for"),
        pytest.param("TRACE", OLD, "POST", id="no TRACE"),
        pytest.param("PROPFIND", f"{NEW}/some-id", "GET", id="a method of another protocol"),
    ],
)
def test_methods_that_do_not_exist_are_405(service: Service, method: str, path: str, allowed: str) -> None:
    response = service.web.request(method, service.url + path, timeout=LONGEST)
    assert error_of(response)[:2] == (405, "COMMON_METHOD_NOT_ALLOWED")
    assert response.headers["Allow"] == allowed


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/api/v2/async", id="another version"),
        pytest.param(f"{NEW}/what/ever/%s", id="the id of a running request below more than the address"),
    ],
)
def test_addresses_that_do_not_exist_are_404(slow: Service, path: str) -> None:
    id = slow.submit()
    response = slow.web.get(slow.url + path.replace("%s", id), timeout=LONGEST)
    assert error_of(response)[:2] == (404, "COMMON_NOT_FOUND")


def test_a_connection_is_kept_for_the_next_call_even_after_an_error(service: Service) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    connection = HTTPConnection(host, int(port), timeout=LONGEST)
    try:
        for method, path, status in (("POST", OLD, 401), ("PATCH", OLD, 405), ("GET", "/sandbox/health", 200)):
            connection.request(method, path, body=b"some body")
            response = connection.getresponse()
            response.read()
            assert (response.status, response.version) == (status, 11)
            assert connection.sock is not None
    finally:
        connection.close()


def answered(service: Service, sent: str) -> tuple[int, Mapping[str, Any]]:
    """The status and the error of the only reply to these bytes; the connection ends with it."""
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=LONGEST) as raw:
        raw.sendall(sent.encode())
        head, _, content = b"".join(iter(lambda: raw.recv(65536), b"")).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(content)["error"]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param("Transfer-Encoding: chunked", 411, id="a body without a length"),
        pytest.param("Content-Length: many", 400, id="a length that is no number"),
        pytest.param("Content-Length: " + "1" * 5000, 400, id="a length of 5000 digits"),
        pytest.param("Content-Length: 99999999999", 413, id="a length past the limit"),
    ],
)
def test_lengths_that_cannot_be_trusted_end_the_connection(service: Service, head: str, status: int) -> None:
    assert answered(service, f"POST {OLD} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n")[0] == status


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param("GET http://[ HTTP/1.1\r\n\r\n", 400, id="a target that is no address"),
        pytest.param("GET / HTTP/one\r\n\r\n", 400, id="a version that is none"),
        pytest.param("GET / HTTP/1.1\r\n" + "A: b\r\n" * 200 + "\r\n", 431, id="too many headers"),
    ],
)
def test_what_is_hardly_http_is_answered_in_the_wrapper_too(service: Service, head: str, status: int) -> None:
    found, error = answered(service, head)
    assert (found, error["status"], error["code"]) == (status, status, "COMMON_BAD_PAYLOAD")


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        pytest.param("POST", "/sandbox/faults", {"Origin": "http://evil.example"}, 403, id="a page adds a fault"),
        pytest.param("POST", "/sandbox/faults", {"Origin": "null"}, 403, id="a page without an origin does"),
        pytest.param("POST", "/sandbox/faults", {"Sec-Fetch-Site": "cross-site"}, 403, id="a form does"),
        pytest.param("DELETE", "/sandbox/faults", {"Origin": "http://127.0.0.1:1"}, 403, id="one of another port"),
        pytest.param("POST", "/oauth/token", {"Origin": "http://evil.example"}, 403, id="a page asks for a token"),
        pytest.param("POST", NEW, {"Origin": "http://evil.example"}, 403, id="a page submits"),
        pytest.param("GET", "/sandbox/ledger", {"Host": "evil.example"}, 403, id="a name that leads here"),
        pytest.param("POST", "/sandbox/faults", {"Host": "evil.example"}, 403, id="a name that leads here, to change"),
        pytest.param("POST", "/sandbox/faults", {"Content-Type": "text/plain"}, 415, id="a body in plain text"),
        pytest.param("POST", "/sandbox/faults", {}, 200, id="a program"),
    ],
)
def test_no_web_page_changes_anything(
    service: Service, method: str, path: str, headers: Mapping[str, str], status: int
) -> None:
    given = {"Content-Type": "application/json", **headers}
    answer = service.web.request(method, f"{service.url}{path}", data=b"[]", headers=given, timeout=LONGEST)
    assert (answer.status_code, answer.headers["X-Content-Type-Options"]) == (status, "nosniff")
    assert posts(service.sandbox.ledger.entries()) == []


def test_a_reply_that_is_due_later_than_a_thread_can_wait_is_waited_for(tmp_path: Path) -> None:
    """It closed the connection at once."""
    with running(tmp_path, time_scale=1e12) as service:
        service.switch_on("slow-answer", parameters={"seconds": 1e6})
        with pytest.raises(requests.exceptions.ReadTimeout):
            service.post(timeout=(LONGEST, 1))


def serving() -> int:
    return sum("process_request_thread" in each.name for each in threading.enumerate())


def test_hundreds_of_half_open_connections_keep_the_sandbox_from_nobody(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.wire.server.BRIEFLY", LONGEST)
    host, port = service.url.removeprefix("http://").split(":")
    others = serving()  # servers of other tests may keep threads of theirs
    with ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(socket.create_connection((host, int(port)), timeout=LONGEST)).sendall(b"POST ")
        assert service.web.get(f"{service.url}/sandbox/health", timeout=LONGEST).ok
        ends_at = time.monotonic() + LONGEST  # the threads of those that were dropped end by themselves
        while (threads := serving() - others) > SandboxServer.most and time.monotonic() < ends_at:
            time.sleep(0.01)
        assert threads <= SandboxServer.most
