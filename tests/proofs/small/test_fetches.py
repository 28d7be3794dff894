"""A few kills of the proof of fetches with a fixed seed; `make prove` does all. PROOF_SEED chooses another seed."""

import os

import pytest

from tests.proofs import fetches
from tests.proofs.traced import why_not

SEED = int(os.environ.get("PROOF_SEED", "5"))


@pytest.mark.slow
@pytest.mark.skipif(why_not() is not None, reason=why_not() or "")
def test_a_fetch_that_is_killed_anywhere_leaves_one_whole_tree() -> None:
    figures = fetches.prove(SEED, small=True)
    assert figures["kills"] == 20
    assert isinstance(readings := figures["readings of the tree meanwhile"], int) and readings > 0
