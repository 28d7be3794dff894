"""The hook: only who has the secret is heard, what they say is a hint, and nobody keeps the port from others."""

import hashlib
import hmac
import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.cli.settings import load_settings
from controller.daemon.hook import LARGEST_BODY, GitHook
from controller.daemon.http import Web
from controller.daemon.port import served
from controller.page.message import PageResponse
from controller.settings.settings import Settings
from tests.page.test_bad_requests import HOST, MOST, asked, connected, exchanged
from tests.support.patience import LONGEST

SECRET = "canary-hook-secret-5c1f"
BODY = b'{"ref": "refs/heads/main"}'


@dataclass
class Hooked:
    """A port with a hook, and how often it was heard. `secret` may be changed meanwhile."""

    url: str = ""
    hints: int = 0
    secret: str = SECRET

    def hear(self) -> None:
        self.hints += 1


@contextmanager
def listening(hooked: Hooked, base: str = "") -> Iterator[Hooked]:
    hook = GitHook(secret=lambda: hooked.secret, hint=hooked.hear, base=base)
    with Web("127.0.0.1:0", {"/healthz": lambda: PageResponse(content=b"ok\n")}, ("jobs.example",), None, hook) as web:
        hooked.url = web.url
        yield hooked


@pytest.fixture(scope="module")
def port() -> Iterator[Hooked]:
    with listening(Hooked()) as hooked:
        yield hooked


def mac(body: bytes = BODY, secret: str = SECRET, hashed: Callable[..., object] = hashlib.sha256) -> str:
    return hmac.new(secret.encode(), body, hashed).hexdigest()  # type: ignore[arg-type]


def call(
    *headers: str, body: bytes = BODY, target: str = "/hooks/git", length: int | None = None, host: str = HOST
) -> bytes:
    lengths = f"Content-Length: {len(body) if length is None else length}"
    return asked(target, lengths, *headers, method="POST", host=host) + body


def github(body: bytes = BODY, target: str = "/hooks/git", host: str = HOST) -> bytes:
    return call(f"X-Hub-Signature-256: sha256={mac(body)}", body=body, target=target, host=host)


RIGHT = {
    "GitHub": github(),
    "Gitea": call(f"X-Gitea-Signature: {mac()}"),
    "Gitea, which also signs as GitHub does": call(
        f"X-Gitea-Signature: {mac()}", f"X-Hub-Signature-256: sha256={mac()}"
    ),
    "GitLab": call(f"X-Gitlab-Token: {SECRET}"),
    "with a query": github(target="/hooks/git?from=github"),
    "with an empty body": github(b""),
    "with the largest body": github(b"x" * LARGEST_BODY),
    "through a proxy that is named": github(host="Host: jobs.example"),
}


@pytest.mark.parametrize("request_", RIGHT.values(), ids=RIGHT)
def test_a_call_that_is_signed_is_a_hint(port: Hooked, request_: bytes) -> None:
    before = port.hints
    response = exchanged(port.url, request_)
    assert response.startswith(b"HTTP/1.1 202 ") and response.endswith(b"the repository is asked for a new commit\n")
    assert port.hints == before + 1


def test_a_call_that_is_repeated_only_asks_again(port: Hooked) -> None:
    before = port.hints
    assert all(exchanged(port.url, github()).startswith(b"HTTP/1.1 202 ") for _ in range(3))
    assert port.hints == before + 3


