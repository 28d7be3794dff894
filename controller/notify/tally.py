"""What became of messages since the start, and how many wait, by sink. The threads of sinks write, metrics read."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Result(StrEnum):
    """What became of one try. The values are those of the metric's label."""

    SENT = "sent"
    FAILED = "failed"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The messages of a sink that are not delivered yet, or the commits whose status its host does not take."""

    pending: int = 0
    oldest_at: datetime | None = None


class Tally:
    """Counts for each sink. Safe to use from any thread."""

    def __init__(self, sinks: tuple[str, ...]) -> None:
        self.sinks = sinks
        self._lock = threading.Lock()
        self._results: Counter[tuple[str, Result]] = Counter()
        self._backlogs: dict[str, Backlog] = {}

    def count(self, sink: str, result: Result) -> None:
        """One more try of this sink ended so."""
        with self._lock:
            self._results[sink, result] += 1

    def waiting(self, sink: str, backlog: Backlog) -> None:
        """What now waits for this sink."""
        with self._lock:
            self._backlogs[sink] = backlog

    def results(self) -> Mapping[tuple[str, Result], int]:
        """Every sink with every result, also those that never came."""
        with self._lock:
            return {(sink, result): self._results[sink, result] for sink in self.sinks for result in Result}

    def backlogs(self) -> Mapping[str, Backlog]:
        """Every sink."""
        with self._lock:
            return {sink: self._backlogs.get(sink, Backlog()) for sink in self.sinks}
