"""While the account is refused, one job after the other is the probe: what is wrong with one alone holds no other."""

from datetime import timedelta
from pathlib import Path

import pytest

from controller.lifecycle.attempts import refusal_of
from controller.model.answers import Refusal, Refused
from controller.model.reasons import Reason
from controller.model.step import Submit
from controller.model.submission import Submission
from tests.support.factories import NOW, at, limits, refused, wanted
from tests.support.next_steps import waits
from tests.support.set_loops import PLAIN, running, settings_of

SUBMIT = Submit(rerun=0, attempt=0)


def no(why: Refusal, seconds: float, number: int) -> Submission:
    return refused(why, answered_at=at(seconds), number=number)


@pytest.mark.parametrize(
    ("rows", "seconds", "expected"),
    [
        pytest.param([no(Refusal.FORBIDDEN, 0, 1)], 1, None, id="refused once: it waits like all others"),
        pytest.param(
            [no(Refusal.FORBIDDEN, 0, 1), no(Refusal.FORBIDDEN, 60, 2)],
            61, waits(Reason.ACCOUNT_REFUSED, 60 + 1.1 * 120), id="refused twice: a little longer than all others",
        ),
        pytest.param(
            [no(Refusal.FORBIDDEN, 0, 1), no(Refusal.FORBIDDEN, 60, 2)], 60 + 1.1 * 120, None, id="then it is its turn"
        ),
        pytest.param(
            [no(Refusal.RATE, 0, 1), no(Refusal.FORBIDDEN, 60, 2)], 61, None, id="something else was in between"
        ),
        pytest.param(
            [no(Refusal.UNSENT, 0, 1), no(Refusal.UNSENT, 5, 2)], 6, waits(Reason.BACKING_OFF, 5 + 1.1 * 10),
            id="twice not sent",
        ),
        pytest.param(
            [no(Refusal.CREDENTIALS, number, number) for number in range(1, 30)],
            30, waits(Reason.ACCOUNT_REFUSED, 29 + 1.1 * 3600), id="many times: no longer than an hour, and a tenth",
        ),
    ],
)  # fmt: skip
def test_how_long_a_job_waits_that_was_the_last_probes(
    rows: list[Submission], seconds: float, expected: object
) -> None:
    assert refusal_of(SUBMIT, wanted(), rows, limits(), at(seconds)) == expected


def test_corrected_credentials_end_the_wait() -> None:
    rows = [no(Refusal.CREDENTIALS, 0, 1), no(Refusal.CREDENTIALS, 60, 2)]
    assert refusal_of(SUBMIT, wanted(), rows, limits(renewed_at=at(61)), at(62)) is None


def test_a_job_whose_collection_is_forbidden_starves_no_other(tmp_path: Path) -> None:
    """It has a higher priority, so it was each probe, and the others were never sent."""
    settings_of(tmp_path)
    dem = PLAIN.replace("name: plain", "name: dem").replace("spec:\n", "spec:\n  priority: 10\n", 1)
    (tmp_path / "jobs.d" / "dem.yaml").write_text(dem)
    with running(tmp_path, NOW) as it:
        it.answers = {"dem": Refused(why=Refusal.FORBIDDEN, message="no access to COPERNICUS_30", status=403)}
        it.rest()
        (tmp_path / "jobs.d" / "plain.yaml").write_text(PLAIN.replace("14.40", "14.41"))
        reasons = it.rest(NOW + timedelta(seconds=30))
        while it.now < NOW + timedelta(hours=6) and reasons["plain"] != Reason.DELIVERED:
            reasons = it.rest(max(it.loop.wakes_at(it.now) or it.now, it.now + timedelta(seconds=1)))
        assert (reasons["plain"], it.posted["plain"]) == (Reason.DELIVERED, 1)
        assert it.now < NOW + timedelta(hours=1)
