"""A thread for each sink: one that hangs or breaks delays no other, and a stop waits for none of them for long."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from controller.ledger.outbox.outbox import Outbox
from controller.model.clock import Clock
from controller.model.errors import StateError
from controller.notify.worker import SHORTEST, Opener, Worker
from tests.support.outboxes import recorded
from tests.support.patience import LONGEST
from tests.support.receiver import CANARY, wait_until

NOW = Clock().now


class Rounds:
    """A sender that does what it is given in each round."""

    def __init__(self, *rounds: Callable[[], datetime | None]) -> None:
        self.done = 0
        self.opened = self.closed = 0
        self._rounds = rounds

    def open(self, _is_stopping: Callable[[], bool]) -> "Rounds":
        self.opened += 1
        return self

    def run_once(self, _now: datetime) -> datetime | None:
        step = self._rounds[min(self.done, len(self._rounds) - 1)]
        self.done += 1
        return step()

    def close(self) -> None:
        self.closed += 1


@contextmanager
def working(opener: Opener, every: float = 3600) -> Iterator[Worker]:
    worker = Worker("team", opener, NOW, every)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()
        worker.join(LONGEST)


def raising(error: Exception) -> Callable[[], datetime | None]:
    def step() -> datetime | None:
        raise error

    return step


def test_it_runs_at_once_and_when_it_is_woken() -> None:
    rounds = Rounds(lambda: None)
    with working(rounds.open) as worker:
        wait_until(lambda: rounds.done == 1, LONGEST, "it did not begin")
        worker.wake()
        wait_until(lambda: rounds.done == 2, LONGEST, "it was not woken")
    assert (rounds.opened, rounds.closed) == (1, 1)


def test_it_runs_when_something_is_due_and_every_so_often() -> None:
    due = Rounds(lambda: NOW() + timedelta(seconds=0.1), lambda: None)
    often = Rounds(lambda: None)
    with working(due.open), working(often.open, every=0.1):
        wait_until(lambda: due.done == 2, LONGEST, "what is due was not done")
        wait_until(lambda: often.done >= 3, LONGEST, "it did not look by itself")
    assert due.done == 2


def test_what_has_been_due_for_long_does_not_make_it_spin() -> None:
    rounds = Rounds(lambda: NOW() - timedelta(days=1))
    began = time.monotonic()
    with working(rounds.open):
        time.sleep(0.3)
    assert rounds.done <= (time.monotonic() - began) / SHORTEST + 2


def test_a_wake_during_a_round_is_not_lost() -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        assert may_end.wait(LONGEST)

    rounds = Rounds(slow, lambda: None)
    with working(rounds.open) as worker:
        assert begun.wait(LONGEST)
        worker.wake()
        may_end.set()
        wait_until(lambda: rounds.done == 2, LONGEST, "the wake was lost")


def test_one_that_hangs_delays_no_other_and_no_stop() -> None:
    may_end = threading.Event()

    def hang() -> None:
        assert may_end.wait(LONGEST)

    hanging, other = Rounds(hang), Rounds(lambda: None)
    first, second = Worker("first", hanging.open, NOW, 3600), Worker("second", other.open, NOW, 0.01)
    first.start()
    second.start()
    wait_until(lambda: hanging.done and other.done > 3, LONGEST, "one waited for the other")
    for worker in (first, second):
        worker.stop()
    began = time.monotonic()
    first.join(0.1)
    second.join(LONGEST)
    assert time.monotonic() - began < LONGEST / 2
    assert other.closed == 1
    may_end.set()
    first.join(LONGEST)
    assert hanging.closed == 1


def test_a_ledger_that_cannot_be_used_is_said_once_and_opened_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("controller.notify.worker.FIRST_RETRY", 0.01)
    broken = raising(StateError("the ledger cannot be written"))
    rounds = Rounds(broken, broken, broken, lambda: None, broken, lambda: None)
    with working(rounds.open, every=0.01):
        wait_until(lambda: rounds.done >= 6, LONGEST, "it gave up")
    said = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    assert said == ["notify team: the ledger cannot be written"] * 2
    assert rounds.opened == rounds.closed == 5


def test_a_bug_ends_no_thread_and_its_words_are_not_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("controller.notify.worker.FIRST_RETRY", 0.01)
    rounds = Rounds(raising(ValueError(CANARY)), lambda: None)
    with working(rounds.open, every=0.01):
        wait_until(lambda: rounds.done >= 2, LONGEST, "its thread ended")
    assert [each.getMessage() for each in caplog.records] == ["notify team: this should not happen: ValueError"]


def test_a_worker_without_a_ledger_waits_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.notify.worker.FIRST_RETRY", 0.01)
    rounds = Rounds(lambda: None)

    def opened(is_stopping: Callable[[], bool]) -> Rounds:
        Outbox(tmp_path / "state").close()
        return rounds.open(is_stopping)

    with working(opened):
        time.sleep(0.1)
        assert rounds.done == 0
        recorded(tmp_path / "state", [])
        wait_until(lambda: rounds.done, LONGEST, "it did not see the ledger")
