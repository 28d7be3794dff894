"""The claim: the object written to the bucket before a POST, so that the bucket records it at once.

The service writes there minutes after it has accepted a request; a controller that loses its ledger in that gap, or
shares the bucket with another, finds the claim instead (DESIGN §6 "Claim"). The rule: no POST while another claim is
active. Pure: `claiming` yields what to put and list next, and is sent the result; workers carry it out.

A claim is an object `<job>/<submission id>.claims/<name>`, withdrawn by a second one, `<name>.withdrawn`, since
deleting may be forbidden. The rule reads only its name, so a listing decides; the content is for humans.

That a claim was never put is concluded only from a listing that shows a marker put after it: a bucket that shows
nothing of what was put there shows no claim either.
"""

import json
import re
from collections.abc import Collection, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Self

from controller.model.answers import BucketAnswer, Listing, Refusal, Refused, StoredObject, Unreadable
from controller.model.step import List
from controller.model.submission import SUBMISSION_ID, Answer, Submission

SUFFIX = ".claims"
WITHDRAWN = ".withdrawn"
MARKER = f".marker{WITHDRAWN}"  # ends like a withdrawal, so that to older versions too it claims nothing
STOPPED = "Stopped"
"""The reason of a submission whose POST was interrupted: whether it began shows in whether its claim was put."""
LOOKS = 8  # listings in which a claim that comes first may wait for the others to withdraw
PAUSE = 0.5  # seconds between two of them
PATIENCE = 10.0  # seconds for the whole claim; after that it leads to no POST, whatever the bucket returns
_NAME = re.compile(r"(\d{8}T\d{6})\d{3}Z-([0-9a-f]{8})-[0-9a-f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """The claimant: one ledger, of one account at one deployment. `name` is random, set when the ledger is created."""

    deployment: str
    account: str
    name: str

    def claim_name(self, now: datetime, drawn: str) -> str:
        """The name of a new claim: its time, the instance, and a unique number; it sorts by time."""
        return f"{now.astimezone(UTC):%Y%m%dT%H%M%S}{now.microsecond // 1000:03}Z-{self.name[:8]}-{drawn}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is to be claimed. `url` is the job's folder in the bucket.

    `followed` are the submissions of the job that the ledger tracks, and `over` the claims of those that were
    certainly not accepted: neither blocks it, but results of one that is `sought` do, which earlier listings did not
    show. One that `was_claimed` before is never sent without a claim: a listing that did not show its claim may have
    been wrong.
    """

    name: str
    submission: str
    url: str
    credentials_ref: str | None
    content: bytes = field(repr=False)
    followed: frozenset[str] = frozenset()
    sought: frozenset[str] = frozenset()
    over: frozenset[str] = frozenset()
    was_claimed: bool = False

    @classmethod
    def of(cls, submission: Submission, known: Iterable[Submission], instance: Instance) -> Self:
        """The claim of a stored intent; `known` are all submissions of its job."""
        others = [item for item in known if item.digest == submission.digest and item.number != submission.number]
        return cls(
            name=submission.claims[-1],
            submission=submission.id,
            url=submission.prefix.rpartition("/")[0],
            credentials_ref=submission.credentials_ref,
            content=_content(submission, instance),
            followed=frozenset(item.id for item in others if not item.is_refused),
            sought=frozenset(item.id for item in others if item.answer is Answer.UNCONFIRMED),
            over=claims_over(others),
            was_claimed=was_claimed(submission, others),
        )

    @property
    def digest16(self) -> str:
        """The prefix of every object of the digest, below `url`."""
        return self.submission.partition("-")[0]

    @property
    def key(self) -> str:
        """Its key, relative to `url`."""
        return f"{self.submission}{SUFFIX}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Put the claim (or its withdrawal) into the bucket."""

    url: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListClaims:
    """List the job's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    seconds: float


ClaimStep = Put | ListClaims | Pause
Result = Listing | Unreadable | None
"""A listing, a failure, or None: it was put, or the pause is over."""


def claiming(claim: Claim) -> Generator[ClaimStep, Result, Refused | None]:
    """Claim, and return whether the POST may follow (None), or why it must not be sent now.

    Among competing claims, the one whose name sorts first waits until the others have been withdrawn; every other one
    is withdrawn, and follows. One that meets a claim already paid for waits in vain, and is withdrawn too.
    """
    failure = yield Put(url=f"{claim.url}/{claim.key}", content=claim.content)
    if isinstance(failure, Unreadable):
        is_over = failure.denied and not claim.was_claimed
        why = Refusal.UNCLAIMED if is_over else Refusal.CLAIMED
        if not is_over:
            yield withdrawal(claim)  # it may have arrived anyway
        return Refused(why=why, message=f"the claim cannot be put, so nothing was sent: {failure.message}")
    message = ""
    for _ in range(LOOKS):
        meeting, message = met(claim, (yield ListClaims()))
        if meeting is Meeting.ALONE:
            return None
        if meeting is Meeting.YIELD:
            break
        yield Pause(seconds=PAUSE)
    yield withdrawal(claim)
    return Refused(why=Refusal.CLAIMED, message=f"nothing was sent: {message}")


def withdrawal(claim: Claim) -> Put:
    """The object that says that no POST was, or will be, accepted under this claim."""
    return Put(url=f"{claim.url}/{claim.key}{WITHDRAWN}", content=claim.content)


class Meeting(Enum):
    """What a claim finds in the bucket besides itself."""

    ALONE = auto()
    FIRST = auto()
    YIELD = auto()


def met(claim: Claim, seen: Result) -> tuple[Meeting, str]:
    """What a listing of the job's folder means for a claim that was put before, and why."""
    if not isinstance(seen, Listing):
        why = seen.message if seen else "no answer"
        return Meeting.YIELD, f"the bucket cannot be listed after the claim was put: {why}"
    if not any(item.key == claim.key and item.bytes == len(claim.content) for item in seen.objects):
        return Meeting.YIELD, "the bucket does not show the claim that was put there just now"
    delivered = sorted(_others(_delivered(seen.objects), claim, claim.followed - claim.sought))
    if delivered:
        return Meeting.YIELD, f"results of {delivered[0]} appeared in the bucket"
    job_state = active_claims(seen.objects)
    rivals = {name for each in _others(job_state, claim, claim.followed) for name in job_state[each]}
    rivals -= {claim.name, *claim.over}
    if not rivals:
        return Meeting.ALONE, ""
    first = min(rivals)
    return (Meeting.FIRST if claim.name < first else Meeting.YIELD), f"{holder_of(first)} has claimed it"


def active_claims(objects: Iterable[StoredObject]) -> dict[str, tuple[str, ...]]:
    """By submission id, the names of the claims not withdrawn, sorted. Any other object there counts as a claim."""
    found: dict[str, set[str]] = {}
    for item in objects:
        folder, _, name = item.key.partition("/")
        if folder.endswith(SUFFIX) and SUBMISSION_ID.fullmatch(folder.removesuffix(SUFFIX)):
            found.setdefault(folder.removesuffix(SUFFIX), set()).add(name)
    job_state = {
        submission: tuple(
            sorted(name for name in names if not name.endswith(WITHDRAWN) and f"{name}{WITHDRAWN}" not in names)
        )
        for submission, names in found.items()
    }
    return {submission: names for submission, names in job_state.items() if names}


def withdrawn_claims(objects: Iterable[StoredObject], submission: str) -> frozenset[str]:
    """The names of the claims for this submission that were withdrawn."""
    start = f"{submission}{SUFFIX}/"
    own = (item.key.removeprefix(start) for item in objects if item.key.startswith(start))
    return frozenset(name.removesuffix(WITHDRAWN) for name in own if name.endswith(WITHDRAWN))


def marker_for(look: List, seen: BucketAnswer) -> Put | None:
    """What must be put, and listed, before the listing of a search can say that a claim was never put; None: nothing.

    Only an interrupted submission is asked that of, and only while the listing shows neither its claim nor a marker.
    """
    sought = look.submission
    if sought is None or not isinstance(seen, Listing) or not is_interrupted(sought):
        return None
    claim = _key(sought)
    if any(item.key in (claim, f"{claim}{WITHDRAWN}", f"{claim}{MARKER}") for item in seen.objects):
        return None
    return Put(url=f"{look.prefix}/{claim}{MARKER}", content=b"A listing with this shows what was put before it.")


def is_interrupted(submission: Submission) -> bool:
    """Whether its own POST was interrupted, with a claim that may not have been put before."""
    is_open = submission.answer is Answer.UNCONFIRMED and submission.reason == STOPPED
    return is_open and bool(submission.claims) and not submission.adopted


def shows_marker(submission: Submission, folder: Listing) -> bool:
    """Whether a listing of the job's folder shows what was put after the claim of an interrupted submission."""
    return any(item.key == f"{_key(submission)}{MARKER}" for item in folder.objects)


def _key(submission: Submission) -> str:
    """The key of its claim, relative to the job's folder."""
    return f"{submission.id}{SUFFIX}/{submission.claims[-1]}"


def claims_over(submissions: Iterable[Submission]) -> frozenset[str]:
    """The claims of submissions that were certainly not accepted, also by an operator's word."""
    return frozenset(name for item in submissions if item.is_refused for name in item.claims)


def was_claimed(submission: Submission, known: Iterable[Submission]) -> bool:
    """Whether an intent of the same submission had a claim, or was not sent for want of one."""
    same = (item.refused for item in known if item.id == submission.id and item.refused)
    return any(refused.why is Refusal.CLAIMED for refused in same)


def holder_of(name: str) -> str:
    """Who wrote a claim of this name, and when, as far as it says."""
    match, at = _NAME.fullmatch(name), _time_in(name)
    if match is None or at is None:
        return f"another controller (claim {name[:60]!r})"
    return f"another controller or an earlier state ({match[2]}, at {at:%Y-%m-%dT%H:%M:%SZ})"


def claimed_at(name: str, now: datetime) -> datetime:
    """The time in the name of a claim, never later than now; now when it says none."""
    return min(now, _time_in(name) or now)


def _time_in(name: str) -> datetime | None:
    try:
        return datetime.strptime(name[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _others(found: Collection[str], claim: Claim, known: Collection[str]) -> set[str]:
    """The submissions of the same digest, of this rerun or a higher one, that are not `known`."""
    own = SUBMISSION_ID.fullmatch(claim.submission)
    assert own is not None, "a submission is named by its id"
    parts = {each: match for each in found if (match := SUBMISSION_ID.fullmatch(each))}
    same = {each for each, match in parts.items() if match[1] == own[1] and int(match[2]) >= int(own[2])}
    return same.difference(known)


def _delivered(objects: Iterable[StoredObject]) -> set[str]:
    """The submissions with objects below their prefix."""
    return {folder for item in objects if (folder := item.key.partition("/")[0]) and not folder.endswith(SUFFIX)}


def _content(submission: Submission, instance: Instance) -> bytes:
    document: Mapping[str, object] = {
        "apiVersion": "shjobs/v1",
        "kind": "Claim",
        "deployment": instance.deployment,
        "account": instance.account,
        "instance": instance.name,
        "job": submission.job,
        "submission": submission.id,
        "digest": submission.digest,
        "intendedAt": submission.intended_at.astimezone(UTC).isoformat(),
    }
    return json.dumps(document, indent=2).encode()
