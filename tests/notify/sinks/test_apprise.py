"""What apprise sends is bounded in time, and no word of it, of its addresses or of the machine's files gets through."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr

from controller.notify.sender import NotSent, Sent
from controller.notify.sinks.apprise import PROGRAM, AppriseSender
from controller.settings.sinks import Sink, SinkKind
from controller.wire.environment import bare_environment
from tests.support.certificates import Authority
from tests.support.patience import LONGEST
from tests.support.receiver import CANARY, Receiver, answer, event, hang, message, wait_until

pytestmark = pytest.mark.slow
PATIENT = {"rto": f"{LONGEST:g}", "cto": f"{LONGEST:g}"}


def sink(*urls: str) -> Sink:
    return Sink(name="chat", kind=SinkKind.APPRISE, urls=tuple(map(SecretStr, urls)))


def address(receiver: Receiver, scheme: str = "json", **options: str) -> str:
    """It waits as long as it takes, and not for the 4 s of apprise, but for the `options`."""
    more = "".join(f"&{key}={value}" for key, value in {**PATIENT, **options}.items())
    return f"{scheme}://127.0.0.1:{receiver.port}/{CANARY}?+key={CANARY}{more}"


def test_title_and_text_arrive() -> None:
    with Receiver() as receiver:
        assert AppriseSender().send(sink(address(receiver)), message(), None) == Sent()
    [request] = receiver.received
    found = {key: request.document[key] for key in ("title", "message", "type")}
    assert found == {
        "title": "shjobs: ndvi failed, 12.50 PU",
        "message": "the service said no\n    shjobs retry ndvi",
        "type": "failure",
    }


def test_an_address_that_took_a_message_gets_it_once_while_another_refuses() -> None:
    sender = AppriseSender()
    with Receiver(answer(404), answer(404), answer(200)) as bad, Receiver() as good:
        both = sink(address(bad), address(good))
        refused = NotSent(message="address 1 of 2: the service answered 404", is_refused=True, is_partial=True)
        assert [sender.send(both, message(), None) for _ in range(3)] == [refused, refused, Sent()]
        assert (len(bad.received), len(good.received)) == (3, 1)
        assert sender.send(both, message(event("other")), None) == Sent()
        assert (len(bad.received), len(good.received)) == (4, 2)


def test_with_many_messages_that_one_address_did_not_take_the_sink_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who took one was forgotten, and it was sent there again, when a thousand later ones had gone the same way."""
    monkeypatch.setattr("controller.notify.sinks.apprise.MOST_REMEMBERED", 2)
    sender, first, second = AppriseSender(), message(), message(event("other"))
    with Receiver(answer(503), answer(503), answer(200), answer(503)) as bad, Receiver() as good:
        both = sink(address(bad), address(good))
        outcomes = [sender.send(both, each, None) for each in (first, second, first, second)]
    assert [each.concerns_all if isinstance(each, NotSent) else None for each in outcomes] == [False, True, None, False]
    assert len(good.received) == 2


def test_an_address_that_took_a_message_gets_it_once_though_another_line_of_the_file_is_taken_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[list[str]] = []

    def replies(task: Mapping[str, list[str]], *_: object) -> list[str]:
        asked.append(task["urls"])
        return ["" if "good" in each else "the service answered 503" for each in task["urls"]]

    monkeypatch.setattr("controller.notify.sinks.apprise._replies", replies)
    sender = AppriseSender()
    assert isinstance(sender.send(sink("json://bad", "json://good"), message(), None), NotSent)
    assert isinstance(sender.send(sink("json://new", "json://bad", "json://good"), message(), None), NotSent)
    assert sender.send(sink("json://good"), message(), None) == Sent()
    assert asked == [["json://bad", "json://good"], ["json://new", "json://bad"]]


REPLIES: Mapping[str, tuple[list[str | None], bool, bool]] = {
    "one is down": (["the service answered 503", ""], False, True),
    "one refuses": (["", "the service answered 404"], True, True),
    "one is written wrongly and one is down": ([None, "the service answered 503"], False, False),
    "one refuses and one is down": (["the service answered 404", "no answer within 30 s"], False, False),
    "both refuse": (["the service answered 404", "the service answered 400"], True, False),
    "both are asked too often": (["the service answered 429", "the service answered 429"], False, False),
}


