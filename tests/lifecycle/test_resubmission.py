"""The next step when an attempt failed or may have been lost: when the same text is submitted again."""

import pytest

from controller.lifecycle.attempts import in_force
from controller.lifecycle.next_step import next_step
from controller.limits.gate import Limits
from controller.model.answers import Refusal
from controller.model.reasons import Reason
from controller.model.step import Step, Submit
from controller.model.submission import Submission
from tests.support.factories import (
    NOW,
    OTHER_DIGEST,
    accepted,
    at,
    evidence,
    failed,
    job,
    limits,
    refused,
    submission,
    succeeded,
    unconfirmed,
    wanted,
)
from tests.support.next_steps import RESUBMIT, SEARCHED, SOUGHT, TRACED, asks, waits


@pytest.mark.parametrize(
    ("failures", "finished_at", "until"),
    [
        pytest.param(1, 0, 60, id="a minute after the first"),
        pytest.param(2, 0, 120, id="two minutes after the second"),
        pytest.param(7, 0, 3600, id="at most an hour"),
        pytest.param(1, -59, 1, id="counted from the end of the run"),
    ],
)
def test_a_retry_backs_off(failures: int, finished_at: float, until: float) -> None:
    runs = [failed(attempt=n, number=n + 1, finished_at=at(finished_at)) for n in range(failures)]
    step = next_step(asks(retries=10), runs, limits(), NOW)
    assert step == waits(Reason.RETRY_SCHEDULED, until)


@pytest.mark.parametrize(
    ("row", "allowed", "expected"),
    [
        pytest.param(SOUGHT, limits(), waits(Reason.NEEDS_PERSON), id="not chosen"),
        pytest.param(unconfirmed(evidence=SEARCHED), RESUBMIT, waits(Reason.SEARCHING, 5), id="search not over"),
        pytest.param(unconfirmed(look_at=None), RESUBMIT, waits(Reason.NEEDS_PERSON), id="never searched"),
        pytest.param(
            unconfirmed(look_at=None, evidence=evidence(objects=(), readable=False)),
            RESUBMIT,
            waits(Reason.NEEDS_PERSON),
            id="the bucket could not be read at the end",
        ),
        pytest.param(TRACED, RESUBMIT, waits(Reason.NEEDS_PERSON), id="something was delivered, so it was taken"),
        pytest.param(SOUGHT, RESUBMIT, Submit(rerun=0, attempt=1), id="nothing was found"),
    ],
)
def test_resubmitting_an_unconfirmed_one_is_a_standing_choice(row: Submission, allowed: Limits, expected: Step) -> None:
    assert next_step(job(), [row], allowed, NOW) == expected


def test_an_intent_dated_by_a_wrong_clock_does_not_keep_a_resubmission_waiting() -> None:
    row = unconfirmed(look_at=None, evidence=SEARCHED, intended_at=at(33 * 86400))
    assert next_step(job(), [row], RESUBMIT, NOW) == Submit(rerun=0, attempt=1)


VAIN = unconfirmed(attempt=1, number=2, look_at=None, evidence=SEARCHED)


@pytest.mark.parametrize(
    ("retries", "earlier", "expected"),
    [
        pytest.param(0, SOUGHT, Submit(rerun=0, attempt=2), id="nothing of it"),
        pytest.param(0, accepted(), waits(Reason.RUNNING, 11), id="found after all and running"),
        pytest.param(0, succeeded(), waits(Reason.DELIVERED), id="found after all and delivered"),
        pytest.param(0, failed(), waits(Reason.NEEDS_PERSON), id="found after all and failed: no retry is left"),
        pytest.param(1, failed(), Submit(rerun=0, attempt=2), id="failed, and this attempt was its retry"),
        pytest.param(0, unconfirmed(look_at=at(5)), waits(Reason.NEEDS_PERSON, 5), id="sought again just now"),
        pytest.param(0, TRACED, waits(Reason.NEEDS_PERSON), id="something lies there"),
    ],
)
def test_a_second_resubmission_asks_what_became_of_the_first_attempt(
    retries: int, earlier: Submission, expected: Step
) -> None:
    """Two machines on one bucket: what this one gave up, the other one had paid for (histories 481395568/1332)."""
    assert next_step(asks(retries=retries), [earlier, VAIN], RESUBMIT, NOW) == expected


@pytest.mark.parametrize(
    ("rerun", "submissions", "expected"),
    [
        pytest.param(0, [], None, id="nothing was submitted"),
        pytest.param(0, [succeeded(digest=OTHER_DIGEST)], None, id="another digest"),
        pytest.param(0, [refused(Refusal.BODY)], None, id="refused: never paid for"),
        pytest.param(1, [succeeded()], None, id="only a lower rerun"),
        pytest.param(0, [submission()], submission(), id="an intent is enough"),
        pytest.param(0, [unconfirmed()], unconfirmed(), id="unconfirmed is enough"),
        pytest.param(0, [failed(), accepted(attempt=1)], accepted(attempt=1), id="the latest attempt"),
        pytest.param(
            0, [accepted(attempt=1), refused(Refusal.BODY, attempt=2)], accepted(attempt=1), id="not a refused attempt"
        ),
        pytest.param(0, [accepted(), VAIN], accepted(), id="one found after all before an unconfirmed one"),
        pytest.param(0, [failed(), VAIN], VAIN, id="an unconfirmed retry after a failure"),
        pytest.param(0, [succeeded(rerun=1), failed()], failed(), id="the exact rerun before a higher one"),
        pytest.param(0, [succeeded(rerun=1), failed(rerun=2)], failed(rerun=2), id="the highest rerun"),
    ],
)
def test_the_submission_in_force(rerun: int, submissions: list[Submission], expected: Submission | None) -> None:
    assert in_force(wanted(rerun=rerun), submissions) == expected
