"""The plan as text for a terminal or a pipe: a table, the changes below it, and the sums."""

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from controller.cli.output.escape import printable
from controller.cli.output.plan_sets import alone, folded, set_rows
from controller.cli.output.terminal import console, plain_table
from controller.lifecycle.grouping import common, name_list, together
from controller.operations.numbers import count, money, short_units, units
from controller.operations.plan.actions import QUIET
from controller.operations.plan.diff import format_value
from controller.operations.plan.totals import was_held_before

MOST_QUIET = 20
"""More unchanged jobs than this are only counted."""
MOST_APPROVALS = 10
"""Hashes of approvals that get a line."""
NARROW = 100
"""Terminal columns below which the reasons are printed under the table, not in it."""
HEADLINE = (
    *("invalid", "hold", "wait", "submit", "share", "return", "remove"),
    *("follow", "search", "held before", "unchanged"),
)
"""The order of the headline: first what needs a look."""
COLOURS = {"submit": "cyan", "invalid": "red", "hold": "magenta", "wait": "magenta", "remove": "yellow"}

_PLACE = re.compile(r"^.*?:\d+:\d+: (?=W\d{3}\b)")

Part = Mapping[str, Any]


def plan_table(plan: Part, *, has_cells: bool = False) -> str:
    """The whole text, without trailing spaces; a set is one row unless every cell is to be shown."""
    screen = console()
    is_narrow = screen.width < NARROW
    with screen.capture() as captured:
        for line in plan["assumptions"]:
            screen.print(Text(f"assumed: {printable(line)}"))
        if plan["assumptions"]:
            screen.print()
        if rows := join_equal_rows(shown_jobs(folded(plan, has_cells=has_cells))):
            screen.print(_table(rows, has_reasons=not is_narrow))
            screen.print()
        for line in _details(alone(plan, has_cells=has_cells), rows if is_narrow else ()):
            screen.print(Text(printable(line)), soft_wrap=True)
        for head, lines in () if has_cells else set_rows(plan, _lines, details_key):
            for line in (f"{head}:", *(f"  {each}" for each in lines), ""):
                screen.print(Text(printable(line)), soft_wrap=True)
        for line in sums(plan):
            screen.print(Text(printable(line)))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def shown_jobs(jobs: Sequence[Part]) -> list[Part]:
    """The jobs that get a row; those held before and not touched by the change are only counted."""
    jobs = [job for job in jobs if not was_held_before(job)]
    quiet = sum(job["action"] in QUIET for job in jobs)
    return [job for job in jobs if job["action"] not in QUIET or quiet <= MOST_QUIET]


def join_equal_rows(jobs: Sequence[Part]) -> list[Part]:
    """The rows to show: equal ones are merged, with their number and the sum of the PU."""
    return [_one(group) if len(group) > 1 else group[0] for group in together(jobs, _row_key)]


def _row_key(job: Part) -> Hashable:
    """What equal rows share: of jobs that are stopped, the reason or the sentence; of others also the prices."""
    if job["action"] in ("hold", "wait"):
        return job["action"], common(job.get("reason", "")) or job["why"]
    return job["action"], job["why"], *job.get("processingUnits", {}).items(), amount_before(job)


def _one(jobs: Sequence[Part]) -> Part:
    amounts = ("expected", "upper", "reserved")
    sums = {
        key: [job["processingUnits"][key] for job in jobs if key in job.get("processingUnits", {})] for key in amounts
    }
    before = [amount for job in jobs if (amount := amount_before(job)) is not None]
    return {
        "name": name_list([job_label(job) for job in jobs]),
        "path": jobs[0]["path"],
        "action": jobs[0]["action"],
        "why": jobs[0]["why"],
        "processingUnits": {key: sum(found) for key, found in sums.items() if found},
        "before": {"reserved": sum(before)} if before else {},
    }


def sums(plan: Part) -> Iterator[str]:
    """The headline, the budget and the price table."""
    yield headline(plan["totals"])
    yield from approval_lines(plan)
    yield from budget_lines(plan)
    prices = plan["prices"]
    yield f"prices: {prices['table']}, {prices['dated']} ({prices['source']})"


def headline(totals: Part) -> str:
    """`60 held (600 PU) · 2 submit (275 PU) · 4 unchanged`: every job is counted once, what is held with its price."""
    before = totals.get("heldBefore", {"jobs": 0, "expected": 0.0})
    numbers = {**totals["actions"], "held before": before["jobs"]}
    numbers["unchanged"] = numbers.get("unchanged", 0) - before["jobs"]
    amounts = {**totals["processingUnits"], "held before": before["expected"]}
    prices = {action: f"{short_units(amount)} PU" for action, amount in amounts.items()}
    if totals["reserved"] > totals["expected"]:
        prices["submit"] += f", at most {short_units(totals['reserved'])} PU"
    entries = [
        f"{numbers[action]:,} {'held' if action == 'hold' else action}"
        + (f" ({prices[action]})" if action in prices else "")
        for action in HEADLINE
        if numbers.get(action)
    ]
    return " · ".join(entries) or "no jobs"


