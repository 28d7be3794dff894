"""Progress while the loop runs: a live table on a terminal, a plain line for each change otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import click
from rich.live import Live
from rich.table import Table
from rich.text import Text

from controller.cli.output.escape import printable
from controller.cli.output.terminal import console, phase_text, plain_table
from controller.lifecycle.grouping import name_list
from controller.reconcile.reports.changes import StatusChange, Watch


@contextmanager
def progress() -> Iterator[Watch]:
    """Yields the function to call with every change of a job's state."""
    screen = console(stderr=True)
    if not screen.is_terminal:
        yield _line
        return
    rows: dict[str, StatusChange] = {}
    with Live(console=screen, transient=True, refresh_per_second=8, get_renderable=lambda: _table(rows)):

        def watch(status_change: StatusChange) -> None:
            rows[status_change.job.name] = status_change

        yield watch


def _table(rows: dict[str, StatusChange]) -> Table:
    table = plain_table("JOB", "PHASE", "REASON", "REQUEST ID")
    for name, status_change in sorted(rows.items()):
        request_id = (status_change.submission.request_id if status_change.submission else None) or ""
        phase = phase_text(status_change.job_state.phase)
        table.add_row(name, phase, status_change.job_state.reason, Text(printable(request_id)))
    return table


def _line(status_change: StatusChange) -> None:
    if not status_change.changed or status_change.is_said:
        return
    words = [
        f"{datetime.now(UTC):%H:%M:%S}",
        name_list(status_change.alike or [status_change.job.name]),
        status_change.job_state.phase,
    ]
    if status_change.submission and status_change.submission.request_id and not status_change.alike:
        words.append(status_change.submission.request_id)
    with suppress(OSError):  # a turn goes on, whether or not its progress can be written
        click.echo(printable("  ".join([*words, status_change.job_state.message])), err=True)
