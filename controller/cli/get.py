"""`shjobs get`: the jobs and their states, from the ledger and the files, without a single call."""

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from controller.cli.completing import JOB
from controller.cli.settings import load_settings
from controller.model.clock import Clock
from controller.model.errors import no_such_jobs
from controller.model.reasons import Phase
from controller.settings.settings import Settings

LOOK_EVERY = 1.0  # seconds, with --watch


@click.command("get", short_help="Show the jobs and their states.")
@click.argument("names", nargs=-1, type=JOB)
@click.option("-l", "--selector", multiple=True, metavar="LABEL[=VALUE]", help="Only jobs with this label.")
@click.option("--phase", "phases", multiple=True, type=click.Choice([*Phase], case_sensitive=False))
@click.option("-w", "--watch", is_flag=True, help="Keep running, and print a job again whenever its state changes.")
@click.option(
    "-o", "--output", "form", default="table", show_default=True,
    type=click.Choice(["table", "wide", "json", "yaml", "name"]),
)  # fmt: skip
@click.pass_obj
def command(
    config: Path | None, names: tuple[str, ...], selector: tuple[str, ...], phases: tuple[str, ...], watch: bool,
    form: str,
) -> int:  # fmt: skip
    """Show the jobs NAMES, or all of them. Nothing is submitted, called or written.

    Exit code 1 when one is failed, invalid, unknown or unconfirmed, or its manifest as it is now cannot be accepted.

    \b
    shjobs get -l team=agri --phase Failed     the failed jobs of one team
    shjobs get ndvi-malta -o yaml              everything about one job
    shjobs get --watch                         until Ctrl-C
    """
    from controller.cli.output.tables import exit_code, print_documents
    from controller.tree.files import collector_paused

    settings = load_settings(config, os.environ)
    with collector_paused():
        documents = list(_chosen(settings, names, selector, phases))
        if documents or form in ("json", "yaml"):
            print_documents(documents, form)
        else:
            click.echo("no job matches" if selector or phases else "there are no jobs", err=True)
    if watch:
        _watch(settings, names, selector, phases, form, documents)
    return exit_code(documents)


def _chosen(
    settings: Settings, names: Sequence[str], selector: Sequence[str], phases: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """The requested documents. Raises `UsageError` for a name that no job has."""
    from controller.operations.inspect.job_states import job_states, labels

    found = job_states(settings, Clock().now())
    there = {str(document.get("name")) for document in found}
    if missing := set(names) - there:
        raise no_such_jobs(missing, there)
    known = labels(settings) if selector else {}
    for document in found:
        name = document.get("name")
        is_meant = (not names or name in names) and (not phases or document["phase"] in phases)
        if is_meant and all(_has(known.get(str(name), {}), each) for each in selector):
            yield document


def _has(labels: Mapping[str, str], wanted: str) -> bool:
    name, separator, value = wanted.partition("=")
    return name in labels and (not separator or labels[name] == value)


def _watch(
    settings: Settings, names: Sequence[str], selector: Sequence[str], phases: Sequence[str], form: str,
    before: Sequence[Mapping[str, Any]],
) -> None:  # fmt: skip
    """Print each job again when its document changes."""
    from controller.cli.output.tables import print_documents

    known = {str(document.get("name")): document for document in before}
    while True:
        sys.stdout.flush()
        time.sleep(LOOK_EVERY)
        now = list(_chosen(settings, names, selector, phases))
        fresh = [each for each in now if known.get(str(each.get("name"))) != each]
        known = {str(document.get("name")): document for document in now}
        if fresh:
            print_documents(fresh, form)
