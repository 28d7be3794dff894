"""A small form of the proof that `check` and sandbox agree; `make prove PARTS=agreement` asks both 5 000 times."""

import os

import pytest

from tests.proofs import agreement

pytestmark = pytest.mark.slow
SEED = int(os.environ.get("PROOF_SEED", "5"))


def test_what_check_accepts_the_sandbox_runs_and_what_it_refuses_is_refused() -> None:
    figures = agreement.prove(SEED, small=True)
    assert (figures["cases"], figures["disagreements"]) == (agreement.SMALL, 0)


def test_the_same_seed_makes_the_same_cases() -> None:
    first, second = ([case.script for case in agreement.cases_of(SEED, 20)] for _ in range(2))
    assert first == second
