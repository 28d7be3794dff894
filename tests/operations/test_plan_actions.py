"""What the plan says of one job: the action, the reason, and the prices now and before."""

from typing import Any

import pytest

from controller.lifecycle.attempts import in_force
from controller.lifecycle.phase import phase
from controller.limits.peers import Peers
from controller.model.answers import Refusal
from controller.model.errors import Problem
from controller.model.job import Estimate, Job
from controller.model.submission import Submission
from controller.operations.plan.actions import Action, Foreseen, action_of, last_sent
from controller.operations.plan.diff import Difference
from controller.operations.plan.entry import describe_action, rejected_action
from tests.support.factories import (
    DIGEST,
    NOW,
    OTHER_DIGEST,
    accepted,
    at,
    by_name,
    failed,
    job,
    limits,
    refused,
    submission,
    succeeded,
    unconfirmed,
    wanted,
)

OLD = succeeded(digest=OTHER_DIGEST, number=1)
OLD_RUNNING = accepted(digest=OTHER_DIGEST, number=1)
WAS = job(wanted=wanted(digest=OTHER_DIGEST))
BROKEN = Problem(path="ndvi.yaml", message="is not YAML")
UNUSED = Problem(path="ndvi.js", message="is read but not requested", code="W004")
RENAMED = job(name="other")
WARNED = job(wanted=wanted(warnings=(UNUSED,)))


def seen(*submissions: Submission, now: Job | None = None, **different: Any) -> Foreseen:
    """A job before and after; the ledger knew all of `submissions` unless `known` says otherwise."""
    current = now or job()
    plain: dict[str, Any] = {
        "job": current,
        "was": None,
        "known": submissions,
        "submissions": submissions,
        "planned": None,
        "job_state": phase(current, submissions, limits(), NOW),
    }
    return Foreseen(**(plain | different))


def plan_of(**different: Any) -> Submission:
    return submission(**({"number": 9} | different))


def sharing(run: Submission, now: Job = RENAMED, **different: Any) -> Foreseen:
    """A job without submissions, after another one of the same request had this one."""
    shared = limits(peers=Peers(by_name(now), [run]))
    return seen(now=now, job_state=phase(now, (), shared, NOW), **different)


