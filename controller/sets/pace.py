"""How much a set asks for as time goes on: what a month of it needs, and when it has as many cells as a set may have.

Pure; called by the tree, once it is known what the cells cost.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import merge
from itertools import takewhile
from math import prod

from controller.manifest.document import field_name
from controller.model.errors import Problem
from controller.model.job_set import Cost
from controller.sets.accept import ValidSet
from controller.sets.axes import Axis
from controller.sets.model import LATER_FROM, MOST_CELLS
from controller.sets.windows import Every

LAST = 3  # windows by which a month is judged
FORESEEN = timedelta(days=2 * 366)
"""How long before a set is full that is said."""
_NEAR = timedelta(days=60)
"""How long before, that is warned of."""
_DAYS = 365.2425 / 12
_IN_A_MONTH: dict[Every, float] = {
    "day": _DAYS, "week": _DAYS / 7, "dekad": 3, "month": 1, "quarter": 1 / 3, "year": 1 / 12,
}  # fmt: skip


def monthly(axes: Sequence[Axis], costs: Mapping[datetime, Cost]) -> Cost | None:
    """What a month of a set needs, by the dearest of its last windows; None: it has no windows, or none is due yet.

    `costs` are those of its cells, by the moment at which they became due. Beside other window axes a window has all
    cells that became due since the one before.
    """
    axis = _slowest(axes)
    if axis is None or axis.every is None or not costs:
        return None
    ends = [value.window.due(axis.every.after) for value in axis.values if value.window]
    windows: defaultdict[int, list[Cost]] = defaultdict(list)
    for moment, cost in costs.items():
        windows[bisect_left(ends, moment)].append(cost)
    last = sorted(windows)[-LAST:]
    return _times(max((_sum(windows[number]) for number in last), key=_dearness), _IN_A_MONTH[axis.every.every])


def full_at(axes: Sequence[Axis], now: datetime) -> datetime | None:
    """When a set without an end would have more cells than a set may have, and stops; None: not in two years."""
    counts = [len(axis.values) for axis in axes]
    coming = [
        [(moment, number) for moment in takewhile(lambda each: each <= now + FORESEEN, axis.due_after(now))]
        for number, axis in enumerate(axes)
        if axis.is_endless
    ]
    for moment, number in merge(*coming):
        counts[number] += 1
        if prod(counts) > MOST_CELLS:
            return moment
    return None


def warnings(found: ValidSet, now: datetime) -> Iterator[Problem]:
    """What to do soon, so that the set does not stop."""
    moment = full_at(found.axes, now)
    if moment is None or moment > now + _NEAR:
        return
    axis = next(each for each in found.axes if each.is_endless)
    line, column = found.document.place(axis.path)
    words = f"from {moment:%Y-%m-%d} on there are more than {MOST_CELLS:,} cells, and the whole set is an error"
    message, field = f"{words}: {LATER_FROM}", field_name(axis.path)
    yield Problem(path=found.path, line=line, column=column, field=field, message=message, code="W131")


def _slowest(axes: Iterable[Axis]) -> Axis | None:
    """The axis with the longest windows, of those without an end if there are any: shorter ones repeat in each."""
    found = [
        (axis.is_endless, -_IN_A_MONTH[axis.every.every], axis.every.after, axis) for axis in axes if axis.every
    ]  # fmt: skip
    return max(found, key=lambda each: each[:-1])[-1] if found else None


def _sum(costs: Sequence[Cost]) -> Cost:
    upper = [each.upper for each in costs]
    return Cost(
        jobs=sum(each.jobs for each in costs),
        expected=sum(each.expected for each in costs),
        upper=None if None in upper else sum(each or 0.0 for each in upper),
    )


def _dearness(cost: Cost) -> tuple[bool, float, float]:
    return cost.upper is None, cost.upper or 0.0, cost.expected


def _times(cost: Cost, times: float) -> Cost:
    upper = None if cost.upper is None else cost.upper * times
    return Cost(jobs=round(cost.jobs * times), expected=cost.expected * times, upper=upper)
