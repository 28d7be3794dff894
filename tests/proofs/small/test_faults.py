"""A small form of the fault matrix; `make prove` takes hundreds of cells, in which every two fates meet."""

import os

import pytest

from tests.proofs import faults

pytestmark = pytest.mark.slow
SEED = int(os.environ.get("PROOF_SEED", "1"))


def test_every_outcome_is_what_the_ledger_says_and_nothing_is_paid_for_twice() -> None:
    figures = faults.prove(SEED, small=True)
    assert figures["double_charges"] == 0
    assert {"succeeded", "failed", "unknown", "unconfirmed"} <= figures.keys()
