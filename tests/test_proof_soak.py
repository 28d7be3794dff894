"""A small form of the soak: seconds instead of minutes, under every fault; `make prove PARTS=soak` runs it in full."""

import os

from tests.proofs import soak

SEED = int(os.environ.get("PROOF_SEED", "5"))


def test_edited_under_every_fault_it_pays_once_and_tells_the_truth() -> None:
    figures = soak.prove(SEED, small=True)
    assert (figures["jobs"], figures["double_charges"], figures["wrong_outcomes"]) == (soak.SMALL_JOBS, 0, 0)