@pytest.mark.parametrize(("replies", "is_refused", "is_partial"), REPLIES.values(), ids=REPLIES)
def test_whether_a_failure_concerns_other_messages(
    monkeypatch: pytest.MonkeyPatch, replies: list[str | None], is_refused: bool, is_partial: bool
) -> None:
    monkeypatch.setattr("controller.notify.sinks.apprise._replies", lambda *_: replies)
    outcome = AppriseSender().send(sink("json://a", "json://b"), message(), None)
    assert isinstance(outcome, NotSent)
    assert (outcome.is_refused, outcome.is_partial) == (is_refused, is_partial)


def test_an_address_that_hangs_keeps_nothing_from_the_others_and_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.notify.sinks.apprise.START", 45.0)  # of 60 s, 30 are left for the process to start
    with Receiver(hang) as bad, Receiver() as good:
        slow = address(bad, rto="3600", cto="3600")
        began = time.monotonic()
        outcome = AppriseSender(patience=60).send(sink(slow, address(good)), message(), None)
        assert time.monotonic() - began < LONGEST
        assert outcome == NotSent(message="address 1 of 2: no answer within 30 s", is_partial=True)
        assert len(good.received) == 1


def test_a_redirect_is_not_followed() -> None:
    with Receiver() as other, Receiver(answer(307, f"Location: http://127.0.0.1:{other.port}/\r\n")) as receiver:
        outcome = AppriseSender().send(sink(address(receiver)), message(), None)
        assert outcome == NotSent(message="the service answered 307", is_refused=True)
        assert other.received == []


@pytest.mark.parametrize("url", [CANARY, f"nosuchthing://{CANARY}", f"slack://{CANARY}", "json://"])
def test_a_line_that_is_no_address_is_named_by_its_number(url: str) -> None:
    outcome = AppriseSender().send(sink(url), message(), None)
    assert outcome == NotSent(message="line 1 of its file is no address that apprise knows", is_refused=True)


def test_no_address_is_refused() -> None:
    outcome = AppriseSender().send(sink(), message(), None)
    assert outcome == NotSent(message="its file with the addresses is missing or empty", is_refused=True)


def test_nothing_of_it_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    with Receiver(answer(500)) as receiver:
        outcome = AppriseSender().send(sink(address(receiver), f"slack://{CANARY}"), message(), None)
        assert outcome == NotSent(message="address 1 of 2: the service answered 500, and 1 more")
    assert capfd.readouterr() == ("", "")


def test_no_file_of_the_home_folder_and_no_variable_of_ours_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login me password {CANARY}\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    with Receiver() as receiver:
        url = f"json://127.0.0.1:{receiver.port}/?rto={LONGEST:g}&cto={LONGEST:g}"
        assert AppriseSender().send(sink(url), message(), None) == Sent()
    assert "authorization" not in receiver.received[0].headers


def test_the_authorities_of_the_settings_are_trusted(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with Receiver(tls=authority.serves().context()) as receiver:
        url = address(receiver, "jsons")
        assert isinstance(AppriseSender().send(sink(url), message(), None), NotSent)
        assert AppriseSender().send(sink(url), message(), authority.file.read_text()) == Sent()


def test_the_process_ends_with_the_one_that_started_it() -> None:
    """Its input is a pipe that nobody else holds: it ends when that does, even while a service hangs."""
    with Receiver(hang) as receiver:
        process = subprocess.Popen(
            [sys.executable, "-P", "-S", "-c", PROGRAM],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=bare_environment(HOME=os.devnull),
        )  # fmt: skip
        assert process.stdin
        task = '{{"urls": ["{}"], "title": "t", "body": "b", "kind": "failure", "seconds": 3600}}\n'
        process.stdin.write(task.format(address(receiver, rto="3600", cto="3600")).encode())
        process.stdin.flush()
        wait_until(lambda: receiver.received, LONGEST, "it sent nothing")
        process.stdin.close()
        assert process.wait(LONGEST) == 1
        assert process.stdout
        process.stdout.close()
