"""Small forms of three proofs about the daemon: under every fault, asked to end, and beside a bucket that hangs.

`make prove PARTS="soak drain hang"` runs them in full. PROOF_SEED replays a failure.
"""

import os

import pytest

from tests.proofs import drain, hang, soak

pytestmark = pytest.mark.slow
SEED = int(os.environ.get("PROOF_SEED", "5"))


def test_edited_under_every_fault_it_pays_once_and_tells_the_truth() -> None:
    figures = soak.prove(SEED, small=True)
    assert (figures["jobs"], figures["double_charges"], figures["wrong_outcomes"]) == (soak.SMALL_JOBS, 0, 0)


def test_asked_to_end_at_any_moment_it_leaves_no_post_without_its_answer() -> None:
    figures = drain.prove(SEED, small=True)
    assert (figures["stops"], figures["left_without_an_answer"], figures["paid_twice"]) == (drain.SMALL, 0, 0)


def test_jobs_go_on_beside_a_bucket_that_hangs() -> None:
    figures = hang.prove(SEED, small=True)
    assert int(str(figures["posts_during"])) > 1
