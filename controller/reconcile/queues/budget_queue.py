"""The jobs that the budget holds, by price: when there is more left, only as many go on as fit into it together.

Otherwise each run that cost less than was reserved for it would have all of them decided anew, for nothing.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime

from controller.limits.budget import Spending, reservation
from controller.model.job import Job
from controller.reconcile.queues.group_queue import Group, GroupQueue, Key, Turns


class BudgetQueue:
    """`turns` are shared with the queue for slots, so that folders take turns in both.

    What is released is still to be paid for. While one is queued for a slot, no other of its bucket is released, unless
    there is more left since; a bucket that hangs holds up no other.
    """

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._prices: dict[str, float] = {}
        self._queues: dict[float, GroupQueue] = {}
        self._order: list[float] = []  # a heap of the prices, which may hold some that no job has any more
        self._ordered: set[float] = set()
        self._released: dict[str, str] = {}
        self._pending: defaultdict[str, set[str]] = defaultdict(set)  # by bucket, the names of the released ones
        self._is_settled = False

    def join(self, job: Job, since: datetime) -> None:
        """Queue a job for what is left of the budget, with this start of its wait."""
        price = (reservation(job.wanted) if job.wanted else None) or 0.0
        if price not in self._queues:
            self._queues[price] = GroupQueue(self._turns)
        if price not in self._ordered:
            self._ordered.add(price)
            heapq.heappush(self._order, price)
        self._prices[job.name] = price
        self._queues[price].join(job, since)

    def leave(self, name: str) -> None:
        """It waits for the budget no more."""
        price = self._prices.pop(name, None)
        if price is not None:
            self._queues[price].leave(name)
            if not self._queues[price]:
                del self._queues[price]

    def release(self, spending: Spending | None, *, is_more: bool) -> set[str]:
        """Take off those that fit into what is left, all together and in their order; `is_more`: than before."""
        if spending is None or not (is_more or self._is_settled):
            return set()
        self._is_settled = False
        found = dict(self._take(spending, lambda bucket: is_more or not self._pending[bucket]))
        self._released |= found
        for name, bucket in found.items():
            self._pending[bucket].add(name)
        return set(found)

    def settle(self, name: str) -> None:
        """It was decided: if it was released, that is over."""
        bucket = self._released.pop(name, None)
        if bucket is not None:
            self._pending[bucket].discard(name)
            self._is_settled = True

    def _take(self, spending: Spending, has_room: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
        """Names with their buckets."""
        while self._fits(spending):
            firsts = [(price, each.first(has_room)) for price, each in self._queues.items() if spending.allows(price)]
            found: list[tuple[Key, Group, float]] = [(*first, price) for price, first in firsts if first]
            if not found:
                return
            (_, _, (_, _, name)), (bucket, folder), price = min(found)
            self._turns.served(folder)
            self.leave(name)
            spending = spending.after_submit(price)
            yield name, bucket

    def _fits(self, spending: Spending) -> bool:
        """Whether any job fits into what is left."""
        while self._order and self._order[0] not in self._queues:
            self._ordered.discard(heapq.heappop(self._order))
        return bool(self._order) and spending.allows(self._order[0])
