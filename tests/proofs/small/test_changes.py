"""Promise 3 in small: every way of changing files is seen by the real daemon, with events and without.

Ways that leave the place fit for the next are seen in turn by one daemon. The full form, each way alone and with its
times, is `python -m tests.proofs changes`.
"""

import time
from collections.abc import Sequence

import pytest

from tests.proofs.changes import SCAN_EVERY, WAYS, digest_of, place, watched

pytestmark = pytest.mark.slow
TOGETHER = {
    "a file": (
        "in_place",
        "in_two_halves",
        "renamed_into_place",
        "renamed_from_outside",
        "as_an_editor_does",
        "deleted_and_made_again",
        "with_the_same_size_and_time",
        "replaced_with_the_same_size_and_time",
        "among_a_thousand_others",
    ),
    "its folder": (
        "by_a_tree_that_vanishes_and_returns",
        "by_another_tree_under_its_name",
        "moved_to_a_new_folder",
        "in_a_folder_that_is_moved_in",
    ),
    "git, then a linked folder": ("by_git_checkout", "in_a_linked_folder"),
    "a script, then a link": ("in_its_script", "behind_a_link"),
    "swaps": ("by_a_swapped_config_map", "by_a_swapped_worktree"),
}
DEAF = ("in_place", "with_the_same_size_and_time", "by_a_swapped_worktree")


def seen_in_turn(ways: Sequence[str], **changed: str) -> None:
    with place() as here, watched(here, **changed) as daemon:
        for number, way in enumerate(ways, 1):
            time.sleep(0.3)  # the events of the way before must not be what shows this one
            getattr(here, way)(number)
            daemon.seconds_until(digest_of(here), way)


def test_every_way_is_in_the_small_form() -> None:
    assert sorted(WAYS) == sorted(way for ways in TOGETHER.values() for way in ways)


@pytest.mark.parametrize("ways", TOGETHER.values(), ids=TOGETHER)
def test_a_change_is_seen(ways: tuple[str, ...]) -> None:
    seen_in_turn(ways, SHJOBS_SCAN_EVERY="1h")


def test_a_change_is_seen_without_events() -> None:
    seen_in_turn(DEAF, SHJOBS_SCAN_EVERY=f"{SCAN_EVERY}s", SHJOBS_WATCH="false")
