"""The status document of a set, as written next to its manifest: its cells by phase, and by name what did not succeed.

Pure and deterministic. It is bounded: ten thousand cells with long messages give less than 16 KiB.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from heapq import merge
from itertools import islice

from controller.lifecycle.attempts import in_force
from controller.lifecycle.status import HEADER, amounts_of, manifest_status, timestamp
from controller.model.errors import Problem
from controller.model.job import Job
from controller.model.job_set import SET_STATUS, JobSet
from controller.model.reasons import JobState, Phase, Reason, rejection
from controller.model.submission import Submission

URGENCY = (
    *(Phase.INVALID, Phase.UNCONFIRMED, Phase.FAILED, Phase.UNKNOWN, Phase.HELD, Phase.SUBMITTING, Phase.RUNNING),
    *(Phase.VERIFYING, Phase.PENDING, Phase.SUCCEEDED),
)
"""A set has the first of these phases that any of its cells has."""

MOST_NAMES, FEWEST_NAMES = 50, 3
"""Names in all, the most urgent first; and those that every phase may list."""
MOST_PROBLEMS, PROBLEM_LENGTH = 8, 250
MESSAGES_LENGTH, MESSAGE_LENGTH = 3_500, 1_000
"""Of all messages together, and of one; in bytes, as far as they need no more than ASCII has."""
ESCAPED = 10  # bytes that a character beyond printable ASCII may take up in YAML
NOT_ACCEPTED = "nothing more is submitted until the manifest is mended"


_LAST = datetime.max.replace(tzinfo=UTC)

Units = tuple[tuple[str, float], ...]
"""Amounts by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellNote:
    """What one cell adds to the status of its set. `units` are processing units, `submitted_at` is None before."""

    name: str
    job_state: JobState
    units: Units
    revision: str = ""
    submitted_at: datetime | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CellCounts:
    """The cells of a set added up.

    `names` are those of the cells with a reason, in order, `words` what is said of them: one message where they share
    it, else the first cell's. `revision` is that of the newest cell. `problems` are those of a manifest that cannot be
    read now, as far as cells have them.
    """

    reasons: Mapping[Reason, int] = field(default_factory=dict)
    names: Mapping[Reason, Sequence[str]] = field(default_factory=dict)
    words: Mapping[Reason, str] = field(default_factory=dict)
    units: Mapping[str, float] = field(default_factory=dict)
    revision: str = ""
    problems: tuple[Problem, ...] = ()

    @property
    def due(self) -> int:
        """How many cells there are."""
        return sum(self.reasons.values())

    @property
    def succeeded(self) -> int:
        """How many of them are Succeeded."""
        return sum(count for reason, count in self.reasons.items() if reason.phase is Phase.SUCCEEDED)

    @property
    def phases(self) -> Mapping[Phase, int]:
        """How many cells have each phase: what succeeded, then the most urgent first."""
        found = Counter[Phase]()
        for reason, count in self.reasons.items():
            found[reason.phase] += count
        return {phase: found[phase] for phase in (Phase.SUCCEEDED, *URGENCY[:-1]) if found[phase]}


@lru_cache(maxsize=1024)
def _shared(units: Units) -> Units:
    """The same for equal ones: tiles of one size cost the same."""
    return units


def cell_note(job: Job, submissions: Sequence[Submission], job_state: JobState) -> CellNote:
    """What this cell adds to the status of its set."""
    current = in_force(job.wanted, submissions) if job.wanted else None
    return CellNote(
        name=job.name,
        job_state=job_state,
        units=_shared((("spent", 0.0),) if job_state.shared else tuple(amounts_of(job, current).items())),
        revision=(current.revision if current else job.wanted.revision if job.wanted else "") or "",
        submitted_at=current.intended_at if current else None,
        problems=job.problems,
    )


