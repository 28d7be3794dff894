"""Who waits in line, and who is next: the higher priority first, then each folder in turn, then who has waited longest.

Kept by the agenda: one line for places at the service, one for the listings of large changes. A bucket without room is
passed by, so that one that hangs holds up nobody else.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from controller.model.job import Job

Group = tuple[str, str]
"""Bucket and folder: within it the order is by priority and age alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    rank: tuple[int, datetime, str]
    group: Group

    def __lt__(self, other: "_Place") -> bool:
        return self.rank < other.rank


class Line:
    """Names of jobs in line. Joining and leaving cost little; choosing looks at one job of each group."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        self._groups: dict[Group, list[_Place]] = {}
        self._served: dict[str, int] = {}
        self._number = count(1)

    def __len__(self) -> int:
        return len(self._places)

    @property
    def oldest(self) -> datetime | None:
        """Since when the one who has waited longest waits."""
        return min((place.rank[1] for place in self._places.values()), default=None)

    def join(self, job: Job, since: datetime) -> None:
        """The job waits since then; whoever is in line already gets the place that the job has now."""
        priority = job.wanted.priority if job.wanted else 0
        group = (job.wanted.bucket if job.wanted else "", folder_of(job.path))
        place = _Place(rank=(-priority, since, job.name), group=group)
        if self._places.get(job.name) != place:
            self._places[job.name] = place
            heapq.heappush(self._groups.setdefault(group, []), place)

    def leave(self, name: str) -> None:
        """It waits no longer, or for something else."""
        self._places.pop(name, None)

    def next(self, has_room: Callable[[str], bool]) -> str | None:
        """Take the next one out of the line; None: nobody is left whose bucket has room."""
        heads = [(group, head) for group in list(self._groups) if has_room(group[0]) and (head := self._head(group))]
        if not heads:
            return None
        _, place = min(heads, key=lambda each: (each[1].rank[0], self._served.get(each[0][1], 0), each[1].rank))
        self._served[place.group[1]] = next(self._number)
        self.leave(place.rank[2])
        return place.rank[2]

    def _head(self, group: Group) -> _Place | None:
        """The first of a group who is still in line."""
        heap = self._groups[group]
        while heap and self._places.get(heap[0].rank[2]) is not heap[0]:
            heapq.heappop(heap)
        if not heap:
            del self._groups[group]
            return None
        return heap[0]


def folder_of(path: str) -> str:
    """The first folder of a path; "" for a file that lies directly below the root."""
    first, separator, _ = path.partition("/")
    return first if separator else ""
