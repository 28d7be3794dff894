"""`shjobs events`: what happened, as recorded in the ledger."""

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from controller.cli.completing import JOB
from controller.cli.settings import load_settings

LOOK_EVERY = 0.5  # seconds, with --follow
MOST_EVENTS = 1_000_000
MOST_NUMBER = sys.maxsize
MOST = 1_000  # events read at once while following


@click.command("events", short_help="Show what happened, newest last.")
@click.argument("names", nargs=-1, type=JOB)
@click.option("-f", "--follow", is_flag=True, help="Keep printing new events until Ctrl-C.")
@click.option(
    "-n", "--limit", default=20, show_default=True, type=click.IntRange(0, MOST_EVENTS), help="How many of the latest."
)
@click.option("-o", "--output", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def command(config: Path | None, names: tuple[str, ...], follow: bool, limit: int, form: str) -> int:
    """Show the latest events of the jobs and sets NAMES, or of all. Each change of state is one; none is ever deleted.

    Those of a set are its own and those of its cells; `set/NAME` is the set where a job has its name.

    With `-o json` there is one object per line.
    """
    from controller.model.job_set import set_reference
    from controller.operations.inspect.job_states import SET, cells_by_name, events, last_event

    settings = load_settings(config, os.environ)
    sets = cells_by_name(settings, names)
    own = (set_reference(name.removeprefix(SET)) for name in sets)
    names = (*(name for name in names if name not in sets), *own, *(cell for cells in sets.values() for cell in cells))
    last = last_event(settings) if follow else MOST_NUMBER
    _print([each for each in events(settings, names, limit) if each["number"] <= last], form)
    while follow:
        time.sleep(LOOK_EVERY)
        newest = last_event(settings)
        if newest != last:
            _print(events(settings, names, MOST, last if newest > last else 0), form)  # fewer: another ledger
        last = newest
    return 0


def _print(rows: list[Mapping[str, Any]] | list[dict[str, Any]], form: str) -> None:
    from controller.cli.output.escape import printable

    for row in rows:
        if form == "json":
            click.echo(json.dumps({key: value for key, value in row.items() if value is not None}, ensure_ascii=False))
        else:
            about = " ".join(filter(None, (row["job"], row["submission"])))
            click.echo(printable(f"{row['at'][:19]}Z  {about or '-'}  {row['reason']}  {row['message']}"))
