"""Who is to be decided next: the jobs that changed, those whose time has come, and those that wait in line.

Kept by the loop. It knows times, reasons and places, and nothing of submissions or files.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from controller.gate import Limits
from controller.job import Job
from controller.next_step import Wait
from controller.spending import reservation
from controller.standing import Reason

QUEUING = frozenset({Reason.QUEUED, Reason.BACKING_OFF, Reason.ACCOUNT_REFUSED, Reason.BREAKER_OPEN})
STOPPED = frozenset({*QUEUING, Reason.SETTLING, Reason.OVERSPENT})
"""What ends when the gate, the tree or a person's word changes."""
PAYING = frozenset({*STOPPED, Reason.PAUSED, Reason.LARGE_CHANGE, Reason.BUDGET_EXCEEDED, Reason.LISTING})
"""Everything that a pause covers, or lays open again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signs:
    """What holds for all jobs alike: when it changes, whoever waits for it is looked at again."""

    gate: Reason
    is_paused: bool
    is_settling: bool
    overspent: int
    left: float


class Agenda:
    """Names of jobs, by when and why they are to be looked at."""

    def __init__(self, jobs: Callable[[str], Job]) -> None:
        self._job = jobs
        self._dirty: set[str] = set()
        self._due: list[tuple[datetime, str]] = []
        self._waiting: dict[Reason, set[str]] = defaultdict(set)
        self._waits: dict[str, Wait] = {}
        self._signs: _Signs | None = None

    def mark(self, names: Iterable[str]) -> None:
        """These changed: decide them in this turn, or as soon as their call has ended."""
        self._dirty.update(names)

    def wait(self, name: str, wait: Wait) -> None:
        """It was decided, and has to wait."""
        self.begin(name)
        self._waits[name] = wait
        self._waiting[wait.reason].add(name)
        if wait.until is not None:
            heapq.heappush(self._due, (wait.until, name))

    def begin(self, name: str) -> None:
        """It waits for nothing: a call for it is under way."""
        before = self._waits.pop(name, None)
        if before:
            self._waiting[before.reason].discard(name)

    def taken(self, limits: Limits, now: datetime) -> set[str]:
        """Everybody to be decided now but for those in line; they are off the agenda with this."""
        while self._due and self._due[0][0] <= now:
            self._dirty.add(heapq.heappop(self._due)[1])
        names, self._dirty = self._dirty | self._reopened(limits), set()
        return names

    def in_line(self, limits: Limits, now: datetime, unlisted: Collection[str]) -> set[str]:
        """The queued jobs whose turn it may be, and those of large changes whose bucket may be listed next."""
        found: list[str] = []
        if limits.slots > 0 and not (limits.opens_at and limits.opens_at > now):
            queued = (name for reason in QUEUING for name in self._waiting[reason])
            found += heapq.nsmallest(limits.slots, queued, key=self._place)
        if limits.looks > 0 and unlisted:
            found += heapq.nsmallest(limits.looks, self._waiting[Reason.LISTING] & set(unlisted), key=self._place)
        return set(found)

    def in_order(self, names: Iterable[str]) -> list[Job]:
        """The jobs of these names: the higher priority first, then by name."""
        return [self._job(name) for name in sorted(names, key=self._place)]

    def is_empty(self) -> bool:
        """Whether nobody waits to be decided."""
        return not self._dirty

    def waits(self) -> Iterable[tuple[str, Wait]]:
        return self._waits.items()

    def wakes_at(self, limits: Limits, now: datetime) -> datetime | None:
        """When the next one is to be looked at, if nothing is heard before."""
        is_queued = any(self._waiting[reason] for reason in QUEUING)
        opens_at = limits.opens_at if is_queued and limits.opens_at and limits.opens_at > now else None
        times = [self._due[0][0] if self._due else None, opens_at]
        return min((time for time in times if time), default=None)

    def _reopened(self, limits: Limits) -> set[str]:
        """Those who wait for something that holds for all and is not as it was."""
        before, now = self._signs, _signs(limits)
        self._signs = now
        if before is None or before == now:
            return set()
        if before.is_paused != now.is_paused:
            return {name for reason in PAYING for name in self._waiting[reason]}
        names = set()
        if (before.gate, before.is_settling, before.overspent) != (now.gate, now.is_settling, now.overspent):
            names = {name for reason in STOPPED for name in self._waiting[reason]}
        return names | (self._affordable(limits) if now.left > before.left else set())

    def _affordable(self, limits: Limits) -> set[str]:
        """Those held by the budget who fit into what is left of it now."""
        held = self._waiting[Reason.BUDGET_EXCEEDED]
        return {name for name in held if limits.spending and limits.spending.allows(_units(self._job(name)))}

    def _place(self, name: str) -> tuple[int, str]:
        wanted = self._job(name).wanted
        return -(wanted.priority if wanted else 0), name


def _signs(limits: Limits) -> _Signs:
    return _Signs(
        gate=limits.reason,
        is_paused=limits.paused,
        is_settling=limits.settling is not None,
        overspent=limits.overspent.number if limits.overspent else 0,
        left=limits.left or 0.0,
    )


def _units(job: Job) -> float | None:
    return reservation(job.wanted) if job.wanted else None
