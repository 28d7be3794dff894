"""Promise 3 in small: every way of changing files is seen by the real daemon, with events and without.

The full form, with its times, is `python -m tests.proofs changes`.
"""

from random import Random

import pytest

from tests.proofs.changes import SCAN_EVERY, WAYS, seen


@pytest.mark.parametrize("way", WAYS)
def test_a_change_is_seen(way: str) -> None:
    numbers = iter(range(1, 100))
    assert seen(way, 1, numbers, Random(1), SHJOBS_SCAN_EVERY="1h")


@pytest.mark.parametrize("way", ["in_place", "by_a_swapped_worktree", "with_the_same_size_and_time"])
def test_a_change_is_seen_without_events(way: str) -> None:
    numbers = iter(range(1, 100))
    assert seen(way, 1, numbers, Random(1), SHJOBS_SCAN_EVERY=f"{SCAN_EVERY}s", SHJOBS_WATCH="false")
