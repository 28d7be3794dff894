"""How soon a running request is polled again: by its age, and more slowly when many run."""

from itertools import pairwise

import pytest

from controller.limits.polls import POLL_SHARE, Followed, PollLoad, poll_interval
from controller.model.submission import Submission
from tests.support.factories import NOW, TIMING, accepted, at, gone, submission, unconfirmed

MINUTE, HOUR = 60.0, 3600.0
OLD = TIMING.poll_longest / TIMING.poll_growth


def load(running: int, young: int = 0, per_minute: int = 100) -> PollLoad:
    return PollLoad(running=running, young=young, per_minute=per_minute)


@pytest.mark.parametrize(
    ("age", "these", "seconds"),
    [
        pytest.param(5, load(3, young=3), 10, id="three run: ten seconds at first"),
        pytest.param(5, load(8, young=8), 10, id="eight young ones can still be polled every ten seconds"),
        pytest.param(100, load(8, young=8), 60, id="and by their age after that"),
        pytest.param(OLD, load(8, young=8), 300, id="at most five minutes"),
        pytest.param(5, load(101, young=1), 10, id="a hundred old ones leave room for a young one"),
        pytest.param(5, load(100, young=100), 120, id="a hundred at once: every two minutes"),
        pytest.param(HOUR, load(100, young=100), 300, id="what is old is not polled more often for that"),
        pytest.param(5, load(250), 5 * MINUTE, id="two hundred and fifty old ones use the whole share"),
        pytest.param(5, load(1000), 20 * MINUTE, id="a thousand: every twenty minutes, whatever their age"),
        pytest.param(HOUR, load(1000, young=500), 20 * MINUTE, id="and whatever that of the others"),
        pytest.param(HOUR, load(10_000), 200 * MINUTE, id="ten thousand: every two hundred minutes"),
        pytest.param(
            HOUR, load(10_000, per_minute=3000), 400, id="with thirty times the rate seven minutes are enough"
        ),
        pytest.param(5, load(3, young=3, per_minute=1), 6 * MINUTE, id="one call a minute"),
    ],
)
def test_how_long_a_request_waits_for_its_next_poll(age: float, these: PollLoad, seconds: float) -> None:
    assert poll_interval(age, these, TIMING) == pytest.approx(seconds)


@pytest.mark.parametrize("per_minute", [1, 100, 3000])
@pytest.mark.parametrize("young_share", [0.0, 0.3, 1.0])
def test_all_polls_together_stay_within_their_share_however_many_run(per_minute: int, young_share: float) -> None:
    for running in (1, 7, 50, 249, 250, 251, 1000, 10_000):
        young = round(running * young_share)
        these = load(running, young=young, per_minute=per_minute)
        a_minute = sum(
            MINUTE * number / poll_interval(age, these, TIMING) for age, number in ((0, young), (OLD, running - young))
        )
        assert a_minute <= POLL_SHARE * per_minute * 1.000001


@pytest.mark.parametrize("young_share", [0.0, 0.3, 1.0])
def test_with_more_that_run_none_is_polled_sooner(young_share: float) -> None:
    spacings = [load(number, young=round(number * young_share)).spacing(TIMING) for number in range(1, 2000)]
    assert all(before <= after * 1.000001 for before, after in pairwise(spacings[::10]))


@pytest.mark.parametrize(
    ("rows", "running", "young", "is_waiting"),
    [
        pytest.param([], 0, 0, False, id="nothing was submitted"),
        pytest.param([submission()], 1, 1, False, id="a POST under way takes a slot"),
        pytest.param([accepted()], 1, 1, True, id="what was accepted is young"),
        pytest.param([accepted(intended_at=at(-OLD))], 1, 0, True, id="and old when its age has it polled most rarely"),
        pytest.param([accepted(intended_at=at(-OLD)), accepted(number=2)], 2, 1, True, id="one of each"),
        pytest.param([accepted(), gone()], 0, 0, True, id="gone from the service: only its bucket is to be read"),
        pytest.param([accepted(), gone(look_at=None)], 0, 0, False, id="over"),
        pytest.param([submission(), accepted(), accepted()], 1, 1, True, id="the same one again is still one"),
        pytest.param([unconfirmed()], 0, 0, True, id="what may never have arrived is searched for, not polled"),
    ],
)
def test_what_is_followed(rows: list[Submission], running: int, young: int, *, is_waiting: bool) -> None:
    followed = Followed()
    for row in rows:
        followed.put(row)
    assert followed.load(100, NOW, TIMING) == load(running, young=young)
    assert (followed.running, followed.is_waiting) == (running, is_waiting)
