"""The measurements of the sandbox can be made; how fast it is belongs to the bench itself."""

import os

import pytest

from bench.sandbox import BUDGETS, figures

pytestmark = pytest.mark.slow


def test_every_budget_is_measured_and_the_cores_are_given_back() -> None:
    before = os.sched_getaffinity(0)
    measured = figures(small=True)
    assert measured.keys() == BUDGETS.keys()
    assert all(figure > 0 for figure in measured.values())
    assert os.sched_getaffinity(0) == before
