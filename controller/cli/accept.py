"""`shjobs accept`: an operator accepts what the spend guard holds, or continues after a request that cost too much."""

import os
from pathlib import Path

import click

from controller.cli.settings import load_settings_here, operator
from controller.model.errors import UsageError


@click.command("accept", short_help="Accept a large change, or continue after a request that cost too much.")
@click.argument("hashes", metavar="HASH...", nargs=-1, required=True)
@click.pass_obj
def command(config: Path | None, hashes: tuple[str, ...]) -> int:
    """Release exactly what HASH identifies: a large change, or the stop after a request that cost too much.

    `shjobs plan`, `get` and `budget` show the hashes. A hash that nothing waits for yet is stored, so that a change can
    be accepted before it is merged.
    """
    from controller.lifecycle.commands import Accept
    from controller.manifest.approval import is_hash
    from controller.operations.inspect.ask import ask

    wrong = [each for each in hashes if not is_hash(each)]
    if wrong:
        raise UsageError(
            f"{wrong[0]!r} is no hash of twelve hexadecimal digits; `shjobs budget` shows those that wait for a yes"
        )
    settings, who = load_settings_here(config, os.environ), operator(os.environ)
    for each in hashes:
        click.echo(f"{each}: {ask(settings, Accept(hash=each, by=who))}")
    click.echo("noted; `shjobs sync`, or the running controller, carries it out at its next turn")
    return 0
