"""The next step: nothing is done unless it must be, and nothing is paid for twice."""

from dataclasses import replace

import pytest

from controller.lifecycle.next_step import next_step
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
from tests.support.next_steps import (
    BROKEN,
    DAY,
    FIRST,
    LOOK_BACK,
    NO_KEYS,
    RESUBMIT,
    SOUGHT,
    TRACED,
    asks,
    spurious,
    waits,
)


@pytest.mark.parametrize(
    ("declared", "submissions", "expected"),
    [
        pytest.param(job(), [succeeded()], waits(Reason.DELIVERED), id="succeeded and unchanged"),
        pytest.param(asks(retries=3), [succeeded()], waits(Reason.DELIVERED), id="no retry is due"),
        pytest.param(
            job(generation=3),
            [succeeded(), succeeded(digest=OTHER_DIGEST, number=2, intended_at=at(-60))],
            waits(Reason.DELIVERED),
            id="returned to a digest that was paid for before",
        ),
        pytest.param(
            asks(rerun=1),
            [succeeded(), succeeded(rerun=2, number=2)],
            waits(Reason.DELIVERED),
            id="a lower rerun than one already paid for",
        ),
        pytest.param(job(wanted=None), [succeeded()], waits(Reason.REMOVED), id="removed"),
        pytest.param(job(wanted=None), [], waits(Reason.REMOVED), id="removed before it was submitted"),
        pytest.param(job(wanted=None, problems=BROKEN), [], waits(Reason.REJECTED), id="never accepted"),
        pytest.param(job(problems=BROKEN), [], waits(Reason.REJECTED), id="broken before it was submitted"),
        pytest.param(job(problems=BROKEN), [succeeded()], waits(Reason.DELIVERED), id="broken after it succeeded"),
        pytest.param(
            asks(*BROKEN, retries=1),
            [failed(finished_at=at(-60))],
            waits(Reason.ERROR_REPORTED),
            id="a retry that is due, but the manifest is broken",
        ),
        pytest.param(
            asks(*BROKEN, retries=1),
            [failed()],
            waits(Reason.ERROR_REPORTED),
            id="a retry that is scheduled, but the manifest is broken",
        ),
        pytest.param(
            asks(*BROKEN, rerun=1),
            [failed()],
            waits(Reason.REJECTED),
            id="a rerun that was accepted, but the manifest is broken now",
        ),
        pytest.param(
            job(problems=BROKEN),
            [refused(Refusal.RATE)],
            waits(Reason.REJECTED),
            id="refused for a while, but the manifest is broken now",
        ),
        pytest.param(job(), [failed()], waits(Reason.ERROR_REPORTED), id="failed, and no retry was asked for"),
        pytest.param(
            asks(retries=1),
            [failed(), failed(attempt=1, number=2)],
            waits(Reason.ERROR_REPORTED),
            id="failed, and the retries are used up",
        ),
        pytest.param(
            asks(retries=1),
            [accepted(look_at=None), failed(attempt=1, number=2)],
            waits(Reason.ERROR_REPORTED),
            id="the retries are used up, though the ledger is new and has not settled the first run",
        ),
        pytest.param(
            asks(retries=1),
            [SOUGHT, failed(attempt=1, number=2, finished_at=NOW)],
            waits(Reason.RETRY_SCHEDULED, 60),
            id="what stood in for an unconfirmed one was no retry",
        ),
        pytest.param(
            asks(retries=1),
            [unconfirmed(), failed(attempt=1, number=2)],
            waits(Reason.ERROR_REPORTED, 5),
            id="failed in place of an unconfirmed one that is sought again: it may use up the retry",
        ),
        pytest.param(
            asks(retries=1),
            [TRACED, failed(attempt=1, number=2)],
            waits(Reason.ERROR_REPORTED),
            id="failed in place of an unconfirmed one that left something: it may use up the retry",
        ),
        pytest.param(asks(retries=3), [unknown()], waits(Reason.NOTHING_DELIVERED), id="unknown"),
        pytest.param(
            asks(retries=3),
            [failed(adopted=True)],
            waits(Reason.ERROR_REPORTED),
            id="it was found in the bucket after the ledger was lost: a retry might pay for a run that goes on",
        ),
        pytest.param(
            asks(retries=3),
            [replace(failed(), answered_at=None)],
            waits(Reason.ERROR_REPORTED),
            id="its id was found in the bucket, and may be another's",
        ),
        pytest.param(
            asks(retries=3),
            [failed(said_by_operator=True)],
            waits(Reason.ERROR_REPORTED),
            id="an operator named its id: it may be another's, too",
        ),
        pytest.param(
            asks(rerun=0, retries=3),
            [failed(rerun=1)],
            waits(Reason.ERROR_REPORTED),
            id="failed under a higher rerun: a retry would be for nothing",
        ),
        pytest.param(job(), [refused(Refusal.BODY)], waits(Reason.REFUSED), id="the body was refused"),
        pytest.param(
            asks(retries=1),
            [failed(finished_at=at(-60)), refused(Refusal.BODY, attempt=1, number=2)],
            waits(Reason.REFUSED),
            id="the body was refused when it was retried",
        ),
        pytest.param(
            job(), [spurious(number=n) for n in (1, 2, 3)], waits(Reason.REFUSED), id="a spurious 400, three times"
        ),
        pytest.param(
            job(), [spurious(answered_at=at(-4))], waits(Reason.BACKING_OFF, 1), id="a spurious 400 a moment ago"
        ),
        pytest.param(job(), [submission()], waits(Reason.SUBMITTING), id="its POST is under way"),
        pytest.param(job(), [accepted()], waits(Reason.RUNNING, 11), id="running, and the next poll is not due"),
        pytest.param(
            asks(deadline=60.0),
            [accepted(intended_at=at(-60), look_at=at(9))],
            waits(Reason.OVERDUE, 9),
            id="running past its deadline",
        ),
        pytest.param(job(), [gone(look_at=at(15))], waits(Reason.VERIFYING, 15), id="evidence not due"),
        pytest.param(job(), [succeeded(look_at=at(3600))], waits(Reason.DELIVERED, 3600), id="its cost is awaited"),
        pytest.param(job(), [unconfirmed()], waits(Reason.SEARCHING, 5), id="the search is not due"),
        pytest.param(
            job(), [unconfirmed(look_at=None)], waits(Reason.NEEDS_PERSON), id="unconfirmed, waiting for a person"
        ),
        pytest.param(
            job(), [SOUGHT], waits(Reason.NEEDS_PERSON), id="unconfirmed, and nothing was found: still a person's"
        ),
        pytest.param(asks(hold=True), [], waits(Reason.ON_HOLD), id="held"),
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
        pytest.param(asks(rerun=1), [succeeded()], Submit(rerun=1, attempt=0), id="the rerun was raised"),
        pytest.param(asks(rerun=5), [failed(rerun=2)], Submit(rerun=5, attempt=0), id="raised by more than one"),
        pytest.param(
            job(wanted=wanted(rerun=1), history=None),
            [succeeded()],
            LOOK_BACK,
            id="a raised rerun is listed first, too",
        ),
        pytest.param(asks(rerun=1), [refused(Refusal.BODY)], Submit(rerun=1, attempt=0), id="refused, then raised"),
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
            asks(retries=1),
            [failed(finished_at=at(-60))],
            Submit(rerun=0, attempt=1),
            id="failed a minute ago, and a retry is left",
        ),
        pytest.param(
            asks(retries=2),
            [failed(finished_at=at(-999)), failed(attempt=1, number=2, finished_at=at(-120))],
            Submit(rerun=0, attempt=2),
            id="failed twice, and a second retry is left",
        ),
        pytest.param(
            asks(retries=1),
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
    ("declared", "allowed", "expected"),
    [
        pytest.param(job(history=None), limits(history_known=True), LOOK_BACK, id="known: still listed first"),
        pytest.param(
            job(history=history(readable=False, at=at(-59))),
            limits(),
            waits(Reason.HISTORY_UNKNOWN, 1),
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


TEAM = asks(labels=(("team", "agri"),))
WARNED = asks(warnings=(Problem(path="ndvi.js", message="is read but not requested", code="W004"),))


def priced(upper: float | None, ceiling: float | None = None) -> Job:
    return asks(estimate=Estimate(expected=1, upper=upper), max_processing_units=ceiling)


@pytest.mark.parametrize(
    ("declared", "allowed", "expected"),
    [
        pytest.param(priced(501), limits(), waits(Reason.APPROVAL_NEEDED), id="above approvalAbove"),
        pytest.param(priced(501, 500.9), limits(), waits(Reason.APPROVAL_NEEDED), id="not covered by the ceiling"),
        pytest.param(priced(None), limits(), waits(Reason.COST_UNKNOWN), id="TILE: no upper end"),
        pytest.param(asks(estimate=None), limits(), waits(Reason.COST_UNKNOWN), id="the price is not known"),
        pytest.param(job(), NO_KEYS, waits(Reason.CREDENTIAL_MISSING), id="no key pair"),
        pytest.param(job(), limits(paused=True), waits(Reason.PAUSED), id="paused"),
        pytest.param(
            job(wanted=wanted(hold=True, estimate=None), history=None),
            limits(paused=True, slots=0),
            waits(Reason.ON_HOLD),
            id="what a person wrote is told first",
        ),
        pytest.param(asks(hold=True, retries=1), limits(), waits(Reason.ON_HOLD), id="a held first attempt"),
        pytest.param(TEAM, limits(selector=("team=agri",)), FIRST, id="its label is selected"),
        pytest.param(TEAM, limits(selector=("team", "size")), waits(Reason.NOT_SELECTED), id="it lacks one label"),
        pytest.param(
            TEAM, limits(selector=("team=ice",)), waits(Reason.NOT_SELECTED), id="its label has another value"
        ),
        pytest.param(WARNED, limits(), FIRST, id="a warning alone holds nothing"),
        pytest.param(WARNED, limits(hold_on=["W004"]), waits(Reason.WARNED), id="a warning that the settings hold"),
        pytest.param(WARNED, limits(hold_on=["warning"]), waits(Reason.WARNED), id="the settings hold every warning"),
        pytest.param(WARNED, limits(hold_on=["W012"]), FIRST, id="the settings hold another warning"),
        pytest.param(job(), limits(hold_on=["warning"]), FIRST, id="there is no warning to hold it"),
        pytest.param(priced(500), limits(), FIRST, id="exactly approvalAbove"),
        pytest.param(priced(501, 501), limits(), FIRST, id="exactly covered by the ceiling"),
        pytest.param(priced(300, 100), limits(), FIRST, id="cheap: a lower ceiling only limits the reservation"),
        pytest.param(priced(1, None), limits(approval_above=0.5), waits(Reason.APPROVAL_NEEDED), id="strict policy"),
        pytest.param(priced(None, 900), limits(), FIRST, id="TILE with a ceiling"),
        pytest.param(asks(estimate=None, max_processing_units=5), limits(), FIRST, id="no price, but a ceiling"),
        pytest.param(
            job(), limits(without_keys=frozenset({"another"})), FIRST, id="another credential has no key pair"
        ),
        pytest.param(asks(credentials_ref=None), NO_KEYS, FIRST, id="a role needs no key pair"),
    ],
)
def test_a_person_says_yes_first(declared: Job, allowed: Limits, expected: Step) -> None:
    assert next_step(declared, [], allowed, NOW) == expected


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        pytest.param(limits(slots=0), waits(Reason.QUEUED), id="no place is free"),
        pytest.param(limits(slots=-1), waits(Reason.QUEUED), id="more run than may"),
        pytest.param(
            limits(opens_at=at(0.001), reason=Reason.BREAKER_OPEN),
            waits(Reason.BREAKER_OPEN, 0.001),
            id="the gate is shut",
        ),
        pytest.param(
            limits(opens_at=NOW, reason=Reason.BREAKER_OPEN, slots=0),
            waits(Reason.BREAKER_OPEN),
            id="the gate opens, but the canary is another job's",
        ),
        pytest.param(limits(opens_at=NOW, reason=Reason.BREAKER_OPEN, slots=1), FIRST, id="this job is the canary"),
        pytest.param(limits(slots=1), FIRST, id="the last place"),
    ],
)
def test_the_gate(allowed: Limits, expected: Step) -> None:
    assert next_step(job(), [], allowed, NOW) == expected
    assert next_step(job(history=None), [], allowed, NOW) == (LOOK_BACK if expected == FIRST else expected)


@pytest.mark.parametrize(
    ("declared", "allowed", "expected"),
    [
        pytest.param(job(history=None), limits(slots=0, ahead=1), LOOK_BACK, id="its bucket is listed ahead"),
        pytest.param(job(), limits(slots=0, ahead=1), waits(Reason.QUEUED), id="listed: it is not posted ahead"),
        pytest.param(job(history=None), limits(slots=-1, ahead=1), LOOK_BACK, id="more POSTs are out than may be"),
        pytest.param(
            job(history=None), limits(slots=0, ahead=1, listing={"my-bucket": 1}), waits(Reason.QUEUED),
            id="as many listings as may be are under way",
        ),
        pytest.param(
            job(history=None), limits(slots=0, ahead=1, opens_at=at(1)), waits(Reason.QUEUED, 1), id="the gate is shut"
        ),
    ],
)  # fmt: skip
def test_a_history_is_listed_ahead_of_a_free_place(declared: Job, allowed: Limits, expected: Step) -> None:
    assert next_step(declared, [], allowed, NOW) == expected


def test_no_pay_without_a_wish() -> None:
    """Whatever its submissions, a job without a wish pays for nothing."""
    rows = [succeeded(), failed(), unknown(), unconfirmed(look_at=None), refused(Refusal.UNSENT), submission()]
    steps = [next_step(job(wanted=None), [row], RESUBMIT, NOW) for row in rows]
    assert steps == [waits(Reason.REMOVED)] * len(rows)


def test_an_adopted_submission_is_not_paid_for() -> None:
    adopted = accepted(reserved=None, answered_at=at(-DAY), look_at=NOW)
    assert adopted.answer is Answer.ACCEPTED
    assert next_step(job(), [adopted], limits(), NOW) == Ask(submission=adopted)
