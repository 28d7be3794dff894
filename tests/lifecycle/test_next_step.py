"""The next step: nothing is done unless it must be, and nothing is paid for twice."""

from dataclasses import replace

import pytest

from controller.lifecycle.next_step import follow, in_force, is_at_rest, next_step, reason_of, wish
from controller.limits.gate import Limits
from controller.model.answers import Refusal
from controller.model.errors import Problem
from controller.model.job import Estimate, Job
from controller.model.reasons import Reason
from controller.model.step import Ask, List, Step, Submit, Wait
from controller.model.submission import Answer, Submission
from tests.support.factories import (
    NOW,
    OTHER_DIGEST,
    TIMING,
    URL,
    accepted,
    at,
    evidence,
    failed,
    gone,
    history,
    job,
    limits,
    refused,
    stored,
    submission,
    succeeded,
    unconfirmed,
    unknown,
    wanted,
)

DAY = 86400.0
BROKEN = (Problem(path="ndvi.yaml", message="this is not YAML"),)
FIRST = Submit(rerun=0, attempt=0)
LOOK_BACK = List(prefix=f"{URL}/ndvi", credentials_ref="my-bucket", only="a" * 16)
RESUBMIT = limits(on_unconfirmed="resubmit")
SEARCHED = evidence(objects=())
FOUND = evidence(objects=(stored("default.tif", folder="strange"),))


def spurious(attempt: int = 0, **different: object) -> Submission:
    return refused(Refusal.SPURIOUS, attempt=attempt, **different)


