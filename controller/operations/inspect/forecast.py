"""What sets will ask for by themselves: the windows that end in the rest of this month, and in the next one.

For `shjobs budget`. A cell is due by its manifest and the time alone, so the tree is simply read as of then; nothing is
written. What is due already is not in it: that is spent, reserved, or waits.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from controller.ledger.ledger import Ledger
from controller.limits.budget import next_month
from controller.model.files import SET
from controller.model.job_set import Cost, JobSet
from controller.reconcile.wiring import turned_copy
from controller.settings.settings import Settings

_MOMENT = timedelta(seconds=1)


def has_sets(ledger: Ledger) -> bool:
    """Whether there was a set when the tree was last read."""
    return any(file.kind == SET for file in ledger.files())


def forecast(settings: Settings, now: datetime) -> list[dict[str, Any]]:
    """By set: what becomes due until the end of this month (UTC), and in the next one; sets without an end too."""
    ends = next_month(now)
    with turned_copy(settings, now) as assembly:
        found = [_costs(assembly.tree.sets)]
        for end in (ends, next_month(ends)):
            assembly.tree.refresh(assembly.ledger.jobs, end - _MOMENT, statuses=False)
            found.append(_costs(assembly.tree.sets))
    present, then, later = found
    names = sorted(present.keys() & then.keys() & later.keys())
    every = [(name, _more(present[name], then[name]), _more(then[name], later[name])) for name in names]
    return [
        {"set": name, "thisMonth": _amounts(first), "nextMonth": _amounts(second)}
        for name, first, second in every
        if first.jobs or second.jobs
    ]


def _costs(sets: Mapping[str, JobSet]) -> dict[str, Cost]:
    """What all cells of each set that are due may need."""
    return {name: _sum(each) for name, each in sets.items()}


def _sum(job_set: JobSet) -> Cost:
    found = list(job_set.windows.values())
    upper = [each.upper for each in found]
    return Cost(
        jobs=sum(each.jobs for each in found),
        expected=sum(each.expected for each in found),
        upper=None if None in upper else sum(each or 0.0 for each in upper),
    )


def _more(before: Cost, after: Cost) -> Cost:
    """What comes in addition."""
    upper = None if before.upper is None or after.upper is None else after.upper - before.upper
    return Cost(jobs=after.jobs - before.jobs, expected=after.expected - before.expected, upper=upper)


def _amounts(cost: Cost) -> dict[str, Any]:
    upper = {} if cost.upper is None else {"upper": round(cost.upper, 4)}
    return {"jobs": cost.jobs, "estimated": round(cost.expected, 4), **upper}
