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
    help="A phase, such as Running, or a condition: Ready, Stalled, condition=Ready=False, Complete, Complete=95%.",
)  # fmt: skip
@click.option("--timeout", default="1h", show_default=True, metavar="DURATION", help="How long at most, such as 90s.")
@click.pass_obj
def command(config: Path | None, names: tuple[str, ...], wanted: str, timeout: str) -> int:
    """Wait until every job or set NAME has the phase or condition. It only reads: something else must run or sync.

    A set is Complete when its cells that are due are Succeeded, all or a share of them; later ones are not waited for.
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
        if each.ending is Ending.MET:
            click.echo(f"{each.name}: {_state(each.document)}")
            continue
        late += 1
        why = f"not {wanted} within {timeout}" if each.ending is Ending.LATE else f"will not be {wanted} by itself"
        about = f"{each.document['reason']}: {each.document['message']}"
        click.echo(f"{each.name}: {why}: {each.document['phase']} ({about})", err=True)
    return int(late > 0)


def _watch(name: str, document: Mapping[str, Any]) -> None:
    """Show changes when stderr is a terminal."""
    if sys.stderr.isatty():
        click.echo(f"{name}: {_state(document)}…", err=True)


def _state(document: Mapping[str, Any]) -> str:
    """The phase, or how far a set is."""
    from controller.cli.output.set_words import progress_words
    from controller.lifecycle.conditions import is_of_set

    return progress_words(document) if is_of_set(document) else str(document["phase"])