@pytest.mark.parametrize(
    ("declared", "submissions", "expected"),
    [
        pytest.param(job(), [succeeded()], Wait(reason=Reason.DELIVERED), id="succeeded and unchanged"),
        pytest.param(job(wanted=wanted(retries=3)), [succeeded()], Wait(reason=Reason.DELIVERED), id="no retry is due"),
        pytest.param(
            job(generation=3),
            [succeeded(), succeeded(digest=OTHER_DIGEST, number=2, intended_at=at(-60))],
            Wait(reason=Reason.DELIVERED),
            id="returned to a digest that was paid for before",
        ),
        pytest.param(
            job(wanted=wanted(rerun=1)),
            [succeeded(), succeeded(rerun=2, number=2)],
            Wait(reason=Reason.DELIVERED),
            id="a lower rerun than one already paid for",
        ),
        pytest.param(job(wanted=None), [succeeded()], Wait(reason=Reason.REMOVED), id="removed"),
        pytest.param(job(wanted=None), [], Wait(reason=Reason.REMOVED), id="removed before it was submitted"),
        pytest.param(job(wanted=None, problems=BROKEN), [], Wait(reason=Reason.REJECTED), id="never accepted"),
        pytest.param(job(problems=BROKEN), [], Wait(reason=Reason.REJECTED), id="broken before it was submitted"),
        pytest.param(
            job(problems=BROKEN), [succeeded()], Wait(reason=Reason.DELIVERED), id="broken after it succeeded"
        ),
        pytest.param(
            job(problems=BROKEN, wanted=wanted(retries=1)),
            [failed(finished_at=at(-60))],
            Wait(reason=Reason.ERROR_REPORTED),
            id="a retry that is due, but the manifest is broken",
        ),
        pytest.param(
            job(problems=BROKEN, wanted=wanted(retries=1)),
            [failed()],
            Wait(reason=Reason.ERROR_REPORTED),
            id="a retry that is scheduled, but the manifest is broken",
        ),
        pytest.param(
            job(problems=BROKEN, wanted=wanted(rerun=1)),
            [failed()],
            Wait(reason=Reason.REJECTED),
            id="a rerun that was accepted, but the manifest is broken now",
        ),
        pytest.param(
            job(problems=BROKEN),
            [refused(Refusal.RATE)],
            Wait(reason=Reason.REJECTED),
            id="refused for a while, but the manifest is broken now",
        ),
        pytest.param(job(), [failed()], Wait(reason=Reason.ERROR_REPORTED), id="failed, and no retry was asked for"),
        pytest.param(
            job(wanted=wanted(retries=1)),
            [failed(), failed(attempt=1, number=2)],
            Wait(reason=Reason.ERROR_REPORTED),
            id="failed, and the retries are used up",
        ),
        pytest.param(
            job(wanted=wanted(retries=1)),
            [accepted(look_at=None), failed(attempt=1, number=2)],
            Wait(reason=Reason.ERROR_REPORTED),
            id="the retries are used up, though the ledger is new and has not settled the first run",
        ),
        pytest.param(
            job(wanted=wanted(retries=1)),
            [unconfirmed(look_at=None, evidence=SEARCHED), failed(attempt=1, number=2, finished_at=NOW)],
            Wait(reason=Reason.RETRY_SCHEDULED, until=at(60)),
            id="what stood in for an unconfirmed one was no retry",
        ),
        pytest.param(
            job(wanted=wanted(retries=1)),
            [unconfirmed(), failed(attempt=1, number=2)],
            Wait(reason=Reason.ERROR_REPORTED, until=at(5)),
            id="failed in place of an unconfirmed one that is sought again: it may use up the retry",
        ),
        pytest.param(
            job(wanted=wanted(retries=1)),
            [unconfirmed(look_at=None, evidence=FOUND), failed(attempt=1, number=2)],
            Wait(reason=Reason.ERROR_REPORTED),
            id="failed in place of an unconfirmed one that left something: it may use up the retry",
        ),
        pytest.param(job(wanted=wanted(retries=3)), [unknown()], Wait(reason=Reason.NOTHING_DELIVERED), id="unknown"),
        pytest.param(
            job(wanted=wanted(retries=3)),
            [failed(adopted=True)],
            Wait(reason=Reason.ERROR_REPORTED),
            id="it was found in the bucket after the ledger was lost: a retry might pay for a run that goes on",
        ),
        pytest.param(
            job(wanted=wanted(retries=3)),
            [replace(failed(), answered_at=None)],
            Wait(reason=Reason.ERROR_REPORTED),
            id="its id was found in the bucket, and may be another's",
        ),
        pytest.param(
            job(wanted=wanted(retries=3)),
            [failed(said_by_operator=True)],
            Wait(reason=Reason.ERROR_REPORTED),
            id="an operator named its id: it may be another's, too",
        ),
        pytest.param(
            job(wanted=wanted(rerun=0, retries=3)),
            [failed(rerun=1)],
            Wait(reason=Reason.ERROR_REPORTED),
            id="failed under a higher rerun: a retry would be for nothing",
        ),
        pytest.param(job(), [refused(Refusal.BODY)], Wait(reason=Reason.REFUSED), id="the body was refused"),
        pytest.param(
            job(wanted=wanted(retries=1)),
            [failed(finished_at=at(-60)), refused(Refusal.BODY, attempt=1, number=2)],
            Wait(reason=Reason.REFUSED),
            id="the body was refused when it was retried",
        ),
        pytest.param(
            job(),
            [spurious(number=n) for n in (1, 2, 3)],
            Wait(reason=Reason.REFUSED),
            id="a spurious 400, three times",
        ),
        pytest.param(
            job(),
            [spurious(answered_at=at(-4))],
            Wait(reason=Reason.BACKING_OFF, until=at(1)),
            id="a spurious 400 a moment ago",
        ),
        pytest.param(job(), [submission()], Wait(reason=Reason.SUBMITTING), id="its POST is under way"),
        pytest.param(
            job(), [accepted()], Wait(reason=Reason.RUNNING, until=at(11)), id="running, and the next poll is not due"
        ),
        pytest.param(
            job(wanted=wanted(deadline=60.0)),
            [accepted(intended_at=at(-60), look_at=at(9))],
            Wait(reason=Reason.OVERDUE, until=at(9)),
            id="running past its deadline",
        ),
        pytest.param(job(), [gone(look_at=at(15))], Wait(reason=Reason.VERIFYING, until=at(15)), id="evidence not due"),
        pytest.param(
            job(),
            [succeeded(look_at=at(3600))],
            Wait(reason=Reason.DELIVERED, until=at(3600)),
            id="its cost is awaited",
        ),
        pytest.param(job(), [unconfirmed()], Wait(reason=Reason.SEARCHING, until=at(5)), id="the search is not due"),
        pytest.param(
            job(), [unconfirmed(look_at=None)], Wait(reason=Reason.NEEDS_PERSON), id="unconfirmed, waiting for a person"
        ),
        pytest.param(
            job(),
            [unconfirmed(look_at=None, evidence=SEARCHED)],
            Wait(reason=Reason.NEEDS_PERSON),
            id="unconfirmed, and nothing was found: still a person's",
        ),
        pytest.param(job(wanted=wanted(hold=True)), [], Wait(reason=Reason.ON_HOLD), id="held"),
    ],
)
def test_do_nothing(declared: Job, submissions: list[Submission], expected: Wait) -> None:
    assert next_step(declared, submissions, limits(), NOW) == expected


