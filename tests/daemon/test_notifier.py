"""The daemon tells its receivers: at once, once, after a restart too, while one of them hangs, and without a secret."""

import os
import re
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from controller.daemon.notifier import Notifier
from controller.model.clock import Clock
from controller.sandbox.faults.faults import Fault
from tests.conftest import Workspace, ndvi
from tests.daemon.test_daemon import Running, reaches, running, until
from tests.support.command import shjobs
from tests.support.ports import closed_port
from tests.support.receiver import CANARY, Receiver, answer, hang

pytestmark = pytest.mark.slow
KEY = f"{CANARY}-key"


def add_sink(workspace: Workspace, name: str, url: str, *lines: str) -> Path:
    """A webhook whose address is in a file, as one that is a secret."""
    file = workspace.root / f"{name}.url"
    file.write_text(f"{url}\n", encoding="utf-8")
    (workspace.root / f"{name}.key").write_text(KEY, encoding="utf-8")
    table = [f"[notify.{name}]", 'type = "webhook"', f'urlFile = "{file.name}"', f'secretFile = "{name}.key"', *lines]
    with (workspace.root / "shjobs.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n" + "\n".join(table) + "\n")
    return file


def told(receiver: Receiver, topic: str = "") -> list[str]:
    """The titles of the messages about a topic, as they came."""
    with_topic = [each.document for each in list(receiver.received) if each.document["type"].endswith(topic)]
    return [str(each["data"]["title"]) for each in with_topic]


def metric(daemon: Running, name: str) -> Mapping[str, float]:
    lines = re.findall(rf"^{name}\{{(.*)\}} (\S+)$", daemon.page("/metrics")[1], re.MULTILINE)
    return {labels: float(value) for labels, value in lines}


def fails(workspace: Workspace, name: str = "ndvi", west: float = 14.4) -> None:
    workspace.sandbox.faults.add(Fault(name="run-fails", times=1))
    workspace.write(f"{name}.yaml", ndvi(name, west))
    reaches(workspace, "Failed", name)


def test_a_failure_is_told_at_once_and_never_again(workspace: Workspace) -> None:
    with Receiver() as receiver:
        add_sink(workspace, "team", receiver.url, 'page = "https://page.example/sh"')
        with running(workspace) as daemon:
            fails(workspace)
            until(lambda: told(receiver, "failed"), "the failure is told")
            until(lambda: metric(daemon, "shjobs_notifications_pending") == {'sink="team"': 0.0}, "nothing waits")
            sent = 'result="sent",sink="team"'
            until(lambda: metric(daemon, "shjobs_notifications_total").get(sent) == 1.0, "it counts as sent")
            assert daemon.stop() == 0
        with running(workspace) as daemon:
            fails(workspace, "other", 14.41)
            until(lambda: len(told(receiver, "failed")) == 2, "the other failure is told")
            assert daemon.stop() == 0
    first, second = receiver.received
    assert (first.document["subject"], second.document["subject"]) == ("ndvi", "other")
    assert first.document["source"] == second.document["source"] != "/shjobs/unknown"
    assert first.document["data"]["events"][0]["link"] == "https://page.example/sh/jobs/ndvi"
    assert "x-signature" in first.headers


def test_successes_come_in_one_message(workspace: Workspace) -> None:
    with Receiver() as receiver:
        add_sink(workspace, "team", receiver.url, 'digest = "2s"')
        with running(workspace) as daemon:
            for number in range(3):
                workspace.write(f"job-{number}.yaml", ndvi(f"job-{number}", 14.40 + number / 100))
            for number in range(3):
                reaches(workspace, "Succeeded", f"job-{number}")
            until(lambda: sum(each.document["data"]["count"] for each in receiver.received) == 3, "all are told")
            assert daemon.stop() == 0
    assert {each.document["type"] for each in receiver.received} == {"dev.shjobs.succeeded"}


