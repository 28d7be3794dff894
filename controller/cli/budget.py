"""`shjobs budget`: what this month cost, what is left, and what waits for `accept`."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from controller.cli.settings import load_settings
from controller.model.clock import Clock


@click.command("budget", short_help="Show the month: spent, reserved, left, and what waits for a yes.")
@click.option("-o", "--output", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_obj
def command(config: Path | None, form: str) -> int:
    """Show what the submissions of this month (UTC) cost, from a copy of the database.

    `spent` is the known actual cost; `reserved` is held for all other submissions. Nothing is called or written.
    """
    from controller.operations.inspect.budget import account

    found = account(load_settings(config, os.environ), Clock().now())
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for line in _lines(found):
            click.echo(line)
    return 0


def _lines(found: Mapping[str, Any]) -> Iterable[str]:
    from controller.cli.output.numbers import count, units

    least = "at least " if found["isLowerBound"] else ""
    yield f"{found['month']} (UTC), {found['deployment']}"
    yield from _aligned(
        (
            "budget",
            f"{units(found['budget'])} PU" if found["budget"] is not None else "none (monthlyBudget is not set)",
        ),
        ("spent", f"{least}{units(found['spent'])} PU"),
        ("reserved", f"{units(found['reserved'])} PU"),
        *([("left", f"{'at most ' if least else ''}{units(found['left'])} PU")] if found["left"] is not None else []),
        ("one job", f"above {units(found['approvalAbove'])} PU it needs maxProcessingUnits"),
        (
            "at once",
            f"more than {count(found['largeChange']['jobs'], 'job')} or "
            f"{units(found['largeChange']['processingUnits'])} PU need a yes",
        ),
        ("prices", f"{found['prices']['table']}, {found['prices']['dated']} ({found['prices']['source']})"),
        *([("stopped", f"{found['paused'] or 'paused'}; `shjobs resume` goes on")] if found["isPaused"] else []),
    )
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


def _aligned(*rows: tuple[str, str]) -> list[str]:
    width = max(len(name) for name, _ in rows)
    return [f"  {name:<{width}}  {text}" for name, text in rows]
