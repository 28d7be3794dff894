"""No test leaves a thread behind."""

import threading
from collections.abc import Iterator

import pytest

from tests.support.patience import LONGEST


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    new = [each for each in threading.enumerate() if each not in before and each.name != "deadlines"]
    for thread in new:
        thread.join(LONGEST)  # one that is just ending is none that is left
    assert [each.name for each in new if each.is_alive()] == []
