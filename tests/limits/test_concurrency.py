"""How many requests may run at once: halved when the service says too many, regained slowly."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from controller.ledger.ledger import Ledger
from controller.ledger.store import Store
from controller.limits.throttle import counts_since, grows_at, slots_at
from controller.model.answers import Refusal, Refused
from tests.support.factories import TIMING, at, submission

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


def test_after_a_day_without_a_refusal_the_settings_count_again(tmp_path: Path) -> None:
    day_after = at(TIMING.slots_forgotten + 30)
    with Store.copy_of(tmp_path) as store:
        ledger = Ledger(store)
        for number, seconds in enumerate((60, 0, 30, 60)):
            row = submission(job=f"job-{number}", intended_at=at(seconds), number=0)
            stored, _ = ledger.add(row)
            busy = Refused(why=Refusal.CONCURRENCY, message="too many", status=429)
            ledger.save(stored.answered(busy, at(seconds), None))
        assert ledger.concurrency_refusals(at(-1)) == [at(0), at(30), at(60), at(60)]
        assert ledger.concurrency_refusals(counts_since(day_after, TIMING)) == [at(60), at(60)]
