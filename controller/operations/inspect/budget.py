"""The month's account for `shjobs budget`: money, limits, and what awaits approval, from a copy of the ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from controller.analysis.cost import price_table
from controller.ledger.ledger import Ledger
from controller.ledger.pause import is_paused, who_paused
from controller.ledger.store import Store
from controller.limits.budget import overspent_hash
from controller.model.submission import Submission
from controller.reconcile.admission import Admission
from controller.settings.settings import Settings


def account(settings: Settings, now: datetime) -> dict[str, Any]:
    """The output of `budget -o json`; amounts in processing units, None where there is no budget."""
    with Store.copy_of(settings.state) as store:
        ledger = Ledger(store)
        spending = ledger.spending(now, settings.monthly_budget)
        prices = price_table(settings.deployment.prices)
        stops = settings.monthly_budget is not None
        return {
            "apiVersion": "shjobs/v1",
            "kind": "Budget",
            "deployment": settings.deployment.name,
            "month": spending.month,
            "budget": _rounded(spending.budget),
            "spent": _rounded(spending.spent),
            "reserved": _rounded(spending.reserved),
            "left": _rounded(spending.left),
            "isLowerBound": spending.is_lower_bound,
            "approvalAbove": settings.approval_above,
            "largeChange": {
                "jobs": settings.large_change_jobs,
                "processingUnits": settings.large_change_processing_units,
            },
            "prices": {"table": settings.deployment.prices, "dated": prices.dated, "source": prices.source},
            "isPaused": is_paused(settings.state),
            "paused": who_paused(settings.state),
            "waiting": _batches(Admission(ledger, settings)),
            "overspent": _overspent(ledger.overspent() if stops else ()),
        }


def _batches(admission: Admission) -> list[dict[str, Any]]:
    return [
        {"hash": batch.hash, "jobs": batch.jobs, "processingUnits": _rounded(batch.units), "cause": batch.cause}
        for batch in admission.waiting()
    ]


def _overspent(submissions: Sequence[Submission]) -> list[dict[str, Any]]:
    return [
        {
            "hash": overspent_hash(item),
            "job": item.job,
            "submission": item.id,
            "reserved": _rounded(item.reserved),
            "spent": _rounded(item.spent),
        }
        for item in submissions
    ]


def _rounded(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 4)
