"""The words for a job's state: the same in status files, tables, logs and docs.

Every reason belongs to one phase. `docs/reasons.md` explains each of them, which a test checks.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # commands that only show reasons start faster without it
    from controller.model.submission import SharedRun


class Phase(StrEnum):
    """Where a job is; never stored, always derived."""

    INVALID = "Invalid"
    HELD = "Held"
    PENDING = "Pending"
    SUBMITTING = "Submitting"
    UNCONFIRMED = "Unconfirmed"
    RUNNING = "Running"
    VERIFYING = "Verifying"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    UNKNOWN = "Unknown"
    REMOVED = "Removed"


class Reason(StrEnum):
    """Why a job is in its phase, as one CamelCase word."""

    REJECTED = "Rejected"
    UNCOMMITTED = "Uncommitted"
    ON_HOLD = "OnHold"
    PAUSED = "Paused"
    CLOCK_DOUBTFUL = "ClockDoubtful"
    APPROVAL_NEEDED = "ApprovalNeeded"
    CREDENTIAL_MISSING = "CredentialMissing"
    COST_UNKNOWN = "CostUnknown"
    WARNED = "Warned"
    HISTORY_UNKNOWN = "HistoryUnknown"
    TRIAL = "Trial"
    WINDOW_LIMIT = "WindowLimit"
    LARGE_CHANGE = "LargeChange"
    BUDGET_EXCEEDED = "BudgetExceeded"
    OVERSPENT = "Overspent"
    EXAMINING = "Examining"
    NOT_SELECTED = "NotSelected"
    SETTLING = "Settling"
    LISTING = "Listing"
    QUEUED = "Queued"
    BACKING_OFF = "BackingOff"
    ACCOUNT_REFUSED = "AccountRefused"
    BREAKER_OPEN = "BreakerOpen"
    RETRY_SCHEDULED = "RetryScheduled"
    SHARED_RUN = "SharedRun"
    NOT_DUE = "NotDue"
    SUBMITTING = "Submitting"
    SEARCHING = "Searching"
    NEEDS_PERSON = "NeedsPerson"
    RUNNING = "Running"
    OVERDUE = "Overdue"
    VERIFYING = "Verifying"
    DELIVERED = "Delivered"
    REUSED = "Reused"
    ERROR_REPORTED = "ErrorReported"
    REFUSED = "Refused"
    NOTHING_DELIVERED = "NothingDelivered"
    PARTLY_DELIVERED = "PartlyDelivered"
    BUCKET_UNREADABLE = "BucketUnreadable"
    REMOVED = "Removed"

    @property
    def phase(self) -> Phase:
        return _PHASES[self]


EXAMINING = "E305"
"""The code of a problem that is not an error: the engine has not responded yet."""


def rejection(codes: Iterable[str]) -> Reason:
    """Why a manifest with problems of these codes is not accepted."""
    return Reason.EXAMINING if set(codes) == {EXAMINING} else Reason.REJECTED


_PHASES = {
    reason: phase
    for phase, reasons in {
        Phase.INVALID: (Reason.REJECTED,),
        Phase.HELD: (
            Reason.UNCOMMITTED,
            Reason.ON_HOLD,
            Reason.PAUSED,
            Reason.APPROVAL_NEEDED,
            Reason.CREDENTIAL_MISSING,
            Reason.COST_UNKNOWN,
            Reason.WARNED,
            Reason.HISTORY_UNKNOWN,
            Reason.TRIAL,
            Reason.WINDOW_LIMIT,
            Reason.LARGE_CHANGE,
            Reason.BUDGET_EXCEEDED,
            Reason.OVERSPENT,
        ),
        Phase.PENDING: (
            Reason.CLOCK_DOUBTFUL,
            Reason.EXAMINING,
            Reason.NOT_SELECTED,
            Reason.SETTLING,
            Reason.LISTING,
            Reason.QUEUED,
            Reason.BACKING_OFF,
            Reason.ACCOUNT_REFUSED,
            Reason.BREAKER_OPEN,
            Reason.RETRY_SCHEDULED,
            Reason.SHARED_RUN,
            Reason.NOT_DUE,
        ),
        Phase.SUBMITTING: (Reason.SUBMITTING,),
        Phase.UNCONFIRMED: (Reason.SEARCHING, Reason.NEEDS_PERSON),
        Phase.RUNNING: (Reason.RUNNING, Reason.OVERDUE),
        Phase.VERIFYING: (Reason.VERIFYING,),
        Phase.SUCCEEDED: (Reason.DELIVERED, Reason.REUSED),
        Phase.FAILED: (Reason.ERROR_REPORTED, Reason.REFUSED),
        Phase.REMOVED: (Reason.REMOVED,),
        Phase.UNKNOWN: (Reason.NOTHING_DELIVERED, Reason.PARTLY_DELIVERED, Reason.BUCKET_UNREADABLE),
    }.items()
    for reason in reasons
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job's phase with its reason and a sentence the user can act on.

    `shared` is another name's run that serves the job; it is part of the sentence, and so of no comparison.
    """

    reason: Reason
    message: str
    shared: "SharedRun | None" = field(default=None, compare=False)

    @property
    def phase(self) -> Phase:
        return self.reason.phase
