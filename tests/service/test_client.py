"""The service client against a real server on loopback: what may have been taken is never called Refused."""

import json

import pytest

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
from tests.support.peer import PAYLOAD, SECRET, Answer, Server, at, opened, posted, reply, wrapped
from tests.support.ports import closed_port


def no(why: Refusal, status: int, message: str, code: str = "", retry_after: float | None = None) -> Refused:
    return Refused(why=why, message=message, status=status, code=code, retry_after=retry_after)


def lost(words: str) -> Unconfirmed:
    return Unconfirmed(message=f"the service answered {words}")


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
            no(Refusal.BODY, 400, "Invalid; output->resx: too large", "COMMON_BAD_PAYLOAD"),
            id="a wrong body is told with every violation",
        ),
        pytest.param(
            reply(
                "422 Unprocessable",
                {"status": 422, "message": "Invalid", "errors": {"parameter": "x", "violation": "y"}},
            ),
            no(Refusal.BODY, 422, "Invalid; x: y"),
            id="the unwrapped error with errors as an object reads the same",
        ),
        pytest.param(
            reply("400 Bad Request", wrapped(400, "no pixel \ud83d", errors=["\udc00"])),
            no(Refusal.BODY, 400, "no pixel ?; ?"),
            id="half of a character, which cannot be stored, is replaced",
        ),
        pytest.param(
            reply("400 Bad Request", wrapped(400, "Body should be non-empty")),
            no(Refusal.SPURIOUS, 400, "Body should be non-empty"),
            id="the documented spurious 400 has a name of its own",
        ),
        pytest.param(
            reply("413 Too Large", "<html><style>p{}</style><p>Too <b>large</b></p></html>"),
            no(Refusal.BODY, 413, "Too large"),
            id="a page is read without its markup",
        ),
        pytest.param(
            reply("403 Forbidden", wrapped(403, "Not allowed", "COMMON_INSUFFICIENT_PERMISSIONS")),
            no(Refusal.FORBIDDEN, 403, "Not allowed", "COMMON_INSUFFICIENT_PERMISSIONS"),
            id="a missing right is forbidden",
        ),
        pytest.param(
            reply("403 Forbidden", wrapped(403, "Monthly quota exceeded")),
            no(Refusal.QUOTA, 403, "Monthly quota exceeded"),
            id="words about an exhausted allowance mean quota",
        ),
        pytest.param(
            reply("403 Forbidden", wrapped(403, "Quota: account expired", "COMMON_SENTINEL_ACCOUNT_EXPIRED")),
            no(Refusal.FORBIDDEN, 403, "Quota: account expired", "COMMON_SENTINEL_ACCOUNT_EXPIRED"),
            id="an expired account is forbidden, not out of quota",
        ),
        pytest.param(
            reply("429 Too Many", wrapped(429, "Slow down", "RATE_LIMIT_EXCEEDED"), "Retry-After: 3398\r\n"),
            no(Refusal.RATE, 429, "Slow down", "RATE_LIMIT_EXCEEDED", retry_after=3.398),
            id="Retry-After is read as milliseconds",
        ),
        pytest.param(
            reply("429 Too Many", wrapped(429, "Slow down"), "Retry-After: 90000000\r\n"),
            no(Refusal.RATE, 429, "Slow down", retry_after=600),
            id="Retry-After is not believed beyond ten minutes",
        ),
        pytest.param(
            reply("429 Too Many", wrapped(429, "Slow down")),
            no(Refusal.CONCURRENCY, 429, "Slow down"),
            id="429 without a time means too many at once",
        ),
        pytest.param(
            reply("429 Too Many", wrapped(429, "Slow down"), "Retry-After: 0\r\n"),
            no(Refusal.CONCURRENCY, 429, "Slow down"),
            id="429 with a time of zero means too many at once",
        ),
        pytest.param(
            reply("429 Too Many", wrapped(429, "Too many concurrent requests"), "Retry-After: 5000\r\n"),
            no(Refusal.CONCURRENCY, 429, "Too many concurrent requests", retry_after=5),
            id="429 that says concurrent means too many at once",
        ),
        pytest.param(
            reply("200 OK", {"status": "RUNNING"}),
            lost("200 without a request id: OK"),
            id="200 without an id is unconfirmed",
        ),
        pytest.param(
            reply("200 OK", {"id": "../x"}),
            lost("200 without a request id: OK"),
            id="200 with an id that is no id is unconfirmed",
        ),
        pytest.param(
            b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"id":"abc"}',
            lost("200 without a request id: OK"),
            id="200 whose body breaks off is unconfirmed",
        ),
        pytest.param(
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 500\r\n\r\n{",
            no(Refusal.BODY, 400, "Bad Request"),
            id="400 whose body breaks off is refused all the same",
        ),
        pytest.param(
            reply("200 OK", "[" * 200_000),
            lost("200 without a request id: " + "[" * 199 + "…"),
            id="a monstrous body is unconfirmed and cut short",
        ),
        pytest.param(reply("502 Bad Gateway", "<" * 262_144), lost("502: " + "<" * 199 + "…"), id="a page of brackets"),
        pytest.param(
            reply("502 Bad Gateway", f"<title>Out of order</title><style>{'a {} ' * 2_000}</style><h1>Try again</h1>"),
            lost("502: Out of order"),
            id="a style that is longer than what is read",
        ),
        pytest.param(
            reply("502 Bad Gateway", "<title" * 43_690), lost("502: " + ("<title" * 34)[:199] + "…"), id="titles alone"
        ),
        pytest.param(reply("408 Request Timeout"), lost("408: Request Timeout"), id="408 is unconfirmed"),
        pytest.param(
            reply("502 Bad Gateway", "<h1>Bad gateway</h1>"), lost("502: Bad gateway"), id="502 is unconfirmed"
        ),
        pytest.param(
            reply("502 Bad Gateway", "<head><title>502 Bad Gateway</title></head><h1>Try again</h1>"),
            lost("502: Try again"),
            id="the title of a page is not said beside its words",
        ),
        pytest.param(
            reply("502 Bad Gateway", "<head><title>Out of order</title></head>"),
            lost("502: Out of order"),
            id="a title that is all there is, is said",
        ),
        pytest.param(b"nonsense\r\n\r\n", Unconfirmed(message=""), id="what is no HTTP is unconfirmed"),
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
    assert isinstance(answered, Refused) and answered.why == Refusal.ENDPOINT


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
    reported = (
        f"bad key CANARY-access / {SECRET} in {json.dumps(PAYLOAD)} for token-1 or %s" % "CANARY%2Fsecret%2Bkey%3D%3D"
    )
    for body in (
        wrapped(400, reported, reported, errors=[{"parameter": "x", "violation": reported}]),
        f"<p>{reported}</p>",
    ):
        answered, _ = posted(reply("400 Bad Request", body))
        assert isinstance(answered, Refused)
        assert "***" in answered.message
        assert not any(each in repr(answered) for each in ("CANARY", "token-1"))


def test_a_short_secret_does_not_change_the_request_id() -> None:
    with Server(reply("200 OK", {"id": "abc-1"})) as server, opened(at(server.url)) as service:
        assert service.submit({"accessKey": "b"}) == Accepted(request_id="abc-1")


def test_nothing_that_listens_means_unsent() -> None:
    with Server(reply("200 OK", {"id": "a"})) as tokens:
        port = closed_port()
        deployment = at(tokens.url).model_copy(update={"base_url": f"http://127.0.0.1:{port}"})
        with opened(deployment) as service:
            answered = service.submit(PAYLOAD)
    url = f"http://127.0.0.1:{port}/async/v1/process"
    assert answered == Refused(why=Refusal.UNSENT, message=f"{url} cannot be reached: nothing listens there")


def test_a_client_that_is_not_accepted_sends_nothing() -> None:
    with Server(reply("401 No", {"error": "invalid_client"})) as server:
        deployment = at(server.url).model_copy(update={"token_url": f"{server.url}/elsewhere"})
        with opened(deployment) as service:
            answered = service.submit(PAYLOAD)
    assert isinstance(answered, Refused) and answered.why == Refusal.CREDENTIALS
    assert [each.split()[1] for each in server.requests] == ["/elsewhere"]


def test_without_a_token_nothing_is_sent_and_the_time_to_come_back_is_told() -> None:
    with Server(reply("429 Slow", "", "Retry-After: 7\r\n")) as server:
        deployment = at(server.url).model_copy(update={"token_url": f"{server.url}/elsewhere"})
        with opened(deployment) as service:
            answered = service.submit(PAYLOAD)
    assert isinstance(answered, Refused) and answered.why == Refusal.UNSENT
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
