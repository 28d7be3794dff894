"""Small forms of three proofs: races, kills and a full disk. PROOF_SEED replays a failure.

`make prove PARTS="races kills disk"` runs them in full.
"""

import os

import pytest

from tests.proofs import disk, kills, races
from tests.support.skips import REFUSED

pytestmark = pytest.mark.slow
SEED = int(os.environ.get("PROOF_SEED", "20261122"))


def test_of_two_controllers_on_one_state_one_submits_and_the_other_is_told_by_whom_it_is_held() -> None:
    figures = races.prove(SEED, small=True)
    assert (figures["pairs"], figures["double_submissions"]) == (2, 0)


def test_killed_in_the_midst_of_writing_it_leaves_nothing_torn_and_pays_nothing_twice() -> None:
    figures = kills.prove(SEED, small=True)
    assert (figures["kills"], figures["databases_read"], figures["paid_twice"]) == (5, 5, 0)


def test_a_full_disk_stops_submissions_with_a_clear_message_and_loses_nothing() -> None:
    try:
        with disk.small_disk():
            pass
    except disk.NoSmallDiskError as error:
        pytest.skip(f"{REFUSED}{error}")
    figures = disk.prove(SEED, small=True)
    assert (figures["stopped_with_a_clear_message"], figures["paid_twice"]) == (3, 0)
