"""One set: how far it is, what it costs, its cells as a grid and on a map, and what to do about those that failed.

It reads what the ledger last recorded: the set's own status document and one query for its cells.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from controller.ledger.places.of_set import PlacedCell, path_of_set, placed_cells, set_paths
from controller.ledger.reads.amounts import Amount, per_day
from controller.ledger.reads.order import phase_of
from controller.ledger.reads.reader import Reader
from controller.manifest.footprint import Footprint, placed
from controller.model.job_set import set_reference
from controller.model.reasons import Phase
from controller.operations.inspect.describe_set import commands_for
from controller.page.context import NotFound, ViewContext
from controller.page.grid import GridPage, GridRow, grid_page, grid_rows, total
from controller.page.recorded import documents_at
from controller.page.svg.features import URGENCY, box_feature, disc_feature, worst
from controller.page.svg.projection import MapView, corners, view_around

MOST_TILES = 60
"""On the map of one set; more are added up in the parts of it."""
PARTS = (12, 6)
MOST_GROUPS = 12  # reasons with their sentences
Document = dict[str, Any]


def one_set(context: ViewContext) -> Document:
    """The set with the name of the address. Raises `NotFound`."""
    name, store = context.name, context.store
    cells = placed_cells(store, name) if store else []
    document = _recorded(store, name) if store else {}
    if store is None or not (cells or document):
        raise NotFound(f"there is no set with the name {name!r}")
    rows = grid_rows(name, cells)
    shown = grid_page(rows, context.number("page", 1), context.number("era", 0), context.fields.get("cell", ""))
    return {
        "name": name,
        "path": document.get("path", path_of_set(store, name)),
        "status": document,
        "phases": total(rows),
        "cells": len(cells),
        "month": _month(context, name),
        "groups": list(_groups(document, name)),
        **_grid(shown, rows),
        "marked": context.fields.get("cell", ""),
        "map": _map(rows, shown),
    }


def _recorded(store: Reader, name: str) -> Document:
    """The status document of a set with its path; empty when there is none that can be read."""
    known = path_of_set(store, name)
    for path in [known] if known else set_paths(store):
        for each in documents_at(store, path):
            if each["name"] == name:
                return each
    return {}


def _month(context: ViewContext, name: str) -> Document:
    """What the set has cost in this month (UTC), beside the budget of all jobs; units."""
    assert context.store is not None, "a set is in a ledger"
    days = per_day(context.store, context.now.date().replace(day=1), None, [f"set={name}"])
    found = sum(days.values(), Amount())
    return {"spent": found.spent, "reserved": found.reserved, "budget": context.settings.monthly_budget}


def _groups(document: Mapping[str, Any], name: str) -> Iterator[Document]:
    """Each reason why cells did not succeed, with its sentence, and the command that may help."""
    if not document.get("reasons"):
        return
    commands, messages = _commands(document), document.get("messages", {})
    for reason, count in [*document["reasons"].items()][:MOST_GROUPS]:
        yield {
            "reason": reason,
            "phase": str(phase_of(reason)),
            "cells": count,
            "message": messages.get(reason, ""),
            "command": commands.get(reason, ""),
        }
    if document["reasons"]:
        yield {"reason": "", "phase": "", "cells": 0, "message": "", "command": f"shjobs why {set_reference(name)}"}


def _commands(document: Mapping[str, Any]) -> dict[str, str]:
    """By reason; none for a document with a reason that this version does not know."""
    try:
        return commands_for(document)
    except (ValueError, KeyError):
        return {}


def _grid(shown: GridPage, rows: Sequence[GridRow]) -> Document:
    return {
        "windows": list(shown.windows),
        "rows": [
            {
                "key": each.key,
                "cells": {
                    window: {"job": cell.name, "phase": str(phase_of(cell.reason))}
                    for window in shown.windows
                    if (cell := each.cells.get(window))
                },
            }
            for each in shown.rows
        ],
        "tiles": len(rows),
        "page": shown.page,
        "pages": shown.pages,
        "era": shown.era,
        "eras": shown.eras,
    }


def _map(rows: Sequence[GridRow], shown: GridPage) -> Document | None:
    """The tiles as GeoJSON, with the window of their map; None when no place is known."""
    tiles = _tiles(rows)
    if not tiles:
        return None
    whole = _around(tiles)
    view = view_around(whole) if whole else MapView()
    on_page = {row.key for row in shown.rows}
    made = (_tile(box, found, on_page) for box, found in tiles.items())
    features = list(made) if len(tiles) <= MOST_TILES else list(_discs(tiles, view.window))
    features.sort(key=lambda each: -URGENCY.index(Phase(each["properties"]["phase"])))
    return {"type": "FeatureCollection", "features": features, "window": corners(view.window), "zoom": view.zoom}


Tiles = Mapping[Footprint, Sequence[tuple[str, PlacedCell]]]


def _tiles(rows: Iterable[GridRow]) -> Tiles:
    """The cells of each box, with the keys of their rows."""
    found: dict[Footprint, list[tuple[str, PlacedCell]]] = {}
    for row in rows:
        for cell in row.cells.values():
            if cell.footprint:
                found.setdefault(cell.footprint, []).append((row.key, cell))
    return found


def _around(tiles: Iterable[Footprint]) -> Footprint | None:
    """A box around all; tiles on both sides of the antimeridian are taken as they lie beside it."""
    found = list(tiles)
    turns = [0, 360] if max(each.east for each in found) - min(each.west for each in found) > 180 else [0]
    boxes = [(_turned(each, turns[-1]), each) for each in found]
    west, east = min(x for (x, _), _ in boxes), max(x for (_, x), _ in boxes)
    return placed(west, min(each.south for each in found), east, max(each.north for each in found))


def _turned(box: Footprint, turn: int) -> tuple[float, float]:
    """West and east, counted on to the east if it lies in the west."""
    return (box.west + turn, box.east + turn) if turn and box.west < 0 else (box.west, box.east)


def _tile(box: Footprint, found: Sequence[tuple[str, PlacedCell]], on_page: set[str]) -> Document:
    phases = _phases(found)
    first = worst(phases)
    key, cell = next((key, cell) for key, cell in found if phase_of(cell.reason) is first)
    return box_feature(box, phases, {"tile": key, "cell": cell.name, "here": key in on_page})


def _discs(tiles: Tiles, window: Footprint) -> Iterator[Document]:
    columns, rows = PARTS
    found: dict[tuple[int, int], list[tuple[Footprint, Sequence[tuple[str, PlacedCell]]]]] = {}
    for box, cells in tiles.items():
        x = ((box.west + box.east) / 2 - window.west) % 360 / window.width * columns
        y = (window.north - (box.south + box.north) / 2) / window.height * rows
        found.setdefault((int(x), int(y)), []).append((box, cells))
    for same in found.values():
        boxes = [box for box, _ in same]
        longitude = sum((box.west + box.east) / 2 for box in boxes) / len(boxes)
        latitude = sum((box.south + box.north) / 2 for box in boxes) / len(boxes)
        yield disc_feature(longitude, latitude, _phases(cell for _, cells in same for cell in cells))


def _phases(found: Iterable[tuple[str, PlacedCell]]) -> Counter[Phase]:
    return Counter(phase_of(cell.reason) for _, cell in found)
