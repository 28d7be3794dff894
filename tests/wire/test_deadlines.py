"""The watchdog of the transport: it interrupts what takes too long, and nothing else."""

import threading
import time

import pytest

from controller.wire.deadlines import Watchdog
from tests.support.patience import LONGEST


def test_what_takes_too_long_is_interrupted() -> None:
    interrupted = threading.Event()
    with Watchdog().watching(0.05, interrupted.set):
        assert interrupted.wait(LONGEST)


def test_what_was_left_in_time_is_not_interrupted() -> None:
    watchdog, late, took = Watchdog(), threading.Event(), LONGEST
    while took >= 0.1:  # until it was really left in time
        early, began = threading.Event(), time.monotonic()
        with watchdog.watching(0.1, early.set):
            pass
        took = time.monotonic() - began
    with watchdog.watching(0.2, late.set):
        assert late.wait(LONGEST)
    assert not early.is_set()


def test_a_short_deadline_does_not_wait_for_a_long_one() -> None:
    watchdog, short, long = Watchdog(), threading.Event(), threading.Event()
    with watchdog.watching(60, long.set), watchdog.watching(0.05, short.set):
        assert short.wait(LONGEST)
    assert not long.is_set()


def test_an_interrupt_that_fails_ends_no_other_deadline() -> None:
    watchdog, interrupted = Watchdog(), threading.Event()

    def fail() -> None:
        interrupted.set()
        raise ValueError("it is gone")

    for _ in range(2):
        interrupted.clear()
        with watchdog.watching(0.05, fail):
            assert interrupted.wait(LONGEST)


def test_what_comes_after_a_quiet_while_is_watched_too() -> None:
    watchdog, interrupted = Watchdog(), threading.Event()
    with watchdog.watching(0.05, lambda: None):
        time.sleep(0.1)
    with watchdog.watching(0.05, interrupted.set):
        assert interrupted.wait(LONGEST)


def test_one_thread_watches_for_all() -> None:
    watchdog, before = Watchdog(), set(threading.enumerate())
    with watchdog.watching(60, lambda: None), watchdog.watching(50, lambda: None), watchdog.watching(40, lambda: None):
        assert [each.name for each in threading.enumerate() if each not in before] == ["deadlines"]


def test_a_thread_that_the_system_refused_was_never_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """No deadline held after that: an exchange that hung was never hung up."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    watchdog = Watchdog()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError), watchdog.watching(1, lambda: None):
            pass
    barked = threading.Event()
    with watchdog.watching(0, barked.set):
        assert barked.wait(LONGEST)
