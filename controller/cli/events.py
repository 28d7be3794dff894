"""`shjobs events`: what happened, as recorded in the ledger."""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.cli.completing import JOB
from controller.cli.settings import load_settings
from controller.model.clock import Clock

if TYPE_CHECKING:
    from controller.settings.settings import Settings

LOOK_EVERY = 0.5  # seconds, with --follow
MOST_EVENTS = 1_000_000
LATEST = 1_000  # events shown when another ledger has taken the place of the one that is followed


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
    from controller.cli.output.streams import has_reader
    from controller.operations.inspect.job_states import event_subjects, events
    from controller.operations.inspect.selection import require_past

    settings = load_settings(config, os.environ)
    require_past(settings, names, Clock().now())
    if not follow:
        _print(events(settings, event_subjects(settings, names), limit), form)
        return 0
    for rows in follow_events(settings, names, limit):
        _print(rows, form)
        if not has_reader():
            break
        time.sleep(LOOK_EVERY)
    return 0


def follow_events(settings: "Settings", names: Sequence[str], limit: int) -> Iterator[list[dict[str, Any]]]:
    """The latest events, and each time it is asked again those that came since: every one once.

    The cells of a set are those that it had at any time since the first.
    """
    from controller.operations.inspect.job_states import event_subjects, events_between, last_event

    last, subjects = last_event(settings), event_subjects(settings, names)
    yield events_between(settings, subjects, limit, 0, last)
    while True:
        newest = last_event(settings)
        if newest != last:
            subjects = [*dict.fromkeys([*subjects, *event_subjects(settings, names)])]
        if newest < last:  # it is another ledger
            yield events_between(settings, subjects, LATEST, 0, newest)
        else:
            yield events_between(settings, subjects, MOST_EVENTS, last, newest) if newest > last else []
        last = newest


def _print(rows: Sequence[Mapping[str, Any]], form: str) -> None:
    from controller.cli.output.escape import printable

    for row in rows:
        if form == "json":
            click.echo(json.dumps({key: value for key, value in row.items() if value is not None}, ensure_ascii=False))
        else:
            about = " ".join(filter(None, (row["job"], row["submission"])))
            click.echo(printable(f"{row['at'][:19]}Z  {about or '-'}  {row['reason']}  {row['message']}"))
