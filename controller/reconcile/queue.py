"""Which jobs to decide next: those that changed, those that are due, and those queued for a slot.

Kept by the loop. It handles times, reasons and order, and nothing of submissions or files.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from controller.lifecycle.next_step import is_asked
from controller.limits.gate import Limits
from controller.model.job import Job
from controller.model.reasons import Reason
from controller.model.step import Wait
from controller.reconcile.queues.budget_queue import BudgetQueue
from controller.reconcile.queues.group_queue import GroupQueue, Turns

QUEUING = frozenset({Reason.QUEUED, Reason.BACKING_OFF, Reason.ACCOUNT_REFUSED, Reason.BREAKER_OPEN})
STOPPED = frozenset({*QUEUING, Reason.SETTLING, Reason.OVERSPENT})
"""What may end when the gate, the tree or an operator's acceptance changes."""
PAYING = frozenset(
    {*STOPPED, Reason.PAUSED, Reason.CLOCK_DOUBTFUL, Reason.LARGE_CHANGE, Reason.BUDGET_EXCEEDED, Reason.LISTING}
)
"""Everything that a pause hides, or reveals again."""
COMMON = frozenset({*STOPPED, Reason.PAUSED, Reason.CLOCK_DOUBTFUL})
"""What holds all jobs alike: it says nothing of the one that waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Conditions:
    """What applies to all jobs: when it changes, the jobs that wait for it are checked again."""

    gate: Reason
    is_paused: bool
    is_doubtful: bool
    is_settling: bool
    overspent: int
    left: float


class JobQueue:
    """Names of jobs, by when and why they are to be decided."""

    def __init__(self, jobs: Callable[[str], Job], is_unlisted: Callable[[str], bool]) -> None:
        self._job = jobs
        self._is_unlisted = is_unlisted
        self._dirty: set[str] = set()
        self._due: list[tuple[datetime, str]] = []
        self._waiting: dict[Reason, set[str]] = defaultdict(set)
        self._waits: dict[str, Wait] = {}
        self._since: dict[str, datetime] = {}
        turns = Turns()
        self._paying, self._listing, self._held = GroupQueue(turns), GroupQueue(), BudgetQueue(turns)
        # A job has one turn of its folder: for its listing, or for its POST when it needs none. Those listed go first.
        self._listed, self._had_turn, self._served = GroupQueue(), set[str](), ""
        self._conditions: _Conditions | None = None

    def mark(self, names: Iterable[str]) -> None:
        """These changed: decide them in this turn, or as soon as their call has ended."""
        self._dirty.update(names)

    def wait(self, name: str, wait: Wait, now: datetime) -> None:
        """It was decided, and must wait."""
        self._leave(name)
        if wait.reason not in COMMON:
            self._held.settle(name)
        self._waits[name] = wait
        self._waiting[wait.reason].add(name)
        if wait.reason not in QUEUING:
            self._had_turn.discard(name)
        if wait.reason in PAYING:
            self._enqueue(name, wait, self._since.setdefault(name, now))
        else:
            self._since.pop(name, None)
        if wait.until is not None:
            heapq.heappush(self._due, (wait.until, name))

    def begin(self, name: str, *, submits: bool = False) -> None:
        """It no longer waits: a call for it is under way. With `submits` its wait is over."""
        self._leave(name)
        if name == self._served and not submits:
            self._had_turn.add(name)
        if submits:
            self._had_turn.discard(name)
            self._since.pop(name, None)
            self._held.settle(name)

    def take_due(self, limits: Limits, now: datetime) -> set[str]:
        """Takes off the agenda all jobs to be decided now, except those queued."""
        while self._due and self._due[0][0] <= now:
            self._dirty.add(heapq.heappop(self._due)[1])
        names, self._dirty = self._dirty | self._reopened(limits), set()
        return names

    def next_queued(self, limits: Limits, now: datetime) -> Job | None:
        """The job that may start a submission now, or the listing that a large change needs; None: no job."""
        is_open = not (limits.opens_at and limits.opens_at > now)
        self._served = (self._next_paying(limits) if is_open else None) or ""
        name = self._served or self._listing.next(limits.may_look)
        return self._job(name) if name else None

    def _next_paying(self, limits: Limits) -> str | None:
        """One that was listed, unless another has a higher priority; without a slot only one that needs a listing."""
        may_list = partial(limits.may_begin, listed=len(self._listed))
        listed = self._listed.first(limits.may_begin) if limits.slots > 0 else None
        other = self._paying.first(may_list)
        if listed and (not other or listed[0][0] <= other[0][0]):
            return self._listed.next(limits.may_begin)
        if limits.slots > 0 or (other and not is_asked(self._job(other[0][2][2]))):
            return self._paying.next(may_list)
        return None

    def is_empty(self) -> bool:
        """Whether no job is to be decided."""
        return not self._dirty

    @property
    def waiting(self) -> int:
        """How many jobs are queued for a slot."""
        return len(self._paying) + len(self._listed)

    @property
    def oldest(self) -> datetime | None:
        """Since when the job that has waited longest is queued."""
        return min((each for each in (self._paying.oldest, self._listed.oldest) if each), default=None)

    @property
    def is_held_by_budget(self) -> bool:
        """Whether the budget of the month holds a job."""
        return bool(self._waiting[Reason.BUDGET_EXCEEDED])

    def waits(self, reasons: Iterable[Reason]) -> Iterator[tuple[str, Wait]]:
        """The jobs that wait for one of these reasons."""
        return ((name, self._waits[name]) for reason in reasons for name in self._waiting[reason])

    def wakes_at(self, limits: Limits, now: datetime) -> datetime | None:
        """When the next job is to be decided, if nothing is received before."""
        opens_at = limits.opens_at if self.waiting and limits.opens_at and limits.opens_at > now else None
        grows_at = limits.grows_at if self.waiting and limits.slots <= 0 else None
        times = [self._due[0][0] if self._due else None, opens_at, grows_at]
        return min((time for time in times if time), default=None)

    def _enqueue(self, name: str, wait: Wait, since: datetime) -> None:
        if wait.reason in QUEUING:
            queue = self._listed if name in self._had_turn else self._paying
            queue.join(self._job(name), since, wait.behind)
        elif wait.reason is Reason.BUDGET_EXCEEDED:
            self._held.join(self._job(name), since)
        elif wait.reason is Reason.LISTING and self._is_unlisted(name):
            self._listing.join(self._job(name), since)

    def _leave(self, name: str) -> None:
        before = self._waits.pop(name, None)
        if before:
            self._waiting[before.reason].discard(name)
            self._paying.leave(name)
            self._listed.leave(name)
            self._listing.leave(name)
            self._held.leave(name)

    def _reopened(self, limits: Limits) -> set[str]:
        """The jobs that wait for a condition on all jobs that has changed."""
        before, now = self._conditions, _conditions(limits)
        self._conditions = now
        if before is None:
            return set()
        affordable = self._held.release(limits.spending, is_more=now.left > before.left)
        if before == now:
            return affordable
        if (before.is_paused, before.is_doubtful) != (now.is_paused, now.is_doubtful):
            return {name for reason in PAYING for name in self._waiting[reason]}
        names = set()
        if (before.gate, before.is_settling, before.overspent) != (now.gate, now.is_settling, now.overspent):
            names = {name for reason in STOPPED for name in self._waiting[reason]}
        return names | affordable


def _conditions(limits: Limits) -> _Conditions:
    return _Conditions(
        gate=limits.reason,
        is_paused=limits.paused,
        is_doubtful=bool(limits.doubt),
        is_settling=limits.settling is not None,
        overspent=limits.overspent.number if limits.overspent else 0,
        left=limits.left or 0.0,
    )
