"""The submission: the one POST for (job, digest, rerun, attempt), from intent to verdict.

Steps return the next value; nothing here reads a clock, a file or a database. The store keeps one row for each.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from controller.model.answers import Accepted, PostAnswer, Refused, StoredObject, Unconfirmed
from controller.model.job import ExpectedOutput


class Answer(StrEnum):
    """The result of the POST; a submission without one is only an intent."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNCONFIRMED = "unconfirmed"


class Outcome(StrEnum):
    """How a submission ended, set only on evidence; UNKNOWN may still be settled by late evidence."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the bucket contained for a submission when last listed.

    `since` is the time since which the objects are unchanged; `error` holds the message of an
    error.json (None when there is none); `spent` the processing units in the request copy.
    """

    at: datetime
    since: datetime
    readable: bool
    objects: Sequence[StoredObject] = ()
    error: str | None = None
    spent: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One row of the ledger. `number` is the row number, 0 until stored; times are UTC; PU are processing units."""

    job: str
    digest: str
    rerun: int
    attempt: int
    generation: int
    prefix: str
    intended_at: datetime
    outputs: tuple[ExpectedOutput, ...]
    credentials_ref: str | None = None
    number: int = 0
    revision: str = ""
    reserved: float | None = None
    claims: tuple[str, ...] = ()
    """Its claims in the bucket: the one written before its POST, or those of others that it follows."""
    adopted: bool = False
    """It was found in the bucket, or named by an operator: this ledger did not send it."""
    approved_by: str = ""
    """Who approved the large change it was part of; "" when no one had to."""
    answer: Answer | None = None
    answered_at: datetime | None = None
    """Also None for a request found in the bucket or adopted by an operator: its response was never received."""
    said_by_operator: bool = False
    """Resolved by an operator, not by the service: so it opens no breaker and gets no paid retry."""
    refused: Refused | None = None
    message: str = ""
    request_id: str | None = None
    missing_at: datetime | None = None
    gone_at: datetime | None = None
    outcome: Outcome | None = None
    reason: str = ""
    finished_at: datetime | None = None
    evidence: Evidence | None = None
    look_at: datetime | None = None

    @property
    def id(self) -> str:
        """`<digest16>-r<rerun>-a<attempt>`: always derived the same way."""
        return submission_id(self.digest, self.rerun, self.attempt)

    @property
    def is_refused(self) -> bool:
        return self.answer is Answer.REFUSED

    @property
    def is_running(self) -> bool:
        """It takes, or is about to take, one of the account's slots at the service."""
        return self.answer in (None, Answer.ACCEPTED) and self.gone_at is None and self.outcome is None

    @property
    def is_reported(self) -> bool:
        """The service itself returned the request id to this ledger; one found in the bucket may be a copy."""
        is_answered = self.answered_at is not None and not self.said_by_operator
        return self.answer is Answer.ACCEPTED and is_answered and not self.adopted

    @property
    def spent(self) -> float | None:
        return self.evidence.spent if self.evidence else None

    def answered(self, answer: PostAnswer, now: datetime, look_at: datetime | None) -> Self:
        """The submission after the response to its POST, or after the response was lost."""
        known = replace(self, answered_at=now, look_at=look_at)
        match answer:
            case Accepted(request_id=request_id):
                return replace(known, answer=Answer.ACCEPTED, request_id=in_one_case(request_id), message="")
            case Refused():
                return replace(known, answer=Answer.REFUSED, refused=answer, message=answer.message, look_at=None)
            case Unconfirmed():
                return replace(known, answer=Answer.UNCONFIRMED, message=answer.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedRun:
    """The run of the same request under another name, which serves a job without a run of its own.

    `run` is None while the job `owner` has yet to submit it. `is_tried_again`: it failed, and `owner` has a retry left.
    `is_abandoned`: `owner` is removed, or wants something else now, and so does not show it.
    """

    owner: str
    run: Submission | None = None
    is_tried_again: bool = False
    is_abandoned: bool = False


REQUEST_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
"""A request id as the service issues it: a UUID."""
SUBMISSION_ID = re.compile(r"([0-9a-f]{16})-r(0|[1-9][0-9]{0,15})-a(0|[1-9][0-9]{0,8})")
"""A `rerun` may be any number of a manifest, which ends at 2⁵³ - 1."""


def submission_id(digest: str, rerun: int, attempt: int) -> str:
    return f"{digest16(digest)}-r{rerun}-a{attempt}"


def digest16(digest: str) -> str:
    """The sixteen hexadecimal digits that represent a digest (`1:<64 digits>`) in names."""
    return digest.partition(":")[2][:16]


def in_one_case(request_id: str) -> str:
    """A UUID in lower case, as the service issues it and the bucket names it; any other id as it is."""
    lower = request_id.lower()
    return lower if lower != request_id and REQUEST_ID.fullmatch(request_id) else request_id
