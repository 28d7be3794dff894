"""Tables, JSON and YAML of the jobs, all made from their status documents."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import click

from controller.cli.output.escape import printable
from controller.cli.output.numbers import count, units
from controller.lifecycle.conditions import is_rejected, kubernetes_conditions
from controller.lifecycle.grouping import common, name_list, together
from controller.model.reasons import Phase

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
MOST_NOTES = 20
"""Jobs whose notes are shown below a table."""

Document = Mapping[str, Any]
Colours = Mapping[str, Mapping[Any, str]]
"""The colour of a cell, by its column and its text."""


def print_documents(documents: Sequence[Document], form: str) -> None:
    """Print status documents as `table`, `wide`, `yaml`, `name` or `json`; `json` also has Kubernetes conditions."""
    match form:
        case "json":
            found = [{**document, "conditions": kubernetes_conditions(document)} for document in documents]
            click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        case "yaml":
            import yaml

            click.echo(yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, width=120), nl=False)
        case "name":
            click.echo("".join(f"{document_name(document)}\n" for document in documents), nl=False)
        case _:
            click.echo("".join(f"{line}\n" for line in job_table(documents, is_wide=form == "wide")), nl=False)


def job_table(documents: Sequence[Document], *, is_wide: bool = False) -> Iterator[str]:
    """One line per job, then where outputs are, or why there are none: for all of a few jobs, else for the bad ones."""
    columns = ("JOB", "PHASE", "REASON", "PU", "REQUEST ID", "GENERATION", "PATH") if is_wide else _COLUMNS
    rows = [_row(document, columns) for document in documents]
    yield from align(columns, rows, right={"PU", "GENERATION"}, colours={"PHASE": COLOURS})
    is_short = len(documents) <= MOST_NOTES
    groups = together(documents, lambda document: common(str(document["reason"])))
    stopped = [group for group in groups if len(group) > 1]
    rest = [group[0] for group in groups if len(group) == 1]
    noted = [each for each in rest if is_short or each["phase"] in BAD or is_rejected(each)]
    if noted or stopped:
        yield ""
    for group in stopped:
        yield printable(
            f"{name_list([document_name(each) for each in group])}: {group[0]['reason']}: {group[0]['message']}"
        )
    for document in noted[:MOST_NOTES]:
        yield from (printable(f"{document_name(document)}: {note}") for note in notes(document))
    if len(noted) > MOST_NOTES:
        yield f"and {count(len(noted) - MOST_NOTES, 'more job')}: name them, or write -o yaml"


_COLUMNS = ("JOB", "PHASE", "PU", "REQUEST ID")


def _row(document: Document, columns: Iterable[str]) -> list[str]:
    return [printable(_CELLS[column](document)) for column in columns]


def align(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Collection[str] = (),
    colours: Colours | None = None,
) -> Iterator[str]:
    """A table without rules, fit for pipes. On a terminal that is too narrow the last columns are dropped."""
    widths = [max(map(len, each)) for each in zip(columns, *rows, strict=True)]
    while sum(widths) + 2 * len(widths) > _room() and len(widths) > 2:
        widths.pop()
    is_colourful = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    fields = (f"{{:{'>' if column in right else '<'}{width}}}" for column, width in zip(columns, widths, strict=False))
    template = "  ".join(fields)
    for number, row in enumerate([columns, *rows]):
        line = template.format(*row).rstrip()
        if is_colourful:
            line = click.style(line, bold=True) if number == 0 else _coloured(line, columns, row, colours or {})
        yield line


def _coloured(
    line: str, columns: Sequence[str], row: Sequence[str], colours: Colours
) -> str:  # fmt: skip
    for column, cell in zip(columns, row, strict=True):
        colour = colours.get(column, {}).get(cell)
        if colour:
            line = line.replace(f"  {cell}", f"  {click.style(cell, fg=colour)}", 1)
    return line


def _room() -> int:
    """The width of the terminal; a pipe has no limit."""
    return shutil.get_terminal_size((10_000, 24)).columns if sys.stdout.isatty() else 10_000


def document_name(document: Document) -> str:
    return str(document.get("name", "(no name)"))


def cost_cell(document: Document) -> str:
    """What was spent, else the estimate."""
    amounts = document.get("processingUnits", {})
    if "spent" in amounts:
        return units(amounts["spent"])
    return f"~{units(amounts['estimated'])}" if "estimated" in amounts else ""


_CELLS: Mapping[str, Callable[[Document], str]] = {
    "JOB": document_name,
    "PHASE": lambda document: str(document["phase"]),
    "REASON": lambda document: str(document["reason"]),
    "PU": cost_cell,
    "REQUEST ID": lambda document: str(document.get("requestId", "")),
    "GENERATION": lambda document: str(document.get("generation", "")),
    "PATH": lambda document: str(document.get("path", "")),
}


def notes(document: Document) -> list[str]:
    """Output paths of a success; otherwise reason and message, and every problem of the manifest."""
    manifest = document["manifest"]
    good = Phase(document["phase"]) is Phase.SUCCEEDED
    found = [output["href"] for output in document.get("outputs", ())] if good else []
    reasons = [] if good else [f"{document['reason']}: {document['message']}"]
    return [*found, *reasons, *manifest.get("problems", ())]


def exit_code(documents: Sequence[Document], *, bad: Collection[Phase] = BAD) -> int:
    """1 when a job is in one of the `bad` phases, or its manifest as it is now is not accepted, whatever its phase."""
    return int(any(document["phase"] in bad or is_rejected(document) for document in documents))