@pytest.mark.parametrize(
    ("declared", "submissions", "expected"),
    [
        pytest.param(job(history=None), [], LOOK_BACK, id="new: the bucket is listed first"),
        pytest.param(job(), [], FIRST, id="new, and the bucket is empty"),
        pytest.param(
            job(history=history(digest=OTHER_DIGEST)), [], LOOK_BACK, id="changed since the bucket was listed"
        ),
        pytest.param(job(history=history(at=at(-299))), [], FIRST, id="the listing is almost too old"),
        pytest.param(job(history=history(at=at(-300))), [], LOOK_BACK, id="the listing is too old"),
        pytest.param(
            job(wanted=wanted(credentials_ref=None, role_arn="arn:aws:iam::1:role/a"), history=None),
            [],
            List(prefix=f"{URL}/ndvi", credentials_ref=None, only="a" * 16),
            id="delivered through a role: listed all the same",
        ),
        pytest.param(job(), [succeeded(digest=OTHER_DIGEST)], FIRST, id="changed after it succeeded"),
        pytest.param(
            job(), [accepted(digest=OTHER_DIGEST, look_at=NOW)], FIRST, id="changed: the wish goes before the poll"
        ),
        pytest.param(job(wanted=wanted(rerun=1)), [succeeded()], Submit(rerun=1, attempt=0), id="the rerun was raised"),
        pytest.param(
            job(wanted=wanted(rerun=5)), [failed(rerun=2)], Submit(rerun=5, attempt=0), id="raised by more than one"
        ),
        pytest.param(
            job(wanted=wanted(rerun=1), history=None),
            [succeeded()],
            LOOK_BACK,
            id="a raised rerun is listed first, too",
        ),
        pytest.param(
            job(wanted=wanted(rerun=1)), [refused(Refusal.BODY)], Submit(rerun=1, attempt=0), id="refused, then raised"
        ),
        pytest.param(job(), [refused(Refusal.BODY, digest=OTHER_DIGEST)], FIRST, id="refused, then changed"),
        pytest.param(job(), [refused(Refusal.RATE, retry_after=60.0)], FIRST, id="a 429 says nothing about the body"),
        pytest.param(job(), [refused(Refusal.CREDENTIALS)], FIRST, id="a 401 says nothing about the body"),
        pytest.param(job(), [refused(Refusal.UNSENT)], FIRST, id="it never left"),
        pytest.param(job(), [spurious(answered_at=at(-5))], FIRST, id="a spurious 400 five seconds ago"),
        pytest.param(
            job(),
            [spurious(answered_at=at(-99)), spurious(answered_at=at(-10), number=2)],
            FIRST,
            id="a second spurious 400 ten seconds ago",
        ),
        pytest.param(
            job(wanted=wanted(retries=1)),
            [failed(finished_at=at(-60))],
            Submit(rerun=0, attempt=1),
            id="failed a minute ago, and a retry is left",
        ),
        pytest.param(
            job(wanted=wanted(retries=2)),
            [failed(finished_at=at(-999)), failed(attempt=1, number=2, finished_at=at(-120))],
            Submit(rerun=0, attempt=2),
            id="failed twice, and a second retry is left",
        ),
        pytest.param(
            job(wanted=wanted(retries=1)),
            [spurious(), spurious(number=2), failed(finished_at=at(-60), number=3), spurious(1, answered_at=at(-9))],
            Submit(rerun=0, attempt=1),
            id="each attempt has its own three spurious answers",
        ),
        pytest.param(
            job(wanted=wanted(retries=1), history=history(at=at(-300))),
            [failed(finished_at=at(-60))],
            LOOK_BACK,
            id="before a retry the bucket is listed, too",
        ),
        pytest.param(
            job(wanted=wanted(retries=1), history=history(at=at(-101))),
            [failed(finished_at=at(-100))],
            LOOK_BACK,
            id="a listing from before the run failed is too old for its retry",
        ),
    ],
)
def test_what_the_manifest_asks_for(declared: Job, submissions: list[Submission], expected: Step) -> None:
    assert next_step(declared, submissions, limits(), NOW) == expected


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
    step = next_step(job(wanted=wanted(retries=10)), runs, limits(), NOW)
    assert step == Wait(reason=Reason.RETRY_SCHEDULED, until=at(until))


