"""The gate before every POST: what the latest responses allow now, the same for all jobs of a deployment.

It has no state besides the ledger: the breaker, account problems and every backoff are derived from the newest
submissions, so a restart changes none of them (DESIGN §6 "Protocol", §8).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Self
from zlib import crc32

from controller.limits.budget import Spending
from controller.limits.guard import ADMITTED, Permit
from controller.limits.peers import Peers
from controller.limits.set_limits import SetRuling
from controller.limits.settling import Settling
from controller.limits.throttle import Rate
from controller.model.answers import Refusal
from controller.model.job import Job, SetCell
from controller.model.reasons import Reason
from controller.model.submission import Answer, Submission
from controller.model.timing import Timing
from controller.settings.file import Policy

ACCOUNT = frozenset({Refusal.CREDENTIALS, Refusal.FORBIDDEN, Refusal.QUOTA, Refusal.ENDPOINT})
DECISIVE = frozenset({Refusal.BODY, Refusal.SPURIOUS})
SILENT = frozenset({Refusal.NOT_ACCEPTED, Refusal.CLAIMED, Refusal.UNCLAIMED})
GATE_CONDITIONS = {Reason.ACCOUNT_REFUSED: "CredentialsRefused", Reason.BREAKER_OPEN: "BreakerOpen"}
"""What health and messages call a gate that is closed for this reason."""
MOST_UNANSWERED = 8  # POSTs in flight at once, however many slots there are: no more can be lost together
NOT_COMPARED = "its files were not compared with the commit that is checked out"
MOST_AHEAD = 8  # histories listed, or being listed, for slots that are free as soon as POSTs are answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many POSTs may be sent now, what they may cost, and when the gate opens if it is closed.

    `ahead` is how many histories may be listed beyond the POSTs that may be sent now, so that a POST which is
    answered is followed by the next at once. `looks` is how many listings a large change may have in flight per
    bucket; `listing` counts the listings for earlier submissions in flight, by bucket. `without_keys` names the
    credentials whose key pair was not found; no job that uses one is sent. `overspent` is the first submission that
    cost more than was reserved for it. `permits` are the guard's rulings by key; None: there is no guard. `peers`
    knows which jobs and submissions have the same request; None: each job is by itself. `payers` remembers for one
    turn who pays for a request, by digest. `sets` are the rulings on the sets, by name. `renewed_at` is when the
    account's credentials were last corrected, or an operator asked to try them: refusals before that are of the past.
    `uncommitted` says of a job why its files, as they were read, do not count with `source = "committed"`, "" when
    they do: unless it is given, none do. At `grows_at` there is one more slot. `doubt` says why the clock cannot be
    trusted, "" when it can. Only jobs that `selector` selects are submitted.
    """

    policy: Policy
    timing: Timing
    slots: int
    ahead: int = 0
    looks: int = 1
    listing: Mapping[str, int] = field(default_factory=dict)
    history_known: bool = False
    selector: tuple[str, ...] = ()
    paused: bool = False
    doubt: str = ""
    settling: Settling | None = None
    without_keys: frozenset[str] = frozenset()
    spending: Spending | None = None
    overspent: Submission | None = None
    permits: Mapping[str, Permit] | None = None
    peers: Peers | None = None
    payers: dict[str, tuple[Job | None, Job | None]] = field(default_factory=dict, compare=False, repr=False)
    sets: Mapping[str, SetRuling] = field(default_factory=dict)
    uncommitted: Callable[[str], str] = field(default=lambda _job: NOT_COMPARED, compare=False, repr=False)
    renewed_at: datetime | None = None
    opens_at: datetime | None = None
    grows_at: datetime | None = None
    reason: Reason = Reason.QUEUED
    message: str = ""

    @property
    def left(self) -> float | None:
        """Processing units left of the monthly budget; None: there is no budget."""
        return self.spending.left if self.spending else None

    def permit(self, key: str) -> Permit | None:
        """The guard's ruling on a submission; None: none yet."""
        return ADMITTED if self.permits is None else self.permits.get(key)

    def set_ruling(self, cell: SetCell | None) -> SetRuling | None:
        """The ruling on the set of a cell; None for an ordinary job."""
        return self.sets.get(cell.set_name) if cell else None

    def after_submit(self, units: float | None = None) -> Self:
        """The limits after one more POST in this turn, which reserves this many processing units."""
        spending = self.spending.after_submit(units) if self.spending else None
        return replace(self, slots=self.slots - 1, spending=spending)

    def may_begin(self, bucket: str, listed: int = 0) -> bool:
        """Whether one more submission may begin: a bucket whose listings hang must leave slots for the others.

        So many that are `listed` wait for a slot: fewer are listed ahead.
        """
        return max(self.slots, 0) + max(self.ahead - listed, 0) > self.listing.get(bucket, 0)

    def may_look(self, bucket: str) -> bool:
        """Whether a large change may start one more listing in this bucket."""
        return self.looks > self.listing.get(bucket, 0)

    def after_listing(self, bucket: str) -> Self:
        """The limits after one more listing for earlier submissions."""
        return replace(self, listing={**self.listing, bucket: self.listing.get(bucket, 0) + 1})

    def without_slots(self) -> Self:
        """The limits for jobs that are not queued yet."""
        return replace(self, slots=0, ahead=0, looks=0)

    def at_rate(self, rate: Rate, now: datetime) -> Self:
        """These limits reduced by the rate limiter."""
        left = rate.left(now)
        if left >= self.slots > 0:
            return self
        if left > 0:
            return replace(self, slots=min(self.slots, left))
        opens_at = max(rate.opens_at(now), self.opens_at or now)
        return replace(self, slots=min(self.slots, 0), opens_at=opens_at)


