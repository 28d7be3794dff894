"""Tables, JSON and YAML of the jobs, all made from their status documents."""

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import click

from controller.cli.output.escape import printable
from controller.cli.output.set_words import progress_words, reason_lines
from controller.lifecycle.conditions import is_of_set, is_rejected, kubernetes_conditions, phases_of
from controller.lifecycle.grouping import common, name_list, together
from controller.model.job_set import set_reference
from controller.model.reasons import Phase, Reason
from controller.operations.numbers import age, count, units

if TYPE_CHECKING:  # what only prints tables starts faster without it
    from controller.operations.inspect.revision.observed import Seen

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
LEAST_ROOM = 24
"""For what is said of a set beside age and units; where there is less, these are left out instead."""
PAGE = 100
"""Rows that are read before the first is printed."""
MOST_NOTES = 20
"""Jobs whose notes are shown below a table."""

Document = Mapping[str, Any]
Colours = Mapping[str, Mapping[Any, str]]
"""The colour of a cell, by its column and its text."""


def print_documents(
    documents: Iterable[Document], form: str, now: datetime | None = None, seen: "Seen | None" = None
) -> None:
    """Print status documents as `table`, `wide`, `yaml`, `name` or `json`; `json` also has Kubernetes conditions.

    `seen` is what `json` and `yaml` say beside them.

    With `now` tables show ages, and a `table` no outputs: there may be thousands. They are printed as they come.
    """
    match form:
        case "json":
            _print_in_portions(_json(documents, seen))
        case "yaml":
            _print_in_portions(_yaml(documents, seen))
        case "name":
            _print_in_portions(f"{document_key(document)}\n" for document in documents)
        case _:
            _print_in_portions(f"{line}\n" for line in job_table(documents, form, now))


def _print_in_portions(texts: Iterable[str]) -> None:
    rest = iter(texts)
    while portion := list(islice(rest, PAGE)):
        click.echo("".join(portion), nl=False)


def _observed(document: Document, seen: "Seen | None") -> dict[str, Any]:
    return {**document, **({"observedRevision": seen.commit} if seen and seen.commit else {})}


def _json(documents: Iterable[Document], seen: "Seen | None") -> Iterator[str]:
    """An array, item by item, as if it were written at once."""
    before = "[\n"
    for document in documents:
        conditions = kubernetes_conditions(document, seen.transition(document) if seen else "")
        found = {**_observed(document, seen), "conditions": conditions}
        yield before + textwrap.indent(json.dumps(found, indent=2, ensure_ascii=False), "  ", lambda _line: True)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _yaml(documents: Iterable[Document], seen: "Seen | None") -> Iterator[str]:
    import yaml

    for number, document in enumerate(documents):
        text = yaml.safe_dump(_observed(document, seen), sort_keys=False, allow_unicode=True, width=120)
        yield f"---\n{text}" if number else text


def job_table(documents: Iterable[Document], form: str, now: datetime | None = None) -> Iterator[str]:
    """One line per job, then where outputs are, or why there are none: for all of a few jobs, else for the bad ones.

    The columns are as wide as the first page needs, so that it need not wait for the others.
    """
    noted = _Noted()
    yield from _aligned(noted.noting(documents), _columns(form, now), now)
    yield from noted.lines(has_outputs=now is None or form == "wide")


class _Noted:
    """The jobs that may be mentioned below a table: every one of a few, and of many those that are stopped or bad."""

    def __init__(self) -> None:
        self._number = 0
        self._few: list[Document] = []
        self._kept: list[Document] = []

    def noting(self, documents: Iterable[Document]) -> Iterator[Document]:
        for each in documents:
            self._number += 1
            if self._number <= MOST_NOTES:
                self._few.append(each)
            if _is_bad(each) or _stop(each) is not None:
                self._kept.append(each)
            yield each

    def lines(self, *, has_outputs: bool) -> Iterator[str]:
        is_short = self._number <= MOST_NOTES
        groups = together(self._few if is_short else self._kept, _stop)
        stopped = [group for group in groups if len(group) > 1]
        rest = [group[0] for group in groups if len(group) == 1]
        noted = [(each, notes(each, has_outputs=has_outputs)) for each in rest if is_short or _is_bad(each)]
        noted = [(document, found) for document, found in noted if found]
        if noted or stopped:
            yield ""
        for group in stopped:
            yield from _wrapped(
                f"{name_list([document_name(each) for each in group])}: {group[0]['reason']}: {group[0]['message']}"
            )
        for document, found in noted[:MOST_NOTES]:
            for note in found:
                yield from _wrapped(f"{document_name(document)}: {note}")
        if len(noted) > MOST_NOTES:
            yield f"and {count(len(noted) - MOST_NOTES, 'more job')}: name them, or write -o yaml"


def _is_bad(document: Document) -> bool:
    return document["phase"] in BAD or is_rejected(document) or is_refused(document)


def changed_rows(
    documents: Sequence[Document], before: Mapping[str, Document], form: str, now: datetime
) -> Iterator[str]:  # fmt: skip
    """A line without header for every job of which a column other than its age has changed."""
    columns = _columns(form, now)
    ageless = [column for column in columns if column != "AGE"]
    changed = [
        number
        for number, each in enumerate(documents)
        if (old := before.get(document_key(each))) is None or _row(each, ageless) != _row(old, ageless)
    ]
    lines = list(_aligned(documents, columns, now))
    yield from (lines[1 + number] for number in changed)


