"""What is the same for many jobs is shown once, with their number: in the log, in events, in the plan and in tables.

Pure. Up to three are listed one by one, since their names say more than a number.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from controller.model.reasons import Reason

FEW = 3
COMMON = frozenset(
    {
        *(Reason.PAUSED, Reason.LARGE_CHANGE, Reason.BUDGET_EXCEEDED, Reason.OVERSPENT, Reason.CLOCK_DOUBTFUL),
        *(Reason.TRIAL, Reason.WINDOW_LIMIT),
        *(Reason.NOT_SELECTED, Reason.SETTLING, Reason.LISTING, Reason.QUEUED, Reason.BACKING_OFF),
        *(Reason.ACCOUNT_REFUSED, Reason.BREAKER_OPEN),
    }
)
"""Reasons that stop many jobs alike. The sentences may differ in an amount."""

Item = TypeVar("Item")


def together(items: Iterable[Item], key: Callable[[Item], Hashable]) -> list[list[Item]]:
    """The items in order, grouped by key at the position of the first; those without a key (None) alone."""
    groups: dict[Hashable, list[Item]] = {}
    for number, item in enumerate(items):
        found = key(item)
        groups.setdefault((number,) if found is None else (None, found), []).append(item)
    return [part for group in groups.values() for part in ([group] if len(group) > FEW else [[each] for each in group])]


def common(reason: str) -> str | None:
    """A key for a reason that stops many jobs alike; None for one that concerns a single job."""
    return reason if reason in COMMON else None


def name_list(names: Sequence[str]) -> str:
    """`60 jobs (a, b, c and 57 more)`; one job is only named."""
    if len(names) == 1:
        return names[0]
    more = f" and {len(names) - FEW:,} more" if len(names) > FEW else ""
    return f"{len(names):,} jobs ({', '.join(names[:FEW])}{more})"
