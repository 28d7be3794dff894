"""`shjobs accept`: an operator accepts what the spend guard holds, or continues after a request that cost too much."""

import os
import re
from pathlib import Path

import click

from controller.cli.settings import load_settings
from controller.model.errors import UsageError

_HASH = re.compile(r"[0-9a-f]{12}")


@click.command("accept", short_help="Accept a large change, or continue after a request that cost too much.")
@click.argument("hashes", metavar="HASH...", nargs=-1, required=True)
@click.pass_obj
def command(config: Path | None, hashes: tuple[str, ...]) -> int:
    """Release exactly what HASH identifies: a large change, or the stop after a request that cost too much.

    `shjobs plan`, `get` and `budget` show the hashes. A hash that nothing waits for yet is stored, so that a change can
    be accepted before it is merged.
    """
    from controller.lifecycle.commands import Accept
    from controller.operations.inspect.ask import ask

    wrong = [each for each in hashes if not _HASH.fullmatch(each)]
    if wrong:
        raise UsageError(
            f"{wrong[0]!r} is no hash of twelve hexadecimal digits; `shjobs budget` shows those that wait for a yes"
        )
    settings = load_settings(config, os.environ)
    for each in hashes:
        click.echo(f"{each}: {ask(settings, Accept(hash=each))}")
    click.echo("noted; `shjobs sync`, or the running controller, carries it out at its next turn")
    return 0
