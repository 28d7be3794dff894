"""The status document of one job, as written next to the manifest (DESIGN §5).

Pure and deterministic: the same state gives the same document, byte for byte.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from controller.lifecycle.attempts import in_force
from controller.lifecycle.evidence import delivered_object
from controller.model.answers import Refusal
from controller.model.errors import Problem
from controller.model.job import Job, Wanted
from controller.model.reasons import JobState, Reason, rejection
from controller.model.submission import Outcome, Submission

Document = Mapping[str, Any]

HISTORY_LENGTH = 5
REJECTIONS: Mapping[Reason, str] = {
    Reason.REJECTED: "the manifest cannot be accepted; see manifest.problems",
    Reason.EXAMINING: "the evalscript is still being examined",
}
OPERATOR = "operator"
"""The source of an answer that did not come from the service."""
PASSING = frozenset(
    {
        *(Reason.EXAMINING, Reason.NOT_SELECTED, Reason.SETTLING, Reason.LISTING, Reason.QUEUED, Reason.BACKING_OFF),
        *(Reason.RETRY_SCHEDULED, Reason.SHARED_RUN, Reason.NOT_DUE, Reason.SUBMITTING, Reason.RUNNING),
        Reason.VERIFYING,
    }
)
"""A job with one of these reasons is on its way: nothing has ended, and no operator is needed."""
HEADER: Mapping[str, object] = {"apiVersion": "shjobs/v1", "kind": "AsyncProcessStatus"}


def document(job: Job, submissions: Sequence[Submission], job_state: JobState, deployment: str) -> dict[str, object]:
    """The status of a job; keys without a value are left out. What another name's run delivered counts for this one."""
    current = in_force(job.wanted, submissions) if job.wanted else None
    shared = job_state.shared
    shown = shared.run if shared else current
    status = {
        **HEADER,
        "name": job.name,
        "phase": str(job_state.phase),
        "reason": str(job_state.reason),
        "message": job_state.message,
        "manifest": manifest_status(job.problems),
        "generation": (current.generation if current else job.generation) or None,
        "digest": job.wanted.digest if job.wanted else None,
        "retried": _retried(job.wanted) if job.wanted else None,
        "deployment": deployment,
        "revision": current.revision if current else job.wanted.revision if job.wanted else None,
        "sharedWith": shared.owner if shared else None,
        **(_submission(shown) if shown else {}),
        "processingUnits": {"spent": 0.0} if shared else amounts_of(job, current),
        "outputs": outputs(shown) if shown else None,
        "history": [_line(item) for item in _history(submissions)],
    }
    return {key: value for key, value in status.items() if value not in (None, "", [], {})}


def rejected_status(name: str | None, problems: Sequence[Problem]) -> dict[str, object]:
    """The status of a document that was never accepted and so is not a job."""
    reason = rejection(each.code for each in problems)
    return {
        **HEADER,
        **({"name": name} if name else {}),
        "phase": str(reason.phase),
        "reason": str(reason),
        "message": REJECTIONS[reason],
        "manifest": manifest_status(problems),
    }


def news_of(documents: Sequence[Document]) -> frozenset[tuple[int, str, str, str]]:
    """What a reader of a status file is to see at once: by document, what is not merely passed through.

    It is news again when the manifest was edited: an editor waits to see what became of it.
    """
    return frozenset(
        (index, str(reason), each.get("digest") or "", "\n".join(each["manifest"].get("problems", ())))
        for index, each in enumerate(documents)
        for reason in (each["reason"], each["manifest"].get("reason"))
        if reason and reason not in PASSING
    )


def outputs(submission: Submission) -> list[dict[str, object]]:
    """The delivered outputs, in declaration order."""
    if submission.evidence is None or submission.outcome is None:
        return []
    found = [(output, delivered_object(submission.evidence, output)) for output in submission.outputs]
    return [
        {
            "identifier": output.identifier,
            "href": f"{submission.prefix}/{item.key}",
            "bytes": item.bytes,
            "etag": item.etag,
        }
        for output, item in found
        if item
    ]


def timestamp(time: datetime | None) -> str | None:
    """A time as written everywhere: UTC, whole seconds, `Z`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if time else None


def manifest_status(problems: Sequence[Problem], words: Sequence[str] = ()) -> dict[str, object]:
    """Whether the manifest as it is now is accepted; `words` say what is wrong where the problems are too many."""
    if not problems:
        return {"accepted": True}
    reason = rejection(each.code for each in problems)
    return {"accepted": False, "reason": str(reason), "problems": [*(words or map(str, problems))]}


def _retried(wanted: Wanted) -> dict[str, object]:
    """By how much `shjobs retry` raised `rerun`, and who did last."""
    return {"times": wanted.raised, "by": wanted.retried_by} if wanted.raised else {}


def _submission(current: Submission) -> dict[str, object]:
    settled = current.outcome is not None
    return {
        "requestId": current.request_id,
        "submittedAt": timestamp(current.intended_at),
        "approvedBy": current.approved_by,
        "finishedAt": timestamp(current.finished_at) if settled else None,
    }


def amounts_of(job: Job, current: Submission | None) -> dict[str, float]:
    """What a job is estimated to cost, and what the submission in force reserves or cost, as far as known."""
    estimate = job.wanted.estimate if job.wanted else None
    amounts = {
        "estimated": estimate.expected if estimate else None,
        "reserved": current.reserved if current and current.spent is None else None,
        "spent": current.spent if current else None,
    }
    return {key: round(amount, 4) for key, amount in amounts.items() if amount is not None}


def _history(submissions: Sequence[Submission]) -> list[Submission]:
    """The latest submissions, newest first, without temporary refusals."""
    lasting = [item for item in submissions if not item.refused or item.refused.why is Refusal.BODY]
    return sorted(lasting, key=_age, reverse=True)[:HISTORY_LENGTH]


def _line(item: Submission) -> dict[str, object]:
    """One line of history: the submission, its outcome, its cost."""
    line = {
        "submission": item.id,
        "requestId": item.request_id,
        "submittedAt": timestamp(item.intended_at),
        "saidBy": OPERATOR if item.said_by_operator else None,
        "outcome": _word(item),
        "processingUnits": None if item.spent is None else round(item.spent, 4),
    }
    return {key: value for key, value in line.items() if value not in (None, "")}


def _word(item: Submission) -> str:
    if item.outcome is not None:
        return item.outcome.value if item.outcome is not Outcome.UNKNOWN else f"unknown ({item.reason})"
    return item.answer.value if item.answer else "submitting"


def _age(item: Submission) -> tuple[datetime, int]:
    return item.intended_at, item.number
