"""Why a job must not be paid for: what its own manifest lacks, and what stops it together with others.

Pure. What the guard, the budget and the gate say is apart: `next_step` asks them afterwards.
"""

from controller.limits.gate import Limits
from controller.limits.selection import is_selected
from controller.limits.warned import holding_warnings
from controller.model.job import Wanted
from controller.model.reasons import Reason


def hold_reason(name: str, wanted: Wanted, limits: Limits) -> Reason | None:
    """Why a valid job must not be paid for before its manifest says more, or the first cells of its set succeeded."""
    ruling = limits.set_ruling(wanted.cell)
    if limits.policy.source == "committed" and limits.uncommitted(name):
        return Reason.UNCOMMITTED
    return _own_hold(wanted, limits) or (ruling.hold_reason(name, wanted.cell) if ruling and wanted.cell else None)


def _own_hold(wanted: Wanted, limits: Limits) -> Reason | None:
    """Why its own manifest must say more, or less."""
    if wanted.hold:
        return Reason.ON_HOLD
    if holding_warnings(wanted.warnings, limits.policy.hold_on):
        return Reason.WARNED
    ceiling, estimate = wanted.max_processing_units, wanted.estimate
    if estimate is None or estimate.upper is None:
        return Reason.COST_UNKNOWN if ceiling is None else None
    if estimate.upper > limits.policy.approval_above and (ceiling is None or ceiling < estimate.upper):
        return Reason.APPROVAL_NEEDED
    return None


def stop_reason(wanted: Wanted, limits: Limits) -> Reason | None:
    """Why this job is stopped together with others, so that it is not newly due."""
    if not is_selected(wanted.labels, limits.selector):
        return Reason.NOT_SELECTED
    if limits.paused:
        return Reason.PAUSED
    if limits.doubt:
        return Reason.CLOCK_DOUBTFUL
    return Reason.CREDENTIAL_MISSING if lacks_keys(wanted, limits) else None


def is_unable(name: str, wanted: Wanted, limits: Limits) -> bool:
    """Whether something keeps this job from being paid for that another job with the same request may not have."""
    is_left_out = not is_selected(wanted.labels, limits.selector) or lacks_keys(wanted, limits)
    return is_left_out or hold_reason(name, wanted, limits) is not None


def lacks_keys(wanted: Wanted, limits: Limits) -> bool:
    """Whether the key pair of its credential was not found."""
    return wanted.credentials_ref in limits.without_keys
