"""Names of queued jobs in a fair order: by priority, then folder by folder, then by how long each has waited."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import count

from controller.model.job import Job

Group = tuple[str, str]
"""Bucket and folder: within a group the order is by priority and age alone."""

Rank = tuple[int, datetime, str]
"""The priority, negative, far below for a job that is to go behind; since when the job waits; its name."""
Key = tuple[int, int, Rank]
"""By priority, then by how long ago the folder was served, then by the rank of the group's first job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedJob:
    rank: Rank
    group: Group

    def __lt__(self, other: "QueuedJob") -> bool:
        return self.rank < other.rank


@lru_cache(maxsize=1024)
def _group(bucket: str, folder: str) -> Group:
    """Kept once for all its jobs."""
    return bucket, folder


_BEHIND = 1 << 60
"""More than any priority: numbers of a manifest end at 2⁵³."""
MOST_STALE = 100
"""Entries of a heap that may be left over beyond as many as are queued, before it is built anew."""


class Turns:
    """When each folder was served last: shared by queues among which folders take turns."""

    def __init__(self) -> None:
        self._served: dict[str, int] = {}
        self._number = count(1)

    def served(self, folder: str) -> None:
        """A job of this folder was taken off its queue."""
        self._served[folder] = next(self._number)

    def last(self, folder: str) -> int:
        """A number that grows with each turn; 0: it had none."""
        return self._served.get(folder, 0)


class GroupQueue:
    """Names of queued jobs, fair between folders. Joining, leaving and choosing take logarithmic time.

    Each bucket has a heap of its groups. A key is checked when it comes to the top: what happened since can only have
    made it later, except for a job that joins, which puts its group in anew.
    """

    def __init__(self, turns: Turns | None = None) -> None:
        self._turns = turns or Turns()
        self._entries: dict[str, QueuedJob] = {}
        self._ages: list[tuple[datetime, str]] = []  # a heap, which may hold some that left, or moved
        self._groups: dict[Group, list[QueuedJob]] = {}
        self._buckets: dict[str, list[tuple[Key, Group]]] = {}
        self._keys: dict[Group, Key] = {}  # the one under which a group is in its bucket's heap; others are stale

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def oldest(self) -> datetime | None:
        """Since when the job that has waited longest is queued."""
        while self._ages and self._since(self._ages[0][1]) != self._ages[0][0]:
            heapq.heappop(self._ages)
        return self._ages[0][0] if self._ages else None

    def join(self, job: Job, since: datetime, behind: int = 0) -> None:
        """Queue the job with this start of its wait; a job already queued moves to its new position.

        It goes after all jobs with a lower number for `behind`, whatever their priorities.
        """
        priority = job.wanted.priority if job.wanted else 0
        group = _group(job.wanted.bucket if job.wanted else "", folder_of(job.path))
        entry = QueuedJob(rank=(behind * _BEHIND - priority, since, job.name), group=group)
        if self._entries.get(job.name) != entry:
            self._entries[job.name] = entry
            self._note_age(job.name, since)
            heapq.heappush(self._groups.setdefault(group, []), entry)
            self._put(group)

    def leave(self, name: str) -> None:
        """It no longer waits, or waits for something else."""
        self._entries.pop(name, None)

    def next(self, has_room: Callable[[str], bool] = lambda _bucket: True) -> str | None:
        """Take the next job off the queue; None: no job is left whose bucket has room."""
        found = self.first(has_room)
        if found is None:
            return None
        (_, _, (_, _, name)), group = found
        self._turns.served(group[1])
        self.leave(name)
        return name

    def first(self, has_room: Callable[[str], bool] = lambda _bucket: True) -> tuple[Key, Group] | None:
        """The group whose turn it is, with its key; None: no job is left whose bucket has room."""
        firsts = (self._first(bucket) for bucket in list(self._buckets) if has_room(bucket))
        return min((first for first in firsts if first), default=None)

    def _note_age(self, name: str, since: datetime) -> None:
        heapq.heappush(self._ages, (since, name))
        if len(self._ages) > 2 * len(self._entries) + MOST_STALE:
            self._ages = sorted((entry.rank[1], each) for each, entry in self._entries.items())

    def _since(self, name: str) -> datetime | None:
        entry = self._entries.get(name)
        return entry.rank[1] if entry else None

    def _first(self, bucket: str) -> tuple[Key, Group] | None:
        """The group of a bucket whose turn it is, with its key; None: it has no job."""
        heap = self._buckets[bucket]
        while heap:
            key, group = heap[0]
            if self._keys.get(group) == key and self._key(group) == key:
                return heap[0]
            heapq.heappop(heap)
            if self._keys.get(group) == key:
                self._put(group)
        del self._buckets[bucket]
        return None

    def _put(self, group: Group) -> None:
        """Put a group into the heap of its bucket under its present key."""
        key = self._key(group)
        if key is None:
            self._keys.pop(group, None)
        elif self._keys.get(group) != key:
            self._keys[group] = key
            heapq.heappush(self._buckets.setdefault(group[0], []), (key, group))

    def _key(self, group: Group) -> Key | None:
        entry = self._head(group)
        return (entry.rank[0], self._turns.last(group[1]), entry.rank) if entry else None

    def _head(self, group: Group) -> QueuedJob | None:
        """The first of a group that is still queued."""
        heap = self._groups.get(group, [])
        while heap and self._entries.get(heap[0].rank[2]) is not heap[0]:
            heapq.heappop(heap)
        if not heap:
            self._groups.pop(group, None)
            return None
        return heap[0]


def folder_of(path: str) -> str:
    """The first folder of a path; "" for a file directly below the root."""
    first, separator, _ = path.partition("/")
    return first if separator else ""