def budget_lines(plan: Part) -> Iterator[str]:
    """What is left of the month's budget before and after, and the plan's price, where the settings have them."""
    if budget := plan["budget"]:
        left, after = units(budget["left"]), units(budget["leftAfter"])
        yield f"budget of {budget['month']}: {units(budget['monthly'])} PU, {left} PU left, {after} PU left after this"
    if "perUnit" in plan["prices"]:
        about, most = (money(plan["totals"][key], plan["prices"]) for key in ("expected", "reserved"))
        yield f"in money: about {about}, at most {most} reserved ({plan['prices']['perUnit']:g} a PU)"


def approval_lines(plan: Part) -> Iterator[str]:
    """What the approvals of the tree do; those that release something first, and old ones only counted."""
    found = sorted(plan.get("approvals", ()), key=lambda each: each["effect"].startswith("none"))
    for each in found[:MOST_APPROVALS]:
        yield f"approval of {each['hash']} ({each['path'][:100]}): {each['effect']}"
    if len(found) > MOST_APPROVALS:
        yield f"and {count(len(found) - MOST_APPROVALS, 'more approval')}"


def amount_before(job: Part) -> float | None:
    """What the previous submission cost, else its expected cost, else its reservation."""
    before = job.get("before", {})
    amounts = (before.get(key) for key in ("spent", "expected", "reserved"))
    return next((amount for amount in amounts if amount is not None), None)


def changes(job: Part) -> list[str]:
    """The difference from the body that was sent last, line by line."""
    found = job.get("difference", {})
    lines = [format_value(field) for field in found.get("fields", ())]
    lines += [f"… {count(found['moreFields'], 'more field')}"] if "moreFields" in found else []
    script = [*found.get("evalscript", ())]
    script += [f"… {count(found['moreLines'], 'more line')}"] if "moreLines" in found else []
    return [*lines, *(["evalscript:", *(f"  {line}" for line in script)] if script else [])]


def _table(jobs: Sequence[Part], *, has_reasons: bool) -> Table:
    has_before = any(amount_before(job) is not None and job["action"] not in QUIET for job in jobs)
    names = ["JOB", "ACTION", "PU", "AT MOST", *(["BEFORE"] if has_before else [])]
    made = plain_table(*names, *(["WHY"] if has_reasons else []))
    for column in made.columns[2 : len(names)]:
        column.justify = "right"
    for job in jobs:
        made.add_row(*_cells(job)[: len(names)], *([Text(printable(job["why"]))] if has_reasons else []))
    made.columns[-1].no_wrap = not has_reasons
    return made


def _cells(job: Part) -> list[Text]:
    """All cells except the reason."""
    amounts = job.get("processingUnits", {})
    figures = [units(amounts.get("expected")), units(amounts.get("upper")), units(amount_before(job))]
    return [Text(job_label(job)), Text(job["action"], style=COLOURS.get(job["action"], "")), *map(Text, figures)]


def job_label(job: Part) -> str:
    """The job's name, or the file of a document without a readable name."""
    return printable(str(job.get("name") or job["path"]))


def _details(jobs: Sequence[Part], shown: Sequence[Part]) -> Iterator[str]:
    """Below the table: what changed, what keeps running, the problems, and for those in `shown` also why."""
    alone = [job for job in shown if job in jobs]
    for job in shown:
        if job not in alone:
            yield f"{job_label(job)}: {job['why']}"
            yield ""
    for group in together(jobs, details_key):
        lines, job = _lines(group[0]), group[0]
        if lines or job in alone:
            yield f"{name_list([job_label(each) for each in group])}: {job['why'] if job in alone else ''}".rstrip()
            yield from (f"  {line}" for line in lines or ())
            yield ""


def _lines(job: Part) -> tuple[str, ...] | None:
    """The lines about a job below the table; None: nothing."""
    return (*changes(job), *running_on(job), *job.get("warnings", ()), *job.get("problems", ())) or None


def details_key(job: Part) -> Hashable:
    """What jobs share whose details are shown once: the same changes, or the same warnings, wherever these are."""
    lines = [*changes(job), *running_on(job), *job.get("problems", ())]
    warnings = [_PLACE.sub("", each) for each in job.get("warnings", ())]
    return (*lines, *warnings) or None


def running_on(job: Part) -> list[str]:
    """Superseded submissions, which cannot be cancelled."""
    return [
        f"superseded, {each['state']}, followed to its end: {each.get('requestId') or each['submission']} "
        f"of {each['submittedAt']}"
        for each in job.get("superseded", ())
    ]
