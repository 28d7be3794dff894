"""What sets will ask for by themselves: the windows that end in the rest of this month, and in the next one.

For `shjobs budget`. A cell is due by its manifest and the time alone, so the tree is simply read as of then; nothing is
written. What is due already is not in it: that is spent, reserved, or waits. Nor is what is held until its manifest is
another; every yes counts as given.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from controller.ledger.ledger import Ledger
from controller.limits.budget import next_month, reservation
from controller.limits.gate import Limits
from controller.limits.holds import hold_reason
from controller.limits.set_limits import Everything, rule_on_set
from controller.model.files import BROKEN, SET
from controller.model.job import Job
from controller.model.job_set import Cost, JobSet
from controller.reconcile.wiring import Assembly, turned_copy
from controller.settings.settings import Settings
from controller.tree.tree import Tree

_MOMENT = timedelta(seconds=1)


def may_have_sets(ledger: Ledger) -> bool:
    """Whether there was a set when the tree was last read, or a file with problems, which may hold one."""
    return any(file.kind in (SET, BROKEN) for file in ledger.files())


def forecast(settings: Settings, now: datetime) -> list[dict[str, Any]]:
    """By set: what becomes due until the end of this month (UTC), and in the next one; sets without an end too.

    A set that is rejected by then has its `problem`, and amounts that are None.
    """
    clock = _Clock(now)
    with turned_copy(settings, now, clock.today) as assembly:
        ahead = _Ahead(assembly, clock)
        first = ahead.costs(next_month(now) - _MOMENT)
        second = ahead.costs(next_month(next_month(now)) - _MOMENT)
    problems = ahead.problems
    return [
        {"set": name, "thisMonth": _amounts(first.get(name)), "nextMonth": _amounts(second.get(name))}
        | ({"problem": problems[name]} if name in problems else {})
        for name in sorted(first.keys() | second.keys() | problems.keys())
        if name in problems or any(each[name].jobs for each in (first, second) if name in each)
    ]


class _Clock:
    """The moment as of which the tree is read: its day decides which dates lie in the future."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def today(self) -> date:
        """The date in UTC."""
        return self.now.astimezone(UTC).date()


class _Ahead:
    """A copy whose tree is read as of one later moment after another. `problems` say why sets are rejected, by name."""

    def __init__(self, assembly: Assembly, clock: _Clock) -> None:
        self._tree, self._clock = assembly.tree, clock
        self._limits = replace(assembly.loop.limits(), uncommitted=lambda _job: "")
        self._jobs = dict(assembly.ledger.jobs)
        self.problems: dict[str, str] = {}

    def costs(self, then: datetime) -> dict[str, Cost]:
        """What the cells of each set may need that become due until this moment."""
        self._clock.now = then
        change = self._tree.refresh(self._jobs, then, statuses=False)
        new = {job.name: job for job, _ in change.jobs if not self._is_wanted(job.name)}
        self._jobs |= {job.name: job for job, _ in change.jobs}
        self.problems |= _problems(self._tree)
        return {name: _cost(each, new, self._limits) for name, each in self._tree.sets.items()}

    def _is_wanted(self, name: str) -> bool:
        return name in self._jobs and self._jobs[name].wanted is not None


def _cost(job_set: JobSet, new: Mapping[str, Job], free: Limits) -> Cost:
    """What the cells of a set that are new may need, without those that are held until its manifest is another."""
    agreed = rule_on_set(job_set, Everything(), lambda _recipe: 0, (), lambda _cell: None, lambda _cell: False)
    limits, found = replace(free, sets={job_set.name: agreed}), Cost()
    for name in job_set.cells:
        wanted = new[name].wanted if name in new else None
        if wanted and not hold_reason(name, wanted, limits):
            found = found.plus(wanted.estimate.expected if wanted.estimate else 0.0, reservation(wanted))
    return found


def _problems(tree: Tree) -> dict[str, str]:
    """Why sets are rejected, by name."""
    documents = (item for path in tree.paths() for item in tree.documents(path) if item.set_name not in tree.sets)
    return {item.set_name: str(item.problems[0]) for item in documents if item.is_set and item.problems}


def _amounts(cost: Cost | None) -> dict[str, float | None]:
    """None: they are not known."""
    if cost is None:
        return {"jobs": None, "estimated": None, "upper": None}
    upper = None if cost.upper is None else round(cost.upper, 4)
    return {"jobs": cost.jobs, "estimated": round(cost.expected, 4), "upper": upper}