REFUSED = "403, in one sentence"
WRONG: dict[str, tuple[bytes, str]] = {
    "it is not signed": (call(), REFUSED),
    "it is signed with another secret": (call(f"X-Hub-Signature-256: sha256={mac(secret='guess')}"), REFUSED),
    "it is signed with no secret": (call(f"X-Hub-Signature-256: sha256={mac(secret='')}"), REFUSED),
    "the body was altered": (call(f"X-Hub-Signature-256: sha256={mac()}", body=BODY + b" "), REFUSED),
    "the signature is cut short": (call(f"X-Hub-Signature-256: sha256={mac()[:-1]}"), REFUSED),
    "the signature is empty": (call("X-Hub-Signature-256: sha256=", "X-Gitea-Signature:", "X-Gitlab-Token:"), REFUSED),
    "the signature is in capitals": (call(f"X-Hub-Signature-256: sha256={mac().upper()}"), REFUSED),
    "the signature is no text": (call("X-Hub-Signature-256: sha256=é\x80ü"), REFUSED),
    "the signature is of SHA-1": (call(f"X-Hub-Signature: sha1={mac(hashed=hashlib.sha1)}"), REFUSED),
    "GitHub's signature has no name": (call(f"X-Hub-Signature-256: {mac()}"), REFUSED),
    "two signatures": (call(f"X-Gitea-Signature: {'0' * 64}", f"X-Gitea-Signature: {mac()}"), REFUSED),
    "the token is another": (call(f"X-Gitlab-Token: {SECRET}x"), REFUSED),
    "the token is the beginning": (call(f"X-Gitlab-Token: {SECRET[:-1]}"), REFUSED),
    "the secret is in another header": (call(f"Authorization: Bearer {SECRET}"), REFUSED),
    "the secret is in the query": (call(target=f"/hooks/git?secret={SECRET}"), REFUSED),
    "it comes from a stranger's Host": (github(host="Host: other.example"), "421"),
    "it is too long": (github(b"x" * (LARGEST_BODY + 1)), "413"),
    "it says that it is too long": (call(length=10**9, body=b""), "413"),
    "it says that it is longer than a number": (call(length=10**4000), "413"),
    "it does not say how long it is": (asked("/hooks/git", method="POST"), "411"),
    "it comes in pieces": (asked("/hooks/git", "Transfer-Encoding: chunked", method="POST") + b"0\r\n\r\n", "411"),
    "it is said to come in pieces as well": (call("Transfer-Encoding: chunked"), "411"),
    "its length is below nothing": (call(length=-1), "400"),
    "its length is no number": (asked("/hooks/git", "Content-Length: 1e3", method="POST"), "400"),
    "it has two lengths": (call("Content-Length: 5"), "400"),
    "it goes elsewhere": (github(target="/healthz"), "405"),
    "it goes below": (github(target="/hooks/git/x"), "405"),
    "it goes above": (github(target="/hooks"), "405"),
    "it is a PUT": (github().replace(b"POST", b"PUT", 1), "405"),
    "it is a GET": (github().replace(b"POST", b"GET", 1), "404"),
}  # fmt: skip


@pytest.mark.parametrize(("request_", "status"), WRONG.values(), ids=WRONG)
def test_any_other_call_is_refused_in_one_sentence(port: Hooked, request_: bytes, status: str) -> None:
    before = port.hints
    response = exchanged(port.url, request_)
    head, _, words = response.partition(b"\r\n\r\n")
    if response or status != "413":  # the connection may be closed before a long body was sent
        assert (head[:12], response.count(b"HTTP/1.1 ")) == (f"HTTP/1.1 {status[:3]}".encode(), 1), response
        assert words.count(b"\n") == 1 and SECRET.encode() not in response
    if status == REFUSED:
        assert words == b"this call is not signed with the secret of `git.hookSecretFile`\n"
    assert port.hints == before
    assert exchanged(port.url, asked("/healthz")).endswith(b"ok\n")


def test_a_body_that_ends_too_early_is_no_call(port: Hooked) -> None:
    before = port.hints
    assert exchanged(port.url, call(f"X-Gitlab-Token: {SECRET}", length=len(BODY) + 1)) == b""
    assert port.hints == before


def test_a_body_is_not_taken_for_a_second_call(port: Hooked) -> None:
    before = port.hints
    assert exchanged(port.url, github() + github()).count(b"HTTP/1.1 ") == 1
    assert exchanged(port.url, call(length=10**9, body=github())).count(b"HTTP/1.1 ") == 1
    assert port.hints == before + 1


