"""`shjobs resolve`: an operator states the outcome of an Unconfirmed submission."""

import os
from pathlib import Path

import click

from controller.cli.completing import JOB
from controller.cli.settings import load_settings_here
from controller.model.errors import UsageError


@click.command("resolve", short_help="State the outcome of a submission that got no clear answer.")
@click.argument("name", type=JOB)
@click.option("--request-id", help="The service accepted it under this id.")
@click.option("--not-accepted", is_flag=True, help="The service did not accept it; it may be sent again.")
@click.pass_obj
def command(config: Path | None, name: str, request_id: str | None, not_accepted: bool) -> int:
    """State the outcome of the Unconfirmed submission of the job NAME.

    Check your account's requests or usage first: --not-accepted lets the controller pay for it again.
    """
    from controller.lifecycle.commands import Resolve
    from controller.operations.inspect.ask import ask

    if (request_id is not None) == not_accepted:
        raise UsageError("say one of --request-id ID and --not-accepted")
    meant = ask(load_settings_here(config, os.environ), Resolve(job=name, request_id=request_id))
    click.echo(f"noted for {name} ({meant}); `shjobs sync`, or the running controller, carries it out at its next turn")
    return 0
