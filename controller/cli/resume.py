"""`shjobs resume`: lift a `pause`."""

import os
from pathlib import Path

import click

from controller.cli.settings import load_settings


@click.command("resume", short_help="Lift a `pause`.")
@click.pass_obj
def command(config: Path | None) -> int:
    """Remove the file PAUSE from the state directory: submissions continue."""
    from controller.ledger.pause import resume

    settings = load_settings(config, os.environ)
    if resume(settings.state):
        click.echo("resumed: `shjobs sync`, or the running controller, submits again")
    else:
        click.echo("nothing was paused")
    return 0
