"""No test leaves a thread behind."""

import threading
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(1)
    assert [each.name for each in threading.enumerate() if each not in before and each.name != "deadlines"] == []
