"""What is sent to each host, and what its answers mean."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from controller.notify.hosts.client import LARGEST, LONGEST_PAUSE, HostClient, HostResponse
from controller.notify.hosts.commit_state import CommitState
from controller.notify.hosts.hosts import KINDS, Host, Sending
from controller.settings.sinks import SinkKind
from tests.support.git_hosts import MOST_STATUSES, REPOSITORY, TOKEN, StatusHost

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
COMMIT = "1" * 40


def host_at(stand_in: StatusHost, token: str = TOKEN, repository: str = REPOSITORY) -> Host:
    return KINDS[SinkKind(stand_in.kind)](stand_in.url, SecretStr(token), repository)


def send(host: Host, state: str = "pending", words: str = "1 of 2 delivered", link: str = "") -> Sending:
    return host.send(COMMIT, "shjobs/0a1b2c3d", CommitState(state), words, link, NOW)


LINK = "https://shjobs.example/"


@pytest.mark.parametrize(
    ("kind", "path", "fields"),
    [
        pytest.param(
            "github", f"/repos/acme/imagery/statuses/{COMMIT}",
            {"context": "shjobs/0a1b2c3d", "state": "failure", "description": "1 of 2", "target_url": LINK},
            id="GitHub",
        ),
        pytest.param(
            "gitlab", f"/projects/acme%2Fimagery/statuses/{COMMIT}",
            {"name": "shjobs/0a1b2c3d", "state": "failed", "description": "1 of 2", "target_url": LINK}, id="GitLab",
        ),
        pytest.param(
            "gitea", f"/repos/acme/imagery/statuses/{COMMIT}",
            {"context": "shjobs/0a1b2c3d", "state": "failure", "description": "1 of 2", "target_url": LINK}, id="Gitea",
        ),
    ],
)  # fmt: skip
def test_what_is_sent(kind: str, path: str, fields: dict[str, str]) -> None:
    with StatusHost(kind=kind, commits={COMMIT}) as stand_in, closing(host_at(stand_in)) as host:
        assert send(host, "failure", "1 of 2", LINK).result == "done"
    [given] = stand_in.requests
    assert (given.method, given.path, given.fields, given.user) == ("POST", path, fields, "shjobs")
    assert TOKEN not in "".join(stand_in.raw)


@pytest.mark.parametrize(("kind", "longest"), [("github", 140), ("gitlab", 255), ("gitea", 255)])
def test_words_and_links_are_cut_to_what_the_host_takes(kind: str, longest: int) -> None:
    with StatusHost(kind=kind, commits={COMMIT}) as stand_in, closing(host_at(stand_in)) as host:
        assert send(host, words="x" * 1000, link=f"https://shjobs.example/{'y' * 300}").result == "done"
    [made] = stand_in.statuses
    assert len(made["description"]) == longest
    assert bool(made["target_url"]) is (kind != "gitlab")


@pytest.mark.parametrize("state", ["pending", "running"])
def test_a_state_that_gitlab_has_already_is_done(state: str) -> None:
    with StatusHost(kind="gitlab", commits={COMMIT}) as stand_in, closing(host_at(stand_in)) as host:
        results = [send(host, state).result, send(host, state).result, send(host, "success").result]
        results.append(send(host, state).result)
    assert results == ["done"] * 4
    assert [each["state"] for each in stand_in.statuses] == ["success", state]


def test_a_thousand_statuses_of_a_commit_are_all_that_github_takes() -> None:
    full: list[dict[str, Any]] = [{"sha": COMMIT, "name": "shjobs/0a1b2c3d"}] * MOST_STATUSES
    with StatusHost(kind="github", commits={COMMIT}, statuses=full) as stand_in, closing(host_at(stand_in)) as host:
        sending = send(host)
    assert sending.result == "useless"
    assert "reached the maximum number" in sending.message


@pytest.mark.parametrize(
    ("kind", "status", "message", "headers", "result", "pause"),
    [
        pytest.param("github", 401, "Bad credentials", {}, "denied", None, id="an unknown token"),
        pytest.param("github", 403, "Resource not accessible", {}, "denied", None, id="a token that may not write"),
        pytest.param("github", 404, "Not Found", {}, "denied", None, id="a repository that it does not show"),
        pytest.param("github", 301, "Moved", {"Location": "https://x.example"}, "denied", None, id="a redirect"),
        pytest.param("github", 422, "No commit found for SHA: 1", {}, "unpushed", None, id="GitHub has no such commit"),
        pytest.param("gitlab", 404, "404 Commit Not Found", {}, "unpushed", None, id="GitLab has no such commit"),
        pytest.param(
            "gitlab", 404, "404 References for commit Not Found", {}, "unpushed", None, id="no branch of GitLab has it"
        ),
        pytest.param("gitlab", 404, "404 Project Not Found", {}, "denied", None, id="GitLab has no such project"),
        pytest.param(
            "gitea", 500, "object does not exist [id: 1, rel_path: ]", {}, "unpushed", None, id="nor has Gitea"
        ),
        pytest.param("gitea", 404, "The target couldn't be found.", {}, "denied", None, id="nor such a repository"),
        pytest.param("github", 400, "Problems parsing JSON", {}, "useless", None, id="a request that is wrong"),
        pytest.param("github", 502, "bad gateway", {}, "later", None, id="a gateway that fails"),
        pytest.param("github", 503, "busy", {"Retry-After": "120"}, "later", 120.0, id="a host that names a pause"),
        pytest.param("github", 429, "slow down", {}, "later", 60.0, id="too many requests"),
        pytest.param(
            "github", 403, "API rate limit exceeded", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1772366700"},
            "later", 300.0, id="a rate that is used up, until it is reset",
        ),
        pytest.param(
            "github", 403, "You have exceeded a secondary rate limit", {}, "later", 60.0, id="a limit without a time"
        ),
        pytest.param("github", 429, "no", {"Retry-After": "999999"}, "later", LONGEST_PAUSE, id="at most an hour"),
        pytest.param(
            "gitlab", 429, "no", {"Retry-After": "Sun, 01 Mar 2026 12:10:00 GMT"}, "later", 600.0, id="or a date"
        ),
        pytest.param("gitlab", 429, "no", {"Retry-After": "soon"}, "later", 60.0, id="a pause that cannot be read"),
        pytest.param(
            "gitlab", 429, "no", {"Retry-After": "Mon, 01 Jan 99999999999 00:00:00 GMT"}, "later", 60.0,
            id="a year beyond the calendar",
        ),
    ],
)  # fmt: skip
def test_what_an_answer_means(
    kind: str, status: int, message: str, headers: dict[str, str], result: str, pause: float | None
) -> None:
    with StatusHost(kind=kind, fails=lambda _given: (status, {"message": message}, headers)) as stand_in:
        with closing(host_at(stand_in)) as host:
            sending = send(host)
        assert len(stand_in.requests) == 1  # nothing is repeated, no redirect is followed
    assert (sending.result, sending.pause) == (result, pause)
    assert f"it answered {status}: {message}" in sending.message


@pytest.mark.parametrize("kind", ["github", "gitlab", "gitea"])
def test_whether_the_token_can_see_the_repository(kind: str) -> None:
    with StatusHost(kind=kind) as stand_in:
        found = []
        for token, repository in ((TOKEN, REPOSITORY), ("another", REPOSITORY), (TOKEN, "acme/nothing")):
            with closing(host_at(stand_in, token, repository)) as host:
                found.append(host.problem())
    assert found[0] == ""
    assert [each[:15] for each in found[1:]] == ["it answered 401", "it answered 404"]


@contextmanager
def answering(content: bytes, pause: float = 0.0) -> Iterator[str]:
    """A server that answers every connection with these bytes, and closes it; with a `pause` byte by byte."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65_536)
                    with suppress(OSError):
                        for part in (
                            [content[index : index + 1] for index in range(len(content))] if pause else [content]
                        ):
                            connection.sendall(part)
                            time.sleep(pause)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", "the connection was closed without an answer", id="nothing"),
        pytest.param(b"hello\r\n\r\n", "does not speak HTTP", id="no HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf", "the answer broke off", id="half an answer"),
        pytest.param(b"HTTP/1.1 502 Bad\r\nContent-Length: 2\r\n\r\n<>", HostResponse, id="a page instead of JSON"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000, HostResponse, id="brackets without an end"),
        pytest.param(
            b"HTTP/1.1 500 No\r\n\r\n" + b"x" * (LARGEST + 10), HostResponse, id="more than is read of an answer"
        ),
    ],
)
def test_whatever_is_answered_is_a_value(content: bytes, expected: Any) -> None:
    with answering(content) as url, closing(HostClient(url, {}, SecretStr(TOKEN))) as client:
        found = client.call("GET", "/")
    if isinstance(expected, str):
        assert isinstance(found, str)
        assert expected in found
    else:
        assert isinstance(found, HostResponse)
        assert found.content is None
        assert len(found.message) <= 200


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + b"x" * 99, id="a body byte by byte"),
        pytest.param(b"H" * 200, id="headers byte by byte"),
    ],
)
def test_an_answer_that_drips_is_hung_up_on(content: bytes) -> None:
    with answering(content, pause=0.1) as url, closing(HostClient(url, {}, SecretStr(TOKEN), longest=1)) as client:
        assert client.call("GET", "/") == f"{url}: no whole answer in time"


def test_no_message_repeats_the_token() -> None:
    echo = {"message": f"Bearer {TOKEN} has no scope"}
    with (
        StatusHost(kind="github", fails=lambda _given: (403, echo, {})) as stand_in,
        closing(host_at(stand_in)) as host,
    ):
        sending = send(host)
    assert "Bearer *** has no scope" in sending.message
    assert TOKEN not in repr(sending)
