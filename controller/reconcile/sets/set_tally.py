"""The cells of every set, added up: what the reporter keeps so that a status file costs no walk over all cells.

A cell is put again whenever it was touched; only what it adds is replaced.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from controller.lifecycle.set_status import CellCounts, CellNote, cell_note, is_complete, newest_key
from controller.model.errors import Problem
from controller.model.job import MOST_UNITS, Job
from controller.model.job_set import JobSet
from controller.model.reasons import JobState, Phase, Reason
from controller.model.submission import Submission

Place = tuple[str, str]
"""The file, and the name of a set: a set that is rejected since its name is taken has no cells of the other."""
Key = TypeVar("Key")

PARTS = 10_000  # of a processing unit: whole numbers add up to the same in any order


class SetTally:
    """The cells of the sets, by set."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._cells: dict[Place, _Cells] = {}
        self._touched: dict[Place, None] = {}
        self._open: set[Place] = set()

    def put(self, job: Job, submissions: Iterable[Submission], job_state: JobState) -> str:
        """Count a job as it is now, if it is a cell; one that was, and is no more or of another set, leaves its set.

        Returns the name of its set, or of the one it left; "" for a job of its own.
        """
        place = place_of(job)
        before = self._places.pop(job.name, None)
        if before:
            self._touched[before] = None
            self._cells[before].drop(job.name)
            if before != place and not self._cells[before].notes:
                del self._cells[before]
        if place:
            self._touched[place] = None
            self._places[job.name] = place
            self._cells.setdefault(place, _Cells()).put(cell_note(job, list(submissions), job_state))
        return (place or before or ("", ""))[1]

    def counts(self, path: str, set_name: str) -> CellCounts:
        """The cells of the set in this file."""
        cells = self._cells.get((path, set_name))
        return cells.counts() if cells else CellCounts()

    def completed(self, sets: Mapping[str, JobSet], changed: Set[str]) -> Iterator[tuple[str, CellCounts]]:
        """The sets that became complete since the last call, with their cells.

        `changed` are the sets with a cell whose change is reported for the first time: without one, a set that is
        complete at the first look was so for an earlier process.
        """
        touched, self._touched = self._touched, {}
        for place in touched:
            path, name = place
            job_set = sets.get(name)
            counts = self.counts(path, name)
            is_known = job_set is not None and job_set.path == path  # while it cannot be read, nothing is known of it
            if is_known and is_complete(counts, job_set):
                if place in self._open or name in changed:
                    self._open.discard(place)
                    yield name, counts
            elif is_known or name in changed:
                self._open.add(place)


class _Cells:
    """The cells of one set."""

    def __init__(self) -> None:
        self.notes: dict[str, CellNote] = {}
        self._names: dict[Reason, list[str]] = {}
        self._messages: dict[Reason, Counter[str]] = {}
        self._units: Counter[str] = Counter()
        self._newest: list[str] = []  # by when they were submitted
        self._problems: Counter[tuple[Problem, ...]] = Counter()

    def put(self, note: CellNote) -> None:
        reason = note.job_state.reason
        self.notes[note.name] = note
        insort(self._names.setdefault(reason, []), note.name)
        self._messages.setdefault(reason, Counter())[note.job_state.message] += 1
        self._units.update(_parts(note))
        insort(self._newest, note.name, key=self._age)
        self._problems[note.problems] += 1

    def drop(self, name: str) -> None:
        note = self.notes[name]
        reason = note.job_state.reason
        del self._newest[bisect_left(self._newest, self._age(name), key=self._age)]
        del self.notes[name]
        names = self._names[reason]
        del names[bisect_left(names, name)]
        _decrease(self._messages[reason], note.job_state.message)
        self._units.subtract(_parts(note))
        _decrease(self._problems, note.problems)

    def counts(self) -> CellCounts:
        names = {reason: found for reason, found in self._names.items() if found}
        return CellCounts(
            reasons={reason: len(found) for reason, found in names.items()},
            names={reason: found for reason, found in names.items() if reason.phase is not Phase.SUCCEEDED},
            words={reason: self._words(reason) for reason in names},
            units={key: parts / PARTS for key in ("estimated", "reserved", "spent") if (parts := self._units[key])},
            revision=self.notes[self._newest[-1]].revision if self._newest else "",
            problems=min(filter(None, self._problems), default=()),
        )

    def _age(self, name: str) -> tuple[datetime, str, str]:
        return newest_key(self.notes[name])

    def _words(self, reason: Reason) -> str:
        """What is said of the cells with this reason: one message where they share it, else the first cell's."""
        if len(self._messages[reason]) == 1:
            return next(iter(self._messages[reason]))
        first = self._names[reason][0]
        return f"{first}: {self.notes[first].job_state.message}"


def tally_of(cells: Iterable[tuple[Job, Iterable[Submission], JobState]]) -> SetTally:
    """These cells added up at once, for a reader."""
    tally = SetTally()
    for job, submissions, job_state in cells:
        tally.put(job, submissions, job_state)
    return tally


def place_of(job: Job) -> Place | None:
    """Where the set of this job is; None: it is no cell of a set."""
    cell = job.wanted.cell if job.wanted else None
    return _place(job.path, cell.set_name) if cell else None


@lru_cache(maxsize=1024)
def _place(path: str, set_name: str) -> Place:
    """Kept once for all cells of a set."""
    return path, set_name


def _parts(note: CellNote) -> dict[str, int]:
    """A ledger of an earlier version may hold any amount, and an infinite one has no parts."""
    return {key: round(min(amount, MOST_UNITS) * PARTS) for key, amount in note.units}


def _decrease(counter: Counter[Key], key: Key) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
