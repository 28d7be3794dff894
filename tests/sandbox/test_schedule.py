"""The workers of the sandbox: each action when it is due, and none costs a worker."""

import threading
import time

import pytest

from controller.sandbox.clock import SandboxClock
from controller.sandbox.jobs.schedule import Action, Schedule
from tests.support.patience import LONGEST


def fail() -> None:
    raise TypeError("not foreseen")


@pytest.mark.parametrize(
    ("due", "first"),
    [
        pytest.param(1e300, fail, id="one is due later than a thread can wait"),
        pytest.param(0.0, fail, id="one raises an unforeseen error"),
    ],
)
def test_an_action_costs_no_worker(due: float, first: Action) -> None:
    schedule, ran = Schedule(1, SandboxClock()), threading.Event()
    schedule.at(due, first)
    time.sleep(0.05)  # the worker takes it, or starts to wait for it
    schedule.at(0.0, ran.set)
    assert ran.wait(LONGEST)
    assert schedule.stop()