@pytest.mark.parametrize(
    ("row", "allowed", "expected"),
    [
        pytest.param(
            unconfirmed(look_at=None, evidence=SEARCHED), limits(), Wait(reason=Reason.NEEDS_PERSON), id="not chosen"
        ),
        pytest.param(
            unconfirmed(evidence=SEARCHED), RESUBMIT, Wait(reason=Reason.SEARCHING, until=at(5)), id="search not over"
        ),
        pytest.param(unconfirmed(look_at=None), RESUBMIT, Wait(reason=Reason.NEEDS_PERSON), id="never searched"),
        pytest.param(
            unconfirmed(look_at=None, evidence=evidence(objects=(), readable=False)),
            RESUBMIT,
            Wait(reason=Reason.NEEDS_PERSON),
            id="the bucket could not be read at the end",
        ),
        pytest.param(
            unconfirmed(look_at=None, evidence=evidence(objects=(stored("default.tif", folder="strange"),))),
            RESUBMIT,
            Wait(reason=Reason.NEEDS_PERSON),
            id="something was delivered, so it was taken",
        ),
        pytest.param(
            unconfirmed(look_at=None, evidence=SEARCHED), RESUBMIT, Submit(rerun=0, attempt=1), id="nothing was found"
        ),
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
        pytest.param(0, unconfirmed(look_at=None, evidence=SEARCHED), Submit(rerun=0, attempt=2), id="nothing of it"),
        pytest.param(0, accepted(), Wait(reason=Reason.RUNNING, until=at(11)), id="found after all and running"),
        pytest.param(0, succeeded(), Wait(reason=Reason.DELIVERED), id="found after all and delivered"),
        pytest.param(0, failed(), Wait(reason=Reason.NEEDS_PERSON), id="found after all and failed: no retry is left"),
        pytest.param(1, failed(), Submit(rerun=0, attempt=2), id="failed, and this attempt was its retry"),
        pytest.param(
            0, unconfirmed(look_at=at(5)), Wait(reason=Reason.NEEDS_PERSON, until=at(5)), id="sought again just now"
        ),
        pytest.param(
            0, unconfirmed(look_at=None, evidence=FOUND), Wait(reason=Reason.NEEDS_PERSON), id="something lies there"
        ),
    ],
)
def test_a_second_resubmission_asks_what_became_of_the_first_attempt(
    retries: int, earlier: Submission, expected: Step
) -> None:
    """Two machines on one bucket: what this one gave up, the other one had paid for (histories 481395568/1332)."""
    assert next_step(job(wanted=wanted(retries=retries)), [earlier, VAIN], RESUBMIT, NOW) == expected


@pytest.mark.parametrize(
    ("declared", "allowed", "expected"),
    [
        pytest.param(job(history=None), limits(history_known=True), LOOK_BACK, id="known: still listed first"),
        pytest.param(
            job(history=history(readable=False, at=at(-59))),
            limits(),
            Wait(reason=Reason.HISTORY_UNKNOWN, until=at(1)),
            id="a new database: held, and asked again in a while",
        ),
        pytest.param(job(history=history(readable=False, at=at(-60))), limits(), LOOK_BACK, id="asked again"),
        pytest.param(
            job(history=history(readable=False)),
            limits(history_known=True),
            FIRST,
            id="a known history: the ledger tells",
        ),
    ],
)
def test_a_history_that_cannot_be_read(declared: Job, allowed: Limits, expected: Step) -> None:
    assert next_step(declared, [], allowed, NOW) == expected


def priced(upper: float | None, ceiling: float | None = None) -> Job:
    return job(wanted=wanted(estimate=Estimate(expected=1, upper=upper), max_processing_units=ceiling))


