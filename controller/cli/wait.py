"""`shjobs wait`: wait until jobs are in the state a script needs."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from controller.cli.completing import AIM, JOB
from controller.cli.settings import load_settings
from controller.model.errors import UsageError


@click.command("wait", short_help="Wait until jobs reach a phase or a condition.")
@click.argument("names", metavar="NAME...", nargs=-1, required=True, type=JOB)
@click.option(
    "--for", "wanted", default="Ready", show_default=True, metavar="PHASE|CONDITION", type=AIM,
    help="A phase, such as Running, or a condition: Ready, Reconciling, Stalled, condition=Ready=False.",
)  # fmt: skip
@click.option("--timeout", default="1h", show_default=True, metavar="DURATION", help="How long at most, such as 90s.")
@click.pass_obj
def command(config: Path | None, names: tuple[str, ...], wanted: str, timeout: str) -> int:
    """Wait until every job NAME has the phase or condition. It only reads: something else must run or sync.

    Exit code 0 when all have it; 1 on timeout, or when a job that should succeed came to rest without it.
    """
    from controller.lifecycle.conditions import target
    from controller.model.timing import seconds_of
    from controller.operations.inspect.wait import Ending, wait

    aim = target(wanted)
    try:
        seconds = seconds_of(timeout)
    except ValueError as error:
        raise UsageError(f"--timeout: {error}") from None
    late = 0
    for each in wait(load_settings(config, os.environ), names, aim, seconds, _watch):
        job_state = f"{each.document['phase']} ({each.document['reason']}: {each.document['message']})"
        if each.ending is Ending.MET:
            click.echo(f"{each.name}: {each.document['phase']}")
            continue
        late += 1
        why = f"not {wanted} within {timeout}" if each.ending is Ending.LATE else f"will not be {wanted} by itself"
        click.echo(f"{each.name}: {why}: {job_state}", err=True)
    return int(late > 0)


def _watch(name: str, document: Mapping[str, Any]) -> None:
    """Show changes of phase when stderr is a terminal."""
    if sys.stderr.isatty():
        click.echo(f"{name}: {document['phase']}…", err=True)
