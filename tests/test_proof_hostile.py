"""A small form of the hostile proof: each case before the real daemon once; `make prove` measures and judges times."""

import os

import pytest

from tests.proofs.hostile import CASES, endured

SEED = int(os.environ.get("PROOF_SEED", "1"))


@pytest.mark.parametrize("name", CASES)
def test_a_good_job_is_sent_and_the_daemon_stops_beside(name: str) -> None:
    endured(name, SEED, small=True)
