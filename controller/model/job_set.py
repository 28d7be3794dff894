"""A set as it was last read: the jobs it has now, and those it will have.

Read from a manifest by the tree; each of its cells is an ordinary job, which knows its set by `SetCell`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

SET_LABEL = "set"
"""The label of every cell, with the name of its set."""
SET_STATUS = "AsyncProcessSetStatus"
"""The kind of the status document of a set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of several jobs together, in processing units; `upper` None: one of them has no upper end."""

    jobs: int = 0
    expected: float = 0.0
    upper: float | None = 0.0

    def plus(self, expected: float, upper: float | None) -> "Cost":
        """With one more job."""
        total = None if self.upper is None or upper is None else self.upper + upper
        return Cost(jobs=self.jobs + 1, expected=self.expected + expected, upper=total)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSet:
    """One set. `cells` are the names of the jobs that are due, in the order of the axes.

    `recipes` identify what is asked for in all of them, apart from where and when; `windows` is what the cells of each
    window may need. `later` cells of its calendar are not due yet, without those of an `is_endless` set. A month of a
    set with windows needs about `monthly` PU. `full_at` is when it would have more cells than a set may have; None: not
    soon. `next_due` is when the next cell becomes due; None: never. `outside` of 0 to 1 is the part of its tiles that
    lies outside of its area; None: it has no tiles.
    """

    name: str
    path: str
    index: int
    cells: tuple[str, ...]
    labels: tuple[tuple[str, str], ...] = ()
    recipes: frozenset[str] = frozenset()
    windows: Mapping[str, Cost] = field(default_factory=dict)
    trial: int | None = None
    per_window: float | None = None
    is_endless: bool = False
    later: int = 0
    next_due: datetime | None = None
    monthly: Cost | None = None
    full_at: datetime | None = None
    outside: float | None = None


def set_reference(name: str) -> str:
    """`set/ndvi-alps`: how a set is named where jobs are, since a job may have the same name."""
    return f"set/{name}"
