"""The text of `describe` for a set, and the columns that it has as for jobs."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from controller.cli.output.set_words import progress_words
from controller.cli.output.tables import align
from controller.model.job_set import set_reference
from controller.operations.numbers import units

Document = Mapping[str, Any]


def set_lines(found: Document) -> Iterator[str]:
    """The description of a set, up to its events."""
    cells, amounts = found["cells"], found.get("processingUnits", {})
    yield set_reference(found["name"])
    later = f"{cells['due']:,} due, {cells['later']:,} later" if cells.get("later") else ""
    yield from aligned(
        [
            *((word, found.get(key, "")) for key, word in (("path", "manifest"), ("phase", "phase"))),
            ("cells", ", ".join(filter(None, [progress_words(found), later]))),
            ("next due", found.get("next", {}).get("at", "")),
            *((key, found.get(key, "")) for key in ("revision", "deployment")),
            ("cost", ", ".join(f"{units(amount)} PU {name}" for name, amount in amounts.items())),
            ("labels", ", ".join(f"{name}={value}" for name, value in found["labels"].items())),
        ]
    )
    for problem in found["manifest"].get("problems", ()):
        yield f"  problem: {problem}"
    yield from _window_lines(found["windows"])
    if found.get("reasons"):
        yield from ("", "not Succeeded")
        yield from _reasons(found)


def aligned(rows: Iterable[tuple[str, object]]) -> Iterator[str]:
    """Names and values in two columns; what has no value is left out."""
    facts = [(name, str(value)) for name, value in rows if value not in (None, "")]
    width = max((len(name) for name, _ in facts), default=0)
    yield from (f"  {name:<{width}}  {value}" for name, value in facts)


def _reasons(found: Document) -> Iterator[str]:
    """Each phase with names, then each reason with what is said of it and the command to copy."""
    for phase, names in found.get("notSucceeded", {}).items():
        yield f"  {phase}: {', '.join(names)}"
    messages, commands = found.get("messages", {}), found["commands"]
    for reason, number in found["reasons"].items():
        yield "  " + ": ".join(filter(None, [f"{number:,} {reason}", messages.get(reason, "")]))
        if reason in commands:
            yield f"    {commands[reason]}"


def _window_lines(windows: list[Document]) -> Iterator[str]:
    if windows:
        columns = ("WINDOW", "CELLS", "SUCCEEDED", "PU", "AT MOST", "SPENT")
        rows = [
            [each["window"], f"{each['cells']:,}", f"{each['succeeded']:,}"]
            + [units(each["processingUnits"].get(key)) for key in ("estimated", "upper", "spent")]
            for each in windows
        ]
        yield ""
        yield from (f"  {line}" for line in align(columns, rows, right=set(columns[1:])))
