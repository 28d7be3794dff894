"""A sender that is killed at any step sends every message at least once, with the id that it had before."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controller.ledger.outbox.outbox import Outbox
from controller.model.notices.event import Topic
from tests.support.outboxes import recorded
from tests.support.patience import LONGEST
from tests.support.receiver import Receiver, answer, event, wait_until

pytestmark = pytest.mark.slow

# A sender as the daemon has it, that runs until it is killed.
PROGRAM = """
import random, sys, time
from pathlib import Path
from controller.ledger.outbox.outbox import Outbox
from controller.model.clock import Clock
from controller.model.timing import Timing
from controller.notify.messages import MessageSender
from controller.notify.sinks.webhook import post
from controller.notify.tally import Tally
from tests.support.receiver import webhook

state, url, scale = sys.argv[1:]
clock, sink, timing = Clock(), webhook(url, digest=0.05), Timing().scaled(float(scale))
sender = MessageSender(
    lambda: sink, Outbox(Path(state)), lambda sink, message, now: post(sink, message, "i", timing, None, now),
    timing, tally=Tally((sink.name,)), jitter=random.random, now=clock.now,
)
print("ready", flush=True)
while True:
    sender.run_once(clock.now())
    time.sleep(0.002)
"""


@contextmanager
def sending(
    state: Path, url: str, started: Callable[[subprocess.Popen[bytes]], object] = lambda _process: None
) -> Iterator[subprocess.Popen[bytes]]:
    """A sender that is ready; `started` is called before it sends anything."""
    command = [sys.executable, "-c", PROGRAM, str(state), url, "0.001"]
    root = str(Path(__file__).resolve().parents[2])
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": root}) as process:
        started(process)
        try:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def waiting(state: Path) -> int:
    with Outbox(state) as outbox:
        return sum(each.waiting for each in outbox.counts())


def test_killed_at_the_moment_of_each_request(tmp_path: Path) -> None:
    """The receiver has the message, and the sender dies before it reads the answer: it is sent again."""
    recorded(tmp_path, [event(f"job-{number}") for number in range(4)])
    process: list[subprocess.Popen[bytes]] = []

    def kill(_connection: socket.socket, _closing: threading.Event) -> None:
        process[-1].send_signal(signal.SIGKILL)
        process[-1].wait()

    with Receiver(*[kill] * 6, answer(200)) as receiver:
        for _ in range(6):
            with sending(tmp_path, receiver.url, process.append) as started:
                assert started.wait(LONGEST) == -signal.SIGKILL
        with sending(tmp_path, receiver.url):
            wait_until(lambda: not waiting(tmp_path), LONGEST, "not everything was sent")
    assert set(receiver.ids) == {f"id-of-job-{number}" for number in range(4)}
    assert receiver.ids[:6] == ["id-of-job-0"] * 6


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """Events come and the sender dies, again and again; several that became one message stay one message."""
    moments = random.Random(7)
    known: list[str] = []
    recorded(tmp_path, [])
    with Receiver() as receiver:
        for number in range(12):
            failed = [event(f"f-{number}-{each}") for each in range(3)]
            done = [event(f"s-{number}-{each}", Topic.SUCCEEDED) for each in range(3)]
            with sending(tmp_path, receiver.url) as process:
                recorded(tmp_path, [*failed, *done])
                known += [each.id for each in (*failed, *done)]
                time.sleep(moments.uniform(0.0, 0.15))
                process.send_signal(signal.SIGKILL)
                process.wait()
        with sending(tmp_path, receiver.url):
            wait_until(lambda: not waiting(tmp_path) and _seen(receiver) >= set(known), LONGEST, "something was lost")
    by_id: dict[str, set[tuple[str, ...]]] = {}
    for request in receiver.received:
        events = tuple(each["id"] for each in request.document["data"]["events"])
        by_id.setdefault(request.document["id"], set()).add(events)
    assert all(len(contents) == 1 for contents in by_id.values()), "one id, one content"
    told = [each for contents in by_id.values() for events in contents for each in events]
    assert sorted(told) == sorted(known), "each event belongs to one message"


def _seen(receiver: Receiver) -> set[str]:
    return {each["id"] for request in receiver.received for each in request.document["data"]["events"]}
