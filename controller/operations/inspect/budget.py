"""The month's account for `shjobs budget`: money, limits, and what awaits approval, from a copy of the ledger."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.analysis.cost import price_table
from controller.ledger.ledger import Ledger
from controller.ledger.pause import is_paused, who_paused
from controller.ledger.reads.amounts import per_day, per_label, per_month
from controller.ledger.reads.reader import Reader
from controller.ledger.store import Store
from controller.limits.budget import next_month, overspent_hash
from controller.model.submission import Submission
from controller.operations.inspect.forecast import forecast, may_have_sets
from controller.reconcile.admission import Admission
from controller.settings.settings import Settings


def account(settings: Settings, now: datetime, by: str = "", *, forecasts: bool = False) -> dict[str, Any]:
    """The output of `budget -o json` for the month of `now`; amounts are processing units, None without a budget.

    `by` is `month` or the name of a label, and adds `groups`: of all months, or of this month's jobs.
    With `forecasts` it says what sets will ask for by themselves, if there is any.
    """
    with Store.copy_of(settings.state) as store:
        ledger = Ledger(store)
        spending = ledger.spending(now, settings.monthly_budget)
        prices = price_table(settings.deployment.prices)
        stops = settings.monthly_budget is not None
        coming = forecast(settings, now) if forecasts and may_have_sets(ledger) else []
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
            "prices": {
                "table": settings.deployment.prices,
                "dated": prices.dated,
                "source": prices.source,
                **money_of(settings),
            },
            **({"groups": _groups(store.reader(), now, by)} if by else {}),
            **({"forecast": coming} if coming else {}),
            "isPaused": is_paused(settings.state),
            "paused": who_paused(settings.state),
            "waiting": _batches(Admission(ledger, settings)),
            "overspent": _overspent(ledger.overspent() if stops else ()),
        }


def money_of(settings: Settings) -> dict[str, Any]:
    """The price of a processing unit, where the settings have one."""
    price = settings.price_per_processing_unit
    return {} if price is None else {"perUnit": price, "currency": settings.currency}


def _groups(store: Reader, now: datetime, by: str) -> list[dict[str, Any]]:
    """What each month or label adds up to, by name; jobs without the label last."""
    first, last = now.astimezone(UTC).date().replace(day=1), next_month(now).date() - timedelta(days=1)
    sums = per_month(per_day(store)) if by == "month" else per_label(store, by, first, last)
    return [
        {
            **({by if by == "month" else "label": name} if name else {}),
            "submissions": found.submissions,
            "spent": _rounded(found.spent),
            "reserved": _rounded(found.reserved),
        }
        for name, found in sorted(sums.items(), key=lambda each: (not each[0], each[0]))
    ]


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
