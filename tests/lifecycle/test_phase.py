"""The phase: every reason is told in a sentence a person can act on, and never flickers."""

from dataclasses import replace

import pytest

from controller.lifecycle.phase import MENDED_FIRST, phase
from controller.limits.gate import Limits
from controller.model.answers import Refusal
from controller.model.job import Estimate, Job
from controller.model.reasons import JobState, Phase, Reason
from controller.model.submission import Evidence, Submission
from tests.support.factories import (
    NOW,
    OTHER_DIGEST,
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
)
from tests.support.next_steps import BROKEN, NO_KEYS, asks


def reported(reason: Reason, message: str) -> JobState:
    return JobState(reason=reason, message=message)


QUEUED = reported(Reason.QUEUED, "will be submitted when a slot is free")
DELIVERED = reported(Reason.DELIVERED, "every declared output is in the bucket")
RUNNING = reported(Reason.RUNNING, "the service is working on it")
HISTORY_UNKNOWN = reported(
    Reason.HISTORY_UNKNOWN, "the bucket cannot be listed, so it is unknown what was already paid for: AccessDenied"
)
UNREAD = history(readable=False, message="AccessDenied")


@pytest.mark.parametrize(
    ("declared", "submissions", "expected"),
    [
        pytest.param(job(), [succeeded()], DELIVERED, id="succeeded"),
        pytest.param(job(problems=BROKEN), [succeeded()], DELIVERED, id="an error in the manifest hides no success"),
        pytest.param(
            job(problems=BROKEN), [accepted()], RUNNING, id="an error in the manifest hides no running request"
        ),
        pytest.param(
            job(problems=BROKEN),
            [],
            reported(Reason.REJECTED, f"the manifest cannot be accepted; see manifest.problems; {MENDED_FIRST}"),
            id="nothing is in force and the manifest is broken",
        ),
        pytest.param(
            asks(*BROKEN, retries=1),
            [failed()],
            reported(Reason.ERROR_REPORTED, f"the script threw; {MENDED_FIRST}"),
            id="a retry waits for the broken manifest",
        ),
        pytest.param(
            job(wanted=None),
            [accepted()],
            reported(Reason.REMOVED, "the manifest is gone; nothing in the bucket was touched"),
            id="removed",
        ),
        pytest.param(job(), [], QUEUED, id="about to be submitted"),
        pytest.param(job(history=None), [], QUEUED, id="about to be looked for in the bucket"),
        pytest.param(
            job(), [accepted(digest=OTHER_DIGEST)], QUEUED, id="changed: of the new digest, not of the old run"
        ),
        pytest.param(job(), [submission()], reported(Reason.SUBMITTING, "the request is being sent"), id="sent"),
        pytest.param(
            job(),
            [unconfirmed()],
            reported(
                Reason.SEARCHING,
                "the POST got no clear answer; the bucket is searched for its request; the answer was 502",
            ),
            id="unconfirmed, searched for",
        ),
        pytest.param(
            job(),
            [unconfirmed(look_at=None)],
            reported(
                Reason.NEEDS_PERSON,
                "a POST without an answer, and the bucket names no request; use `shjobs resolve`; the answer was 502",
            ),
            id="unconfirmed, a person's turn",
        ),
        pytest.param(job(), [accepted()], RUNNING, id="running"),
        pytest.param(
            asks(deadline=60.0),
            [accepted(intended_at=at(-60))],
            reported(Reason.OVERDUE, "the service is still working on it, past spec.deadline; it cannot be cancelled"),
            id="overdue",
        ),
        pytest.param(
            job(),
            [gone()],
            reported(Reason.VERIFYING, "finished at the service; waiting until the evidence in the bucket is settled"),
            id="verifying",
        ),
        pytest.param(job(), [failed()], reported(Reason.ERROR_REPORTED, "the script threw"), id="the service's words"),
        pytest.param(
            asks(retries=1),
            [failed()],
            reported(
                Reason.RETRY_SCHEDULED, "the run failed; a paid retry is left and will be submitted; the script threw"
            ),
            id="failed, a retry will follow",
        ),
        pytest.param(job(), [unknown()], reported(Reason.NOTHING_DELIVERED, "nothing is there"), id="unknown"),
        pytest.param(
            job(),
            [refused(Refusal.RATE), refused(Refusal.BODY)],
            reported(Reason.REFUSED, "refused: Body"),
            id="refused: the latest words",
        ),
        pytest.param(
            job(),
            [refused(Refusal.SPURIOUS)],
            reported(Reason.BACKING_OFF, "the request was not taken; will be tried again; refused: Spurious"),
            id="a spurious 400",
        ),
    ],
)
def test_where_a_job_stands(declared: Job, submissions: list[Submission], expected: JobState) -> None:
    assert phase(declared, submissions, limits(), NOW) == expected


def priced(upper: float | None) -> Job:
    return asks(estimate=Estimate(expected=1, upper=upper))


