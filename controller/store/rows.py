"""Submissions as rows and back: the one place that knows how a noun is spelled in SQL."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from sys import intern
from typing import Any

from controller.answers import Refusal, Refused, StoredObject
from controller.job import Estimate, ExpectedOutput, Job, Wanted
from controller.submission import Answer, Evidence, Outcome, Submission

MUTABLE = (
    *("answer", "answered_at", "answer_detail", "message", "request_id", "missing_at", "gone_at"),
    *("verdict", "reason", "finished_at", "evidence", "spent_pu", "look_at"),
)
COLUMNS = (
    *("number", "id", "job", "digest", "rerun", "attempt", "generation", "revision", "outputs", "prefix"),
    *("credentials_ref", "reserved_pu", "adopted", "intended_at"),
    *MUTABLE,
)


@lru_cache(maxsize=1024)
def uses_of(text: str) -> tuple[str, ...]:
    """The files that a manifest uses; many use the same script."""
    return tuple(json.loads(text))


def row_of(submission: Submission) -> dict[str, object]:
    """Every column but the body."""
    return {
        "number": submission.number or None,
        "id": submission.id,
        "job": submission.job,
        "digest": submission.digest,
        "rerun": submission.rerun,
        "attempt": submission.attempt,
        "generation": submission.generation,
        "revision": submission.revision,
        "outputs": json.dumps([asdict(output) for output in submission.outputs]),
        "prefix": submission.prefix,
        "credentials_ref": submission.credentials_ref,
        "reserved_pu": submission.reserved,
        "adopted": submission.adopted,
        "intended_at": written(submission.intended_at),
        "answer": submission.answer,
        "answered_at": written(submission.answered_at),
        "answer_detail": json.dumps(asdict(submission.refused)) if submission.refused else None,
        "message": submission.message,
        "request_id": submission.request_id,
        "missing_at": written(submission.missing_at),
        "gone_at": written(submission.gone_at),
        "verdict": submission.outcome,
        "reason": submission.reason,
        "finished_at": written(submission.finished_at),
        "evidence": _evidence_text(submission.evidence),
        "spent_pu": submission.spent,
        "look_at": written(submission.look_at),
    }


def submission_of(row: Mapping[str, Any]) -> Submission:
    """The noun that `row_of` spelled."""
    return Submission(
        number=row["number"],
        job=intern(row["job"]),
        digest=intern(row["digest"]),
        rerun=row["rerun"],
        attempt=row["attempt"],
        generation=row["generation"],
        revision=row["revision"],
        outputs=_outputs(row["outputs"]),
        prefix=row["prefix"],
        credentials_ref=_shared(row["credentials_ref"]),
        reserved=row["reserved_pu"],
        adopted=bool(row["adopted"]),
        intended_at=datetime.fromisoformat(row["intended_at"]),
        answer=Answer(row["answer"]) if row["answer"] else None,
        answered_at=read(row["answered_at"]),
        refused=_refused(row["answer_detail"]),
        message=intern(row["message"]),
        request_id=row["request_id"],
        missing_at=read(row["missing_at"]),
        gone_at=read(row["gone_at"]),
        outcome=Outcome(row["verdict"]) if row["verdict"] else None,
        reason=intern(row["reason"]),
        finished_at=read(row["finished_at"]),
        evidence=_evidence(row["evidence"]),
        look_at=read(row["look_at"]),
    )


def job_of(row: Mapping[str, Any]) -> Job:
    """The job of a row with its name, path, position, generation and what it wants."""
    name, path = intern(row["name"]), intern(row["path"])
    wanted = wanted_of(row["wanted"])
    return Job(name=name, path=path, index=row["position"], generation=row["generation"], wanted=wanted)


def wanted_text(wanted: Wanted | None) -> str | None:
    """What a job wants, as JSON; None when it wants nothing."""
    return json.dumps(asdict(wanted), ensure_ascii=False) if wanted else None


def wanted_of(text: str | None) -> Wanted | None:
    """The noun that `wanted_text` spelled. Texts that many jobs have in common are kept once."""
    if not text:
        return None
    detail = json.loads(text)
    estimate, labels = detail["estimate"], detail["labels"]
    return Wanted(
        **{
            **{key: _shared(value) for key, value in detail.items()},
            "outputs": _outputs(json.dumps(detail["outputs"])),
            "estimate": Estimate(**estimate) if estimate else None,
            "labels": tuple((intern(name), intern(value)) for name, value in dict(labels).items()),
        }
    )


def written(time: datetime | None) -> str | None:
    """A time as the database keeps it: ISO 8601 in UTC, which also sorts by time."""
    return time.isoformat(timespec="microseconds") if time else None


def read(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@lru_cache(maxsize=1024)
def _outputs(text: str) -> tuple[ExpectedOutput, ...]:
    """The declared outputs; most jobs declare the same few."""
    return tuple(ExpectedOutput(**{**each, "extensions": tuple(each["extensions"])}) for each in json.loads(text))


def _shared(value: Any) -> Any:
    return intern(value) if type(value) is str else value


def _refused(text: str | None) -> Refused | None:
    if not text:
        return None
    detail = json.loads(text)
    return Refused(**{**detail, "why": Refusal(detail["why"])})


def _evidence_text(evidence: Evidence | None) -> str | None:
    return json.dumps(asdict(evidence), default=_moment) if evidence else None


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    raise TypeError(f"not a value of a submission: {type(value).__name__}")


def _evidence(text: str | None) -> Evidence | None:
    if not text:
        return None
    detail = json.loads(text)
    objects = tuple(StoredObject(**{**item, "modified": read(item["modified"])}) for item in detail["objects"])
    times = {"at": datetime.fromisoformat(detail["at"]), "since": datetime.fromisoformat(detail["since"])}
    return Evidence(**{**detail, **times, "objects": objects})
