"""The status document of one job, as written next to the manifest (DESIGN §5).

Pure and deterministic: the same state gives the same document, byte for byte.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from controller.lifecycle.evidence import delivered_object
from controller.lifecycle.next_step import in_force
from controller.model.answers import Refusal
from controller.model.errors import Problem, UsageError
from controller.model.job import Job
from controller.model.reasons import JobState, Phase, Reason, rejection
from controller.model.submission import Outcome, Submission

READY, RECONCILING, STALLED = "Ready", "Reconciling", "Stalled"
TYPES = (READY, RECONCILING, STALLED)
_UNDER_WAY = frozenset({Phase.PENDING, Phase.SUBMITTING, Phase.RUNNING, Phase.VERIFYING})
_AT_REST = frozenset({Phase.INVALID, Phase.HELD, Phase.FAILED, Phase.UNKNOWN})
_NOT_KNOWN = frozenset({Phase.UNKNOWN, Phase.UNCONFIRMED})

Document = Mapping[str, Any]


def kubernetes_conditions(document: Document) -> list[dict[str, object]]:
    """The three conditions of a status document, each with its reason and message."""
    phase, reason = Phase(document["phase"]), Reason(document["reason"])
    statuses = {
        READY: "True" if phase is Phase.SUCCEEDED else "Unknown" if phase in _NOT_KNOWN else "False",
        RECONCILING: str(phase in _UNDER_WAY or reason is Reason.SEARCHING),
        STALLED: str(phase in _AT_REST or reason is Reason.NEEDS_PERSON),
    }
    about = {"reason": document["reason"], "message": document["message"]}
    seen = {"observedGeneration": document["generation"]} if "generation" in document else {}
    return [{"type": kind, "status": status, **about, **seen} for kind, status in statuses.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitTarget:
    """What is waited for: a phase, or a condition with a status."""

    phase: Phase | None = None
    condition: str = ""
    status: str = "True"

    def is_met(self, document: Document) -> bool:
        """Whether the job is in this state."""
        if self.phase is not None:
            return bool(document["phase"] == self.phase)
        return any(
            each["type"] == self.condition and each["status"] == self.status for each in kubernetes_conditions(document)
        )

    def is_hopeless(self, document: Document) -> bool:
        """Whether it waits for success, and the job came to rest without it."""
        for_success = self.phase is Phase.SUCCEEDED or (self.condition, self.status) == (READY, "True")
        is_held = document["phase"] == Phase.HELD  # an operator may approve it at any time
        return for_success and not is_held and WaitTarget(condition=STALLED).is_met(document)


def target(text: str) -> WaitTarget:
    """`Succeeded`, `Ready`, `condition=Ready` or `condition=Ready=False`, in any case; UsageError for anything else."""
    kind, _, rest = text.partition("=")
    name, _, status = rest.partition("=") if kind.lower() == "condition" else (kind, "", rest)
    condition, value = _named(name, TYPES), _named(status or "True", ("True", "False", "Unknown"))
    phase = _named(name, tuple(Phase))
    if condition and value:
        return WaitTarget(condition=condition, status=value)
    if phase and not status and kind.lower() != "condition":
        return WaitTarget(phase=Phase(phase))
    phases = ", ".join(each for each in Phase if each is not Phase.REMOVED)
    raise UsageError(f"--for: {text!r} is neither a phase ({phases}) nor a condition ({', '.join(TYPES)})")


def _named(text: str, known: Iterable[str]) -> str:
    return next((each for each in known if each.lower() == text.lower()), "")


HISTORY_LENGTH = 5
REJECTIONS: Mapping[Reason, str] = {
    Reason.REJECTED: "the manifest cannot be accepted; see manifest.problems",
    Reason.EXAMINING: "the evalscript is still being examined",
}
OPERATOR = "operator"
"""The source of an answer that did not come from the service."""
HEADER: Mapping[str, object] = {"apiVersion": "shjobs/v1", "kind": "AsyncProcessStatus"}


def document(job: Job, submissions: Sequence[Submission], job_state: JobState, deployment: str) -> dict[str, object]:
    """The status of a job; keys without a value are left out."""
    current = in_force(job.wanted, submissions) if job.wanted else None
    status = {
        **HEADER,
        "name": job.name,
        "phase": str(job_state.phase),
        "reason": str(job_state.reason),
        "message": job_state.message,
        "manifest": _manifest(job.problems),
        "generation": (current.generation if current else job.generation) or None,
        "digest": job.wanted.digest if job.wanted else None,
        "deployment": deployment,
        "revision": current.revision if current else job.wanted.revision if job.wanted else None,
        **(_submission(current) if current else {}),
        "processingUnits": _processing_units(job, current),
        "outputs": outputs(current) if current else None,
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
        "manifest": _manifest(problems),
    }


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


def _manifest(problems: Sequence[Problem]) -> dict[str, object]:
    if not problems:
        return {"accepted": True}
    return {"accepted": False, "problems": [str(problem) for problem in problems]}


def _submission(current: Submission) -> dict[str, object]:
    settled = current.outcome is not None
    return {
        "requestId": current.request_id,
        "submittedAt": timestamp(current.intended_at),
        "finishedAt": timestamp(current.finished_at) if settled else None,
    }


def _processing_units(job: Job, current: Submission | None) -> dict[str, float]:
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
