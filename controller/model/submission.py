"""The submission: the one POST for (job, digest, rerun, attempt), from intent to verdict.

Steps return the next noun; nothing here reads a clock, a file or a database. The store keeps one row for each.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from controller.model.answers import Accepted, PostAnswer, Refused, StoredObject, Unconfirmed
from controller.model.job import ExpectedOutput


class Answer(StrEnum):
    """What became of the POST; a submission without one has an intent and nothing else."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNCONFIRMED = "unconfirmed"


class Outcome(StrEnum):
    """How a submission ended, said only with evidence; UNKNOWN may still be settled by late evidence."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the bucket showed for a submission when it was last looked at.

    `since` is the time from which the objects have been exactly these; `error` holds the words of an
    error.json (None when there is none); `spent` the processing units the request copy tells.
    """

    at: datetime
    since: datetime
    readable: bool
    objects: tuple[StoredObject, ...] = ()
    error: str | None = None
    spent: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One row of the ledger. `number` is the row's own, 0 until stored; times are UTC; PU are processing units."""

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
    """The claims in the bucket that it stands for: the one put before its POST, or those of others that it follows."""
    adopted: bool = False
    """It was found in the bucket, or named by a person: this ledger did not send it."""
    answer: Answer | None = None
    answered_at: datetime | None = None
    """None too for a request that was found in the bucket, or adopted by an operator: its answer never came."""
    said_by_operator: bool = False
    """An operator said what became of it: the service did not, so it opens no breaker and pays for no retry."""
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
        """`<digest16>-r<rerun>-a<attempt>`: the same wherever and whenever it is derived."""
        return submission_id(self.digest, self.rerun, self.attempt)

    @property
    def is_refused(self) -> bool:
        return self.answer is Answer.REFUSED

    @property
    def is_running(self) -> bool:
        """It is known, or about, to take one of the account's places at the service."""
        return self.answer in (None, Answer.ACCEPTED) and self.gone_at is None and self.outcome is None

    @property
    def is_reported(self) -> bool:
        """The service itself told this ledger the request id; one that the bucket names may be somebody's copy."""
        is_answered = self.answered_at is not None and not self.said_by_operator
        return self.answer is Answer.ACCEPTED and is_answered and not self.adopted

    @property
    def spent(self) -> float | None:
        return self.evidence.spent if self.evidence else None

    def answered(self, answer: PostAnswer, now: datetime, look_at: datetime | None) -> Self:
        """The submission after its POST was answered, or after its answer was lost."""
        known = replace(self, answered_at=now, look_at=look_at)
        match answer:
            case Accepted(request_id=request_id):
                return replace(known, answer=Answer.ACCEPTED, request_id=in_one_case(request_id), message="")
            case Refused():
                return replace(known, answer=Answer.REFUSED, refused=answer, message=answer.message, look_at=None)
            case Unconfirmed():
                return replace(known, answer=Answer.UNCONFIRMED, message=answer.message)


REQUEST_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
"""A request id as the service issues it: a UUID."""
SUBMISSION_ID = re.compile(r"([0-9a-f]{16})-r(0|[1-9][0-9]{0,8})-a(0|[1-9][0-9]{0,8})")


def submission_id(digest: str, rerun: int, attempt: int) -> str:
    return f"{digest16(digest)}-r{rerun}-a{attempt}"


def digest16(digest: str) -> str:
    """The sixteen hexadecimal digits that stand for a digest (`1:<64 digits>`) in names."""
    return digest.partition(":")[2][:16]


def in_one_case(request_id: str) -> str:
    """A UUID in lower case, as the service issues it and the bucket names it; any other id as it is."""
    return request_id.lower() if REQUEST_ID.fullmatch(request_id) else request_id
