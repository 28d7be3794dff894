"""`shjobs why`: one paragraph on what a job or a set waits for, and what would change that."""

import os
from pathlib import Path

import click

from controller.cli.completing import JOB
from controller.cli.settings import load_settings
from controller.model.clock import Clock


@click.command("why", short_help="Explain what a job waits for, and what would change that.")
@click.argument("name", type=JOB)
@click.pass_obj
def command(config: Path | None, name: str) -> int:
    """Explain in one paragraph the current state of the job or set NAME. Nothing is submitted, called or written.

    `set/NAME` is the set where a job has its name.
    """
    from controller.cli.output.escape import printable
    from controller.operations.fetched import require_tree
    from controller.operations.inspect.describe import explanation

    settings = load_settings(config, os.environ)
    require_tree(settings, or_jobs=True)
    click.echo(printable(explanation(settings, name, Clock().now())))
    return 0
