"""The spend guard: too much at once waits for a person, after the buckets were asked what was paid for already."""

import pytest

from controller.limits.budget import hash_of
from controller.limits.guard import Batch, Due, Ruling, batch_of, key_of, ruling
from controller.settings.file import Policy
from tests.support.factories import DIGEST, OTHER_DIGEST

POLICY = Policy().model_copy(update={"large_change_jobs": 3, "large_change_processing_units": 100.0})


def due(number: int, units: float = 10.0, cause: str = "new", is_listed: bool = True) -> Due:
    return Due(key=f"job-{number}/a-r0-a0", units=units, cause=cause, is_listed=is_listed)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param([], Ruling.ADMIT, id="nothing"),
        pytest.param([due(each) for each in range(3)], Ruling.ADMIT, id="exactly as many as may"),
        pytest.param([due(each) for each in range(4)], Ruling.HOLD, id="one more than may"),
        pytest.param([due(0, 50), due(1, 50)], Ruling.ADMIT, id="exactly as much as may"),
        pytest.param([due(0, 50), due(1, 50.1)], Ruling.HOLD, id="a little more than may"),
        pytest.param([due(0, 101)], Ruling.HOLD, id="one job alone is a large change when it is dear"),
        pytest.param([due(0, 101, is_listed=False)], Ruling.LIST_FIRST, id="its bucket was not asked yet"),
        pytest.param([due(0, 101), due(1, is_listed=False)], Ruling.LIST_FIRST, id="one of them was not asked yet"),
        pytest.param([due(0, 1, is_listed=False)], Ruling.ADMIT, id="what is small is not listed beforehand"),
    ],
)
def test_the_ruling(found: list[Due], expected: Ruling) -> None:
    assert ruling(found, POLICY) is expected


def test_a_batch_tells_count_money_and_shared_cause() -> None:
    script = [due(each, cause="ndvi.js changed") for each in range(500)]
    found = [*script, due(600, 5.5, cause="manifest changed"), due(601, 5.5), due(602, 5.5)]
    assert batch_of(found) == Batch(
        hash=hash_of(f"{each.key} {each.units:.4f}" for each in found),
        jobs=503,
        units=5016.5,
        cause="ndvi.js changed: 500 jobs, new: 2 jobs, manifest changed: 1 job",
    )


def test_the_same_jobs_at_another_price_are_another_batch() -> None:
    assert batch_of([due(0, 50), due(1, 51)]).hash != batch_of([due(0, 50), due(1, 50)]).hash


def test_many_causes_are_told_in_short() -> None:
    found = [due(each, cause=f"{min(each, 6)}.js changed") for each in range(12)]
    reported = "6.js changed: 6 jobs, 0.js changed: 1 job, 1.js changed: 1 job, others: 4 jobs"
    assert batch_of(found).cause == reported


def test_another_digest_rerun_or_attempt_is_another_key() -> None:
    keys = {
        key_of("ndvi", DIGEST, 0, 0),
        key_of("ndvi", OTHER_DIGEST, 0, 0),
        key_of("ndvi", DIGEST, 1, 0),
        key_of("ndvi", DIGEST, 0, 1),
        key_of("ndwi", DIGEST, 0, 0),
    }
    assert len(keys) == 5
