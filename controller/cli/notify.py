"""`shjobs notify`: what each sink has sent and what waits, or a test message to it."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.cli.settings import load_settings
from controller.model.clock import Clock
from controller.settings.settings import Settings
from controller.settings.sinks import HOSTS, Sink

if TYPE_CHECKING:
    from controller.operations.notices import SinkReport


@click.command("notify", short_help="Show what the sinks have sent, or send each a test.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--test", is_flag=True, help="Send a test message, and report what became of it.")
@click.option("-o", "--output", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_obj
def command(config: Path | None, names: tuple[str, ...], test: bool, form: str) -> int:
    """Show for each sink of the settings, or for those NAMED, what waits, what was sent last, and the last error.

    With --test a message is sent to each, which says that it is one. Exit code 1 when one was not delivered.
    """
    from controller.operations.notices import chosen_sinks, sink_reports

    settings, now = load_settings(config, os.environ), Clock().now()
    sinks = chosen_sinks(settings, names)
    if test:
        return _test(settings, sinks, now, form)
    reports = sink_reports(settings, sinks)
    if form == "json":
        click.echo(json.dumps({"apiVersion": "shjobs/v1", "kind": "Sinks", "sinks": [_entry(each) for each in reports]},
                              indent=2, ensure_ascii=False))  # fmt: skip
    else:
        _print(reports, now)
    return 0


def _test(settings: Settings, sinks: list[Sink], now: datetime, form: str) -> int:
    from controller.cli.output.escape import printable
    from controller.notify.sender import NotSent
    from controller.operations.notices import send_tests

    has_failed = False
    for sink, outcome in send_tests(settings, sinks, now):
        has_failed = has_failed or isinstance(outcome, NotSent)
        words = "the repository can be read" if sink.kind in HOSTS else "delivered"
        if isinstance(outcome, NotSent):
            words = f"{'cannot be used' if sink.kind in HOSTS else 'not delivered'}: {outcome.message}"
        if form == "json":
            result = not isinstance(outcome, NotSent)
            click.echo(json.dumps({"sink": sink.name, "delivered": result, "message": words}, ensure_ascii=False))
        else:
            click.echo(printable(f"{sink.name} ({sink.kind}): {words}"))
    return int(has_failed)


def _entry(report: "SinkReport") -> dict[str, Any]:
    from controller.lifecycle.status import timestamp

    counts, last = report.counts, report.last
    found = {
        "name": report.sink.name,
        "type": str(report.sink.kind),
        "pending": counts.waiting,
        "oldest": timestamp(counts.oldest) if counts.oldest else None,
        "sent": counts.sent,
        "failedTries": counts.failed,
        "givenUp": counts.given_up,
        "lastSent": timestamp(last.sent_at) if last.sent_at else None,
        "nextTry": timestamp(last.next_at) if last.next_at else None,
        "lastError": last.error or None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _print(reports: "list[SinkReport]", now: datetime) -> None:
    from rich.text import Text

    from controller.cli.output.escape import printable
    from controller.cli.output.terminal import console, plain_table
    from controller.operations.numbers import age

    def ago(at: datetime | None) -> str:
        return age((now - at).total_seconds()) if at else ""

    table = plain_table("SINK", "TYPE", "PENDING", "OLDEST", "SENT", "GIVEN UP", "LAST SENT", "LAST ERROR")
    table.columns[7].no_wrap = False
    for each in reports:
        counts, last = each.counts, each.last
        cells = (
            *(each.sink.name, str(each.sink.kind), f"{counts.waiting}", ago(counts.oldest), f"{counts.sent}"),
            *(f"{counts.given_up}", f"{ago(last.sent_at)} ago" if last.sent_at else "", printable(last.error)),
        )
        table.add_row(*(Text(cell) for cell in cells))
    console().print(table)
