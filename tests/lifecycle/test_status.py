"""The status document: whole, deterministic, and silent about when it was last looked at."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from controller.lifecycle.phase import phase
from controller.lifecycle.status import document, outputs, rejected_status, timestamp
from controller.model.answers import Refusal
from controller.model.errors import Problem
from controller.model.job import Estimate, Job
from controller.model.submission import Submission
from controller.tree.status_files import status_bytes
from tests.support.factories import (
    DIGEST,
    JPEG,
    NOW,
    OTHER_DIGEST,
    REQUEST_ID,
    TIFF,
    accepted,
    at,
    evidence,
    failed,
    gone,
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

BROKEN = (Problem(path="ndvi.yaml", line=3, column=5, field="spec.hold", message="must be true or false"),)
REJECTED = {
    "accepted": False,
    "reason": "Rejected",
    "problems": ["ndvi.yaml:3:5: spec.hold: must be true or false"],
}
FOLDER = f"s3://my-bucket/rasters/ndvi/{'a' * 16}-r0-a0"
HEAD = {"apiVersion": "shjobs/v1", "kind": "AsyncProcessStatus"}
ALLOWED = {
    *("apiVersion", "kind", "name", "phase", "reason", "message", "manifest", "generation", "digest", "deployment"),
    *("revision", "requestId", "submittedAt", "finishedAt", "processingUnits", "outputs", "history"),
    *("accepted", "problems", "estimated", "reserved", "spent", "identifier", "href", "bytes", "etag"),
    *("submission", "outcome"),
}


def line(digit: str, submitted_at: str, outcome: str, **units: float) -> dict[str, object]:
    """A line of history, of the request whose digest is all this digit."""
    named = {"submission": f"{digit * 16}-r0-a0", "requestId": REQUEST_ID}
    return {**named, "submittedAt": submitted_at, "outcome": outcome, **units}


def reported(declared: Job, submissions: list[Submission], now: datetime = NOW) -> dict[str, object]:
    return document(declared, submissions, phase(declared, submissions, limits(), now), "sandbox")


@pytest.mark.parametrize(
    ("declared", "submissions", "expected"),
    [
        pytest.param(
            job(),
            [succeeded(revision="1234abc", evidence=evidence(objects=(stored("default.tif", etag="e1"),), spent=18.5))],
            {
                **HEAD,
                "name": "ndvi",
                "phase": "Succeeded",
                "reason": "Delivered",
                "message": "every declared output is in the bucket",
                "manifest": {"accepted": True},
                "generation": 1,
                "digest": DIGEST,
                "deployment": "sandbox",
                "revision": "1234abc",
                "requestId": REQUEST_ID,
                "submittedAt": "2026-03-01T11:50:00Z",
                "finishedAt": "2026-03-01T12:00:30Z",
                "processingUnits": {"estimated": 20.0, "spent": 18.5},
                "outputs": [
                    {"identifier": "default", "href": f"{FOLDER}/{REQUEST_ID}/default.tif", "bytes": 100, "etag": "e1"}
                ],
                "history": [line("a", "2026-03-01T11:50:00Z", "succeeded", processingUnits=18.5)],
            },
            id="succeeded",
        ),
        pytest.param(
            job(problems=BROKEN),
            [accepted()],
            {
                **HEAD,
                "name": "ndvi",
                "phase": "Running",
                "reason": "Running",
                "message": "the service is working on it",
                "manifest": {
                    "accepted": False,
                    "reason": "Rejected",
                    "problems": ["ndvi.yaml:3:5: spec.hold: must be true or false"],
                },
                "generation": 1,
                "digest": DIGEST,
                "deployment": "sandbox",
                "requestId": REQUEST_ID,
                "submittedAt": "2026-03-01T12:00:00Z",
                "processingUnits": {"estimated": 20.0, "reserved": 20.0},
                "history": [line("a", "2026-03-01T12:00:00Z", "accepted")],
            },
            id="running, beside a manifest that is not accepted",
        ),
        pytest.param(
            job(generation=2, wanted=wanted(hold=True, estimate=Estimate(expected=1 / 3, upper=None))),
            [succeeded(digest=OTHER_DIGEST)],
            {
                **HEAD,
                "name": "ndvi",
                "phase": "Held",
                "reason": "OnHold",
                "message": "spec.hold is true; set it to false to submit",
                "manifest": {"accepted": True},
                "generation": 2,
                "digest": DIGEST,
                "deployment": "sandbox",
                "processingUnits": {"estimated": 0.3333},
                "history": [line("b", "2026-03-01T11:50:00Z", "succeeded", processingUnits=18.5)],
            },
            id="changed and held: nothing of the old run but its line of history",
        ),
        pytest.param(
            job(wanted=wanted(estimate=None, max_processing_units=5)),
            [],
            {
                **HEAD,
                "name": "ndvi",
                "phase": "Pending",
                "reason": "Queued",
                "message": "will be submitted when a slot is free",
                "manifest": {"accepted": True},
                "generation": 1,
                "digest": DIGEST,
                "deployment": "sandbox",
            },
            id="new: keys without a value are left out",
        ),
        pytest.param(
            job(generation=0, wanted=None, problems=BROKEN),
            [],
            {
                **HEAD,
                "name": "ndvi",
                "phase": "Invalid",
                "reason": "Rejected",
                "message": "the manifest cannot be accepted; see manifest.problems",
                "manifest": {
                    "accepted": False,
                    "reason": "Rejected",
                    "problems": ["ndvi.yaml:3:5: spec.hold: must be true or false"],
                },
                "deployment": "sandbox",
            },
            id="never accepted",
        ),
    ],
)
def test_the_whole_document(declared: Job, submissions: list[Submission], expected: dict[str, object]) -> None:
    found = reported(declared, submissions)
    assert found == expected
    assert list(found) == list(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [pytest.param("ndvi", {**HEAD, "name": "ndvi"}, id="with a name"), pytest.param(None, HEAD, id="without a name")],
)
def test_a_document_that_is_no_job(name: str | None, expected: dict[str, object]) -> None:
    assert rejected_status(name, BROKEN) == {
        **expected,
        "phase": "Invalid",
        "reason": "Rejected",
        "message": "the manifest cannot be accepted; see manifest.problems",
        "manifest": {
            "accepted": False,
            "reason": "Rejected",
            "problems": ["ndvi.yaml:3:5: spec.hold: must be true or false"],
        },
    }


def history(declared: Job, rows: list[Submission], key: str) -> list[object]:
    lines = reported(declared, rows)["history"]
    assert isinstance(lines, list)
    return [line[key] for line in lines]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(submission(), "submitting", id="an intent"),
        pytest.param(accepted(), "accepted", id="accepted"),
        pytest.param(refused(Refusal.BODY), "refused", id="refused"),
        pytest.param(unconfirmed(), "unconfirmed", id="unconfirmed"),
        pytest.param(succeeded(), "succeeded", id="succeeded"),
        pytest.param(failed(), "failed", id="failed"),
        pytest.param(unknown(), "unknown (NothingDelivered)", id="unknown, with its reason"),
    ],
)
def test_what_a_line_of_history_says(row: Submission, expected: str) -> None:
    assert history(job(), [row], "outcome") == [expected]


def test_history_holds_the_last_five_newest_first() -> None:
    rows = [succeeded(rerun=n, number=n, intended_at=at(n)) for n in range(7)]
    assert history(job(wanted=wanted(rerun=6)), rows, "submission") == [f"{'a' * 16}-r{n}-a0" for n in (6, 5, 4, 3, 2)]


def test_of_two_submissions_of_one_moment_the_later_row_comes_first() -> None:
    rows = [succeeded(rerun=n, number=n, intended_at=NOW) for n in range(3)]
    assert history(job(), rows, "submission") == [f"{'a' * 16}-r{n}-a0" for n in (2, 1, 0)]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(accepted(outputs=(TIFF, JPEG)), [], id="running: nothing is said"),
        pytest.param(gone(evidence=evidence()), [], id="verifying: nothing is said yet"),
        pytest.param(unknown(evidence=evidence(), outputs=(TIFF, JPEG)), ["default"], id="partly: what is there"),
        pytest.param(failed(), [], id="failed: what is no output is not shown"),
        pytest.param(
            succeeded(outputs=(JPEG, TIFF), evidence=evidence(objects=(stored("default.tif"), stored("preview.jpg")))),
            ["preview", "default"],
            id="in the order of the manifest",
        ),
    ],
)
def test_outputs_are_what_was_delivered(row: Submission, expected: list[str]) -> None:
    assert [output["identifier"] for output in outputs(row)] == expected


def keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(keys(each) for each in value.values()))
    return set().union(*(keys(each) for each in value)) if isinstance(value, list) else set()


EVERYTHING = [
    *(submission(), accepted(), gone(), succeeded(), failed(), unknown(), unconfirmed()),
    *(unconfirmed(look_at=None), refused(Refusal.BODY), refused(Refusal.UNSENT)),
]


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{n}") for n, row in enumerate(EVERYTHING)])
def test_no_key_tells_of_now(row: Submission) -> None:
    assert keys(reported(job(problems=BROKEN), [row])) <= ALLOWED


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{n}") for n, row in enumerate(EVERYTHING)])
def test_looking_again_changes_no_byte(row: Submission) -> None:
    """A later look at the same objects moves only times that no status shows."""
    later = at(3000)
    seen = row.evidence and evidence(at=later, objects=row.evidence.objects, spent=row.evidence.spent)
    again = Submission(**{name: getattr(row, name) for name in Submission.__slots__} | {"evidence": seen})
    assert status_bytes([reported(job(), [row])]) == status_bytes([reported(job(), [again], later)])


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        pytest.param(None, None, id="no time"),
        pytest.param(datetime(2026, 3, 1, 12, 0, 0, 999_999, UTC), "2026-03-01T12:00:00Z", id="whole seconds"),
        pytest.param(
            datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=1))), "2026-03-01T11:00:00Z", id="another zone"
        ),
    ],
)
def test_a_moment(time: datetime | None, expected: str | None) -> None:
    assert timestamp(time) == expected
