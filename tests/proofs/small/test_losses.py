"""A few runs of the proof of losses; `make prove PARTS=losses` runs all of it. PROOF_SEED chooses another seed."""

import os

import pytest

from tests.proofs import losses
from tests.proofs.lives import Target
from tests.proofs.traced import why_not

SEED = int(os.environ.get("PROOF_SEED", "5"))


@pytest.mark.slow
@pytest.mark.skipif(why_not() is not None, reason=why_not() or "")
def test_a_state_that_is_lost_or_replaced_after_a_kill_pays_once_and_ends_as_promised() -> None:
    figures = losses.prove(SEED, small=True)
    assert figures["killed at the named call"] == figures["runs"] == 4
    assert figures["most charges before an operator's word"] == 1


def test_the_kills_are_spread_evenly_over_the_life() -> None:
    life = [Target(name="write", nth=number, ordinal=number) for number in range(1000)]
    numbers = [target.nth for target in losses.spread(life, 10, begin=0.5)]
    assert numbers == list(range(50, 1000, 100))
