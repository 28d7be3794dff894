"""Sets in a plan as text: one row for each, and below the table what changes in its windows and cells."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

from controller.operations.numbers import count, short_units
from controller.operations.plan.actions import QUIET, Action

MOST_WINDOWS = 12
MOST_CHANGES = 3
"""Differences that are shown of one set, since they are mostly alike."""

Part = Mapping[str, Any]


def folded(plan: Part, *, has_cells: bool) -> list[Part]:
    """The jobs with one row for each set in place of its cells, unless every cell is to be shown."""
    sets = {} if has_cells else {each["name"]: each for each in plan.get("sets", ())}
    rows: dict[str, Part] = {}
    for number, job in enumerate(plan["jobs"]):
        found = sets.get(job.get("set", ""))
        rows.setdefault(f"set {found['name']}" if found else str(number), set_row(found) if found else job)
    for name, found in sets.items():
        rows.setdefault(f"set {name}", set_row(found))
    return list(rows.values())


def set_row(found: Part) -> Part:
    """A set as one row of the table."""
    amounts = list(found.get("processingUnits", {}).values())
    sums = {key: sum(each[key] for each in amounts) for key in ("expected", "upper")} if amounts else {}
    return {
        "name": found["name"], "path": found["path"], "action": "set", "why": words(found), "processingUnits": sums,
        "isQuiet": all(action in QUIET for action in found["actions"]),
    }  # fmt: skip


def words(found: Part) -> str:
    """`+12 submit (31 PU), 480 unchanged; paid outside the area: 23 %; …`."""
    parts = [_counts(found)]
    if new := found.get("new"):
        removed = found["actions"].get(Action.REMOVE)
        parts.append(f"{new:,} new" + (f", {removed:,} removed" if removed else ""))
    is_said = any("PU a month" in each["why"] for each in found.get("reasons", ()))
    if (monthly := found.get("monthly", {}).get("upper")) and not is_said:
        parts.append(f"about {short_units(monthly)} PU a month")
    if outside := found.get("outsideArea"):
        parts.append(f"paid outside the area: {outside:.0%}".replace("%", " %"))
    if least := found.get("atLeastPrice"):
        parts.append(f"at the least price: {count(least, 'cell')}")
    reasons = found.get("reasons", ())
    several = len(reasons) > 1 or len(found["actions"]) > 1
    sentences = (f"{each['cells']:,} {each['action']}: " * several + each["why"] for each in reasons)
    return "; ".join([*parts, *sentences])


def set_rows(
    plan: Part, lines_of: Callable[[Part], Sequence[str] | None], key_of: Callable[[Part], Hashable]
) -> Iterator[tuple[str, list[str]]]:
    """Below the table, for each set: its windows, its warnings once, and what changes in its cells."""
    for found in plan.get("sets", ()):
        name, windows, warnings = found["name"], found.get("windows", ()), list(found.get("warnings", ()))
        if windows:
            lines = [f"{each['window']}: {_counts(each)}" for each in windows]
            yield f"{name}: {count(len(windows), 'window')}", _short(lines, MOST_WINDOWS, "window")
        if warnings:
            yield f"{name}: {count(len(warnings), 'warning')}", warnings
        yield from _changes_in(found, plan["jobs"], lines_of, key_of)


def _changes_in(
    found: Part, jobs: Sequence[Part], lines_of: Callable[[Part], Sequence[str] | None],
    key_of: Callable[[Part], Hashable],
) -> Iterator[tuple[str, list[str]]]:  # fmt: skip
    """What changes in the cells of a set: each difference once."""
    groups: dict[Hashable, list[Part]] = {}
    for job in jobs:
        if job.get("set") == found["name"] and (key := key_of(job)) is not None:
            groups.setdefault(key, []).append(job)
    for cells in list(groups.values())[:MOST_CHANGES]:
        head = f"{found['name']}: {count(len(cells), 'cell')}, such as {cells[0]['name']}"
        yield head, list(lines_of(cells[0]) or ())
    if len(groups) > MOST_CHANGES:
        more = count(len(groups) - MOST_CHANGES, "more difference")
        yield f"{found['name']}: {more}", ["`shjobs plan --cells` shows all of them"]


def alone(plan: Part, *, has_cells: bool) -> list[Part]:
    """The jobs that are shown one by one."""
    sets = set() if has_cells else {each["name"] for each in plan.get("sets", ())}
    return [job for job in plan["jobs"] if job.get("set") not in sets]


def _counts(found: Part) -> str:
    """`+12 submit (31 PU), 480 unchanged`."""
    entries = []
    for action, number in found["actions"].items():
        price = found.get("processingUnits", {}).get(action)
        amount = f" ({short_units(price['expected'])} PU)" if price else ""
        entries.append(f"{'+' if action == Action.SUBMIT else ''}{number:,} {action}{amount}")
    return ", ".join(entries)


def _short(lines: list[str], most: int, noun: str) -> list[str]:
    more = len(lines) - most
    return [*lines[:most], f"… {count(more, f'more {noun}')}"] if more > 0 else lines
