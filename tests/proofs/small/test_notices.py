"""A small form of the proof of notifications: `make prove PARTS=notices` kills 200 times and measures the latency."""

import os

import pytest

from tests.proofs.notices import prove

pytestmark = pytest.mark.slow
SEED = int(os.environ.get("PROOF_SEED", "21"))


def test_every_receiver_hears_of_everything_under_one_id() -> None:
    figures = prove(SEED, small=True)
    assert (figures["kills"], figures["runs_ended"], figures["away_half_a_day_told_of"]) == (3, 6, 10)
    assert int(str(figures["messages_while_measured"])) > 0
