"""The jobs of a set, without reading ten thousand manifests: cells that differ only in where they are share one.

Pure; called by the tree. One cell of each group is accepted as any manifest is, and the rest of the group asks for the
same elsewhere. A problem of it is one of the set, at its place in the template.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from controller.manifest.document import Document, field_name
from controller.manifest.request import Request, request_elsewhere
from controller.manifest.validate import Broken, Script, ValidManifest, accept, script_file
from controller.model.errors import Problem
from controller.model.job import SetCell
from controller.sets.accept import ValidSet
from controller.sets.cell import TEMPLATE, Cell
from controller.sets.grid import GridTile
from controller.sets.substitution import references

_SPEC = ("spec",)
_FIELD = field_name(TEMPLATE)
_POSITION = ("key", "bbox")  # fields of a tile
_BOUNDS, _DELIVERY = ("request", "input", "bounds"), ("request", "output", "delivery")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Cells that differ only in where they are: `first` is the manifest of the first one."""

    first: ValidManifest
    cells: tuple[Cell, ...]
    place: SetCell

    def request(self, cell: Cell) -> Request:
        """What one of the cells asks for."""
        return request_elsewhere(self.first.request, cell.spec["request"])


def alike(found: ValidSet, now: datetime) -> Iterator[Alike | Broken]:
    """The cells that are due, in groups; Broken for a group that cannot be accepted."""
    groups: dict[tuple[object, ...], list[Cell]] = {}
    each_tile = _tile_matters(found)
    for cell in found.cells:
        if cell.due is None or cell.due <= now:
            groups.setdefault(cell.keys if each_tile else _group(cell), []).append(cell)
    places = _places(found.document)
    recipes: dict[tuple[str, ...], str] = {}
    for cells in groups.values():
        document = Document(index=found.index, value=cells[0].document, places=places)
        file = script_file(document)
        script = found.scripts.get(file) if file else None
        first = accept(document, found.path, script)
        if isinstance(first, Broken):
            yield replace(first, name=None, set_name=found.name, problems=tuple(_of_cell(first, cells[0])))
            continue
        recipe = recipes.setdefault(cells[0].named, _recipe(found, cells[0], script))
        yield Alike(
            first=first, cells=tuple(cells), place=SetCell(set_name=found.name, recipe=recipe, window=_window(cells[0]))
        )


def _of_cell(first: Broken, cell: Cell) -> Iterator[Problem]:
    """Other cells may have none of these, so the cell is named."""
    for problem in map(in_template, first.problems):
        yield replace(problem, message=f"{problem.message} (in the cell {cell.name})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waste:
    """What a set's tiles cover beside its area: `outside` of 0 to 1, and how many tiles are less than half inside."""

    outside: float
    slivers: int


def waste(found: ValidSet) -> Waste | None:
    """None for a set without tiles."""
    shares = [each.share for each in cells_of_tiles(found)]
    if not shares:
        return None
    return Waste(outside=1 - sum(shares) / len(shares), slivers=sum(each < 0.5 for each in shares))


def cells_of_tiles(found: ValidSet) -> Counter[GridTile]:
    """How many cells each tile has that has any."""
    return Counter(each.tile for cell in found.cells for each in cell.values.values() if each.tile)


def in_template(problem: Problem) -> Problem:
    """A problem of a cell, as one of its set: its field is below `spec.template`."""
    if problem.field == "spec" or problem.field.startswith("spec."):
        return replace(problem, field=_FIELD + problem.field.removeprefix("spec"))
    return problem


def _group(cell: Cell) -> tuple[object, ...]:
    """Everything that can matter but the position of its tile."""
    return tuple(
        (value.tile.epsg, value.tile.width, value.tile.height) if value.tile else value.key
        for value in cell.values.values()
    )


def _tile_matters(found: ValidSet) -> bool:
    """Whether the template asks for the position of a tile elsewhere than in bounds and delivery."""
    grids = {axis.name for axis in found.axes if axis.is_grid}
    return any(
        axis in grids and field in _POSITION and path[: len(place)] != place
        for path, axis, field in references(found.manifest.spec.template)
        for place in [_DELIVERY if path[1:2] == ("output",) else _BOUNDS]
    )


def _window(cell: Cell) -> str:
    return "/".join(value.key for value in cell.values.values() if value.window)


def _places(document: Document) -> dict[tuple[str | int, ...], tuple[int, int]]:
    """Where what stands in the template would be in the manifest of a cell."""
    depth = len(TEMPLATE)
    within = {(*_SPEC, *path[depth:]): place for path, place in document.places.items() if path[:depth] == TEMPLATE}
    return {**within, ("metadata", "name"): document.place(("metadata", "name"))}


def _recipe(found: ValidSet, cell: Cell, script: Script | None) -> str:
    """Identifies what the cell asks for, apart from where and when, and of what size windows and tiles are."""
    template = found.manifest.spec.template
    named: Mapping[str, object] = {
        axis: value.fields for axis, value in cell.values.items() if value.tile is None and value.window is None
    }
    scales = {axis.name: axis.scale for axis in found.axes if axis.scale}
    asked = [template.get("request"), template.get("parameters"), named, script.text if script else ""]
    asked += [scales] if scales else []
    return sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()[:12]
