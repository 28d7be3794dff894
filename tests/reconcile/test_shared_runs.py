"""One request under several names, through the real loop: what is posted, and what every name shows in the end."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest

from controller.lifecycle.phase import phase
from controller.model.reasons import JobState
from tests.proofs.cloud import PostFate, RunFate
from tests.proofs.court import Court
from tests.proofs.drafts import Draft
from tests.proofs.histories import CALM, History

RUNS = 600.0
"""Seconds that a run takes in these tests."""
A, B, C = (Draft(job=name) for name in "abc")


class Names:
    """A machine with one request under several names."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.world = history.world
        history.runs(RunFate.DELIVERED, RUNS)

    def declare(self, *drafts: Draft) -> None:
        """From now on the tree holds these, each in a file of its own."""
        self.history._commit({f"{draft.job}.yaml": (draft,) for draft in drafts})

    def wait(self, seconds: float) -> None:
        self.history.wait(seconds)

    def restart(self) -> None:
        self.history.kill(0, 1.0, True)
        self.wait(2)

    def posts(self) -> list[str]:
        """Every POST as `name-r<rerun>-a<attempt>`."""
        return [f"{item.job}-r{item.rerun}-a{item.attempt}" for item in self.world.cloud.sent]

    def states(self) -> Mapping[str, JobState]:
        machine = self.world.machines[0]
        ledger, limits = machine.ledger, machine.loop.limits()
        return {name: phase(job, ledger.of(name), limits, machine.now) for name, job in sorted(ledger.jobs.items())}

    def reasons(self) -> dict[str, str]:
        return {name: str(state.reason) for name, state in self.states().items() if state.reason != "Removed"}

    def end(self) -> None:
        """A long calm, with every promise of the court."""
        self.history.end()


@pytest.fixture
def names() -> Iterator[Names]:
    history = History(Court())
    history.tree = {}
    history.world.machines[0].files = {}
    yield Names(history)
    history.close()


def test_two_new_names_are_paid_for_once_and_end_in_the_same_turn(names: Names) -> None:
    names.declare(A, B)
    names.wait(60)
    assert (names.posts(), names.reasons()) == (["a-r0-a0"], {"a": "Running", "b": "SharedRun"})
    names.wait(CALM)
    assert (names.posts(), names.reasons()) == (["a-r0-a0"], {"a": "Delivered", "b": "Reused"})
    shown = names.states()["b"].shared
    assert (shown and shown.owner) == "a"
    names.end()


def test_ten_names_are_paid_for_once(names: Names) -> None:
    names.declare(*(replace(A, job=f"job-{number}") for number in range(10)))
    names.wait(CALM)
    assert names.posts() == ["job-0-r0-a0"]
    assert list(names.reasons().values()) == ["Delivered", *["Reused"] * 9]


@pytest.mark.parametrize("wait", [0.0, 1.5, 60.0, RUNS + 30, CALM], ids="at {} s".format)
@pytest.mark.parametrize("restarts", [False, True], ids=["", "with a restart"])
def test_a_renamed_job_is_never_paid_for_again(names: Names, wait: float, restarts: bool) -> None:
    """Also after a second renaming, and back to the first name."""
    names.declare(A)
    names.wait(10)
    for draft in (B, C, A):
        names.wait(wait)
        if restarts:
            names.restart()
        names.declare(draft)
    names.wait(CALM)
    assert (names.posts(), names.reasons()) == (["a-r0-a0"], {"a": "Delivered"})
    names.declare(C)
    names.wait(CALM)
    assert (names.posts(), names.reasons()) == (["a-r0-a0"], {"c": "Reused"})
    names.end()


def test_a_job_that_wanted_something_else_takes_over_what_was_delivered(names: Names) -> None:
    names.declare(A, replace(B, text="B"))
    names.wait(CALM)
    names.declare(A, B)
    names.wait(60)
    assert (names.posts(), names.reasons()) == (["a-r0-a0", "b-r0-a0"], {"a": "Delivered", "b": "Reused"})
    names.declare(replace(A, text="B"), B)
    names.wait(60)
    assert (len(names.posts()), names.reasons()) == (2, {"a": "Reused", "b": "Reused"})


def test_the_second_pays_while_the_first_is_on_hold_and_the_first_takes_it_over(names: Names) -> None:
    names.declare(replace(A, hold=True), B)
    names.wait(60)
    assert (names.posts(), names.reasons()) == (["b-r0-a0"], {"a": "SharedRun", "b": "Running"})
    names.declare(A, B)
    names.wait(CALM)
    assert (names.posts(), names.reasons()) == (["b-r0-a0"], {"a": "Reused", "b": "Delivered"})


