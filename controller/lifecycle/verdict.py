"""The verdict: what the evidence says about a submission the service no longer knows.

One pure function, and the only place where Succeeded, Failed and Unknown are decided. Its order is the rule:
error.json wins over outputs, complete and unchanging outputs are success, and everything else is waited for and
then becomes Unknown, never guessed (reference page "Open questions" A 6-8).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.lifecycle.evidence import delivered_object
from controller.model.job import ExpectedOutput
from controller.model.submission import Evidence, Outcome
from controller.model.timing import Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`outcome` None: not settled yet. `look_at` None: nothing more to check, not even the cost."""

    outcome: Outcome | None
    reason: str
    message: str
    look_at: datetime | None = None


def verdict(
    evidence: Evidence | None, outputs: Sequence[ExpectedOutput], gone_at: datetime, now: datetime, timing: Timing
) -> Verdict:
    """The outcome of a submission that has been gone from the service since `gone_at`."""
    if evidence is None:
        return Verdict(outcome=None, reason="Verifying", message="the bucket has not been read yet", look_at=now)
    cost_at = late_look(gone_at, now, timing) if evidence.spent is None else None
    if evidence.error is not None:
        return Verdict(outcome=Outcome.FAILED, reason="ErrorReported", message=evidence.error, look_at=cost_at)
    missing = [output.identifier for output in outputs if not delivered_object(evidence, output)]
    if evidence.readable and not missing:
        return _complete(evidence, cost_at, timing)
    reason, message = _shortcoming(evidence, missing, len(outputs))
    if now < gone_at + timedelta(seconds=timing.delivery_grace):
        look_at = min(
            evidence.at + timedelta(seconds=timing.verify_every), gone_at + timedelta(seconds=timing.delivery_grace)
        )
        return Verdict(outcome=None, reason=reason, message=message, look_at=look_at)
    late = late_look(gone_at, now, timing)
    if late is None and not evidence.readable:
        late = now + timedelta(seconds=timing.late_looks[-1])  # the bucket could not be read: daily, until it can
    return Verdict(outcome=Outcome.UNKNOWN, reason=reason, message=message, look_at=late)


def late_look(gone_at: datetime, now: datetime, timing: Timing) -> datetime | None:
    """The next late check still ahead."""
    looks = (gone_at + timedelta(seconds=late) for late in timing.late_looks)
    return next((look for look in looks if look > now), None)


def _complete(evidence: Evidence, cost_at: datetime | None, timing: Timing) -> Verdict:
    stable_at = evidence.since + timedelta(seconds=timing.stable)
    if evidence.at < stable_at:
        message = "every output is there; one more listing shows whether they still change"
        return Verdict(outcome=None, reason="Confirming", message=message, look_at=stable_at)
    return Verdict(
        outcome=Outcome.SUCCEEDED, reason="Delivered", message="every declared output is delivered", look_at=cost_at
    )


def _shortcoming(evidence: Evidence, missing: Sequence[str], declared: int) -> tuple[str, str]:
    if not evidence.readable:
        return "BucketUnreadable", f"the bucket cannot be read, so the outcome is not known: {evidence.message}"
    if len(missing) < declared:
        return "PartlyDelivered", f"delivered only in part; missing: {', '.join(missing)}"
    words = "neither an output nor an error.json is in the bucket; check that the service may write to it"
    return "NothingDelivered", words
