"""Tables, JSON and YAML of the jobs, all made from their status documents."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import click
import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from controller.cli.words import units
from controller.standing import Phase

COLOURS = {
    Phase.SUCCEEDED: "green",
    Phase.FAILED: "red",
    Phase.INVALID: "red",
    Phase.UNKNOWN: "yellow",
    Phase.UNCONFIRMED: "yellow",
    Phase.HELD: "magenta",
    Phase.RUNNING: "cyan",
    Phase.VERIFYING: "cyan",
    Phase.SUBMITTING: "cyan",
}
BAD = frozenset({Phase.FAILED, Phase.INVALID, Phase.UNKNOWN, Phase.UNCONFIRMED})
UNFINISHED = frozenset({Phase.PENDING, Phase.SUBMITTING, Phase.RUNNING, Phase.VERIFYING})

Document = Mapping[str, Any]


def show(documents: Sequence[Document], form: str) -> None:
    """Print status documents as `table`, `json` or `yaml`."""
    if form == "json":
        click.echo(json.dumps(documents, indent=2, ensure_ascii=False))
    elif form == "yaml":
        click.echo(yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, width=120), nl=False)
    else:
        _print_table(documents)


def _print_table(documents: Sequence[Document]) -> None:
    """One line a job, then for each job where its outputs are, or why there are none."""
    table = plain_table("JOB", "PHASE", "PU", "REQUEST ID")
    table.columns[2].justify = "right"
    for document in documents:
        row = (_name(document), phase_text(document["phase"]), _cost(document), document.get("requestId", ""))
        table.add_row(*row)
    screen = console()
    screen.print(table)
    if documents:
        screen.print()
    for document in documents:
        for note in _notes(document):
            screen.print(Text(f"{_name(document)}: {note}"), soft_wrap=True)


def _name(document: Document) -> str:
    return str(document.get("name", "(no name)"))


def _cost(document: Document) -> str:
    """What was spent, else about what it will cost."""
    amounts = document.get("processingUnits", {})
    if "spent" in amounts:
        return units(amounts["spent"])
    return f"~{units(amounts['estimated'])}" if "estimated" in amounts else ""


def _notes(document: Document) -> list[str]:
    """Output paths of a success; otherwise reason and message, and every problem of the manifest."""
    manifest = document["manifest"]
    good = Phase(document["phase"]) is Phase.SUCCEEDED
    found = [output["href"] for output in document.get("outputs", ())] if good else []
    told = [] if good else [f"{document['reason']}: {document['message']}"]
    return [*found, *told, *manifest.get("problems", ())]


def plain_table(*columns: str) -> Table:
    """A table without lines, which survives pipes; on a narrow terminal the first column gives way."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for place, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=place > 0)
    return table


def phase_text(phase: str) -> Text:
    return Text(phase, style=COLOURS.get(Phase(phase), ""))


def console(*, stderr: bool = False) -> Console:
    """A terminal is as wide as it is; a pipe has no width, so nothing is folded for it."""
    made = Console(stderr=stderr, highlight=False, soft_wrap=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=400)


def exit_code(documents: Sequence[Document], *, bad: Collection[Phase] = BAD) -> int:
    """1 when a job is in one of the `bad` phases: failed, invalid, unknown or unconfirmed."""
    return int(any(Phase(document["phase"]) in bad for document in documents))