def narrow(free: Limits, newest: Sequence[Submission]) -> Limits:
    """The `free` limits reduced by `newest`, the latest submissions, newest first.

    `newest` only needs to reach back to the first one that `is_decisive`.
    """
    underway = sum(1 for item in newest if item.answer is None)
    room, free = free.slots, replace(free, slots=min(free.slots, MOST_UNANSWERED - underway))
    problem = _problem(newest)
    if not problem:
        return replace(free, ahead=min(MOST_AHEAD, max(0, room - max(0, free.slots))))
    opens = {reason: _opens_at(reason, run, free) for reason, run in problem.items()}
    reason = max(opens, key=opens.__getitem__)
    return replace(
        free,
        slots=min(free.slots, 1 - underway),
        opens_at=opens[reason],
        reason=reason,
        message=next((item.message for item in reversed(problem[reason]) if item.message), ""),
    )


def is_decisive(submission: Submission) -> bool:
    """Whether the service itself has responded to this body, which ends every earlier backoff."""
    if submission.said_by_operator:
        return False
    if submission.answer is Answer.REFUSED:
        return submission.refused is not None and submission.refused.why in DECISIVE
    return submission.answer is Answer.ACCEPTED and submission.answered_at is not None


def backoff(first: float, longest: float, times: int) -> float:
    """Seconds to wait after the n-th failure in a row: doubling, never past `longest`."""
    return float(min(longest, first * 2 ** min(times - 1, 30)))


def jitter(text: str) -> float:
    """A pseudo-random number between 0 and 1, always the same for the same text; 0 for an empty one."""
    return crc32(text.encode()) / 2**32 if text else 0.0


def _problem(newest: Sequence[Submission]) -> dict[Reason, list[Submission]]:
    """The failures since the last decisive response, by kind, each newest first.

    Every kind cools down by itself, so that an outage with mixed failures does not restart the backoff with each.
    """
    problem: dict[Reason, list[Submission]] = {}
    for submission in takewhile(lambda item: not is_decisive(item), newest):
        if submission.answer is not None and not _is_silent(submission):
            problem.setdefault(_kind(submission), []).append(submission)
    return problem


def _is_silent(submission: Submission) -> bool:
    """Whether it says nothing about the service: resolved by an operator, a claim, or found only in the bucket.

    A lost response still does, whatever an operator said of the submission later.
    """
    if submission.adopted or submission.said_by_operator:
        return submission.adopted
    return submission.refused is not None and submission.refused.why in SILENT


def _kind(submission: Submission) -> Reason:
    if submission.answer is Answer.UNCONFIRMED or submission.refused is None or submission.said_by_operator:
        return Reason.BREAKER_OPEN
    if submission.refused.why in ACCOUNT:
        return Reason.ACCOUNT_REFUSED
    return Reason.BACKING_OFF if submission.refused.why is Refusal.UNSENT else Reason.QUEUED


def _opens_at(reason: Reason, run: Sequence[Submission], free: Limits) -> datetime:
    """When this kind of failure has cooled down; one probe of an account goes at once when it was renewed."""
    timing, renewed_at = free.timing, free.renewed_at
    if reason is Reason.ACCOUNT_REFUSED and renewed_at is not None:
        run = [item for item in run if _answered_at(item) > renewed_at]
        if not run:
            return renewed_at
    if reason is Reason.QUEUED:
        return max(_answered_at(item) + timedelta(seconds=_asked_to_wait(item, timing)) for item in run)
    first, longest = {
        Reason.BREAKER_OPEN: (timing.breaker_first, timing.breaker_longest),
        Reason.ACCOUNT_REFUSED: (timing.account_first, timing.account_longest),
        Reason.BACKING_OFF: (timing.unsent_first, timing.unsent_longest),
    }[reason]
    return _answered_at(run[0]) + timedelta(seconds=backoff(first, longest, _rounds(run)))


def _asked_to_wait(submission: Submission, timing: Timing) -> float:
    """Seconds that the service requested with a 429; it gives none when too many requests run at once."""
    return (submission.refused and submission.refused.retry_after) or timing.concurrency_wait


def _rounds(run: Sequence[Submission]) -> int:
    """How many times in a row it failed; POSTs that were in flight together count once."""
    rounds, ended = 0, None
    for submission in reversed(run):
        if ended is None or submission.intended_at > ended:
            rounds, ended = rounds + 1, _answered_at(submission)
    return rounds


def _answered_at(submission: Submission) -> datetime:
    return submission.answered_at or submission.intended_at
