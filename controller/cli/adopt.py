"""`shjobs adopt`: an operator records what was submitted before the ledger existed."""

import os
from pathlib import Path

import click

from controller.cli.completing import JOB
from controller.cli.settings import load_settings_here
from controller.model.errors import UsageError


@click.command("adopt", short_help="Name a request that was already paid for, or state that nothing was.")
@click.argument("name", required=False, type=JOB)
@click.argument("request_id", required=False)
@click.option("--first-run", is_flag=True, help="Nothing was submitted before this state directory was made.")
@click.pass_obj
def command(config: Path | None, name: str | None, request_id: str | None, first_run: bool) -> int:
    """Adopt REQUEST_ID as the submission of the current request of job NAME: it is followed, not paid for again.

    With --first-run, jobs that are Held for HistoryUnknown are released: use it only if nothing was submitted before.
    """
    from controller.lifecycle.commands import Adopt, FirstRun
    from controller.operations.inspect.ask import ask

    settings = load_settings_here(config, os.environ)
    meant = ""
    if first_run and name is None:
        ask(settings, FirstRun())
    elif name is not None and request_id is not None and not first_run:
        meant = f" for {name} ({ask(settings, Adopt(job=name, request_id=request_id))})"
    else:
        raise UsageError("say either NAME and REQUEST_ID, or --first-run alone")
    click.echo(f"noted{meant}; `shjobs sync`, or the running controller, carries it out at its next turn")
    return 0