def _stop(document: Document) -> str | None:
    """What the job may share with others: a reason, or a bucket that refuses in the same words."""
    return str(document["message"]) if is_refused(document) else common(str(document["reason"]))


def _columns(form: str, now: datetime | None) -> tuple[str, ...]:
    """The columns of a form, the ones that matter least last."""
    match form:
        case "wide":
            return ("JOB", "PHASE", "REASON", "AGE", "PU", "REQUEST ID", "GENERATION", "PATH")
        case "watch":
            return ("JOB", "PHASE", "AGE", "PU", "REASON", "REQUEST ID")
    return ("JOB", "PHASE", "AGE", "PU", "REQUEST ID") if now else ("JOB", "PHASE", "PU", "REQUEST ID")


_RIGHT = frozenset({"AGE", "PU", "GENERATION"})


def _aligned(documents: Iterable[Document], columns: Sequence[str], now: datetime | None) -> Iterator[str]:
    """The header and a line per document; what is said of a set is as short as the terminal is narrow."""
    rest = iter(documents)
    first = list(islice(rest, PAGE))
    rows = [_row(each, columns, now) for each in first]
    colours: dict[Any, str] = dict(COLOURS)
    widths = {
        name: 2 + max(map(len, each)) for name, each in zip(columns, zip(columns, *rows, strict=True), strict=True)
    }
    beside = _room() - sum(widths.get(name, 0) for name in ("JOB", "AGE", "PU"))
    room = beside if beside >= LEAST_ROOM else _room() - widths["JOB"]

    def shortened(document: Document, row: list[str]) -> list[str]:
        if is_of_set(document):
            phase = columns.index("PHASE")
            row[phase] = progress_words(document, room)
            colours[row[phase]] = COLOURS.get(document["phase"], "")
        return row

    rows = [shortened(*each) for each in zip(first, rows, strict=True)]
    more = (shortened(each, _row(each, columns, now)) for each in rest)
    return align(columns, rows, more, right=_RIGHT, colours={"PHASE": colours})


def _row(document: Document, columns: Iterable[str], now: datetime | None = None) -> list[str]:
    return [printable(_age(document, now) if column == "AGE" else _CELLS[column](document)) for column in columns]


def _age(document: Document, now: datetime | None) -> str:
    """Since it was submitted; empty before."""
    submitted = document.get("submittedAt")
    return age((now - datetime.fromisoformat(submitted)).total_seconds()) if submitted and now else ""


def _wrapped(line: str) -> list[str]:
    """On a terminal, in lines that break between words."""
    line, room = printable(line), _room()
    if len(line) <= room:
        return [line]
    return textwrap.wrap(line, max(room, 20), subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def align(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    more: Iterable[Sequence[str]] = (),
    *,
    right: Collection[str] = (),
    colours: Colours | None = None,
) -> Iterator[str]:
    """A table without rules, fit for pipes. On a terminal that is too narrow the last columns are dropped.

    Columns are as wide as `rows` need; a cell of the rows that come after them may be wider.
    """
    widths = [max(map(len, each)) for each in zip(columns, *rows, strict=True)]
    while sum(widths) + 2 * len(widths) > _room() and len(widths) > 2:
        widths.pop()
    is_colourful = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    fields = (f"{{:{'>' if column in right else '<'}{width}}}" for column, width in zip(columns, widths, strict=False))
    template = "  ".join(fields)
    for number, row in enumerate(chain([columns], rows, more)):
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


def document_key(document: Document) -> str:
    """What identifies a document among others: a job and a set may have one name."""
    return set_reference(document_name(document)) if is_of_set(document) else document_name(document)


def cost_cell(document: Document) -> str:
    """What was spent, else the estimate."""
    amounts = document.get("processingUnits", {})
    if "spent" in amounts:
        return units(amounts["spent"])
    return f"~{units(amounts['estimated'])}" if "estimated" in amounts else ""


_CELLS: Mapping[str, Callable[[Document], str]] = {
    "JOB": document_name,
    "PHASE": lambda document: progress_words(document) if is_of_set(document) else str(document["phase"]),
    "REASON": lambda document: str(document["reason"]),
    "PU": cost_cell,
    "REQUEST ID": lambda document: str(document.get("requestId", "")),
    "GENERATION": lambda document: str(document.get("generation", "")),
    "PATH": lambda document: str(document.get("path", "")),
}


def notes(document: Document, *, has_outputs: bool = True) -> list[str]:
    """Output paths of a success; otherwise reason and message, and every problem of the manifest.

    Of a set, every reason why cells did not succeed.
    """
    if is_of_set(document):
        return [*reason_lines(document), *document["manifest"].get("problems", ())]
    manifest = document["manifest"]
    good = Phase(document["phase"]) is Phase.SUCCEEDED
    found = [output["href"] for output in document.get("outputs", ())] if good and has_outputs else []
    reasons = [] if good else [f"{document['reason']}: {document['message']}"]
    return [*found, *reasons, *manifest.get("problems", ())]


def is_refused(document: Document) -> bool:
    """Whether a job, or a cell of a set, is held because its bucket, not an operator, says no."""
    return Reason.HISTORY_UNKNOWN in (document["reason"], *document.get("reasons", ()))


def exit_code(documents: Iterable[Document], *, bad: Collection[Phase] = BAD) -> int:
    """1 when a job, or a cell, is in a `bad` phase, or a manifest as it is now is not accepted, whatever its phase."""
    return int(any(not phases_of(document).isdisjoint(bad) or is_rejected(document) for document in documents))
