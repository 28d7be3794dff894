"""Output through the terminal library: tables that wrap, and a console of the terminal's width."""

import os

from rich.console import Console
from rich.table import Table
from rich.text import Text

from controller.cli.output.tables import COLOURS
from controller.model.reasons import Phase


def plain_table(*columns: str) -> Table:
    """A table without rules, fit for pipes; on a narrow terminal the first column wraps."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for place, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=place > 0)
    return table


def phase_text(phase: str) -> Text:
    return Text(phase, style=COLOURS.get(Phase(phase), ""))


def console(*, stderr: bool = False) -> Console:
    """Uses the terminal's width; a pipe has none, so nothing is wrapped for it."""
    is_plain = bool(os.environ.get("NO_COLOR"))
    made = Console(stderr=stderr, highlight=False, soft_wrap=False, color_system=None if is_plain else "auto")
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=400)
