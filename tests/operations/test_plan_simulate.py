"""What a plan foresees on a copy of the ledger, on the model of the world: what is due soon, and what nobody knows."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from controller.model.submission import Outcome
from tests.proofs.cloud import PostFate, RunFate
from tests.proofs.foresights import foreseen
from tests.proofs.histories import History
from tests.proofs.world import TIMING


@pytest.fixture
def history() -> Iterator[History]:
    """A repository with the jobs a and b, of which nothing was sent yet."""
    made = History()
    yield made
    made.close()


def sight_of(history: History) -> tuple[dict[str, int], dict[str, float]]:
    """The attempt that is foreseen for each job, and in how many seconds it is due if not at once."""
    now = history.world.now
    sight = foreseen(history, history.world.machines[0], now)
    due = {name: (time - now).total_seconds() for name, time in sight.due.items()}
    return {name: post.attempt for name, post in sight.posts.items()}, due


def wait_until_failed(history: History, job: str) -> float:
    """Live until a run of the job has failed; how many seconds ago that was."""
    for _ in range(200):
        history.wait(5.0)
        ended = [row.finished_at for row in history.world.machines[0].rows() if row.job == job and row.finished_at]
        if ended and all(row.outcome is Outcome.FAILED for row in history.world.machines[0].rows() if row.job == job):
            return (history.world.now - ended[0]).total_seconds()
    raise AssertionError("it never failed")


def test_every_new_job_is_foreseen_at_once(history: History) -> None:
    assert sight_of(history) == ({"a": 0, "b": 0}, {})


def test_the_ledger_and_the_service_know_nothing_of_it(history: History) -> None:
    sight_of(history)
    assert (history.world.machines[0].rows(), history.world.cloud.sent) == ([], [])


def test_what_runs_is_not_sent_again(history: History) -> None:
    history.wait(30.0)
    assert sight_of(history) == ({}, {})


def test_a_paid_retry_that_is_due_soon_is_foreseen_with_its_time(history: History) -> None:
    history.runs(RunFate.ERROR, 20.0)
    history.retries("a", 1)
    ago = wait_until_failed(history, "a")
    assert sight_of(history) == ({"a": 1}, {"a": TIMING.retry_first - ago})


def test_a_paid_retry_of_a_run_that_has_not_failed_yet_cannot_be_foreseen(history: History) -> None:
    history.runs(RunFate.ERROR, 600.0)
    history.retries("a", 1)
    history.wait(30.0)
    assert sight_of(history) == ({}, {})


def test_a_canary_that_is_due_soon_lets_the_others_through(history: History) -> None:
    """The answer to b was lost; c was added since, and waits for the breaker."""
    history.posts((PostFate.BEFORE,))
    history.wait(30.0)
    history.fair()
    history.edit("c", "C")
    posts, due = sight_of(history)
    assert posts == {"c": 0}
    assert 0 < due["c"] <= timedelta(seconds=TIMING.breaker_first * 2).total_seconds()
