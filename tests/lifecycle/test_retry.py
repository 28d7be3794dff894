"""What an operator may have paid for again, as a table: which run, and with which `rerun`."""

import pytest

from controller.lifecycle.commands import retried
from controller.lifecycle.next_step import asked_for
from controller.limits.peers import Peers
from controller.model.answers import Refusal
from controller.model.job import Job
from controller.model.step import Submit
from controller.model.submission import Submission, submission_id
from tests.support.factories import (
    DIGEST,
    NOW,
    OTHER_DIGEST,
    accepted,
    by_name,
    failed,
    job,
    limits,
    refused,
    succeeded,
    unconfirmed,
    unknown,
    wanted,
)
from tests.support.next_steps import BROKEN, asks

FIRST, SECOND = submission_id(DIGEST, 0, 0), submission_id(DIGEST, 1, 0)
RAISED = job(wanted=wanted().with_raise(1, "anna"))


@pytest.mark.parametrize(
    ("known", "submissions", "run", "rerun"),
    [
        pytest.param(job(), [failed()], FIRST, 1, id="a failed run is repeated"),
        pytest.param(asks(rerun=3), [failed(rerun=3)], submission_id(DIGEST, 3, 0), 4, id="above the manifest's rerun"),
        pytest.param(RAISED, [failed(), failed(rerun=1, number=2)], SECOND, 2, id="again, after the retry failed too"),
        pytest.param(
            asks(retries=1), [failed(), failed(attempt=1, number=2)], submission_id(DIGEST, 0, 1), 1,
            id="after its own retries are used up",
        ),
        pytest.param(job(), [refused(Refusal.BODY)], FIRST, 1, id="a refused body is sent again"),
        pytest.param(
            asks(retries=1), [failed(), refused(Refusal.BODY, attempt=1, number=2)], submission_id(DIGEST, 0, 1), 1,
            id="a refused retry of a failed run",
        ),
        pytest.param(
            asks(rerun=0), [failed(rerun=2)], submission_id(DIGEST, 2, 0), 3,
            id="failed under a higher rerun than the manifest has now: above that one",
        ),
    ],
)  # fmt: skip
def test_a_retry_raises_the_rerun_by_one(known: Job, submissions: list[Submission], run: str, rerun: int) -> None:
    after = retried(known, submissions, run, "anna")
    assert isinstance(after, Job)
    assert after.wanted is not None
    assert (after.wanted.rerun, after.wanted.retried_by, after.wanted.cause) == (rerun, "anna", "retried")
    assert known.wanted is not None
    assert after.wanted.declared_rerun == known.wanted.declared_rerun
    assert asked_for(after, submissions, limits(), NOW) == Submit(rerun=rerun, attempt=0)


@pytest.mark.parametrize(
    ("known", "submissions", "run", "words"),
    [
        pytest.param(None, [], FIRST, "there is no such job", id="a job that is not there"),
        pytest.param(job(wanted=None), [failed()], FIRST, "there is no such job", id="a removed one"),
        pytest.param(asks(*BROKEN), [failed()], FIRST, "cannot be accepted", id="its manifest is broken now"),
        pytest.param(job(), [succeeded()], FIRST, "it has succeeded", id="late evidence: it succeeded after all"),
        pytest.param(job(), [accepted()], FIRST, "it has not ended", id="it runs"),
        pytest.param(job(), [unconfirmed()], FIRST, "it has not ended", id="its answer was lost: it may be paid for"),
        pytest.param(job(), [unknown()], FIRST, "--unknown", id="its outcome is unknown"),
        pytest.param(RAISED, [failed()], FIRST, "is not what it shows now", id="the same retry a second time"),
        pytest.param(
            RAISED, [failed(), accepted(rerun=1, number=2)], FIRST, f"shows now ({SECOND})",
            id="the same retry while the first one runs",
        ),
        pytest.param(
            asks(digest=OTHER_DIGEST), [failed()], FIRST, "is not what it shows now", id="the request has changed since"
        ),
        pytest.param(
            job(), [refused(Refusal.CONCURRENCY)], FIRST, "is not what it shows now",
            id="the service had no room: it goes on by itself",
        ),
    ],
)  # fmt: skip
def test_a_retry_is_not_carried_out(known: Job | None, submissions: list[Submission], run: str, words: str) -> None:
    answer = retried(known, submissions, run, "anna")
    assert isinstance(answer, str)
    assert words in answer


def test_an_unknown_outcome_is_paid_for_again_only_when_that_is_said() -> None:
    after = retried(job(), [unknown()], FIRST, "anna", unknown=True)
    assert isinstance(after, Job)
    assert asked_for(after, [unknown()], limits(), NOW) == Submit(rerun=1, attempt=0)


OTHERS = failed(job="other", number=7)


def test_a_failed_run_of_another_name_is_repeated_for_this_job_alone() -> None:
    after = retried(job(), [], FIRST, "anna", shared=OTHERS)
    assert isinstance(after, Job)
    assert asked_for(after, [], limits(peers=Peers(by_name(after), [OTHERS])), NOW) == Submit(rerun=1, attempt=0)


def test_while_the_other_name_tries_again_nothing_is_repeated() -> None:
    running = accepted(job="other", rerun=1, number=8)
    assert retried(job(), [], FIRST, "anna", shared=running) == f"{FIRST} is not what it shows now ({SECOND})"
    assert retried(job(), [], SECOND, "anna", shared=running) == "it has not ended"