@pytest.mark.parametrize(
    ("declared", "allowed", "expected"),
    [
        pytest.param(job(), limits(slots=0), QUEUED, id="no place is free"),
        pytest.param(
            asks(hold=True),
            limits(),
            reported(Reason.ON_HOLD, "spec.hold is true; set it to false to submit"),
            id="on hold",
        ),
        pytest.param(
            job(),
            limits(paused=True),
            reported(
                Reason.PAUSED, "submissions are paused for all jobs; what runs is followed; `shjobs resume` goes on"
            ),
            id="paused",
        ),
        pytest.param(
            priced(1234.5),
            limits(),
            reported(
                Reason.APPROVAL_NEEDED,
                "may cost up to 1,234.50 PU, above approvalAbove (500 PU); "
                "set spec.maxProcessingUnits to at least that to approve it",
            ),
            id="costly",
        ),
        pytest.param(
            priced(None),
            limits(),
            reported(
                Reason.COST_UNKNOWN, "the cost has no upper end; set spec.maxProcessingUnits to the most it may cost"
            ),
            id="no upper end",
        ),
        pytest.param(
            job(),
            NO_KEYS,
            reported(
                Reason.CREDENTIAL_MISSING,
                "the credential 'my-bucket' has no key pair here; "
                "set SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY and SHJOBS_CREDENTIALS_MY_BUCKET_SECRET_ACCESS_KEY, "
                "or name their files",
            ),
            id="no key pair",
        ),
        pytest.param(job(history=UNREAD), limits(), HISTORY_UNKNOWN, id="the bucket cannot be listed"),
        pytest.param(
            job(history=history(readable=False, message="AccessDenied", at=at(-60))),
            limits(),
            HISTORY_UNKNOWN,
            id="while it is listed again, the same is said",
        ),
        pytest.param(
            job(history=history(readable=False, digest=OTHER_DIGEST)),
            limits(),
            QUEUED,
            id="changed since: to be listed",
        ),
        pytest.param(job(history=UNREAD), limits(history_known=True), QUEUED, id="not listed, but the ledger knows"),
        pytest.param(
            job(),
            limits(opens_at=at(60), reason=Reason.BREAKER_OPEN, message="502"),
            reported(Reason.BREAKER_OPEN, "an earlier submission got no answer; one canary goes out now and then; 502"),
            id="the breaker is open",
        ),
        pytest.param(
            job(),
            limits(opens_at=at(60), reason=Reason.ACCOUNT_REFUSED, message="401"),
            reported(
                Reason.ACCOUNT_REFUSED,
                "the service refuses this account or address; one probe goes out now and then; 401",
            ),
            id="the account is refused",
        ),
        pytest.param(
            job(),
            limits(opens_at=at(60), reason=Reason.BACKING_OFF, message="no route to host"),
            reported(Reason.BACKING_OFF, "the request was not taken; will be tried again; no route to host"),
            id="the service is not reached",
        ),
        pytest.param(
            job(), limits(opens_at=at(60), message="429"), QUEUED, id="after a 429 it waits for a place, like any other"
        ),
    ],
)
def test_why_a_job_is_not_submitted_yet(declared: Job, allowed: Limits, expected: JobState) -> None:
    assert phase(declared, [], allowed, NOW) == expected


@pytest.mark.parametrize(
    ("declared", "submissions"),
    [
        pytest.param(job(), [succeeded()], id="succeeded"),
        pytest.param(job(), [failed()], id="failed"),
        pytest.param(job(), [unknown()], id="unknown"),
        pytest.param(job(), [gone()], id="verifying"),
        pytest.param(job(), [accepted()], id="running"),
        pytest.param(job(), [unconfirmed()], id="unconfirmed"),
        pytest.param(job(history=UNREAD), [], id="its history is not known"),
        pytest.param(asks(hold=True), [], id="on hold"),
    ],
)
def test_time_alone_changes_no_standing(declared: Job, submissions: list[Submission]) -> None:
    job_states = {phase(declared, submissions, limits(), at(seconds)) for seconds in range(0, 3600, 7)}
    assert len(job_states) == 1


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_belongs_to_one_phase(reason: Reason) -> None:
    assert JobState(reason=reason, message="").phase is reason.phase
    assert reason.phase in Phase


@pytest.mark.parametrize(
    ("current", "reason"),
    [
        pytest.param(accepted(gone_at=NOW), Reason.VERIFYING, id="while the evidence is verified"),
        pytest.param(unconfirmed(look_at=at(60)), Reason.SEARCHING, id="while its request is searched"),
    ],
)
def test_the_message_says_why_the_bucket_cannot_be_read(current: Submission, reason: Reason) -> None:
    seen = Evidence(at=NOW, since=NOW, objects=(), readable=False, message="my-bucket: InvalidAccessKeyId")
    found = phase(job(), [replace(current, evidence=seen)], limits(), NOW)
    assert found.reason is reason
    assert found.message.endswith("; the bucket cannot be read: my-bucket: InvalidAccessKeyId")


def test_who_approved_it_is_said_until_it_ended() -> None:
    by = "commit 1a2b3c4d5e of Ann <ann@example.org> in yes.yaml"
    running = accepted(approved_by=by)
    assert phase(job(), [running], limits(), NOW).message == f"the service is working on it; approved by {by}"
    assert "approved" not in phase(job(), [succeeded(approved_by=by)], limits(), NOW).message
