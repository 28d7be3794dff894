"""The steps of histories as rules of a state machine: hypothesis chooses them, and shortens what it finds."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.proofs.histories import History, Step


class _Machine(RuleBasedStateMachine):
    """One history; at its end nothing may be open."""

    make: Callable[[], History]

    def __init__(self) -> None:
        super().__init__()
        self.history = type(self).make()

    def teardown(self) -> None:
        try:
            self.history.end()
        finally:
            self.history.close()


def live_through_chosen(make: type[History], seed: int, *, examples: int, steps: int = 30) -> None:
    """Live through histories that hypothesis chooses; it raises with the shortest one that breaks a promise."""
    rules = {name: _rule_of(name, values) for name, (_, values) in make.kinds.items()}
    machine = type(make.__name__, (_Machine,), {"make": make, **rules})
    chosen = settings(
        max_examples=examples, stateful_step_count=steps, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(seeded(seed)(machine), settings=chosen)


def _rule_of(name: str, values: tuple[Sequence[Any], ...]) -> Callable[..., None]:
    """The rule that takes this step, with any of its arguments."""

    def take(self: _Machine, arguments: tuple[Any, ...]) -> None:
        self.history.take(Step(name, arguments))

    take.__name__ = name
    return rule(arguments=st.tuples(*(st.sampled_from(each) for each in values)))(take)