CASES = [
    pytest.param(seen(planned=plan_of()), "submit", "new", id="a new job is submitted"),
    pytest.param(seen(was=job(), planned=plan_of()), "submit", "not submitted before", id="a job that waited"),
    pytest.param(
        seen(OLD, was=WAS, planned=plan_of(), difference=Difference(fields=({"path": "output.resx", "after": 1},))),
        "submit", "changed: output.resx", id="a changed job is submitted and names its field",
    ),
    pytest.param(
        seen(OLD, was=WAS, planned=plan_of(), difference=Difference(
            fields=tuple({"path": each} for each in "abcd"), script=("-x",), more_fields=2)),
        "submit", "changed: evalscript, a, b and 4 more", id="many changes are counted",
    ),
    pytest.param(seen(succeeded(), was=job(), planned=plan_of(rerun=2)), "submit", "rerun 2", id="a rerun"),
    pytest.param(
        seen(failed(), was=job(), planned=plan_of(attempt=1)),
        "submit", "attempt 2: attempt 1 failed", id="a paid retry",
    ),
    pytest.param(
        seen(unconfirmed(), was=job(), planned=plan_of(attempt=1)),
        "submit", "attempt 2: attempt 1 got no clear answer", id="an attempt that stands in for an unconfirmed one",
    ),
    pytest.param(
        seen(refused(Refusal.RATE), was=job(), planned=plan_of()),
        "submit", "it was refused before and is sent again", id="a body that was turned away for a time",
    ),
    pytest.param(
        sharing(succeeded()), "share",
        "delivered for 'ndvi', which has the same request: nothing was paid for this job", id="a renamed job",
    ),
    pytest.param(
        sharing(accepted(), is_run_new=True, was=RENAMED), "share",
        "the same request runs as 'ndvi': its result is taken over", id="the second of two names, one of which pays",
    ),
    pytest.param(
        sharing(accepted(), was=RENAMED), "follow",
        "the same request runs as 'ndvi': its result is taken over", id="a run of another name that goes on",
    ),
    pytest.param(
        sharing(succeeded(), was=RENAMED), "unchanged",
        "delivered for 'ndvi', which has the same request: nothing was paid for this job", id="taken over before",
    ),
    pytest.param(
        sharing(failed(), was=RENAMED), "unchanged",
        "Failed: the same request failed as 'ndvi', and is not paid for again; the script threw",
        id="failed as another name before",
    ),
    pytest.param(
        sharing(succeeded(), ref="main"), "share",
        "shares the run of 'ndvi', which has the same request: nothing is paid", id="a job renamed since a revision",
    ),
    pytest.param(
        sharing(succeeded(), was=RENAMED, ref="main"), "unchanged", "the same request as at main",
        id="a job that shared a run at a revision",
    ),
    pytest.param(
        seen(planned=plan_of(), is_history_assumed=True), "submit", "new; no history is assumed", id="no key pair"
    ),
    pytest.param(
        seen(now=job(wanted=wanted(retries=2)), planned=plan_of()),
        "submit", "new; up to 2 paid retries if it fails", id="retries are announced",
    ),
    pytest.param(
        seen(now=WARNED, job_state=phase(WARNED, (), limits(hold_on=["W004"]), NOW)), "hold",
        "holdOn holds it: W004: is read but not requested; `shjobs check` shows where; fix it, "
        "or accept it with a reason: `shjobs: ignore W004 why it is meant`", id="held by a warning",
    ),
    pytest.param(
        seen(succeeded(), was=job()), "unchanged", "every declared output is in the bucket", id="a job that is done"
    ),
    pytest.param(
        seen(failed(), was=job()), "unchanged", "Failed: the script threw", id="a job that failed and stays so"
    ),
    pytest.param(
        seen(accepted(), was=job()), "follow", "the service is working on it", id="a job that runs"
    ),
    pytest.param(
        seen(unconfirmed(), was=job()), "search",
        "the POST got no clear answer; the bucket is searched for its request; the answer was 502",
        id="a lost answer is searched for",
    ),
    pytest.param(
        seen(OLD, succeeded(number=2, intended_at=at(-86400)), was=WAS), "return",
        "returns to the submission of 2026-02-28 (Succeeded); nothing is paid", id="a revert costs nothing",
    ),
    pytest.param(
        seen(accepted(number=2), known=()), "return",
        "found in the bucket: the submission of 2026-03-01 (Running); nothing is paid", id="an adopted submission",
    ),
    pytest.param(
        seen(now=job(wanted=wanted(hold=True))), "hold", "spec.hold is true; set it to false to submit", id="on hold"
    ),
    pytest.param(
        seen(now=job(problems=(BROKEN,))), "invalid", "the manifest cannot be accepted", id="broken and never sent"
    ),
    pytest.param(
        seen(accepted(), was=job(), now=job(wanted=None, problems=(BROKEN,))),
        "invalid", "the manifest cannot be accepted", id="broken with nothing in force",
    ),
    pytest.param(
        seen(accepted(), was=job(), now=job(problems=(BROKEN,))), "invalid",
        "the manifest cannot be accepted; the job stays as last accepted (Running)", id="broken while it runs",
    ),
    pytest.param(
        seen(succeeded(), was=job(), now=job(wanted=None)), "remove", "the manifest is gone; results stay",
        id="a removed job that has ended",
    ),
    pytest.param(
        seen(accepted(), was=job(), now=job(wanted=None)), "remove",
        "the manifest is gone; what is running is followed to its end", id="a removed job that runs",
    ),
    pytest.param(
        seen(succeeded(), was=job(), ref="main"), "unchanged", "the same request as at main", id="as at a revision"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("found", "action", "why"), CASES)
def test_every_job_has_an_action_and_a_reason(found: Foreseen, action: str, why: str) -> None:
    reported = describe_action(found)
    assert (reported["action"], reported["why"]) == (action, why)


def test_every_action_but_waiting_is_in_the_table() -> None:
    """A job waits only behind a gate that is shut, which the table of the loop covers."""
    assert {case.values[1] for case in CASES} | {"wait"} == {str(action) for action in Action}


def test_a_gate_that_is_shut_makes_the_job_wait() -> None:
    shut = limits(slots=0)
    found = seen(job_state=phase(job(), (), shut, NOW))
    assert action_of(found) is Action.WAIT


def test_a_changed_job_tells_everything_once() -> None:
    was = job(wanted=wanted(digest=OTHER_DIGEST, estimate=Estimate(expected=15, upper=18)))
    field = {"path": "output.resx", "before": 10, "after": 20}
    found = seen(
        OLD_RUNNING, was=was, now=job(generation=2), planned=plan_of(generation=2), due=at(60),
        difference=Difference(fields=(field,)),
    )  # fmt: skip
    assert describe_action(found) == {
        "name": "ndvi",
        "path": "ndvi.yaml",
        "action": "submit",
        "submission": f"{'a' * 16}-r0-a0",
        "prefix": f"s3://my-bucket/rasters/ndvi/{'a' * 16}-r0-a0",
        "generation": 2,
        "due": "2026-03-01T12:01:00Z",
        "why": "changed: output.resx",
        "processingUnits": {"expected": 20, "upper": 20, "reserved": 20},
        "before": {
            "submission": f"{'b' * 16}-r0-a0",
            "submittedAt": "2026-03-01T12:00:00Z",
            "expected": 15,
            "upper": 18,
            "reserved": 20,
        },
        "digest": DIGEST,
        "difference": {"fields": [field]},
        "superseded": [
            {
                "submission": f"{'b' * 16}-r0-a0",
                "requestId": "11111111-2222-4333-8444-555555555555",
                "submittedAt": "2026-03-01T12:00:00Z",
                "reserved": 20,
                "state": "running",
            }
        ],
    }


def test_the_actual_cost_of_the_submission_before_is_told() -> None:
    assert describe_action(seen(OLD, was=WAS, planned=plan_of()))["before"]["spent"] == 18.5


def test_against_a_revision_no_dates_and_no_ids_are_made_up() -> None:
    reported = describe_action(seen(OLD_RUNNING, was=WAS, planned=plan_of(), ref="main"))
    assert reported["before"] == {"expected": 20, "upper": 20, "reserved": 20}
    assert "superseded" not in reported


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param((), None, id="nothing was sent"),
        pytest.param((OLD, succeeded(number=2, intended_at=at(-900))), 1, id="the latest intent, not the latest row"),
        pytest.param((OLD, refused(Refusal.BODY, number=2, intended_at=at(9))), 1, id="what was taken, not refused"),
        pytest.param((refused(Refusal.BODY, number=2),), 2, id="what was refused, if nothing else was sent"),
    ],
)
def test_a_change_is_compared_with_what_was_sent_last(known: tuple[Submission, ...], expected: int | None) -> None:
    last = last_sent(seen(known=known))
    assert (last.number if last else None) == expected


def test_a_document_that_is_no_job_is_told_with_its_problems() -> None:
    assert rejected_action(None, "ndvi.yaml", [BROKEN]) == {
        "path": "ndvi.yaml",
        "action": "invalid",
        "why": "the manifest cannot be accepted",
        "problems": [str(BROKEN)],
    }


def test_the_builders_of_this_file_mean_what_they_say() -> None:
    assert in_force(wanted(), [OLD]) is None


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        pytest.param(seen(now=WARNED, planned=plan_of()), [str(UNUSED)], id="it would be submitted"),
        pytest.param(seen(now=WARNED), [str(UNUSED)], id="it waits to be submitted"),
        pytest.param(seen(succeeded(), was=WARNED, now=WARNED), None, id="it was paid for before"),
        pytest.param(seen(planned=plan_of()), None, id="there is no warning"),
    ],
)
def test_the_warnings_of_what_would_be_paid_for_are_shown(found: Foreseen, shown: list[str] | None) -> None:
    assert describe_action(found).get("warnings") == shown
