"""The sums of a plan: how many jobs there are for each action, and what they cost.

Pure. What is held is counted with its price: it is not free, it only waits.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from controller.analysis.cost import price_table
from controller.model.reasons import Phase
from controller.operations.inspect.budget import money_of
from controller.operations.plan.actions import PRICED, Action
from controller.settings.settings import Settings

Described = Mapping[str, Any]


def totals(jobs: Sequence[Described]) -> dict[str, Any]:
    """The `totals` of the plan as JSON."""
    submitted = [job.get("processingUnits", {}) for job in jobs if job["action"] == Action.SUBMIT]
    counted = Counter(str(job["action"]) for job in jobs)
    earlier = [job for job in jobs if was_held_before(job)]
    return {
        "submissions": len(submitted),
        "expected": round(sum(each.get("expected", 0.0) for each in submitted), 4),
        "reserved": round(sum(each.get("reserved", 0.0) for each in submitted), 4),
        "actions": {str(action): counted[action] for action in Action if counted[action]},
        "processingUnits": {
            str(action): _expected(job for job in jobs if job["action"] == action)
            for action in PRICED
            if counted[action]
        },
        **({"heldBefore": {"jobs": len(earlier), "expected": _expected(earlier)}} if earlier else {}),
    }


def was_held_before(job: Described) -> bool:
    """Whether the job is held, but the change that is compared with a revision does not touch it."""
    return job["action"] == Action.UNCHANGED and job.get("phase") in (Phase.HELD, Phase.PENDING)


def _expected(jobs: Iterable[Described]) -> float:
    amounts = (job.get("processingUnits", {}).get("expected", 0.0) for job in jobs)
    return round(float(sum(amounts)), 4)


def prices_of(settings: Settings) -> dict[str, Any]:
    """The price table of the plan as JSON."""
    table = price_table(settings.deployment.prices)
    return {
        "table": settings.deployment.prices,
        "dated": table.dated,
        "source": table.source,
        "minimum": table.minimum,
        **money_of(settings),
    }


def budget_of(
    settings: Settings, before: float | None, after: float | None, now: datetime
) -> dict[str, Any] | None:  # fmt: skip
    """What is left of the month's budget before and after the plan, in PU; None: there is no budget."""
    if settings.monthly_budget is None or before is None or after is None:
        return None
    amounts = {"monthly": settings.monthly_budget, "left": before, "leftAfter": after}
    return {"month": f"{now:%Y-%m}", **{key: round(amount, 4) for key, amount in amounts.items()}}
