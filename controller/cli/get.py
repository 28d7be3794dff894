"""`shjobs get`: the jobs and their states, from the ledger and the files, without a single call."""

import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.cli.completing import JOB
from controller.cli.settings import load_settings
from controller.model.clock import Clock
from controller.model.reasons import Phase
from controller.settings.settings import Settings

if TYPE_CHECKING:
    from controller.operations.inspect.revision.observed import Seen
    from controller.operations.inspect.selection import Selection

LOOK_EVERY = 1.0  # seconds, with --watch


@click.command("get", short_help="Show the jobs and their states.")
@click.argument("names", nargs=-1, type=JOB)
@click.option("-l", "--selector", multiple=True, metavar="LABEL[=VALUE]", help="Only jobs with this label.")
@click.option("--phase", "phases", multiple=True, type=click.Choice([*Phase], case_sensitive=False))
@click.option("--cells", is_flag=True, help="Show the cells of sets, each as a job.")
@click.option("-w", "--watch", is_flag=True, help="Keep running, and print a row for each change.")
@click.option(
    "-o", "--output", "form", default="table", show_default=True,
    type=click.Choice(["table", "wide", "json", "yaml", "name"]),
)  # fmt: skip
@click.pass_obj
def command(
    config: Path | None, names: tuple[str, ...], selector: tuple[str, ...], phases: tuple[str, ...], cells: bool,
    watch: bool, form: str,
) -> int:  # fmt: skip
    """Show the jobs and sets NAMES, or all of them. Nothing is submitted, called or written.

    A set is one row, with its cells counted by phase; `set/NAME` is the set where a job has its name.

    Exit code 1 when one is failed, invalid, unknown or unconfirmed, or its manifest as it is now cannot be accepted.

    \b
    shjobs get -l team=agri --phase Failed     the failed jobs of one team
    shjobs get ndvi-malta -o yaml              everything about one job
    shjobs get set/ndvi-alps --cells           the cells of a set, as jobs
    shjobs get -o wide                         with reasons, ids and outputs
    shjobs get --watch                         until Ctrl-C
    """
    from controller.cli.output.tables import PAGE, print_documents
    from controller.operations.fetched import require_tree
    from controller.operations.inspect.selection import Selection, streamed

    settings, clock = load_settings(config, os.environ), Clock()
    require_tree(settings, or_jobs=True)
    selection = Selection(names=names, labels=selector, phases=phases, cells=cells)
    shown = "watch" if watch and form == "table" else form
    early = PAGE if form in ("table", "wide") and not watch else 0
    passed = _Passed(streamed(settings, selection, clock.now(), early), keeps=watch)
    documents = iter(passed)
    first = [*islice(documents, 1)]
    if first or form in ("json", "yaml"):
        print_documents(chain(first, documents), shown, clock.now(), _seen(settings, selection, form))
    else:
        click.echo("no job matches" if selector or phases else "there are no jobs", err=True)
    if watch:
        _watch(settings, selection, shown, passed.kept, clock)
    return passed.code


class _Passed:
    """Documents on their way to the output: the exit code that they amount to, and with `keeps` they themselves."""

    def __init__(self, documents: Iterable[Mapping[str, Any]], *, keeps: bool) -> None:
        self._documents = documents
        self._keeps = keeps
        self.kept: list[Mapping[str, Any]] = []
        self.code = 0

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        from controller.cli.output.tables import exit_code

        for each in self._documents:
            self.code = self.code or exit_code([each])
            if self._keeps:
                self.kept.append(each)
            yield each


def _seen(settings: Settings, selection: "Selection", form: str) -> "Seen | None":
    """What tools get beside the documents."""
    if form not in ("json", "yaml"):
        return None
    from controller.operations.inspect.revision.observed import seen

    return seen(settings, selection)


def _watch(
    settings: Settings, selection: "Selection", form: str, before: Sequence[Mapping[str, Any]], clock: Clock
) -> None:
    """Print each job again when its document changes, in a table its row, as long as there is a reader."""
    from controller.cli.output.streams import has_reader
    from controller.cli.output.tables import changed_rows, document_key, print_documents
    from controller.operations.inspect.selection import selected

    known = {document_key(document): document for document in before}
    while has_reader():
        sys.stdout.flush()
        time.sleep(LOOK_EVERY)
        documents = selected(settings, selection, clock.now())
        if form in ("table", "wide", "watch"):
            click.echo("".join(f"{row}\n" for row in changed_rows(documents, known, form, clock.now())), nl=False)
        elif fresh := [each for each in documents if known.get(document_key(each)) != each]:
            print_documents(fresh, form, seen=_seen(settings, selection, form))
        known = {document_key(document): document for document in documents}
