"""The cells of a set as a grid: which rows it has, in which order, and how it is grid_page into pages."""

import pytest

from controller.ledger.places.of_set import PlacedCell
from controller.page.grid import MOST_WINDOWS, grid_page, grid_rows, row_key, total

DELIVERED, FAILED, HELD = "Delivered", "ErrorReported", "Trial"


def cell(name: str, window: str = "", reason: str = DELIVERED) -> PlacedCell:
    return PlacedCell(name=name, reason=reason, window=window, footprint=None)


@pytest.mark.parametrize(
    ("name", "window", "key"),
    [
        pytest.param("alps-32n-e400-n5150-2024-06-ndvi", "2024-06", "32n-e400-n5150-ndvi", id="the window is left out"),
        pytest.param("alps-2024-06-ndvi", "2024-06", "ndvi", id="also in front"),
        pytest.param("alps-ndvi-2024-w23", "2024-w23", "ndvi", id="also at the end"),
        pytest.param("alps-2024-06", "2024-06", "", id="a set of windows has one row"),
        pytest.param("alps-2024-06-2024-06", "2024-06/2024-06", "", id="two axes of windows"),
        pytest.param("alps-12024-06x-2024-06", "2024-06", "12024-06x", id="not a part of another key"),
        pytest.param("alps-f1", "", "f1", id="without windows the rest of the name"),
    ],
)
def test_the_key_of_a_row_is_what_its_cells_have_in_common(name: str, window: str, key: str) -> None:
    assert row_key("alps", cell(name, window)) == key


def test_rows_with_failed_cells_come_first_then_held_then_by_key() -> None:
    months = ("2024-01", "2024-02", "2024-03")
    reasons = {"d": [DELIVERED] * 3, "c": [DELIVERED, FAILED, FAILED], "b": [FAILED, DELIVERED, DELIVERED]}
    reasons |= {"e": [HELD, HELD, HELD], "a": [DELIVERED] * 3}
    cells = [
        cell(f"s-{key}-{month}", month, reason)
        for key, those in reasons.items()
        for month, reason in zip(months, those, strict=True)
    ]
    rows = grid_rows("s", cells)
    assert [each.key for each in rows] == ["c", "b", "e", "a", "d"]
    assert total(rows) == {"Failed": 3, "Held": 3, "Succeeded": 9}
    assert sorted(rows[0].cells) == list(months)


def grid(rows: int, windows: int) -> list[PlacedCell]:
    return [
        cell(f"s-t{row:04}-{2000 + window // 12}-{window % 12 + 1:02}", f"{2000 + window // 12}-{window % 12 + 1:02}")
        for row in range(rows)
        for window in range(windows)
    ]


def test_480_cells_are_one_page() -> None:
    shown = grid_page(grid_rows("s", grid(40, 12)), page=1, era=0)
    assert (len(shown.rows), len(shown.windows), shown.pages, shown.eras) == (40, 12, 1, 1)


@pytest.mark.parametrize(("rows", "windows"), [(834, 12), (10_000, 1), (1, 600), (40, 250)])
def test_the_pages_of_a_large_set_have_every_cell_once(rows: int, windows: int) -> None:
    made = grid_rows("s", grid(rows, windows))
    first = grid_page(made, 1, 0)
    assert len(first.windows) <= MOST_WINDOWS
    assert len(first.rows) * len(first.windows) <= 1_000
    assert first.era == first.eras, "the latest windows come first"
    seen = [
        row.cells[window].name
        for era in range(1, first.eras + 1)
        for page in range(1, first.pages + 1)
        for shown in [grid_page(made, page, era)]
        for row in shown.rows
        for window in shown.windows
    ]
    assert sorted(seen) == sorted(each.name for each in grid(rows, windows))


@pytest.mark.parametrize("name", ["s-t0833-2000-01", "s-t0000-2000-01", "s-t0400-2020-10"])
def test_the_page_of_a_cell_has_it(name: str) -> None:
    shown = grid_page(grid_rows("s", grid(834, 250)), 1, 0, name)
    assert any(row.cells[window].name == name for row in shown.rows for window in shown.windows)


@pytest.mark.parametrize(("page", "era", "cell_name"), [(99, 99, ""), (99, 0, "no-such-cell")])
def test_a_page_that_there_is_not_is_the_last(page: int, era: int, cell_name: str) -> None:
    shown = grid_page(grid_rows("s", grid(834, 12)), page, era, cell_name)
    assert (shown.page, shown.era) == (shown.pages, shown.eras)


def test_a_set_without_cells_has_an_empty_page() -> None:
    shown = grid_page([], 1, 0)
    assert (shown.rows, shown.windows, shown.pages) == ([], [], 1)
