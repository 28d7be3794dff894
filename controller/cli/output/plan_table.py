"""The plan as text for a terminal or a pipe: a table, the changes below it, and the sums."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from controller.cli.output.escape import printable
from controller.cli.output.numbers import count, units
from controller.cli.output.terminal import console, plain_table
from controller.lifecycle.grouping import common, name_list, together
from controller.operations.plan.actions import QUIET
from controller.operations.plan.diff import format_value

MOST_QUIET = 20
"""More unchanged jobs than this are only counted."""
NARROW = 100
"""Terminal columns below which the reasons are printed under the table, not in it."""
COLOURS = {"submit": "cyan", "invalid": "red", "hold": "magenta", "wait": "magenta", "remove": "yellow"}

Part = Mapping[str, Any]


def plan_table(plan: Part) -> str:
    """The whole text, without trailing spaces."""
    screen = console()
    is_narrow = screen.width < NARROW
    with screen.capture() as captured:
        for line in plan["assumptions"]:
            screen.print(Text(f"assumed: {printable(line)}"))
        if plan["assumptions"]:
            screen.print()
        if rows := join_equal_rows(shown_jobs(plan["jobs"])):
            screen.print(_table(rows, has_reasons=not is_narrow))
            screen.print()
        for line in _details(plan["jobs"], rows if is_narrow else ()):
            screen.print(Text(printable(line)), soft_wrap=True)
        for line in sums(plan):
            screen.print(Text(printable(line)))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def shown_jobs(jobs: Sequence[Part]) -> list[Part]:
    """The jobs that get a line of their own."""
    quiet = sum(job["action"] in QUIET for job in jobs)
    return [job for job in jobs if job["action"] not in QUIET or quiet <= MOST_QUIET]


def join_equal_rows(jobs: Sequence[Part]) -> list[Part]:
    """The rows to show: jobs stopped for the same reason are merged, with their number and the sum of the PU."""
    return [_one(group) if len(group) > 1 else group[0] for group in together(jobs, _stop)]


def _stop(job: Part) -> tuple[str, str] | None:
    """The action and reason that a job may share with others."""
    reason = common(job.get("reason", "")) if job["action"] in ("hold", "wait") else None
    return (job["action"], reason) if reason else None


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
    """Submissions and their price, the jobs not shown, the budget and the price table."""
    totals, prices = plan["totals"], plan["prices"]
    expected, reserved = units(totals["expected"]), units(totals["reserved"])
    yield f"{count(totals['submissions'], 'submission')}: about {expected} PU, at most {reserved} PU reserved"
    if len(shown_jobs(plan["jobs"])) < len(plan["jobs"]):
        yield f"not shown: {quiet(totals['actions'])}"
    yield from budget_lines(plan)
    yield f"prices: {prices['table']}, {prices['dated']} ({prices['source']})"


def budget_lines(plan: Part) -> Iterator[str]:
    """What is left of the month's budget before and after the plan, if there is one."""
    if budget := plan["budget"]:
        left, after = units(budget["left"]), units(budget["leftAfter"])
        yield f"budget of {budget['month']}: {units(budget['monthly'])} PU, {left} PU left, {after} PU left after this"


def quiet(actions: Mapping[str, int]) -> str:
    """`12 unchanged, 1 follow`: the jobs for which nothing changes."""
    return ", ".join(f"{number:,} {action}" for action, number in actions.items() if action in QUIET)


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
    for group in together(jobs, _lines):
        lines, job = _lines(group[0]), group[0]
        if lines or job in alone:
            yield f"{name_list([job_label(each) for each in group])}: {job['why'] if job in alone else ''}".rstrip()
            yield from (f"  {line}" for line in lines or ())
            yield ""


def _lines(job: Part) -> tuple[str, ...] | None:
    """The lines about a job below the table; None: nothing."""
    return (*changes(job), *running_on(job), *job.get("problems", ())) or None


def running_on(job: Part) -> list[str]:
    """Superseded submissions, which cannot be cancelled."""
    return [
        f"superseded, {each['state']}, followed to its end: {each.get('requestId') or each['submission']} "
        f"of {each['submittedAt']}"
        for each in job.get("superseded", ())
    ]
