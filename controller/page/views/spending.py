"""What was paid, by day, and by label, set or month: amounts are processing units, days and months UTC."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from controller.ledger.reads.amounts import Amount, per_day, per_label, per_month
from controller.ledger.reads.labels import label_names
from controller.ledger.reads.reader import Reader
from controller.model.errors import UsageError
from controller.page.context import ViewContext
from controller.settings.settings import Settings

MONTH = "month"
MOST_GROUPS = 200


def spending(context: ViewContext) -> dict[str, Any]:
    """What the page shows: one month (`month`, else this one), by a label (`by`), or all months (`by=month`).

    Raises `UsageError` for a month that is none.
    """
    store, by = context.store, context.fields.get("by", "").strip()
    month = _month_of(context)
    if store is None:
        return {"month": month_facts(context, month), "by": by, "labels": [], "groups": [], "others": 0}
    groups = _groups(_grouped(store, by, month), by)
    return {
        "month": month_facts(context, month),
        "by": by,
        "labels": label_names(store),
        "groups": groups[:MOST_GROUPS],
        "others": max(0, len(groups) - MOST_GROUPS),
        **_money(context.settings),
    }


def month_facts(context: ViewContext, month: date | None = None) -> dict[str, Any]:
    """A month's account: spent, reserved, what is left of the budget, each day, and where it leads."""
    store, settings, today = context.store, context.settings, context.now.astimezone(UTC).date()
    first = month or today.replace(day=1)
    found = per_day(store, first, _last_of(first)) if store else {}
    whole, budget = sum(found.values(), Amount()), settings.monthly_budget
    days = _days(first, found)
    is_present = (first.year, first.month) == (today.year, today.month)
    used = whole.spent + whole.reserved
    forecast = used / today.day * len(days) if is_present and used else None
    return {
        "month": first.isoformat()[:7],
        "before": _previous(first).isoformat()[:7],
        "budget": budget,
        "spent": _rounded(whole.spent),
        "reserved": _rounded(whole.reserved),
        "left": None if budget is None else _rounded(budget - used),
        "submissions": whole.submissions,
        "isLowerBound": whole.adopted > 0,
        "atThisRate": _rounded(forecast),
        "days": days,
        "daysPassed": today.day if is_present else len(days),
        **_money(settings),
    }


def _grouped(store: Reader, by: str, month: date) -> Mapping[str, Amount]:
    if by == MONTH:
        return per_month(per_day(store))
    return per_label(store, by, month, _last_of(month)) if by else {}


def _last_of(first: date) -> date:
    return first.replace(day=monthrange(first.year, first.month)[1])


def _days(first: date, found: Mapping[str, Amount]) -> list[dict[str, Any]]:
    """Every day of the month."""
    every = (first.replace(day=day) for day in range(1, monthrange(first.year, first.month)[1] + 1))
    return [
        {"day": f"{day}", "spent": _rounded(amount.spent), "reserved": _rounded(amount.reserved)}
        for day in every
        for amount in [found.get(day.isoformat(), Amount())]
    ]


def _groups(found: Mapping[str, Amount], by: str) -> list[dict[str, Any]]:
    """The largest first, months the latest first; what has no such label last."""
    ordered = sorted(found.items(), key=lambda each: (-each[1].spent - each[1].reserved, each[0]))
    if by == MONTH:
        ordered = sorted(found.items(), reverse=True)
    ordered.sort(key=lambda each: not each[0])
    return [
        {
            "name": name,
            "submissions": amount.submissions,
            "spent": _rounded(amount.spent),
            "reserved": _rounded(amount.reserved),
        }
        for name, amount in ordered
    ]


def _month_of(context: ViewContext) -> date:
    text = context.fields.get("month", "").strip() or f"{context.now.astimezone(UTC):%Y-%m}"
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise UsageError("month: write a year and a month, such as 2026-03") from None


def _previous(first: date) -> date:
    return date(first.year - (first.month == 1), (first.month - 2) % 12 + 1, 1) if first.year > 1 else first


def _money(settings: Settings) -> dict[str, Any]:
    return {"perUnit": settings.price_per_processing_unit, "currency": settings.currency}


def _rounded(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 4)
