"""`shjobs get`: the jobs and where they stand, from the ledger and the files, without a single call."""

import os
from pathlib import Path

import click

from controller.clock import Clock
from controller.errors import UsageError
from controller.settingsfile import load_settings


@click.command("get", short_help="Show the jobs and where they stand.")
@click.argument("names", nargs=-1)
@click.option(
    "-o", "--output", "form", type=click.Choice(["table", "json", "yaml"]), default="table", show_default=True
)
@click.pass_obj
def command(config: Path | None, names: tuple[str, ...], form: str) -> int:
    """Show the jobs NAMES, or all of them. Nothing is submitted, asked or written."""
    from controller.assembly import rehearsal
    from controller.cli.tables import exit_code, show

    settings, now = load_settings(config, os.environ), Clock().now()
    with rehearsal(settings, lambda _news: None, lambda _call: None) as assembly:
        assembly.loop.start(now, takes_over=False)
        assembly.loop.turn([], now)
        documents = assembly.documents(now)
    wanted = [document for document in documents if not names or document.get("name") in names]
    missing = sorted(set(names) - {str(document.get("name")) for document in wanted})
    if missing:
        raise UsageError(f"no such job: {', '.join(missing)}; `shjobs get` lists them all")
    show(wanted, form)
    return exit_code(wanted)
