"""Submissions to rows and back. Of a row that cannot be read whole, whatever can be is kept."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from sys import intern
from typing import Any

from controller.ledger.rows.cells import (
    CANNOT_BE_READ,
    ReadObjects,
    amount_of,
    checked_text,
    claims_of,
    cost_alone,
    either,
    evidence_of,
    format_time,
    name_of,
    parse_stored_time,
    read_time,
    stored_outputs,
    stored_outputs_text,
    whole_of,
)
from controller.model.answers import Refusal, Refused, StoredObject
from controller.model.errors import StateError
from controller.model.job import ExpectedOutput
from controller.model.reasons import Reason
from controller.model.submission import Answer, Evidence, Outcome, Submission

MUTABLE = (
    "claims",
    *("answer", "answered_at", "answer_detail", "message", "request_id", "missing_at", "gone_at"),
    *("verdict", "reason", "finished_at", "evidence", "spent_pu", "look_at", "said_by_operator"),
)
COLUMNS = (
    *("number", "id", "job", "digest", "rerun", "attempt", "generation", "revision", "outputs", "prefix"),
    *("credentials_ref", "reserved_pu", "adopted", "intended_at", "approved_by"),
    *MUTABLE,
)


NEVER_DELIVERED = ExpectedOutput(identifier="(unreadable)", media_type="", extensions=())
"""Replaces unreadable outputs, so that an empty bucket is not taken for a success."""
_SETTLED = {
    Outcome.SUCCEEDED: Reason.DELIVERED,
    Outcome.FAILED: Reason.ERROR_REPORTED,
    Outcome.UNKNOWN: Reason.NOTHING_DELIVERED,
}


def row_of(submission: Submission) -> dict[str, object]:
    """Every column but the body."""
    return {
        "id": submission.id,
        "job": submission.job,
        "digest": submission.digest,
        "rerun": submission.rerun,
        "attempt": submission.attempt,
        "generation": submission.generation,
        "revision": submission.revision,
        "outputs": stored_outputs_text(submission.outputs),
        "prefix": submission.prefix,
        "credentials_ref": submission.credentials_ref,
        "reserved_pu": submission.reserved,
        "adopted": submission.adopted,
        "approved_by": submission.approved_by,
        "intended_at": format_time(submission.intended_at),
        **changes_of(submission),
    }


def changes_of(submission: Submission) -> dict[str, object]:
    """The columns that change after the intent, and the number, which does not."""
    return {
        "number": submission.number or None,
        "claims": json.dumps(submission.claims) if submission.claims else "",
        "answer": submission.answer,
        "answered_at": format_time(submission.answered_at),
        "answer_detail": json.dumps(asdict(submission.refused)) if submission.refused else None,
        "message": submission.message,
        "request_id": submission.request_id,
        "missing_at": format_time(submission.missing_at),
        "gone_at": format_time(submission.gone_at),
        "verdict": submission.outcome,
        "reason": submission.reason,
        "finished_at": format_time(submission.finished_at),
        "evidence": _evidence_text(submission.evidence),
        "spent_pu": submission.spent,
        "look_at": format_time(submission.look_at),
        "said_by_operator": submission.said_by_operator,
    }


def submission_of(row: Mapping[str, Any], later: ReadObjects | None = None) -> tuple[Submission, bool]:
    """The noun that `row_of` serialised, and whether all of it can be read.

    With `later` the objects of a submission that is settled are read when they are asked for.
    """
    try:
        return _submission(row, later), True
    except CANNOT_BE_READ:
        return _salvaged(row), False


def _submission(row: Mapping[str, Any], later: ReadObjects | None) -> Submission:
    is_settled = row["look_at"] is None and row["verdict"] in _SETTLED
    return Submission(
        number=row["number"],
        job=intern(row["job"]),
        digest=intern(row["digest"]),
        rerun=whole_of(row["rerun"]),
        attempt=whole_of(row["attempt"]),
        generation=whole_of(row["generation"]),
        revision=checked_text(row["revision"]),
        outputs=stored_outputs(row["outputs"]),
        prefix=checked_text(row["prefix"]),
        credentials_ref=name_of(row["credentials_ref"]),
        reserved=amount_of(row["reserved_pu"]),
        adopted=bool(row["adopted"]),
        approved_by=checked_text(row["approved_by"]),
        claims=claims_of(row["claims"]),
        intended_at=parse_stored_time(row["intended_at"]),
        answer=Answer(row["answer"]) if row["answer"] else None,
        answered_at=read_time(row["answered_at"]),
        refused=_refused(row["answer_detail"]),
        message=intern(row["message"]),
        request_id=None if row["request_id"] is None else checked_text(row["request_id"]),
        missing_at=read_time(row["missing_at"]),
        gone_at=read_time(row["gone_at"]),
        outcome=Outcome(row["verdict"]) if row["verdict"] else None,
        reason=intern(Reason(row["reason"]).value if row["verdict"] else checked_text(row["reason"])),
        finished_at=read_time(row["finished_at"]),
        evidence=evidence_of(row["evidence"], row["number"], later if is_settled else None),
        look_at=read_time(row["look_at"]),
        said_by_operator=bool(row["said_by_operator"]),
    )


def _salvaged(row: Mapping[str, Any]) -> Submission:
    """As much of a submission as can be read. The rest is looked up again, and never leads to another submission."""
    times: dict[str, Any] = {name: either(lambda: read_time(row[name]), None) for name in _TIMES}  # noqa: B023  (called at once)
    intended_at = next((time for time in times.values() if time), _EPOCH)
    request_id = either(lambda: name_of(row["request_id"]), None)
    likely: Answer | None = Answer.ACCEPTED if request_id else Answer.UNCONFIRMED
    answer = either(lambda: Answer(row["answer"]) if row["answer"] else None, likely)
    refused = either(lambda: _refused(row["answer_detail"]), None)
    outcome = either(lambda: Outcome(row["verdict"]) if row["verdict"] else None, None)
    is_open = answer is not Answer.REFUSED and outcome not in (Outcome.SUCCEEDED, Outcome.FAILED)
    if answer is Answer.REFUSED and refused is None:
        refused = Refused(why=Refusal.BODY, message="it was refused; why cannot be read by this version")
    return Submission(
        **_identity(row),
        generation=either(lambda: whole_of(row["generation"]), 0),
        revision=either(lambda: checked_text(row["revision"]), ""),
        outputs=either(lambda: stored_outputs(row["outputs"]), (NEVER_DELIVERED,)),
        credentials_ref=either(lambda: name_of(row["credentials_ref"]), None),
        reserved=either(lambda: amount_of(row["reserved_pu"]), None),
        adopted=bool(row["adopted"]),
        approved_by=either(lambda: checked_text(row["approved_by"]), ""),
        claims=either(lambda: claims_of(row["claims"]), ()),
        answer=answer,
        refused=refused,
        message=either(lambda: checked_text(row["message"]), ""),
        request_id=request_id,
        outcome=outcome,
        reason=either(lambda: Reason(row["reason"]), _SETTLED[outcome]) if outcome else "",
        evidence=either(lambda: evidence_of(row["evidence"]), cost_alone(row["spent_pu"], intended_at)),
        said_by_operator=bool(row["said_by_operator"]),
        **{**times, "intended_at": intended_at, "look_at": intended_at if is_open and answer else times["look_at"]},
    )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMES = ("intended_at", "answered_at", "missing_at", "gone_at", "finished_at", "look_at")


def _identity(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that say what was paid for. Raises `StateError` when one cannot be read."""
    try:
        numbers = {name: whole_of(row[name]) for name in ("number", "rerun", "attempt")}
        return {**numbers, **{name: intern(checked_text(row[name])) for name in ("job", "digest", "prefix")}}
    except CANNOT_BE_READ:
        raise StateError(
            f"the ledger is damaged: submission {row['number']} does not say which one it is; restore it from a copy"
        ) from None


def _refused(text: str | None) -> Refused | None:
    if not text:
        return None
    detail = json.loads(text)
    found = Refused(**{**detail, "why": Refusal(detail["why"])})
    checked_text(found.message), amount_of(found.retry_after)
    return found


def _evidence_text(evidence: Evidence | None) -> str | None:
    if evidence is None:
        return None
    objects = [_values(item) for item in evidence.objects]
    return json.dumps({**_values(evidence), "objects": objects}, default=_moment)


def _values(item: Evidence | StoredObject) -> dict[str, object]:
    """Its fields by name, not copied."""
    return {each.name: getattr(item, each.name) for each in fields(item)}


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    raise TypeError(f"not a value of a submission: {type(value).__name__}")
