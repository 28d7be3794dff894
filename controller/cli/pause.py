"""`shjobs pause`: submit nothing more until `shjobs resume`."""

import getpass
import os
import socket
from pathlib import Path

import click

from controller.cli.settings import load_settings_here
from controller.model.clock import Clock


@click.command("pause", short_help="Submit nothing until `resume`; what runs is followed.")
@click.pass_obj
def command(config: Path | None) -> int:
    """Write the file PAUSE into the state directory: nothing is submitted while it is there; what runs is followed."""
    from controller.cli.output.escape import printable
    from controller.ledger.pause import pause, who_paused

    state = load_settings_here(config, os.environ).state.absolute()
    if pause(state, _who(), Clock().now()):
        words = f"paused {state}: nothing more is submitted; `shjobs resume` goes on"
    else:
        words = f"{state} is already {who_paused(state) or 'paused'}; `shjobs resume` goes on"
    click.echo(printable(words))
    return 0


def _who() -> str:
    """The user and the machine, as far as they have names."""
    try:
        return f"{getpass.getuser()} on {socket.gethostname()}"
    except (KeyError, OSError):
        return f"an unknown user on {socket.gethostname()}"
