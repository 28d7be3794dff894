"""A small form of the proof that the plan is what happens; `make prove PARTS=plans` runs 200 and 10 000 cases."""

import os

import pytest

from tests.proofs import plans

pytestmark = pytest.mark.slow
SEED = int(os.environ.get("PROOF_SEED", "4"))


def test_the_plan_of_one_process_is_what_sync_in_another_sends() -> None:
    figures = plans.prove(SEED, small=True)
    assert (figures["cases"], figures["wrong_plans"]) == (plans.SMALL, 0)
    assert (figures["pure_cases"], figures["pure_wrong_plans"]) == (plans.SMALL_PURE, 0)
