"""`shjobs resume`: lift a `pause`."""

import os
from pathlib import Path

import click

from controller.cli.settings import load_settings_here


@click.command("resume", short_help="Lift a `pause`.")
@click.pass_obj
def command(config: Path | None) -> int:
    """Remove the file PAUSE from the state directory: submissions continue."""
    from controller.cli.output.escape import printable
    from controller.ledger.pause import resume

    state = load_settings_here(config, os.environ).state.absolute()
    if resume(state):
        words = f"resumed {state}: `shjobs sync`, or the running controller, submits again"
    else:
        words = f"{state} was not paused"
    click.echo(printable(words))
    return 0
