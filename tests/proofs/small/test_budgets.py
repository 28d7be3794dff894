"""Promise 6 on many small histories: a budget is a ceiling, whatever dies and however dear the archive is.

The full form is `python -m tests.proofs budgets`. PROOF_SEED chooses other histories.
"""

import os

import pytest

from tests.proofs.budgets import Audited, prove
from tests.proofs.chosen import live_through_chosen
from tests.proofs.cloud import PostFate, RunFate
from tests.proofs.histories import Step, outcome_of

pytestmark = pytest.mark.slow
SEED = int(os.environ.get("PROOF_SEED", "12"))


def test_many_histories_with_a_budget() -> None:
    figures = prove(SEED, small=True)
    assert all(int(str(figures[name])) > 0 for name in ("posts", "crashes", "held_by_the_budget"))


def test_a_manifest_that_breaks_while_the_claim_of_its_post_is_put_breaks_no_promise() -> None:
    """The auditor took the moment of the POST for that of the decision (budgets, seed 3, history 11)."""
    assert outcome_of([Step("wait", (1.0,)), Step("garble", ("b",))], Audited)[0] == ""


def test_a_cost_that_becomes_known_while_another_post_is_claimed_breaks_no_promise() -> None:
    """What a run has cost can stop the next decision, but not a POST that was decided before it was known."""
    storm = (PostFate.CONCURRENCY, PostFate.LOST)
    steps = [Step("density", (1.01,)), Step("runs", (RunFate.DELIVERED, 20.0)), Step("posts", (storm,))]
    assert outcome_of([*steps, Step("wait", (7200.0,))], Audited)[0] == ""


def test_what_remains_of_a_large_change_stays_held_when_settings_change() -> None:
    """Without one of its three manifests it is no longer large, and was released by a restart with other settings."""
    steps = [Step("retries", ("c", 2)), Step("wait", (30_000.0,)), Step("garble", ("c",)), Step("settings", (2,))]
    assert outcome_of(steps, Audited)[0] == ""


def test_histories_with_a_budget_that_hypothesis_chooses() -> None:
    live_through_chosen(Audited, SEED, examples=20)
