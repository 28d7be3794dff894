"""What a store's failure is called: the same words at every look, with the region it names and what to write."""

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count

import pytest

from controller.bucket.client import Bucket
from controller.model.answers import Unreadable
from controller.model.timing import Timing
from controller.settings.deployments import DEPLOYMENTS
from tests.bucket.test_lies import mine
from tests.support.stores import LIES, Query, Reply, false_store

pytestmark = pytest.mark.slow

NUMBERS = count(1)


def error(status: int, code: str, more: str = "", **headers: str) -> Callable[[str, Query], Reply]:
    """An error in S3's words, with what a store adds to each anew."""

    def answer(_path: str, _query: Query) -> Reply:
        number = next(NUMBERS)
        ids = f"<RequestId>REQ{number}</RequestId><HostId>{number * 7}==</HostId><Message>at {number} ms</Message>"
        body = f"<Error><Code>{code}</Code>{more}{ids}</Error>" if code else f"<html>Request {number}</html>"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Reply(status=status, body=body.encode(), headers={"x-amz-request-id": str(number), **named})

    return answer


@contextmanager
def nothing() -> Iterator[str]:
    yield "http://127.0.0.1:1"


@contextmanager
def silence() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"


@contextmanager
def no_name() -> Iterator[str]:
    yield "https://no-such-host.invalid"


@contextmanager
def not_tls() -> Iterator[str]:
    with false_store(LIES["an empty body"][0]) as store:
        yield store.url.replace("http://", "https://")


@contextmanager
def answering(answer: Callable[[str, Query], Reply]) -> Iterator[str]:
    with false_store(answer) as store:
        yield store.url


REGION = 'write region = "eu-west-3" under [credentials.mine] in shjobs.toml'
FAILURES: dict[str, tuple[Callable[[], AbstractContextManager[str]], str]] = {
    "a redirect to another region, in a header": (
        lambda: answering(error(301, "PermanentRedirect", x_amz_bucket_region="eu-west-3")),
        f"the bucket is in region eu-west-3: {REGION}",
    ),
    "a redirect that names no region": (
        lambda: answering(error(301, "PermanentRedirect", "<Endpoint>x.example</Endpoint>")),
        'write region = "…" under [credentials.mine]',
    ),
    "a signature for another region": (
        lambda: answering(error(400, "AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>")),
        f"the bucket is in region eu-west-3: {REGION}",
    ),
    "a region that is no name": (
        lambda: answering(error(400, "AuthorizationHeaderMalformed", "<Region>a b&#10;</Region>")),
        'write region = "…" under [credentials.mine]',
    ),
    "no right": (lambda: answering(error(403, "AccessDenied")), "AccessDenied"),
    "an unknown key": (lambda: answering(error(403, "InvalidAccessKeyId")), "the access key is not known there"),
    "another code": (lambda: answering(error(409, "OperationAborted")), "the store answers OperationAborted"),
    "trouble with a code": (lambda: answering(error(503, "SlowDown")), "the store answers SlowDown"),
    "trouble with a page": (lambda: answering(error(502, "")), "the store answers 502 Bad Gateway"),
    "a page that refuses": (lambda: answering(error(403, "")), "the store answers 403 Forbidden"),
    "an unknown status": (lambda: answering(error(599, "")), "the store answers 599"),
    "nothing listens": (nothing, "nothing listens there"),
    "no answer": (silence, "no answer in time"),
    "an unknown host": (no_name, "the name of the host is not known"),
    "plain http where TLS is expected": (not_tls, "it does not speak TLS there"),
}


SOON = Timing(read_timeout=60, answer_timeout=20, connect_timeout=20)
AT_ONCE = Timing(read_timeout=0.2, answer_timeout=0.1, connect_timeout=0.3)
"""For what never answers, however fast it is."""
ONE_WAIT = Timing(read_timeout=2.0, answer_timeout=0.1, connect_timeout=20)
"""For a listing that is never answered: so long that it is asked for before its time is over, on a busy machine too."""


def looks(url: str, look: Callable[[Bucket], object], timing: Timing = SOON) -> list[str]:
    bucket = Bucket(DEPLOYMENTS["sandbox"], mine(url), timing=timing)
    found = [look(bucket) for _ in range(3)]
    assert all(isinstance(each, Unreadable) for each in found), found
    return [each.message for each in found if isinstance(each, Unreadable)]


def listing_timing_of(failure: str) -> Timing:
    return ONE_WAIT if failure == "no answer" else SOON


def timing_of(failure: str) -> Timing:
    return AT_ONCE if failure == "no answer" else SOON


@pytest.mark.parametrize("failure", FAILURES)
def test_a_listing_fails_in_the_same_words_at_every_look(failure: str) -> None:
    server, words = FAILURES[failure]
    with server() as url:
        reported = looks(url, lambda bucket: bucket.read("s3://results/x", "mine"), listing_timing_of(failure))
    assert len(set(reported)) == 1, reported
    assert words in reported[0]


@pytest.mark.parametrize("failure", FAILURES)
def test_writing_and_reading_fail_in_the_same_words_too(failure: str) -> None:
    server, _ = FAILURES[failure]
    with server() as url:
        wrote = looks(url, lambda bucket: bucket.write("s3://results/x", "mine", b"x"), timing_of(failure))
        read = looks(url, lambda bucket: bucket.piece("s3://results/x", "mine", "abc", 0, 3), timing_of(failure))
    assert len(set(wrote)) == len(set(read)) == 1, (wrote, read)
    for reported in (wrote[0], read[0]):
        assert not any(mark in reported for mark in ("REQ", " ms", "µs", "retries", "Request ", "<")), reported


def test_a_region_is_told_for_a_write_too() -> None:
    with answering(error(400, "AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>")) as url:
        assert REGION in looks(url, lambda bucket: bucket.write("s3://results/x", "mine", b"x"))[0]
