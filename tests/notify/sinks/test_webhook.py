"""A webhook is sent one signed CloudEvent; whatever the other side does ends in time, as a value without secrets."""

import hashlib
import hmac
import json
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from controller.model.timing import Timing
from controller.notify.sender import NotSent, SendOutcome, Sent
from controller.notify.sinks.webhook import post
from controller.settings.sinks import Sink
from tests.support.certificates import Authority
from tests.support.patience import LONGEST, PATIENT
from tests.support.ports import closed_port
from tests.support.receiver import (
    CANARY,
    NOW,
    Behaviour,
    Receiver,
    answer,
    close,
    drip,
    hang,
    message,
    pour,
    wait_until,
    webhook,
)

HASTY = Timing(connect_timeout=LONGEST, notify_answer=5)  # for a receiver that never answers
REDIRECT = answer(302, "Location: /elsewhere\r\n")


def sent(sink: Sink, authorities: str | None = None, timing: Timing = PATIENT) -> SendOutcome:
    return post(sink, message(), "blue-otter", timing, authorities, NOW)


def test_a_message_is_one_post_of_a_cloud_event() -> None:
    with Receiver() as receiver:
        assert sent(webhook(receiver.url, page="https://page.example/sh")) == Sent()
    [request] = receiver.received
    assert request.line == f"POST /in?key={CANARY} HTTP/1.1"
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert "x-signature" not in request.headers
    assert request.document["type"] == "dev.shjobs.failed"


def test_the_signature_is_that_of_the_bytes_received() -> None:
    with Receiver() as receiver:
        assert sent(webhook(receiver.url, secret=SecretStr("k3y"))) == Sent()
    [request] = receiver.received
    assert request.headers["x-signature"] == "sha256=" + hmac.new(b"k3y", request.body, hashlib.sha256).hexdigest()


def test_a_password_in_the_address_is_sent_without_its_percent_codes() -> None:
    with Receiver() as receiver:
        assert sent(webhook(receiver.url.replace("://", "://me:p%40ss%2Fw%C3%B6rd@"))) == Sent()
    [request] = receiver.received
    assert request.headers["authorization"] == f"Basic {b64encode('me:p@ss/wörd'.encode()).decode()}"


def test_a_user_in_the_address_is_sent_as_basic_authentication() -> None:
    with Receiver() as receiver:
        assert sent(webhook(receiver.url.replace("://", "://me:pass@"))) == Sent()
    [request] = receiver.received
    assert request.headers["authorization"] == "Basic bWU6cGFzcw=="
    assert "pass@" not in request.headers["host"]


ANSWERS: Mapping[str, tuple[Behaviour, SendOutcome]] = {
    "200 is delivered": (answer(200), Sent()),
    "202 is delivered": (answer(202), Sent()),
    "204 is delivered": (answer(204), Sent()),
    "a large body is not read to its end": (pour, Sent()),
    "500 is tried again": (answer(500), NotSent(message="it answered 500 Internal Server Error")),
    "503 is tried again when it says": (
        answer(503, "Retry-After: 120\r\n"), NotSent(message="it answered 503 Service Unavailable", retry_after=120.0),
    ),
    "503 is tried again at the date it names": (
        answer(503, "Retry-After: Mon, 01 Jun 2026 12:10:00 GMT\r\n"),
        NotSent(message="it answered 503 Service Unavailable", retry_after=600.0),
    ),
    "429 is no refusal": (answer(429), NotSent(message="it answered 429 Too Many Requests")),
    "408 is no refusal": (answer(408), NotSent(message="it answered 408 Request Timeout")),
    "404 is a refusal": (answer(404), NotSent(message="it answered 404 Not Found", is_refused=True)),
    "410 is a refusal": (answer(410), NotSent(message="it answered 410 Gone", is_refused=True)),
    "a status that nobody knows is named by its number": (answer(599), NotSent(message="it answered 599")),
    "a redirect is not followed": (
        REDIRECT,
        NotSent(
            message="it answered 302, a redirect, which is not followed: write the final address", is_refused=True
        ),
    ),
    "silence ends in time": (hang, NotSent(message="no whole answer within 5 s")),
    "a byte now and then ends in time": (drip, NotSent(message="no whole answer within 5 s")),
    "a connection that is closed": (close, NotSent(message="the connection was closed without an answer")),
}  # fmt: skip


@pytest.mark.parametrize(("behaviour", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_what_an_answer_means(behaviour: Behaviour, expected: SendOutcome) -> None:
    with Receiver(behaviour, answer(200)) as receiver:
        timing = HASTY if behaviour in (hang, drip) else PATIENT
        began = time.monotonic()
        assert sent(webhook(receiver.url), timing=timing) == expected
        assert time.monotonic() - began < LONGEST
        wait_until(lambda: receiver.received, LONGEST, "it was not received")
        assert len(receiver.received) == 1, "it was sent once, and to no other address"


ADDRESSES: Mapping[str, tuple[str, str]] = {
    "nothing listens": (f"http://127.0.0.1:{closed_port()}/{CANARY}", "nothing listens there"),
    "no URL": (CANARY, "the address in its file is no URL"),
    "a bracket that is not closed": (f"https://[::1/{CANARY}", "the address in its file is no URL"),
    "a port that is none": (f"https://127.0.0.1:99999/{CANARY}", "the address in its file is no URL"),
    "letters that are not ASCII": (f"https://127.0.0.1/ä{CANARY}", "the address in its file is no URL"),
    "a space": (f"https://127.0.0.1/ {CANARY}", "the address in its file is no URL"),
    "plain http to elsewhere": (f"http://receiver.example/{CANARY}", "plain http is only allowed to this machine"),
}


@pytest.mark.parametrize(("url", "words"), ADDRESSES.values(), ids=ADDRESSES)
def test_an_address_that_cannot_be_used_is_not_repeated(url: str, words: str) -> None:
    outcome = sent(webhook(url))
    assert isinstance(outcome, NotSent)
    assert outcome.message.startswith(words)
    assert CANARY not in outcome.message


def test_no_address_and_two_addresses_are_refused() -> None:
    none, two = replace(webhook("x"), urls=()), replace(webhook("x"), urls=(SecretStr("a"), SecretStr("b")))
    assert sent(none) == NotSent(message="its file with the address is missing or empty", is_refused=True)
    assert isinstance(sent(two), NotSent)


def test_a_server_of_an_unknown_authority_hears_nothing(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with Receiver(tls=authority.serves().context()) as receiver:
        refused = sent(webhook(receiver.url))
        assert isinstance(refused, NotSent)
        assert "its certificate is not trusted" in refused.message
        assert receiver.received == []
        assert sent(webhook(receiver.url), authority.file.read_text()) == Sent()


def test_no_answer_repeats_the_address_or_the_words_of_the_other_side() -> None:
    for behaviour in (answer(400, body=CANARY.encode()), REDIRECT, close):
        with Receiver(behaviour) as receiver:
            assert CANARY not in json.dumps(repr(sent(webhook(receiver.url, secret=SecretStr(CANARY)))))
