"""Spending per month: what was spent, what is reserved, and what is left of the monthly budget (DESIGN §8).

Pure. The ledger keeps one `Spending` for each month as submissions come and settle; the gate passes it to decisions.
Months are UTC, by the time of the intent. All amounts are processing units (PU).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Self

from controller.model.job import Wanted
from controller.model.submission import Answer, Submission

TOLERANCE = 0.01
"""An actual cost may exceed its reservation by this much: the service rounds."""
DUST = 1e-6
"""Anything smaller is a rounding error of adding and subtracting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What the submissions of one month amount to. `spent` are actual costs, `reserved` is held for the others.

    `adopted` counts those found in the bucket: a ledger that was lost may have held more, so the sum is a lower bound.
    """

    month: str
    budget: float | None = None
    spent: float = 0.0
    reserved: float = 0.0
    adopted: int = 0

    @property
    def left(self) -> float | None:
        """What may still be reserved; below 0 when more was spent than the budget; None: there is no budget."""
        return None if self.budget is None else self.budget - self.spent - self.reserved

    @property
    def is_lower_bound(self) -> bool:
        return self.adopted > 0

    def allows(self, units: float | None) -> bool:
        """Whether this amount may be reserved now."""
        return self.left is None or (units or 0.0) <= self.left + DUST

    def after_submit(self, units: float | None) -> Self:
        """After one more reservation."""
        return replace(self, reserved=self.reserved + (units or 0.0))

    def counting(self, submission: Submission, times: int = 1) -> Self:
        """With this submission counted; `times` -1 subtracts it again."""
        units = times * counted_units(submission)
        found = replace(self, adopted=self.adopted + times) if submission.adopted else self
        if submission.spent is not None:
            return replace(found, spent=_clean(found.spent + units))
        return replace(found, reserved=_clean(found.reserved + units))


def counted_units(submission: Submission) -> float:
    """The amount it counts for: its actual cost if known, else its reservation; nothing once it was refused."""
    if submission.is_refused:
        return 0.0
    return submission.reserved or 0.0 if submission.spent is None else submission.spent


def reservation(wanted: Wanted) -> float | None:
    """The upper estimate or the ceiling, whichever is lower; None when neither is known."""
    upper = wanted.estimate.upper if wanted.estimate else None
    amounts = [amount for amount in (upper, wanted.max_processing_units) if amount is not None]
    return min(amounts, default=None)


def month_of(time: datetime) -> str:
    """`2026-03`, in UTC."""
    time = time.astimezone(UTC)
    return f"{time.year:04}-{time.month:02}"


def next_month(time: datetime) -> datetime:
    """The first moment of the month after this one."""
    time = time.astimezone(UTC)
    return datetime(time.year + time.month // 12, time.month % 12 + 1, 1, tzinfo=UTC)


def is_overspent(submission: Submission) -> bool:
    """Whether it cost more than was reserved; false for what others paid for, since the estimate was not ours."""
    if submission.answer is not Answer.ACCEPTED or submission.adopted or submission.spent is None:
        return False
    return submission.reserved is not None and submission.spent > submission.reserved + TOLERANCE


def overspent_hash(submission: Submission) -> str:
    """The hash an operator accepts to let submissions go on after this one."""
    return hash_of([f"overspent {submission.job}/{submission.id}"])


def hash_of(keys: Iterable[str]) -> str:
    """Twelve hexadecimal digits that identify exactly this set, in any order."""
    return sha256("\n".join(sorted(keys)).encode()).hexdigest()[:12]


def _clean(amount: float) -> float:
    return 0.0 if abs(amount) < DUST else amount
