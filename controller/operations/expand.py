"""Expands the sets of one file: for `expand`, offline.

The files a set names are read as the controller reads them: relative to the manifest, and never from outside the jobs
folder or, for a file that is not in it, from outside the file's own folder.
"""

import posixpath
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from controller.manifest.document import Document, read_documents
from controller.manifest.validate import Broken, Script, ValidManifest, accept, is_set, script_file
from controller.model.errors import UsageError
from controller.model.files import AREA
from controller.sets.accept import ValidSet, accept_set
from controller.sets.axes import area_files
from controller.sets.cell import Cell
from controller.sets.grid import GridTile, outline
from controller.sets.jobs import cells_of_tiles
from controller.tree.files import named_path, read_file

Found = ValidSet | Broken


def expand(file: Path, jobs: Path, until: datetime) -> list[Found]:
    """Every set of a file with the cells that exist at the moment `until`. Raises `UsageError` when there is none."""
    root, name = _place(file, jobs)
    text, _, problem = read_file(root, name, "manifest")
    if problem:
        raise UsageError(f"{file} {problem}")
    documents = [each for each in read_documents(text, str(file)) if is_set(each) or each.problems]
    if not documents:
        raise UsageError(f"{file} declares no set: `kind: AsyncProcessSet` does")
    files = _Files(root, posixpath.dirname(name))
    return [_expanded(document, str(file), files, until) for document in documents]


def manifest_of(found: ValidSet, cell: Cell) -> ValidManifest | Broken:
    """A cell as the ordinary manifest that it stands for."""
    document = Document(index=found.index, value=cell.document, places={})
    file = script_file(document)
    return accept(document, found.path, found.scripts.get(file) if file else None)


def as_geojson(sets: Sequence[ValidSet]) -> dict[str, Any]:
    """A feature for each tile, in longitude and latitude, with how many cells it has."""
    features = [
        {"type": "Feature", "properties": _properties(found, tile, cells), "geometry": outline(tile)}
        for found in sets
        for tile, cells in cells_of_tiles(found).items()
    ]
    return {"type": "FeatureCollection", "features": features}


def _properties(found: ValidSet, tile: GridTile, cells: int) -> dict[str, Any]:
    return {
        "set": found.name, "tile": tile.key, "epsg": tile.epsg, "bbox": tile.fields["bbox"],
        "share": round(tile.share, 4), "cells": cells,
    }  # fmt: skip


def _expanded(document: Document, path: str, files: "_Files", until: datetime) -> Found:
    if document.problems:
        return Broken(path=path, index=document.index, name=None, problems=document.problems)
    areas = {written: files(written, AREA) for _, written in area_files(document.value)}
    return accept_set(document, path, areas, files, until)


def _place(file: Path, jobs: Path) -> tuple[str, str]:
    """The folder that bounds what is read, and the file's name below it."""
    full, folder = Path(posixpath.abspath(file)), Path(posixpath.abspath(jobs))
    root = folder if full.is_relative_to(folder) else full.parent
    return str(root.resolve()), full.relative_to(root).as_posix()


class _Files:
    """Reads what a manifest in `folder` below `root` names."""

    def __init__(self, root: str, folder: str) -> None:
        self._root, self._folder = root, folder
        self._read: dict[str, Script] = {}

    def __call__(self, written: str, kind: str = "script") -> Script:
        if written not in self._read:
            self._read[written] = self._named(written, kind)
        return self._read[written]

    def _named(self, written: str, kind: str) -> Script:
        path, problem = named_path(written, self._folder, kind)
        if problem:
            return Script(path="", problem=problem)
        text, _, problem = read_file(self._root, path, kind)
        return Script(path=path, text=text, problem=f"{path} {problem}" if problem else "")
