"""`shjobs sync`: run the loop until nothing is left to wait for."""

import os
import queue
from pathlib import Path

import click

from controller.cli.settings import load_settings
from controller.settings.settings import Settings


@click.command("sync", short_help="Submit what is new or changed and follow it to its outcome.")
@click.option("-l", "--selector", multiple=True, metavar="LABEL[=VALUE]", help="Only jobs with this label.")
@click.pass_obj
def command(config: Path | None, selector: tuple[str, ...]) -> int:
    """Submit every new or changed job and follow each to proof of its outcome.

    With -l only jobs with that label are submitted and waited for; `plan -l` shows them. With [git] in the settings the
    tree is fetched first, once.

    Exit code 1 when something is failed, invalid, unknown, unconfirmed, or still pending, when a bucket refused, or
    when a manifest cannot be accepted, even if its job succeeded before.
    """
    from controller.cli.output.escape import printable_lines
    from controller.cli.output.tables import BAD, UNFINISHED, exit_code, is_refused, print_documents
    from controller.operations.fetched import fetch_once

    settings = load_settings(config, os.environ)
    if said := fetch_once(settings):
        click.echo(printable_lines(said), err=True)
    documents = sync_once(settings, selector)
    if selector and not documents:
        click.echo("no job matches", err=True)
    print_documents(documents, "table")
    return max(exit_code(documents, bad=BAD | UNFINISHED), int(any(map(is_refused, documents))))


def sync_once(settings: Settings, selector: tuple[str, ...] = ()) -> list[dict[str, object]]:
    """Run the loop to rest with progress on the terminal; returns the status of every document that is selected."""
    from controller.cli.output.progress import progress
    from controller.limits.selection import is_selected
    from controller.model.clock import Clock
    from controller.operations.inspect.cells import documents_with_cells
    from controller.reconcile.runner import Flags, handling_signals, turn_to_rest
    from controller.reconcile.wiring import Inbox, controller

    clock = Clock()
    inbox: Inbox = queue.SimpleQueue()
    flags = Flags(inbox)
    with (
        handling_signals(flags),
        progress() as watch,
        controller(
            settings,
            watch,
            inbox,
            interruptible=flags.interruptible,
            pulse=flags.check_stop,
            clock=clock,
            is_asked=True,
            selector=selector,
        ) as (assembly, workers),
    ):
        turn_to_rest(assembly.loop, inbox, workers, clock, flags)
        if not selector:
            return assembly.documents(clock.now())
        jobs, found = assembly.ledger.jobs, documents_with_cells(assembly, clock.now())
        meant = {job.name for job in jobs.values() if job.wanted and is_selected(job.wanted.labels, selector)}
        return [document for document in found if document.get("name") in meant]