def test_a_receiver_that_hangs_delays_neither_another_nor_the_stop(workspace: Workspace) -> None:
    with Receiver(hang) as bad, Receiver() as good:
        add_sink(workspace, "bad", bad.url)
        add_sink(workspace, "good", good.url)
        with running(workspace) as daemon:
            workspace.sandbox.faults.add(Fault(name="run-fails", times=3))
            for number in range(3):  # at once: all within the time that an answer may take
                workspace.write(f"job-{number}.yaml", ndvi(f"job-{number}", 14.4 + number / 100))
            for number in range(3):
                reaches(workspace, "Failed", f"job-{number}")
            until(lambda: len(told(good, "failed")) == 3, "the other hears of all")
            until(lambda: bad.received, "it was sent the first")
            began = time.monotonic()
            assert daemon.stop() == 0
            assert time.monotonic() - began < 25, "less than the time an answer may take"
        before = len(bad.received)
        with running(workspace) as daemon:
            until(lambda: len(bad.received) > before, "what was abandoned is sent again")
            assert daemon.stop() == 0
    assert len(set(bad.ids)) == 1


def test_a_receiver_that_comes_back_hears_of_everything(workspace: Workspace) -> None:
    with Receiver() as receiver:
        file = add_sink(workspace, "team", f"http://127.0.0.1:{closed_port()}/{CANARY}")
        with running(workspace) as daemon:
            for number in range(2):
                fails(workspace, f"job-{number}", 14.4 + number / 100)
            until(lambda: "a message was not delivered: nothing listens there" in daemon.log, "it says so")
            until(lambda: metric(daemon, "shjobs_notifications_pending")['sink="team"'] == 2.0, "two wait")
            file.write_text(receiver.url, encoding="utf-8")  # its address is read again, without a restart
            until(lambda: len(set(receiver.ids)) == 2, "both are told")
            until(lambda: "messages are delivered again" in daemon.log, "it says so")
            assert daemon.log.count("was not delivered") == 1
            assert daemon.stop() == 0


def test_the_secrets_of_sinks_are_nowhere(workspace: Workspace) -> None:
    """Two receivers fail in every way; the log, ledger, page, metrics and every command are searched for them."""
    with Receiver(answer(400, body=CANARY.encode()), answer(302, f"Location: /{CANARY}\r\n"), hang) as receiver:
        add_sink(workspace, "team", receiver.url)
        add_sink(workspace, "gone", f"http://127.0.0.1:{closed_port()}/{CANARY}")
        chat = '[notify.chat]\ntype = "apprise"\nurlFile = "chat.urls"\n'
        (workspace.root / "chat.urls").write_text(f"json://127.0.0.1:{closed_port()}/{CANARY}\nslack://{CANARY}\n")
        with (workspace.root / "shjobs.toml").open("a", encoding="utf-8") as settings:
            settings.write(chat)
        with running(workspace, SHJOBS_PAGE="true") as daemon:
            for number in range(3):
                fails(workspace, f"job-{number}", 14.4 + number / 100)
            until(lambda: len(receiver.received) >= 3, "the receiver was asked")
            until(lambda: "notify chat: a message was not delivered" in daemon.log, "apprise was asked")
            until(lambda: "notify gone: a message was not delivered" in daemon.log, "the other was asked")
            shown = [daemon.page(path)[1] for path in ("/", "/events", "/events.json", "/metrics", "/readyz")]
            given = {**os.environ, **workspace.environment}
            for command in (
                ["config", "show"], ["config", "show", "-o", "json"], ["notify"], ["notify", "-o", "json"],
                ["notify", "--test"], ["events"], ["get", "-o", "json"], ["doctor", "-o", "json"],
            ):  # fmt: skip
                done = shjobs(*command, cwd=workspace.root, environment=given)
                shown += [done.stdout, done.stderr]
            assert daemon.stop() == 0
            shown.append(daemon.log)
    stored = [path.read_bytes() for path in workspace.state.rglob("*") if path.is_file()]
    assert stored
    assert not [text for text in shown if CANARY in text]
    assert not [content for content in stored if CANARY.encode() in content]


def test_each_sink_has_a_thread_and_without_sinks_there_is_none_and_no_metric(workspace: Workspace) -> None:
    with running(workspace) as daemon:
        until(lambda: "is empty" in daemon.log, "the first scan")
        assert "shjobs_notification" not in daemon.page("/metrics")[1]
        assert daemon.stop() == 0

    def threads() -> set[str]:
        notifier = Notifier(workspace.settings, Clock())
        notifier.turned()
        found = {each.name for each in threading.enumerate() if each.name.startswith("notify-")}
        notifier.stop()
        return found

    assert threads() == set()
    add_sink(workspace, "one", "http://127.0.0.1/")
    add_sink(workspace, "two", "http://127.0.0.1/")
    assert threads() == {"notify-one", "notify-two"}