def set_document(
    name: str, cells: CellCounts, job_set: JobSet | None, problems: Sequence[Problem], deployment: str
) -> dict[str, object]:
    """The status of a set; keys without a value are left out. `job_set` is None while its manifest cannot be read."""
    problems = problems or cells.problems
    reason = _reason(cells, problems)
    urgent = [each for each in _most_urgent_first(cells.reasons) if each.phase is not Phase.SUCCEEDED]
    status: dict[str, object] = {
        **HEADER,
        "kind": SET_STATUS,
        "name": name,
        "phase": str(reason.phase),
        "reason": str(reason),
        "message": "; ".join(_sentences(cells, job_set, problems)),
        "manifest": manifest_status(problems, tuple(_bounded(problems))),
        "deployment": deployment,
        "revision": cells.revision,
        "cells": {
            "due": cells.due,
            **({"later": job_set.later} if job_set and job_set.later else {}),
            **{str(phase): count for phase, count in cells.phases.items()},
        },
        "processingUnits": cells.units,
        "next": {"at": timestamp(job_set.next_due)} if job_set and job_set.next_due else {},
        "notSucceeded": _not_succeeded(cells),
        "reasons": {str(each): cells.reasons[each] for each in urgent},
        "messages": _messages(cells, urgent),
    }
    return {key: value for key, value in status.items() if value not in (None, "", [], {})}


def progress_of(cells: CellCounts) -> str:
    """`480/492 Succeeded`."""
    return f"{cells.succeeded:,}/{cells.due:,} {Phase.SUCCEEDED}"


def is_complete(cells: CellCounts, job_set: JobSet | None) -> bool:
    """Whether every cell that is due is Succeeded; a set without any, or that cannot be read, is not complete."""
    return job_set is not None and 0 < cells.succeeded == cells.due == len(job_set.cells)


def _reason(cells: CellCounts, problems: Sequence[Problem]) -> Reason:
    """That of most cells in the most urgent phase."""
    if found := _most_urgent_first(cells.reasons):
        return found[0]
    return rejection(each.code for each in problems) if problems else Reason.NOT_DUE


def _most_urgent_first(reasons: Mapping[Reason, int]) -> list[Reason]:
    """The reasons that any cell has, by phase; those of a phase by the number of cells."""
    return sorted(
        (reason for reason, count in reasons.items() if count),
        key=lambda reason: (URGENCY.index(reason.phase), -reasons[reason], reason),
    )


def _sentences(cells: CellCounts, job_set: JobSet | None, problems: Sequence[Problem]) -> Iterator[str]:
    rest = [f"{count:,} {phase}" for phase, count in cells.phases.items() if phase is not Phase.SUCCEEDED]
    if cells.due:
        yield ", ".join([progress_of(cells), *rest])
    if problems and rejection(each.code for each in problems) is Reason.EXAMINING:
        yield "the evalscript is still being examined"
    elif problems:
        yield NOT_ACCEPTED if cells.due else "the manifest cannot be accepted; see manifest.problems"
    elif not cells.due and job_set is not None:
        yield "no cell is due yet"


def _not_succeeded(cells: CellCounts) -> dict[str, list[str]]:
    """The cells that did not succeed, by phase: as many names as there is room for, then how many more there are."""
    found: dict[str, list[str]] = {}
    left = MOST_NAMES
    for phase in URGENCY[:-1]:
        count = cells.phases.get(phase, 0)
        sources = [names for reason, names in cells.names.items() if reason.phase is phase]
        names = list(islice(merge(*sources), max(left, FEWEST_NAMES)))
        left -= len(names)
        if names:
            found[str(phase)] = [*names, *_more(count - len(names))]
    return found


def _more(count: int) -> list[str]:
    return [f"and {count:,} more"] if count > 0 else []


def _messages(cells: CellCounts, reasons: Sequence[Reason]) -> dict[str, str]:
    room = min(MESSAGE_LENGTH, MESSAGES_LENGTH // max(1, len(reasons)))
    return {str(each): _cut(words, room) for each in reasons if (words := cells.words.get(each))}


def _bounded(problems: Sequence[Problem]) -> Iterable[str]:
    yield from (_cut(str(problem), PROBLEM_LENGTH) for problem in problems[:MOST_PROBLEMS])
    yield from _more(len(problems) - MOST_PROBLEMS)


def _cut(text: str, room: int) -> str:
    """As much of a text as takes up so many bytes in a status file; what is cut ends with `…`."""
    used = 0
    for number, letter in enumerate(text):
        used += 1 if " " <= letter <= "~" else ESCAPED
        if used > room:
            return text[:number] + "…"
    return text


def newest_key(note: CellNote) -> tuple[datetime, str, str]:
    """Orders cells by when they were submitted; those that are not yet are the newest."""
    return note.submitted_at or _LAST, note.name, note.revision
