"""How many requests may run at once: halved when the service says too many, regained slowly."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from controller.limits.throttle import grows_at, lately, slots_at
from tests.support.factories import TIMING, at

SPELL = TIMING.place_regained


@pytest.mark.parametrize(
    ("crowded", "seconds", "limit", "grows"),
    [
        pytest.param([], 0, 10, None, id="nobody ever complained"),
        pytest.param([0], 0, 5, SPELL, id="halved at once"),
        pytest.param([0, 1, 2], 2, 5, SPELL, id="refusals that came together count once"),
        pytest.param([0, 60], 60, 2, 60 + SPELL, id="halved again"),
        pytest.param([0, 60, 120, 180, 240], 240, 1, 240 + SPELL, id="never less than one"),
        pytest.param([0], SPELL - 1, 5, SPELL, id="a spell is not over"),
        pytest.param([0], SPELL, 6, 2 * SPELL, id="one regained"),
        pytest.param([0, 2 * SPELL], 2 * SPELL, 3, 3 * SPELL, id="halved from what was regained"),
        pytest.param([0], 5 * SPELL, 10, None, id="everything regained"),
        pytest.param([0], 90 * SPELL, 10, None, id="never more than the settings say"),
    ],
)
def test_places(crowded: Sequence[float], seconds: float, limit: int, grows: float | None) -> None:
    times = [at(each) for each in crowded]
    assert slots_at(10, times, at(seconds), TIMING) == limit
    expected: datetime | None = None if grows is None else at(grows)
    assert grows_at(10, times, at(seconds), TIMING) == expected


def test_after_a_day_without_a_refusal_the_settings_count_again() -> None:
    assert lately([at(0), at(60)], at(TIMING.slots_forgotten + 30), TIMING) == [at(60)]
