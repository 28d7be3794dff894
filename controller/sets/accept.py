"""Decides whether a document is a set: a ValidSet with its cells, or Broken with all its errors.

Pure; called by the tree, and by `expand`. A cell is an ordinary job: its document is the template, filled in, and its
name the set's and the keys of its values.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.manifest.document import Document
from controller.manifest.keys import read_keys
from controller.manifest.problems import ProblemCollector
from controller.manifest.validate import Broken, Script, no_secrets
from controller.sets.axes import Axis, read_axes
from controller.sets.cell import TEMPLATE, Cell, filled_cells
from controller.sets.model import SetManifest
from controller.sets.rules import check_axes, check_cells
from controller.sets.substitution import compiled

Read = Callable[[str], Script]
"""The script of this name, read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidSet:
    """A document that declares a set. `index` is its number in the file, from 0; `scripts` are those it names, read."""

    path: str
    index: int
    name: str
    manifest: SetManifest
    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...]
    document: Document
    scripts: Mapping[str, Script]

    def next_due(self, now: datetime) -> datetime | None:
        """When the next window is to be asked for; None: never."""
        return min(filter(None, (axis.next_due(now) for axis in self.axes)), default=None)


def accept_set(
    document: Document, path: str, areas: Mapping[str, Script], scripts: Read, until: datetime
) -> ValidSet | Broken:
    """The set a document declares, with the cells that exist at the moment `until`.

    `areas` are the files it names as areas, by name.
    """
    faults = ProblemCollector(document, path)
    no_secrets(faults, TEMPLATE)
    for empty in document.empty:
        faults.add(empty, "E107", "is empty: write a value, or remove it")
    manifest = read_keys(SetManifest, faults)
    axes = read_axes(faults, areas, until) if isinstance(faults.at(("spec", "axes")), dict) else ()
    if manifest is not None and not faults.found:
        check_axes(faults, manifest, axes)
    cells: tuple[Cell, ...] = ()
    read: Mapping[str, Script] = {}
    if manifest is not None and not faults.found:
        cells = tuple(filled_cells(manifest, axes))
        read = {file: scripts(file) for file in _script_files(cells)}
        check_cells(faults, path, axes, cells, read)
    problems = faults.problems()
    if manifest is None or problems:
        return Broken(path=path, index=document.index, name=None, problems=problems, set_name=faults.name() or "")
    return ValidSet(
        path=path, index=document.index, name=manifest.metadata.name, manifest=manifest, axes=axes, cells=cells,
        document=document, scripts=read,
    )  # fmt: skip


def _script_files(cells: Sequence[Cell]) -> list[str]:
    """Every script that a cell names."""
    if not cells:
        return []
    fill = compiled({"evalscriptFile": cells[0].template.get("evalscriptFile")})
    written = (fill(cell.fields)["evalscriptFile"] for cell in cells)
    return sorted({file for file in written if isinstance(file, str) and file})
