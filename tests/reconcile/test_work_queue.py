"""A lane: calls in order, only as many threads as there is work for, and an end that leaves behind what hangs."""

import threading
import time
from collections.abc import Iterator

import pytest

from controller.reconcile.calls import work_queue as module
from controller.reconcile.calls.work_queue import WorkQueue
from tests.support.patience import LONGEST


class Record:
    """What a lane did: `act` notes an item, and holds whoever carries it out until `release`."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.begun = threading.Semaphore(0)
        self.release = threading.Event()

    def act(self, item: int) -> None:
        self.begun.release()
        self.release.wait(LONGEST)
        self.done.append(item)

    def await_begun(self, times: int) -> None:
        for _ in range(times):
            assert self.begun.acquire(timeout=LONGEST)


@pytest.fixture
def record() -> Iterator[Record]:
    made = Record()
    yield made
    made.release.set()


def threads(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())


def test_one_thread_carries_items_out_in_their_order(record: Record) -> None:
    lane = WorkQueue("in order", 1, record.act)
    record.release.set()
    for number in range(100):
        lane.put(number)
    lane.close(LONGEST)
    assert record.done == list(range(100))


def test_there_are_never_more_threads_than_items_or_than_may_be(record: Record) -> None:
    lane = WorkQueue("a few", 3, record.act)
    lane.put(0)
    record.await_begun(1)
    assert threads("a few") == 1
    for number in range(1, 10):
        lane.put(number)
    record.await_begun(2)
    assert threads("a few") == 3
    record.release.set()
    lane.close(LONGEST)
    assert (sorted(record.done), threads("a few")) == (list(range(10)), 0)


def test_an_idle_thread_is_used_again_and_goes_after_a_while(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    record.release.set()
    lane = WorkQueue("idle", 3, record.act)
    for number in range(5):
        lane.put(number)
        record.await_begun(1)
        deadline = time.monotonic() + LONGEST
        while (len(record.done) <= number or lane._idle == 0) and time.monotonic() < deadline:
            time.sleep(0.001)
    assert threads("idle") == 1  # it was back each time when the next item came
    monkeypatch.setattr(module, "IDLE", 0.01)
    lane.put(5)
    deadline = time.monotonic() + LONGEST
    while threads("idle") > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    lane.close(LONGEST)
    assert sorted(record.done) == list(range(6))


def test_what_nobody_has_begun_can_be_taken_out(record: Record) -> None:
    lane = WorkQueue("taken out", 1, record.act)
    for number in range(4):
        lane.put(number)
    record.await_begun(1)
    assert lane.drain() == [1, 2, 3]
    record.release.set()
    lane.close(LONGEST)
    assert record.done == [0]


def test_what_hangs_is_left_behind(record: Record) -> None:
    lane = WorkQueue("hangs", 1, record.act)
    lane.put(0)
    record.await_begun(1)
    lane.close(0.01)
    assert (record.done, threads("hangs")) == ([], 1)