STOPS: list[tuple[str, Callable[[Names], None]]] = [
    ("removed", lambda names: names.declare(B)),
    ("put on hold", lambda names: names.declare(replace(A, hold=True), B)),
    ("broken", lambda names: names.declare(replace(A, is_broken=True), B)),
    ("changed", lambda names: names.declare(replace(A, text="C"), B)),
]


@pytest.mark.parametrize("stop", [pytest.param(stop, id=name) for name, stop in STOPS])
def test_the_next_name_pays_when_the_first_is_stopped_before_its_post(
    names: Names, stop: Callable[[Names], None]
) -> None:
    names.history.bucket(False)
    names.declare(A, B)
    names.wait(60)
    assert (names.posts(), names.reasons()) == ([], {"a": "HistoryUnknown", "b": "SharedRun"})
    names.history.fair()
    stop(names)
    names.wait(CALM)
    assert [item.job for item in names.world.cloud.sent if item.digest == B.wanted.digest] == ["b"]
    names.end()


def test_the_body_of_the_first_is_refused_and_the_second_asks_by_itself(names: Names) -> None:
    """What it is given then serves the first, too."""
    names.history.posts((PostFate.BODY, PostFate.ACCEPTED))
    names.declare(A, B)
    names.wait(CALM)
    assert (names.posts(), names.reasons()) == (["a-r0-a0", "b-r0-a0"], {"a": "Reused", "b": "Delivered"})


def test_a_failure_is_taken_over_until_another_run_delivers(names: Names) -> None:
    names.history.runs(RunFate.ERROR, RUNS)
    names.declare(A, B)
    names.wait(CALM)
    assert (names.posts(), names.reasons()) == (["a-r0-a0"], {"a": "ErrorReported", "b": "ErrorReported"})
    names.declare(replace(A, retries=1), B)
    names.history.runs(RunFate.DELIVERED, RUNS)
    names.wait(300)
    assert (names.posts(), names.reasons()) == (["a-r0-a0", "a-r0-a1"], {"a": "Running", "b": "SharedRun"})
    names.wait(CALM)
    assert (len(names.posts()), names.reasons()) == (2, {"a": "Delivered", "b": "Reused"})
    names.end()


def test_retries_are_those_of_the_job_that_pays(names: Names) -> None:
    names.history.runs(RunFate.ERROR, RUNS)
    names.declare(A, replace(B, retries=2))
    names.wait(CALM)
    assert (names.posts(), names.reasons()) == (["a-r0-a0"], {"a": "ErrorReported", "b": "ErrorReported"})


def test_a_higher_rerun_pays_for_its_job_and_serves_the_others_only_if_they_want_it(names: Names) -> None:
    names.declare(A, B)
    names.wait(CALM)
    names.declare(A, replace(B, rerun=1))
    names.wait(CALM)
    assert (names.posts(), names.reasons()) == (["a-r0-a0", "b-r1-a0"], {"a": "Delivered", "b": "Delivered"})
    names.declare(replace(A, rerun=1), replace(B, rerun=1))
    names.wait(CALM)
    assert (len(names.posts()), names.reasons()) == (2, {"a": "Reused", "b": "Delivered"})


def test_a_rerun_of_two_names_in_one_commit_is_paid_for_once(names: Names) -> None:
    names.declare(A, B)
    names.wait(CALM)
    names.declare(replace(A, rerun=1), replace(B, rerun=1))
    names.wait(CALM)
    assert (names.posts(), names.reasons()) == (["a-r0-a0", "a-r1-a0"], {"a": "Delivered", "b": "Reused"})


def test_an_unconfirmed_post_blocks_the_other_name_until_an_operator_decides(names: Names) -> None:
    names.history.posts((PostFate.BEFORE,))
    names.declare(A)
    names.wait(30)
    names.declare(B)
    names.wait(CALM)
    assert (names.posts(), names.reasons()) == (["a-r0-a0"], {"b": "NeedsPerson"})
    assert "`shjobs resolve a` settles both" in names.states()["b"].message
    names.history.resolve(0, "a", "no")
    names.wait(CALM)
    assert (names.posts(), names.reasons()) == (["a-r0-a0", "b-r0-a0"], {"b": "Delivered"})


def test_a_crash_between_the_intent_and_the_answer_pays_once(names: Names) -> None:
    for fuse in range(12):
        names.history.doom(0, fuse, 1.0, True)
        names.declare(replace(A, rerun=fuse), replace(B, rerun=fuse))
        names.wait(CALM)
    charged = [(item.digest, item.rerun) for item in names.world.cloud.sent if item.charged]
    assert len(charged) == len(set(charged)) == 12
    names.end()