@pytest.mark.slow
def test_a_body_that_comes_a_byte_at_a_time_is_cut(port: Hooked) -> None:
    before, began = port.hints, time.monotonic()
    with connected(port.url) as client:
        client.settimeout(0.5)
        client.sendall(call(f"X-Gitlab-Token: {SECRET}", body=b"", length=LARGEST_BODY))
        assert _is_cut(client.sendall, client.recv), "it was never cut"
    assert time.monotonic() - began < LONGEST / 5
    assert port.hints == before


def _is_cut(send: Callable[[bytes], object], receive: Callable[[int], bytes]) -> bool:
    for _ in range(200):
        try:
            send(b"x")
            return receive(100) == b""
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


@pytest.mark.slow
def test_calls_that_are_never_finished_keep_no_other_out(port: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.wire.server.BRIEFLY", LONGEST)  # for a thread to end, on a busy machine
    monkeypatch.setattr("controller.wire.server.LimitedServer.patience", LONGEST)
    with ExitStack() as stack:
        for _ in range(MOST + 20):
            stack.enter_context(connected(port.url)).sendall(call(body=b"x" * 5000, length=LARGEST_BODY))
        assert exchanged(port.url, github()).startswith(b"HTTP/1.1 202 ")


def test_without_a_secret_it_is_no_other_path_than_any(port: Hooked) -> None:
    with listening(Hooked(secret="")) as closed:
        for request in (github(), call(f"X-Gitlab-Token: {SECRET}"), call("X-Gitlab-Token:"), call()):
            assert exchanged(closed.url, request) == exchanged(
                closed.url, request.replace(b"/hooks/git", b"/elsewhere")
            )
        assert exchanged(closed.url, github()).startswith(b"HTTP/1.1 405 ")
        closed.secret = SECRET
        assert exchanged(closed.url, github()).startswith(b"HTTP/1.1 202 ")
        closed.secret = "another, since it was changed"
        assert exchanged(closed.url, github()).startswith(b"HTTP/1.1 403 ")
        assert closed.hints == 1


def test_a_proxy_may_serve_it_below_a_path() -> None:
    with listening(Hooked(), base="/shjobs") as port:
        for target in ("/hooks/git", "/shjobs/hooks/git"):
            assert exchanged(port.url, github(target=target)).startswith(b"HTTP/1.1 202 ")
        assert exchanged(port.url, github(target="/other/hooks/git")).startswith(b"HTTP/1.1 405 ")


@dataclass
class Daemon:
    """As much of a daemon as the hook knows."""

    settings: Settings
    health = metrics = None

    def is_alive(self) -> bool:
        return True

    def why_not_ready(self) -> list[tuple[str, str]]:
        return []


def test_the_settings_name_its_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "shjobs.toml").write_text(
        'deployment = "sandbox"\n[git]\nurl = "https://host/path"\nhookSecretFile = "secret"\n'
    )
    daemon = Daemon(load_settings(tmp_path / "shjobs.toml", {"SHJOBS_PAGE": "false"}))
    heard = Hooked()
    with caplog.at_level(logging.INFO), served("127.0.0.1:0", daemon.settings, daemon, heard.hear):  # type: ignore[arg-type]
        [url] = re.findall(r"listening at (\S+) \(.*, /hooks/git\)", caplog.text)
        assert exchanged(url, github()).startswith(b"HTTP/1.1 202 ")
        daemon.settings = daemon.settings.without_secrets()
        assert exchanged(url, github()).startswith(b"HTTP/1.1 405 ")
    with caplog.at_level(logging.INFO), served("127.0.0.1:0", daemon.settings, daemon):  # type: ignore[arg-type]
        url = re.findall(r"listening at (\S+)", caplog.text)[-1]
        assert exchanged(url, github()).startswith(b"HTTP/1.1 405 ")
    assert (heard.hints, SECRET in caplog.text) == (1, False)
