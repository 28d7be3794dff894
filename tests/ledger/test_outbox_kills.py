"""The process is killed before each statement of the outbox in turn: nothing is lost, and an id is always the same."""

import os
import signal
from collections import defaultdict
from itertools import count
from pathlib import Path
from shutil import copytree

import pytest

from controller.ledger.outbox.outbox import Outbox
from controller.ledger.store import Store
from controller.model.notices.event import Topic
from tests.support.factories import at
from tests.support.notices import event, record, sink

TEAM = sink()
EVENTS = [
    *(event(number) for number in (1, 2)),
    *(event(number, Topic.UNKNOWN) for number in range(3, 10)),
    *(event(number, Topic.SUCCEEDED) for number in range(10, 13)),
]


def send_all(state: Path, received: Path, dies_before: int) -> None:
    """What a thread that sends does, until it is killed before a statement of that number; the file is the receiver."""
    left = count(dies_before, -1)

    def run(_statement: str) -> None:
        if next(left) == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    with Outbox(state) as outbox, received.open("a", encoding="ascii", buffering=1) as receiver:
        outbox._connection.set_trace_callback(run)
        outbox.form(TEAM, at(400))
        for message in outbox.due("team", at(400)):
            receiver.write(f"{message.id} {' '.join(each.id for each in message.events)}\n")
            outbox.sent(message, at(400))


def in_a_process(state: Path, received: Path, dies_before: int) -> bool:
    """Whether it came to its end."""
    pid = os.fork()
    if not pid:
        try:
            send_all(state, received, dies_before)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return not os.WIFSIGNALED(status)


@pytest.mark.slow
def test_each_event_is_received_at_least_once_and_always_in_the_same_message(tmp_path: Path) -> None:
    kills = repeated = 0
    with Store.open(tmp_path / "state", {}) as store:
        with store.transaction():
            store.notices.begin(["team"])
        record(store, *EVENTS)
    for number in count(1):
        state, received = tmp_path / f"state-{number}", tmp_path / f"received-{number}"
        copytree(tmp_path / "state", state)
        is_whole = in_a_process(state, received, number)
        with Store.open(state, {}) as store:
            record(store, event(20), *EVENTS)  # what is recorded after the kill joins no message that was formed before
        assert in_a_process(state, received, 0)
        messages = defaultdict[str, set[str]](set)
        lines = received.read_text(encoding="ascii").splitlines()
        for line in lines:
            id_, _, events = line.partition(" ")
            messages[id_].add(events)
        held = [each for found in messages.values() for events in found for each in events.split()]
        assert sorted(held) == sorted(each.id for each in (*EVENTS, event(20))), f"killed before statement {number}"
        assert all(len(found) == 1 for found in messages.values()), "one id, one content"
        repeated += len(lines) - len(messages)
        if is_whole:
            break
        kills += 1
    assert kills > 20
    assert repeated > 0, "a kill between the receiver's yes and the mark repeats the message"
