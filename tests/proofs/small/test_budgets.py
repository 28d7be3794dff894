"""Promise 6 on many small histories: a budget is a ceiling, whatever dies and however dear the archive is.

The full form is `python -m tests.proofs budgets`. PROOF_SEED chooses other histories.
"""

import os

import pytest

from tests.proofs.budgets import Audited, prove
from tests.proofs.chosen import live_through_chosen

pytestmark = pytest.mark.slow
SEED = int(os.environ.get("PROOF_SEED", "11"))


def test_many_histories_with_a_budget() -> None:
    figures = prove(SEED, small=True)
    told = ("posts", "crashes", "held_by_the_budget", "stopped_after_overspending", "released_by_a_person")
    assert all(int(str(figures[name])) > 0 for name in told)


def test_histories_with_a_budget_that_hypothesis_chooses() -> None:
    live_through_chosen(Audited, SEED, examples=20)
