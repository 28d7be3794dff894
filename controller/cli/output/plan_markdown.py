"""The plan as a pull request comment: changes first, each difference collapsed, the rest only counted."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from controller.cli.output.escape import code, fence
from controller.cli.output.plan_sets import alone, folded, set_rows
from controller.cli.output.plan_table import (
    amount_before,
    approval_lines,
    budget_lines,
    changes,
    details_key,
    headline,
    job_label,
    join_equal_rows,
    running_on,
)
from controller.lifecycle.grouping import name_list, together
from controller.operations.numbers import count, units
from controller.operations.plan.actions import QUIET

LONGEST = 60_000  # characters; a comment may hold 65 536
MOST_PROBLEMS = 20  # of one manifest

Part = Mapping[str, Any]


def markdown(plan: Part, *, has_cells: bool = False) -> str:
    """The comment, at most `LONGEST` characters: what does not fit is left out and counted."""
    rows = [row for row in folded(plan, has_cells=has_cells) if row["action"] not in QUIET and not row.get("isQuiet")]
    changing = [job for job in alone(plan, has_cells=has_cells) if job["action"] not in QUIET]
    foot = _foot(plan)
    room = LONGEST - len(foot) - 200
    head, left_out = _within([_row(job) for job in join_equal_rows(rows)], _head(plan, bool(rows)), room)
    rest = [f"\nand {count(left_out, 'more job')} that would not fit here\n"] if left_out else []
    sets = [] if has_cells else [_section(*each) for each in set_rows(plan, _found, details_key)]
    pieces = [*sets, *(_folded(group) for group in together(changing, details_key) if _found(group[0]))]
    details, unfolded = _within(pieces, head, room)
    rest += [f"\n{count(unfolded, 'more difference')} would not fit here\n"] if unfolded else []
    return "".join([*details, *rest, foot])


def _within(pieces: list[str], before: list[str], room: int) -> tuple[list[str], int]:
    """`before` and as many of the pieces as fit, and how many are left out."""
    taken, used = list(before), sum(map(len, before))
    for number, piece in enumerate(pieces):
        used += len(piece)
        if used > room:
            return taken, len(pieces) - number
        taken.append(piece)
    return taken, 0


def _head(plan: Part, has_rows: bool) -> list[str]:
    against = plan.get("against")
    lines = [f"### shjobs plan: {headline(plan['totals'])}\n"]
    if against:
        lines.append(f"\nCompared with {code(against['ref'])} ({against['commit'][:10]}).\n")
    if has_rows:
        lines.append("\n| job | action | PU | at most | before | why |\n| --- | --- | ---: | ---: | ---: | --- |\n")
    return lines


def _row(job: Part) -> str:
    amounts = job.get("processingUnits", {})
    figures = (units(amounts.get("expected")), units(amounts.get("upper")), units(amount_before(job)))
    return f"| {code(job_label(job))} | {job['action']} | {' | '.join(figures)} | {code(job['why'])} |\n"


def _folded(jobs: Sequence[Part]) -> str:
    """What changes in a job, or in several alike, in a collapsed section."""
    names = name_list([job_label(job) for job in jobs])
    counts = [count(len(found), noun) for noun in ("problem", "warning") if (found := jobs[0].get(f"{noun}s"))]
    what = ", ".join(counts) or "what changes"
    found = _found(jobs[0]) or ()
    return f"\n<details><summary>{code(names)}: {what}</summary>\n\n{fence(found, 'text')}\n\n</details>\n"


def _section(head: str, lines: Sequence[str]) -> str:
    return f"\n<details><summary>{code(head)}</summary>\n\n{fence(lines, 'text')}\n\n</details>\n"


def _found(job: Part) -> tuple[str, ...] | None:
    """The lines about a job below the table; None: nothing."""
    problems = [*job.get("warnings", ()), *job.get("problems", ())]
    more = [f"… {count(len(problems) - MOST_PROBLEMS, 'more problem')}"] if len(problems) > MOST_PROBLEMS else []
    return (*changes(job), *running_on(job), *problems[:MOST_PROBLEMS], *more) or None


def _foot(plan: Part) -> str:
    return "\n" + "".join(f"- {line}\n" for line in _notes(plan))


def _notes(plan: Part) -> Iterator[str]:
    """Budget, price table and assumptions."""
    yield from (code(line) for line in approval_lines(plan))
    yield from budget_lines(plan)
    prices = plan["prices"]
    yield f"prices: {code(prices['table'])}, {prices['dated']} ({code(prices['source'])})"
    for each in plan["assumptions"]:
        yield f"assumed: {code(each)}"
