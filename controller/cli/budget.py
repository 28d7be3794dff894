"""`shjobs budget`: what this month cost, what is left, and what waits for `accept`."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from controller.cli.settings import load_settings
from controller.limits.budget import next_month
from controller.model.clock import Clock
from controller.model.errors import UsageError


@click.command("budget", short_help="Show the month: spent, reserved, left, and what waits for a yes.")
@click.option("-o", "--output", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--month", default="", metavar="YYYY-MM", help="Of this month (UTC), not of the current one.")
@click.option(
    "--by", default="", metavar="month|set|LABEL", help="Also for each month, each set, or each value of a label."
)
@click.pass_obj
def command(config: Path | None, form: str, month: str, by: str) -> int:
    """Show what the submissions of a month (UTC) cost, from a copy of the database.

    `spent` is the known actual cost; `reserved` is held for all other submissions. Nothing is called or written.
    What sets will ask for in the rest of this month and in the next one is shown too.
    """
    from controller.cli.output.escape import printable
    from controller.operations.inspect.budget import account

    at = _begin(month) if month else Clock().now()
    found = account(load_settings(config, os.environ), at, by, forecasts=not month)
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for line in _lines(found):
            click.echo("\n".join(map(printable, line.split("\n"))))
    return 0


def _begin(month: str) -> datetime:
    """Its first moment. Raises `UsageError` for anything but a month."""
    try:
        begin = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        next_month(begin)  # none follows the last one of the calendar
        return begin
    except ValueError:
        raise UsageError(f"--month: {month!r} is no month; write it like 2026-03") from None


def _lines(found: Mapping[str, Any]) -> Iterable[str]:
    from controller.operations.numbers import count, units

    least = "at least " if found["isLowerBound"] else ""
    prices = found["prices"]
    yield f"{found['month']} (UTC), {found['deployment']}"
    yield from _aligned(
        (
            "budget",
            f"{units(found['budget'])} PU" if found["budget"] is not None else "none (monthlyBudget is not set)",
        ),
        ("spent", f"{least}{_amount(found['spent'], prices)}"),
        ("reserved", _amount(found["reserved"], prices)),
        *([("left", f"{'at most ' if least else ''}{units(found['left'])} PU")] if found["left"] is not None else []),
        ("one job", f"above {units(found['approvalAbove'])} PU it needs maxProcessingUnits"),
        (
            "at once",
            f"more than {count(found['largeChange']['jobs'], 'job')} or "
            f"{units(found['largeChange']['processingUnits'])} PU need a yes",
        ),
        ("prices", f"{prices['table']}, {prices['dated']} ({prices['source']})"),
        *([("one PU", f"{prices['perUnit']:g} {prices['currency']}")] if "perUnit" in prices else []),
        *([("stopped", f"{found['paused'] or 'paused'}; `shjobs resume` goes on")] if found["isPaused"] else []),
    )
    yield from _group_lines(found)
    yield from _forecast_lines(found.get("forecast", ()))
    if least:
        yield "\nSome of it was found in the bucket: this ledger is incomplete, so more may have been spent."
    if found["waiting"] or found["overspent"]:
        yield "\nwaiting for a yes:"
    for batch in found["waiting"]:
        amount = f"{count(batch['jobs'], 'submission')} of up to {units(batch['processingUnits'])} PU"
        yield f"  shjobs accept {batch['hash']}  {amount} ({batch['cause']})"
    for item in found["overspent"]:
        amount = f"cost {units(item['spent'])} PU, {units(item['reserved'])} were reserved"
        yield f"  shjobs accept {item['hash']}  {item['job']} ({item['submission']}) {amount}"


def _amount(units_spent: float, prices: Mapping[str, Any]) -> str:
    from controller.operations.numbers import money, units

    return f"{units(units_spent)} PU" + (f", {money(units_spent, prices)}" if "perUnit" in prices else "")


def _group_lines(found: Mapping[str, Any]) -> Iterable[str]:
    """A table of the months, or of the values of a label."""
    from controller.cli.output.tables import align
    from controller.operations.numbers import money, units

    if not (groups := found.get("groups")):
        return
    prices = found["prices"]
    columns = ["MONTH" if "month" in groups[0] else "LABEL", "SUBMISSIONS", "SPENT", "RESERVED"]
    rows = [
        [group.get("month") or group.get("label", "(none)"), str(group["submissions"]), *map(units, _amounts(group))]
        for group in groups
    ]
    if "perUnit" in prices:
        columns.append("MONEY")
        rows = [[*row, money(sum(_amounts(group)), prices)] for row, group in zip(rows, groups, strict=True)]
    yield ""
    yield from (f"  {line}" for line in align(columns, rows, right=set(columns[1:])))


def _forecast_lines(forecast: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """A table of the sets that go on, with what becomes due by itself, and why a set is rejected by then."""
    from controller.cli.output.tables import align

    rows = [
        [each["set"], *_forecast_cells(each["thisMonth"]), *_forecast_cells(each["nextMonth"])] for each in forecast
    ]
    if rows:
        columns = ("SET", "THIS MONTH", "PU", "AT MOST", "NEXT MONTH", "PU", "AT MOST")
        yield "\nwhat becomes due by itself, in jobs and processing units:"
        yield from (f"  {line}" for line in align(columns, rows, right=set(columns[1:])))
    for each in forecast:
        if problem := each.get("problem"):
            yield f"  {each['set']} is rejected, or will be: {problem}"


def _forecast_cells(month: Mapping[str, Any]) -> list[str]:
    """The columns of one month; a dash for what is not known."""
    from controller.operations.numbers import units

    jobs = None if month["jobs"] is None else f"{month['jobs']:,}"
    return [each or "-" for each in (jobs, units(month["estimated"]), units(month["upper"]))]


def _amounts(group: Mapping[str, Any]) -> tuple[float, float]:
    return group["spent"], group["reserved"]


def _aligned(*rows: tuple[str, str]) -> list[str]:
    width = max(len(name) for name, _ in rows)
    return [f"  {name:<{width}}  {text}" for name, text in rows]
