"""The cells of a set as a grid: a row for each tile (and each value of other axes), a column for each window.

Pure. Rows with cells that failed come first; a large grid is cut into pages of whole rows, and of windows where there
are more than fit.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from controller.ledger.places.of_set import PlacedCell
from controller.ledger.reads.order import phase_of
from controller.lifecycle.set_status import URGENCY
from controller.model.reasons import Phase

FIRST = (Phase.FAILED, Phase.UNKNOWN, Phase.INVALID, Phase.UNCONFIRMED, Phase.HELD)
"""Rows with a cell in the first of these phases come first; the other rows follow by their keys."""
MOST_WINDOWS = 120
PAGE = 46_000  # bytes of the cells of a page
CELL = 59  # bytes of the markup of a cell, without its name


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    """`key` is what the names of its cells have in common besides the set and the window; `cells` are by window."""

    key: str
    cells: Mapping[str, PlacedCell]

    @property
    def phases(self) -> Counter[Phase]:
        return Counter(phase_of(each.reason) for each in self.cells.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class GridPage:
    """Some rows and windows of a grid. Pages count from 1; the windows of the last page are the latest."""

    rows: Sequence[GridRow]
    windows: Sequence[str]
    page: int
    pages: int
    era: int
    eras: int


def grid_rows(set_name: str, cells: Iterable[PlacedCell]) -> list[GridRow]:
    """The rows of a set, those with failed cells first."""
    found: dict[str, dict[str, PlacedCell]] = {}
    for each in cells:
        found.setdefault(row_key(set_name, each), {})[each.window] = each
    rows = [GridRow(key=key, cells=by_window) for key, by_window in found.items()]
    return sorted(rows, key=lambda each: (*_need(each.phases), each.key))


def row_key(set_name: str, cell: PlacedCell) -> str:
    """`32n-e400-n5150-ndvi` of `alps-32n-e400-n5150-2024-06-ndvi`; "" when a set has windows alone."""
    key = f"-{cell.name.removeprefix(f'{set_name}-')}-"
    for window in cell.window.split("/"):
        key = key.replace(f"-{window}-", "-", 1)
    return key.strip("-")


def grid_page(rows: Sequence[GridRow], page: int, era: int, cell: str = "") -> GridPage:
    """A page of a grid: the one with a cell of that name, else that with these numbers, or the nearest; era 0: last."""
    windows = sorted({window for row in rows for window in row.cells})
    eras = max(1, -(-len(windows) // MOST_WINDOWS))
    longest = max((len(each.name) for row in rows for each in row.cells.values()), default=1)
    size = max(1, PAGE // (longest + CELL) // max(1, min(len(windows), MOST_WINDOWS)))
    pages = max(1, -(-len(rows) // size))
    for number, row in enumerate(rows):
        for window, each in row.cells.items() if cell else ():
            if each.name == cell:
                page, era = 1 + number // size, eras - (len(windows) - 1 - windows.index(window)) // MOST_WINDOWS
    page, era = min(max(1, page), pages), min(era or eras, eras)
    last = len(windows) - (eras - era) * MOST_WINDOWS
    return GridPage(
        rows=rows[(page - 1) * size : page * size],
        windows=windows[max(0, last - MOST_WINDOWS) : last],
        page=page,
        pages=pages,
        era=era,
        eras=eras,
    )


def _need(phases: Mapping[Phase, int]) -> tuple[int, int]:
    """How soon an operator should see a row, and how many cells say so."""
    first = next((number for number, phase in enumerate(FIRST) if phases[phase]), len(FIRST))
    return first, -phases[FIRST[first]] if first < len(FIRST) else 0


def total(rows: Iterable[GridRow]) -> dict[str, int]:
    """The cells by phase, the most urgent first."""
    counted: Counter[Phase] = Counter()
    for each in rows:
        counted.update(each.phases)
    return {str(phase): counted[phase] for phase in URGENCY if counted[phase]}
