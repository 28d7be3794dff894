"""While the account is refused, one job after the other is the probe: what is wrong with one alone holds no other."""

from datetime import timedelta
from pathlib import Path

import pytest

from controller.lifecycle.attempts import probes_in_vain
from controller.lifecycle.next_step import next_step
from controller.model.answers import PostAnswer, Refusal, Refused
from controller.model.reasons import Reason
from controller.model.step import Submit, Wait
from controller.model.submission import Submission
from tests.support.factories import NOW, at, limits, refused, wanted
from tests.support.next_steps import asks
from tests.support.set_loops import PLAIN, running, settings_of

FORBIDDEN = Refused(why=Refusal.FORBIDDEN, message="no access to COPERNICUS_30", status=403)
UNSENT = Refused(why=Refusal.UNSENT, message="the stored body is damaged")


def rows(*whys: Refusal, **different: object) -> list[Submission]:
    return [refused(why, answered_at=at(number), number=number, **different) for number, why in enumerate(whys, 1)]


@pytest.mark.parametrize(
    ("submissions", "expected"),
    [
        pytest.param([], 0, id="never sent"),
        pytest.param(rows(Refusal.FORBIDDEN), 1, id="refused once"),
        pytest.param(rows(Refusal.UNSENT, Refusal.CREDENTIALS, Refusal.QUOTA), 3, id="three times, of several kinds"),
        pytest.param(rows(Refusal.FORBIDDEN, Refusal.RATE), 0, id="too many requests last: that says nothing of it"),
        pytest.param(rows(Refusal.RATE, Refusal.FORBIDDEN), 1, id="too many requests before"),
        pytest.param(rows(Refusal.FORBIDDEN, attempt=1), 0, id="another attempt"),
        pytest.param(rows(Refusal.FORBIDDEN, digest="1:" + "9" * 64), 0, id="another request"),
    ],
)
def test_how_often_a_submission_was_a_probe_in_vain(submissions: list[Submission], expected: int) -> None:
    assert probes_in_vain(Submit(rerun=0, attempt=0), wanted(), submissions) == expected


def test_a_probe_in_vain_waits_as_all_others_do_and_goes_behind_them() -> None:
    closed = limits(reason=Reason.ACCOUNT_REFUSED, opens_at=at(60))
    tried = rows(Refusal.FORBIDDEN, Refusal.FORBIDDEN)
    assert next_step(asks(), tried, closed, at(3)) == Wait(reason=Reason.ACCOUNT_REFUSED, until=at(60), behind=2)
    assert next_step(asks(), [], closed, at(3)) == Wait(reason=Reason.ACCOUNT_REFUSED, until=at(60))


def test_a_hold_of_a_probe_in_vain_is_shown_first() -> None:
    assert next_step(asks(hold=True), rows(*[Refusal.FORBIDDEN] * 3), limits(), at(9)) == Wait(reason=Reason.ON_HOLD)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(FORBIDDEN, id="a collection that the account may not use"),
        pytest.param(UNSENT, id="a body that cannot be sent"),
    ],
)
def test_jobs_that_are_refused_alone_starve_no_other(tmp_path: Path, answer: PostAnswer) -> None:
    """Their priority is higher, so they were each probe in turn, and the others were never sent."""
    settings_of(tmp_path)
    bad = [f"bad-{number}" for number in range(3)]
    for number, name in enumerate(bad):
        text = PLAIN.replace("name: plain", f"name: {name}").replace("14.40", f"14.4{number}")
        (tmp_path / "jobs.d" / f"{name}.yaml").write_text(text.replace("spec:\n", "spec:\n  priority: 10\n", 1))
    with running(tmp_path, NOW) as it:
        it.answers = dict.fromkeys(bad, answer)
        it.rest()
        (tmp_path / "jobs.d" / "plain.yaml").write_text(PLAIN.replace("14.40", "14.49"))
        reasons = it.rest(NOW + timedelta(seconds=3))
        while it.now < NOW + timedelta(days=1) and "plain" not in it.posted:
            reasons = it.rest(max(it.loop.wakes_at(it.now) or it.now, it.now + timedelta(seconds=1)))
        assert (reasons["plain"], it.posted["plain"]) == (Reason.DELIVERED, 1)
