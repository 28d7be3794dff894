"""A small form of the hostile proof: some cases before the real daemon once; `make prove` judges times, and takes all.

What is left out here has quicker tests: `test_links`, `test_git_door`, `test_daemon`.
"""

import os

import pytest

from tests.proofs.hostile import endured

SEED = int(os.environ.get("PROOF_SEED", "1"))


CHOSEN = (
    "four files of very many documents",
    "twelve looping scripts",
    "a link to the root of the file system",
    "links to devices",
    "many folders of links to each other",
    "a jobs folder that looks like a bare repository",
)


@pytest.mark.parametrize("name", CHOSEN)
def test_a_good_job_is_sent_and_the_daemon_stops_beside(name: str) -> None:
    endured(name, SEED, small=True)