@pytest.mark.parametrize(
    ("declared", "allowed", "expected"),
    [
        pytest.param(priced(501), limits(), Wait(reason=Reason.APPROVAL_NEEDED), id="above approvalAbove"),
        pytest.param(
            priced(501, 500.9), limits(), Wait(reason=Reason.APPROVAL_NEEDED), id="not covered by the ceiling"
        ),
        pytest.param(priced(None), limits(), Wait(reason=Reason.COST_UNKNOWN), id="TILE: no upper end"),
        pytest.param(
            job(wanted=wanted(estimate=None)), limits(), Wait(reason=Reason.COST_UNKNOWN), id="the price is not known"
        ),
        pytest.param(
            job(),
            limits(without_keys=frozenset({"my-bucket"})),
            Wait(reason=Reason.CREDENTIAL_MISSING),
            id="no key pair",
        ),
        pytest.param(job(), limits(paused=True), Wait(reason=Reason.PAUSED), id="paused"),
        pytest.param(
            job(wanted=wanted(hold=True, estimate=None), history=None),
            limits(paused=True, slots=0),
            Wait(reason=Reason.ON_HOLD),
            id="what a person wrote is told first",
        ),
        pytest.param(
            job(wanted=wanted(hold=True, retries=1)), limits(), Wait(reason=Reason.ON_HOLD), id="a held first attempt"
        ),
        pytest.param(priced(500), limits(), FIRST, id="exactly approvalAbove"),
        pytest.param(priced(501, 501), limits(), FIRST, id="exactly covered by the ceiling"),
        pytest.param(priced(300, 100), limits(), FIRST, id="cheap: a lower ceiling only limits the reservation"),
        pytest.param(
            priced(1, None), limits(approval_above=0.5), Wait(reason=Reason.APPROVAL_NEEDED), id="strict policy"
        ),
        pytest.param(priced(None, 900), limits(), FIRST, id="TILE with a ceiling"),
        pytest.param(
            job(wanted=wanted(estimate=None, max_processing_units=5)), limits(), FIRST, id="no price, but a ceiling"
        ),
        pytest.param(
            job(), limits(without_keys=frozenset({"another"})), FIRST, id="another credential has no key pair"
        ),
        pytest.param(
            job(wanted=wanted(credentials_ref=None)),
            limits(without_keys=frozenset({"my-bucket"})),
            FIRST,
            id="a role needs no key pair",
        ),
    ],
)
def test_a_person_says_yes_first(declared: Job, allowed: Limits, expected: Step) -> None:
    assert next_step(declared, [], allowed, NOW) == expected


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        pytest.param(limits(slots=0), Wait(reason=Reason.QUEUED), id="no place is free"),
        pytest.param(limits(slots=-1), Wait(reason=Reason.QUEUED), id="more run than may"),
        pytest.param(
            limits(opens_at=at(0.001), reason=Reason.BREAKER_OPEN),
            Wait(reason=Reason.BREAKER_OPEN, until=at(0.001)),
            id="the gate is shut",
        ),
        pytest.param(
            limits(opens_at=NOW, reason=Reason.BREAKER_OPEN, slots=0),
            Wait(reason=Reason.BREAKER_OPEN),
            id="the gate opens, but the canary is another job's",
        ),
        pytest.param(limits(opens_at=NOW, reason=Reason.BREAKER_OPEN, slots=1), FIRST, id="this job is the canary"),
        pytest.param(limits(slots=1), FIRST, id="the last place"),
    ],
)
def test_the_gate(allowed: Limits, expected: Step) -> None:
    assert next_step(job(), [], allowed, NOW) == expected
    assert next_step(job(history=None), [], allowed, NOW) == (LOOK_BACK if expected == FIRST else expected)


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
            Wait(reason=Reason.REMOVED, until=at(5)),
            id="two to follow: the nearer time",
        ),
        pytest.param(
            job(history=history(readable=False)),
            [superseded(look_at=at(99))],
            Wait(reason=Reason.HISTORY_UNKNOWN, until=at(60)),
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
    assert wish(job(), [accepted(look_at=NOW)], limits(), NOW) == Wait(reason=Reason.RUNNING)


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


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(submission(look_at=NOW), Wait(reason=Reason.SUBMITTING), id="an intent: its answer will come"),
        pytest.param(refused(Refusal.RATE), Wait(reason=Reason.REFUSED), id="refused"),
        pytest.param(succeeded(), Wait(reason=Reason.DELIVERED), id="settled"),
        pytest.param(unconfirmed(look_at=None), Wait(reason=Reason.NEEDS_PERSON), id="searched to the end"),
        pytest.param(accepted(look_at=at(1)), Wait(reason=Reason.RUNNING, until=at(1)), id="not due for a second"),
        pytest.param(
            accepted(intended_at=at(-30 * DAY), look_at=at(1)),
            Wait(reason=Reason.RUNNING, until=at(1)),
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


def waits(reason: Reason, seconds: float | None = None) -> Wait:
    return Wait(reason=reason, until=None if seconds is None else at(seconds))


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


def test_every_reason_of_a_step_has_a_phase() -> None:
    assert [reason for reason in Reason if not reason.phase] == []


def test_no_pay_without_a_wish() -> None:
    """Whatever its submissions, a job without a wish pays for nothing."""
    rows = [succeeded(), failed(), unknown(), unconfirmed(look_at=None), refused(Refusal.UNSENT), submission()]
    steps = [next_step(job(wanted=None), [row], RESUBMIT, NOW) for row in rows]
    assert steps == [Wait(reason=Reason.REMOVED)] * len(rows)


def test_an_adopted_submission_is_not_paid_for() -> None:
    adopted = accepted(reserved=None, answered_at=at(-DAY), look_at=NOW)
    assert adopted.answer is Answer.ACCEPTED
    assert next_step(job(), [adopted], limits(), NOW) == Ask(submission=adopted)
