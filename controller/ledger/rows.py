"""Submissions to rows and back: the only module that maps nouns to SQL."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import lru_cache
from sys import intern
from typing import Any

from controller.ledger.cells import (
    CANNOT_BE_READ,
    ReadObjects,
    amount_of,
    checked_text,
    claims_of,
    cost_alone,
    either,
    evidence_of,
    list_of,
    name_of,
    parse_stored_time,
    whole_of,
)
from controller.model.answers import Refusal, Refused, StoredObject
from controller.model.errors import Problem, StateError
from controller.model.files import STATUS
from controller.model.job import Estimate, ExpectedOutput, Job, SetCell, Wanted
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


@lru_cache(maxsize=1024)
def uses_of(text: str) -> tuple[str, ...]:
    """The files that a manifest uses; many use the same script."""
    return tuple(checked_text(item) for item in list_of(json.loads(text)))


def file_of(row: Mapping[str, Any]) -> tuple[dict[str, Any] | None, bool]:
    """The record of a file, and whether it can be read; None: the file must be read again."""
    try:
        numbers = {name: whole_of(row[name]) for name in ("size", "mtime_ns", "ctime_ns", "inode")}
        path, digest, kind = checked_text(row["path"]), checked_text(row["sha256"]), intern(checked_text(row["kind"]))
        shared = path if kind == STATUS else intern(path)  # its jobs have the path too
        if numbers["ctime_ns"] == numbers["mtime_ns"]:
            numbers["ctime_ns"] = numbers["mtime_ns"]  # one number in memory, as of most files
        return {**numbers, "path": shared, "kind": kind, "sha256": digest, "uses": uses_of(row["uses"])}, True
    except CANNOT_BE_READ:
        return None, False


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
        "outputs": _outputs_text(submission.outputs),
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
        outputs=_outputs(row["outputs"]),
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
        outputs=either(lambda: _outputs(row["outputs"]), (NEVER_DELIVERED,)),
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


def job_of(row: Mapping[str, Any]) -> tuple[Job, bool]:
    """The job of a row with its name, path, position, generation and wanted state, and whether all can be read."""
    name, path = intern(str(row["name"])), intern(str(row["path"]))
    index, generation = (cell if isinstance(cell := row[key], int) else 0 for key in ("position", "generation"))
    try:
        return Job(name=name, path=path, index=index, generation=generation, wanted=wanted_of(row["wanted"])), True
    except CANNOT_BE_READ:
        return Job(name=name, path=path, index=index, generation=generation), False


def wanted_text(wanted: Wanted | None) -> str | None:
    """What a job wants, as JSON; None when it wants nothing."""
    return json.dumps(asdict(wanted), ensure_ascii=False) if wanted else None


def wanted_of(text: str | None) -> Wanted | None:
    """The noun that `wanted_text` serialised. What many jobs share is read, and kept, once."""
    if not text:
        return None
    first = _DIGEST_FIRST.match(text)
    if first is None:
        return Wanted(**_wanted_fields(text))
    return Wanted(**{**_shared_fields(text[first.end() :]), "digest": intern(first[1])})


_DIGEST_FIRST = re.compile(r'\{"digest": "([0-9]+:[0-9a-f]{64})", ')


@lru_cache(maxsize=256)
def _shared_fields(rest: str) -> Mapping[str, Any]:
    """The fields of a `wanted` without its digest, which is all that differs between many jobs."""
    return _wanted_fields(f'{{"digest": "", {rest}')


def _wanted_fields(text: str) -> Mapping[str, Any]:
    detail = json.loads(text)
    estimate, labels = detail["estimate"], detail["labels"]
    fields = {
        **{key: _shared(value) for key, value in detail.items()},
        "outputs": _outputs(json.dumps(detail["outputs"])),
        "estimate": _estimate(**estimate) if estimate else None,
        "warnings": tuple(_warning(each) for each in list_of(detail.get("warnings", []))),
        "labels": _labels(tuple((name, value) for name, value in dict(labels).items())),
        "cell": _cell(**detail["cell"]) if detail.get("cell") else None,
    }
    wanted = Wanted(**fields)
    for check, names in _CELLS_OF_WANTED.items():
        for name in names:
            check(getattr(wanted, name))
    return fields


_CELLS_OF_WANTED: Mapping[Callable[[Any], object], tuple[str, ...]] = {
    checked_text: ("digest", "delivery_url", "script", "script_hash", "cause", "revision", "retried_by"),
    name_of: ("credentials_ref", "role_arn"),
    whole_of: ("rerun", "retries", "hold", "priority", "raised"),
    amount_of: ("deadline", "max_processing_units"),
}


@lru_cache(maxsize=4096)
def _cell(set_name: str, recipe: str, window: str) -> SetCell:
    """Shared by the cells of one window."""
    return SetCell(set_name=checked_text(set_name), recipe=checked_text(recipe), window=checked_text(window))


@lru_cache(maxsize=1024)
def _labels(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((intern(name), intern(value)) for name, value in pairs)


def _warning(detail: Mapping[str, Any]) -> Problem:
    found = Problem(**{key: _shared(value) for key, value in detail.items()})
    whole_of(found.line), whole_of(found.column)
    for text in (found.path, found.field, found.message, found.code):
        checked_text(text)
    return found


@lru_cache(maxsize=4096, typed=True)
def _estimate(expected: float, upper: float | None) -> Estimate:
    found = Estimate(expected=expected, upper=upper)
    amount_of(found.expected), amount_of(found.upper)
    return found


def format_time(time: datetime | None) -> str | None:
    """A time as stored: ISO 8601 in UTC, which also sorts by time."""
    return time.isoformat(timespec="microseconds") if time else None


def read_time(text: str | None) -> datetime | None:
    return parse_stored_time(text) if text else None


@lru_cache(maxsize=1024)
def _outputs_text(outputs: tuple[ExpectedOutput, ...]) -> str:
    return json.dumps([asdict(output) for output in outputs])


@lru_cache(maxsize=1024)
def _outputs(text: str) -> tuple[ExpectedOutput, ...]:
    """The declared outputs; most jobs declare the same few."""
    return tuple(
        ExpectedOutput(
            identifier=checked_text(each.pop("identifier")), media_type=checked_text(each.pop("media_type")),
            extensions=tuple(map(checked_text, list_of(each.pop("extensions")))), **each,
        )
        for each in list_of(json.loads(text))
    )  # fmt: skip


def _shared(value: Any) -> Any:
    return intern(value) if type(value) is str else value


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
