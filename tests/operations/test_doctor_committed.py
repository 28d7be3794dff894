"""What `doctor` says where only what is committed counts."""

import pytest

from controller.operations.doctor.findings import CheckResult, committed_only
from controller.tree.git.info import Checkout

COMMIT = "4f1d2c9e" * 5


@pytest.mark.parametrize(
    ("found", "health", "words"),
    [
        pytest.param(Checkout(commit=COMMIT, held={}), CheckResult.OK, "only what 4f1d2c9e4f1d holds", id="it can"),
        pytest.param(Checkout(commit=COMMIT), CheckResult.FAIL, "so every job is held", id="git has no answer"),
        pytest.param(None, CheckResult.FAIL, "no commit is checked out", id="there is no repository, or no commit"),
    ],
)
def test_whether_anything_can_be_paid_for(found: Checkout | None, health: CheckResult, words: str) -> None:
    diagnosis = committed_only(found)
    assert (diagnosis.health, words in diagnosis.message) == (health, True)
    assert (diagnosis.advice == "") == (health is CheckResult.OK)
