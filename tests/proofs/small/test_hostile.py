"""A small form of the hostile proof: cases of a kind together before one daemon; `make prove` takes each alone, and
measures and judges times.
"""

import os

import pytest

from tests.proofs.hostile import CASES, endured

pytestmark = pytest.mark.slow
SEED = int(os.environ.get("PROOF_SEED", "1"))
ELSEWHERE = {"hundreds of half-open requests"}  # before the daemon in test_daemon.py
TOGETHER = {
    "very large files": ("four files of very many documents", "files of very many values"),
    "scripts": ("twelve looping scripts",),
    "links, devices and repositories": (
        "a pipe where a manifest is expected",
        "a link to itself",
        "a link to the root of the file system",
        "a link to a folder outside",
        "a link to a manifest outside",
        "links to devices",
        "a status file that is a link to a file outside",
        "many folders of links to each other",
        "a repository whose settings name programs",
        "a jobs folder that looks like a bare repository",
    ),
}


def test_every_case_is_in_the_small_form_or_elsewhere() -> None:
    assert sorted(CASES) == sorted([*ELSEWHERE, *(name for names in TOGETHER.values() for name in names)])


@pytest.mark.parametrize("names", TOGETHER.values(), ids=TOGETHER)
def test_a_good_job_is_sent_and_the_daemon_stops_beside(names: tuple[str, ...]) -> None:
    endured(names, SEED, small=True)
