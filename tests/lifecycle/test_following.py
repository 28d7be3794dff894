"""The next step of a submission under way: which one is followed, how, and until when."""

import pytest

from controller.lifecycle.attempts import reason_of
from controller.lifecycle.next_step import follow, is_at_rest, next_step, wish
from controller.model.answers import Refusal
from controller.model.job import Job
from controller.model.reasons import Reason
from controller.model.step import Ask, List, Step, Wait
from controller.model.submission import Submission
from tests.support.factories import (
    NOW,
    OTHER_DIGEST,
    TIMING,
    URL,
    accepted,
    at,
    failed,
    gone,
    history,
    job,
    limits,
    refused,
    submission,
    succeeded,
    unconfirmed,
    unknown,
    wanted,
)
from tests.support.next_steps import BROKEN, DAY, waits


def superseded(**different: object) -> Submission:
    return accepted(**({"digest": OTHER_DIGEST, "look_at": NOW} | different))


@pytest.mark.parametrize(
    ("declared", "submissions", "expected"),
    [
        pytest.param(job(), [accepted(look_at=NOW)], Ask(submission=accepted(look_at=NOW)), id="a poll is due"),
        pytest.param(
            job(), [gone()], List(prefix=gone().prefix, credentials_ref="my-bucket", submission=gone()), id="to verify"
        ),
        pytest.param(
            job(),
            [unconfirmed(look_at=NOW)],
            List(
                prefix=f"{URL}/ndvi",
                credentials_ref="my-bucket",
                only=unconfirmed().id,
                submission=unconfirmed(look_at=NOW),
            ),
            id="to search, with its claims",
        ),
        pytest.param(
            job(),
            [unknown(look_at=NOW)],
            List(prefix=unknown().prefix, credentials_ref="my-bucket", submission=unknown(look_at=NOW)),
            id="a late look",
        ),
        pytest.param(job(), [succeeded(), superseded()], Ask(submission=superseded()), id="superseded, still followed"),
        pytest.param(job(wanted=None), [superseded()], Ask(submission=superseded()), id="removed, still followed"),
        pytest.param(
            job(wanted=wanted(hold=True)),
            [superseded()],
            Ask(submission=superseded()),
            id="held: what runs is followed",
        ),
        pytest.param(job(problems=BROKEN), [superseded()], Ask(submission=superseded()), id="broken, still followed"),
        pytest.param(
            job(wanted=None),
            [superseded(look_at=at(9)), accepted(look_at=at(5), number=2)],
            waits(Reason.REMOVED, 5),
            id="two to follow: the nearer time",
        ),
        pytest.param(
            job(history=history(readable=False)),
            [superseded(look_at=at(99))],
            waits(Reason.HISTORY_UNKNOWN, 60),
            id="the wish's own time, when it is nearer",
        ),
    ],
)
def test_open_submissions_are_followed(declared: Job, submissions: list[Submission], expected: Step) -> None:
    assert next_step(declared, submissions, limits(), NOW) == expected


def test_a_pause_does_not_stop_following() -> None:
    row = accepted(look_at=NOW)
    assert next_step(job(), [row], limits(paused=True, slots=0), NOW) == Ask(submission=row)


def test_the_wish_looks_at_nothing_else() -> None:
    assert wish(job(), [accepted(look_at=NOW)], limits(), NOW) == waits(Reason.RUNNING)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(submission(look_at=NOW), waits(Reason.SUBMITTING), id="an intent: its answer will come"),
        pytest.param(refused(Refusal.RATE), waits(Reason.REFUSED), id="refused"),
        pytest.param(succeeded(), waits(Reason.DELIVERED), id="settled"),
        pytest.param(unconfirmed(look_at=None), waits(Reason.NEEDS_PERSON), id="searched to the end"),
        pytest.param(accepted(look_at=at(1)), waits(Reason.RUNNING, 1), id="not due for a second"),
        pytest.param(
            accepted(intended_at=at(-30 * DAY), look_at=at(1)),
            waits(Reason.RUNNING, 1),
            id="superseded ones are never overdue",
        ),
        pytest.param(accepted(look_at=at(-1)), Ask(submission=accepted(look_at=at(-1))), id="due a second ago"),
    ],
)
def test_following_one_submission(row: Submission, expected: Step) -> None:
    assert follow(row, NOW) == expected


@pytest.mark.parametrize(
    ("now", "deadline", "expected"),
    [
        pytest.param(DAY, None, Reason.RUNNING, id="no deadline"),
        pytest.param(DAY - 0.001, DAY, Reason.RUNNING, id="a moment before"),
        pytest.param(DAY, DAY, Reason.OVERDUE, id="exactly at the deadline"),
    ],
)
def test_overdue_is_counted_from_the_intent(now: float, deadline: float | None, expected: Reason) -> None:
    assert reason_of(accepted(), at(now), deadline) is expected


@pytest.mark.parametrize(
    ("wait", "submissions", "expected"),
    [
        pytest.param(waits(Reason.SUBMITTING), [submission()], False, id="a POST is under way"),
        pytest.param(waits(Reason.RUNNING, 300), [accepted()], False, id="it runs"),
        pytest.param(waits(Reason.VERIFYING, 15), [gone()], False, id="its evidence is not settled"),
        pytest.param(waits(Reason.DELIVERED, 11), [succeeded(), superseded()], False, id="a superseded one runs"),
        pytest.param(waits(Reason.REMOVED, 11), [superseded()], False, id="a removed one runs"),
        pytest.param(waits(Reason.QUEUED), [], False, id="it waits for a place"),
        pytest.param(waits(Reason.SEARCHING, 120), [unconfirmed()], False, id="the next search is near"),
        pytest.param(waits(Reason.BACKING_OFF, 5), [], False, id="it is tried again soon"),
        pytest.param(waits(Reason.BREAKER_OPEN, 60), [], False, id="the canary is near"),
        pytest.param(waits(Reason.RETRY_SCHEDULED, 60), [failed()], False, id="the retry is near"),
        pytest.param(waits(Reason.SEARCHING, 120.001), [unconfirmed()], True, id="the next search is far"),
        pytest.param(waits(Reason.BREAKER_OPEN, 1800), [], True, id="the canary is far"),
        pytest.param(waits(Reason.BREAKER_OPEN), [], True, id="the canary is another job's"),
        pytest.param(waits(Reason.ACCOUNT_REFUSED, 5), [], True, id="the account is refused"),
        pytest.param(waits(Reason.HISTORY_UNKNOWN, 60), [], True, id="the history is not known"),
        pytest.param(waits(Reason.DELIVERED), [succeeded()], True, id="done"),
        pytest.param(waits(Reason.DELIVERED, 60), [succeeded(look_at=at(60))], True, id="done, the cost is awaited"),
        pytest.param(waits(Reason.NOTHING_DELIVERED, 60), [unknown(look_at=at(60))], True, id="unknown"),
        pytest.param(waits(Reason.ERROR_REPORTED), [failed()], True, id="failed"),
        pytest.param(waits(Reason.NEEDS_PERSON), [unconfirmed(look_at=None)], True, id="a person's turn"),
        pytest.param(waits(Reason.ON_HOLD), [], True, id="held"),
    ],
)
def test_when_sync_may_leave_a_job(wait: Wait, submissions: list[Submission], expected: bool) -> None:
    assert is_at_rest(wait, submissions, NOW, TIMING) is expected
