"""The sets of a plan: one entry for all cells of each, with what would be done and what that costs.

Pure. Every cell has an entry of its own among the jobs of the plan; these are their sums.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from controller.model.job import NEW, Job
from controller.model.job_set import JobSet
from controller.operations.plan.actions import PRICED, QUIET, Action, Foreseen

Described = Mapping[str, Any]

MOST_REASONS = 5


def cell_fields(job: Job, was: Job | None) -> dict[str, Any]:
    """What the entry of a cell says beside what every job does: its set, its window, and whether it is new."""
    before = was.wanted if was else None
    cell = job.wanted.cell if job.wanted else before.cell if before else None
    if cell is None:
        return {}
    fields = {"set": cell.set_name, "window": cell.window, "new": before is None}
    return {key: value for key, value in fields.items() if value}


def described_cell(entry: dict[str, Any], seen: Foreseen) -> dict[str, Any]:
    """The entry of a job with the fields of a cell, if it is one; the warnings of a set are said once, in its entry."""
    return entry | cell_fields(seen.job, seen.was)


def set_entries(
    jobs: Iterable[Described], sets: Mapping[str, JobSet], names: Iterable[str], least: float
) -> list[dict[str, Any]]:
    """The entries of these sets, from those of all their cells; `least` is the price of the smallest request in PU."""
    cells: dict[str, list[Described]] = {name: [] for name in sorted(names)}
    for job in jobs:
        if job.get("set") in cells:
            cells[job["set"]].append(job)
    return [_entry(name, found, sets.get(name), least) for name, found in cells.items() if found]


def kept_jobs(jobs: Iterable[Described], *, has_cells: bool) -> list[dict[str, Any]]:
    """The jobs of the plan; cells that nothing changes for only count in their set, unless all are asked for."""
    kept = (job for job in jobs if has_cells or "set" not in job or job["action"] not in QUIET)
    return [{key: job[key] for key in job if key != "warnings" or "set" not in job} for job in kept]


def _entry(name: str, cells: Sequence[Described], found: JobSet | None, least: float) -> dict[str, Any]:
    priced = [cell for cell in cells if cell["action"] in PRICED]
    cheap = sum(_amount(cell, "expected") <= least for cell in priced) if least else 0
    fields = {
        "name": name,
        "path": cells[0]["path"],
        **_sums(cells),
        "new": sum("new" in cell for cell in cells),
        "later": found.later if found else 0,
        "monthly": _monthly(found) if priced else None,
        "outsideArea": round(found.outside, 4) if found and found.outside and priced else None,
        "atLeastPrice": cheap,
        "windows": _windows(cells),
        "reasons": _reasons(cells),
        "warnings": list(dict.fromkeys(text for cell in cells for text in cell.get("warnings", ()))),
    }
    return {key: value for key, value in fields.items() if value not in (None, 0, [], {})}


def _sums(cells: Sequence[Described]) -> dict[str, Any]:
    """How many cells there are for each action, and what those cost that are paid for, or will be."""
    counted = Counter(str(cell["action"]) for cell in cells)
    amounts = {
        str(action): {
            key: round(sum(_amount(cell, key) for cell in cells if cell["action"] == action), 4)
            for key in ("expected", "upper")
        }
        for action in PRICED
        if counted[action]
    }
    actions = {str(action): counted[action] for action in Action if counted[action]}
    return {"actions": actions} | ({"processingUnits": amounts} if amounts else {})


def _windows(cells: Sequence[Described]) -> list[dict[str, Any]]:
    """The windows in which something changes, in their order."""
    windows: dict[str, list[Described]] = {}
    for cell in cells:
        if "window" in cell and cell["action"] not in QUIET:
            windows.setdefault(cell["window"], []).append(cell)
    return [{"window": key, **_sums(found)} for key, found in sorted(windows.items())]


def _reasons(cells: Sequence[Described]) -> list[dict[str, Any]]:
    """Why what changes does: the sentence of the first cell for each action and reason, most frequent first.

    What is new is counted, and needs no sentence.
    """
    groups: dict[tuple[str, str], list[Described]] = {}
    for cell in cells:
        if cell["action"] not in QUIET and cell["why"] != NEW:
            groups.setdefault((str(cell["action"]), cell.get("reason") or cell["why"]), []).append(cell)
    order = sorted(groups.items(), key=lambda each: -len(each[1]))[:MOST_REASONS]
    return [{"action": action, "cells": len(found), "why": found[0]["why"]} for (action, _), found in order]


def _monthly(found: JobSet | None) -> dict[str, Any] | None:
    if found is None or found.monthly is None:
        return None
    amounts = {"expected": found.monthly.expected, "upper": found.monthly.upper}
    return {key: round(amount, 4) for key, amount in amounts.items() if amount is not None}


def _amount(cell: Described, key: str) -> float:
    return float(cell.get("processingUnits", {}).get(key) or 0.0)
