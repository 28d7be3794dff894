"""Progress while the loop turns: a live table on a terminal, a plain line for each change otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click
from rich.live import Live
from rich.table import Table

from controller.cli.output.terminal import console, phase_text, plain_table
from controller.lifecycle.grouping import named
from controller.reconcile.reporter import StatusChange, Watch


@contextmanager
def progress() -> Iterator[Watch]:
    """Yields what is to be called with every change of a job's standing."""
    screen = console(stderr=True)
    if not screen.is_terminal:
        yield _line
        return
    rows: dict[str, StatusChange] = {}
    with Live(console=screen, transient=True, refresh_per_second=8, get_renderable=lambda: _table(rows)):

        def watch(news: StatusChange) -> None:
            rows[news.job.name] = news

        yield watch


def _table(rows: dict[str, StatusChange]) -> Table:
    table = plain_table("JOB", "PHASE", "REASON", "REQUEST ID")
    for name, news in sorted(rows.items()):
        request_id = (news.submission.request_id if news.submission else None) or ""
        table.add_row(name, phase_text(news.standing.phase), news.standing.reason, request_id)
    return table


def _line(news: StatusChange) -> None:
    if not news.changed or news.is_said:
        return
    words = [f"{datetime.now(UTC):%H:%M:%S}", named(news.alike or [news.job.name]), news.standing.phase]
    if news.submission and news.submission.request_id and not news.alike:
        words.append(news.submission.request_id)
    click.echo("  ".join([*words, news.standing.message]), err=True)
