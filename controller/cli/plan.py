"""`shjobs plan`: the first turn of the loop, on a copy of the ledger."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from controller.settingsfile import load_settings


@click.command("plan", short_help="Show what the next turn would do, and what it would cost.")
@click.option("-o", "--output", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--detailed-exitcode", is_flag=True, help="Exit code 2 when something would be submitted.")
@click.pass_obj
def command(config: Path | None, form: str, detailed_exitcode: bool) -> int:
    """Show what `sync` would do now: the same loop, on a copy of the ledger.

    The bucket is listed as `sync` would list it before a first submission; nothing is sent to the service and
    nothing is written.
    """
    from controller.planning import plan

    rows = plan(load_settings(config, os.environ))
    if form == "json":
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        _table(rows)
    if detailed_exitcode and any(row["action"] == "submit" for row in rows):
        return 2
    return int(any(row["phase"] == "Invalid" for row in rows))


def _table(rows: Sequence[Mapping[str, Any]]) -> None:
    from controller.cli.tables import console, plain_table
    from controller.cli.words import count, units

    table = plain_table("JOB", "ACTION", "PU", "AT MOST", "WHY")
    table.columns[2].justify = table.columns[3].justify = "right"
    table.columns[4].no_wrap = False
    for row in rows:
        table.add_row(row["name"], row["action"], units(row.get("expected")), units(row.get("upper")), row["why"])
    screen = console()
    screen.print(table)
    submits = [row for row in rows if row["action"] == "submit"]
    expected = sum(row.get("expected") or 0 for row in submits)
    reserved = sum(row.get("reserved") or 0 for row in submits)
    screen.print(
        f"\n{count(len(submits), 'submission')}: about {units(expected)} PU, at most {units(reserved)} PU reserved"
    )
