"""The figures that docs/guarantees.md quotes, each behind a mark: `<!-- races.pairs -->200`.

`python -m tests.proofs.quotes` writes today's figures of docs/proofs behind their marks; a test compares them.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.proofs.record import FOLDER, ROOT, tell

PAGE = ROOT / "docs" / "guarantees.md"
MARK = re.compile(r"<!-- (?P<proof>\w+)\.(?P<figure>.+?) -->(?P<value>\d+\.\d+|[^\s<|,.;:)]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """One figure as the page has it."""

    proof: str
    figure: str
    value: str


def quotes(text: str) -> Iterator[Quote]:
    """Every marked figure of a page."""
    for mark in MARK.finditer(text):
        yield Quote(**mark.groupdict())


def figure_of(proof: str, figure: str, folder: Path = FOLDER) -> str:
    """What the proof's file says. Raises FileNotFoundError or KeyError when it says nothing of it."""
    document = json.loads((folder / f"{proof}.json").read_text(encoding="utf-8"))
    return str(document["figures"][figure])


def renewed(text: str, folder: Path = FOLDER) -> str:
    """The page with the figures of the files."""

    def written(mark: re.Match[str]) -> str:
        proof, figure = mark["proof"], mark["figure"]
        return f"<!-- {proof}.{figure} -->{figure_of(proof, figure, folder)}"

    return MARK.sub(written, text)


def main() -> None:
    before = PAGE.read_text(encoding="utf-8")
    after = renewed(before)
    PAGE.write_text(after, encoding="utf-8")
    tell(f"{PAGE.name}: {len(list(quotes(after)))} figures, {'renewed' if after != before else 'unchanged'}")


if __name__ == "__main__":
    main()
