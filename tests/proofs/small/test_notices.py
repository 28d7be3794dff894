"""A small form of the proof of notifications: `make prove PARTS=notices` kills 200 times and measures the latency."""

import os

import pytest

from tests.proofs.notices import prove

pytestmark = pytest.mark.slow
SEED = int(os.environ.get("PROOF_SEED", "21"))


def test_every_receiver_hears_of_everything_under_one_id() -> None:
    figures = prove(SEED, small=True)
    assert (figures["kills"], figures["reported_after_half_a_day"]) == (3, 10)
    assert 0 < figures["runs_ended"] <= 6  # type: ignore[operator]  # a kill may leave one that waits for an operator
    assert int(str(figures["messages_while_measured"])) > 0
