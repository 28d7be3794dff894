"""Decides whether a document is a set: a ValidSet with its cells, or Broken with all its errors.

Pure; called by the tree, and by `expand`. A cell is an ordinary job: its document is the template, filled in, and its
name the set's and the keys of its values. What the values can be is checked for each; the job is checked for every
combination of named values, since tiles and windows are right by construction.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from math import prod
from sys import intern
from typing import Any

from controller.manifest.document import MOST_PROBLEMS, Document, Path
from controller.manifest.keys import read_keys
from controller.manifest.model import API_VERSION, KIND
from controller.manifest.problems import ProblemCollector
from controller.manifest.rules.area import area
from controller.manifest.rules.size import size_rule
from controller.manifest.validate import Broken, Script, accept, no_secrets, script_file
from controller.model.catalog import nearest
from controller.model.errors import Problem, truncate
from controller.sets.axes import Axis, Value, read_axes
from controller.sets.model import MOST_CELLS, SetManifest
from controller.sets.substitution import Fill, compiled, pieces, references

TEMPLATE: Path = ("spec", "template")
_EXCLUDE: Path = ("spec", "exclude")
_LONGEST_NAME = 63

Read = Callable[[str], Script]
"""The script of this name, read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One job of a set; `due` is the moment from which it is asked for, None: at once. `fill` makes its `spec`."""

    name: str
    values: Mapping[str, Value]
    due: datetime | None
    labels: Mapping[str, str]
    template: Mapping[str, Any]
    fill: Fill

    @property
    def fields(self) -> dict[str, Mapping[str, Any]]:
        """What its template may ask for, by axis."""
        return {axis: value.fields for axis, value in self.values.items()}

    @property
    def spec(self) -> dict[str, Any]:
        """The template, filled in; what depends on no axis is shared by all cells."""
        filled: dict[str, Any] = self.fill(self.fields)
        return filled

    @property
    def document(self) -> dict[str, Any]:
        """The manifest of an ordinary job that asks for the same."""
        metadata = {"name": self.name, "labels": self.labels}
        return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": self.spec}

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all its values."""
        return tuple(value.key for value in self.values.values())

    @property
    def named(self) -> tuple[str, ...]:
        """The keys of its values that are neither tiles nor windows."""
        return tuple(value.key for value in self.values.values() if value.tile is None and value.window is None)


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
        _check_references(faults, axes)
        _check_exclude(faults, axes)
        _check_names(faults, manifest, axes)
    cells: tuple[Cell, ...] = ()
    read: Mapping[str, Script] = {}
    if manifest is not None and not faults.found:
        cells = tuple(_cells(manifest, axes, _excluded(axes, manifest.spec.exclude)))
        _check_clashes(faults, cells)
        read = {file: scripts(file) for file in _script_files(cells)}
        _check_jobs(faults, path, cells, read)
    if not faults.found and any(axis.is_grid for axis in axes):
        _check_tiles(faults, path, cells)
    problems = faults.problems()
    if manifest is None or problems:
        return Broken(path=path, index=document.index, name=None, problems=problems, set_name=faults.name() or "")
    return ValidSet(
        path=path, index=document.index, name=manifest.metadata.name, manifest=manifest, axes=axes, cells=cells,
        document=document, scripts=read,
    )  # fmt: skip


# --- cells ---


def _cells(
    manifest: SetManifest, axes: Sequence[Axis], excluded: Callable[[Mapping[str, Value]], bool]
) -> Iterator[Cell]:
    fill = compiled(manifest.spec.template)
    labels = {**manifest.metadata.labels, "set": manifest.metadata.name}
    for values in product(*(axis.values for axis in axes)):
        named = {axis.name: value for axis, value in zip(axes, values, strict=True)}
        if excluded(named):
            continue
        name = intern("-".join([manifest.metadata.name, *(each.key for each in values)]))
        yield Cell(
            name=name,
            values=named,
            due=_due(axes, values),
            labels=labels,
            template=manifest.spec.template,
            fill=fill,
        )


def _due(axes: Sequence[Axis], values: Sequence[Value]) -> datetime | None:
    moments = [
        value.window.due(axis.every.after)
        for axis, value in zip(axes, values, strict=True)
        if axis.every is not None and value.window is not None
    ]
    return max(moments, default=None)


def _excluded(axes: Sequence[Axis], rules: Sequence[Mapping[str, Any]]) -> Callable[[Mapping[str, Value]], bool]:
    by_name = {axis.name: axis for axis in axes}
    wanted = [
        {name: frozenset(map(by_name[name].key_of, _keys(keys))) for name, keys in rule.items()} for rule in rules
    ]
    return lambda values: any(all(values[name].key in keys for name, keys in rule.items()) for rule in wanted)


def _keys(written: Any) -> list[str]:
    """A year is a number for YAML."""
    return [str(each) for each in (written if isinstance(written, list) else [written])]


# --- rules ---


def _check_references(faults: ProblemCollector, axes: Sequence[Axis]) -> None:
    by_name = {axis.name: axis for axis in axes}
    used = set(_check_pieces(faults, by_name))
    for below, name, field in references(faults.at(TEMPLATE)):
        path = (*TEMPLATE, *below)
        used.add(name)
        axis = by_name.get(name)
        if axis is None:
            near = nearest(name, by_name)
            hint = f"did you mean `${near}`?" if near else f"the axes are {', '.join(by_name)}"
            faults.add(
                path, "E108", f"`${name}` is no axis of this set: {hint}; a text that begins with $ is written $$"
            )
        elif field not in axis.known:
            near = nearest(field, axis.known)
            hint = f"did you mean `${name}.{near}`?" if near else f"it has {', '.join(sorted(axis.known))}"
            faults.add(path, "E108", f"`${name}` has no `{field}`: {hint}")
    for axis in axes:
        if axis.name not in used:
            faults.add(
                axis.path, "E108", f"nothing in the template refers to `${axis.name}`: all its jobs would be the same"
            )


def _check_pieces(faults: ProblemCollector, axes: Container[str]) -> Iterator[str]:
    """The axes that are named where nothing is filled in: the text would be sent as it stands."""
    for below, name, segment in pieces(faults.at(TEMPLATE)):
        if name in axes:
            message = (
                f"`${name}` is a piece of `{truncate(segment, 60)}`, and only a whole text, or one between slashes, is "
                "filled in: write it alone, or the whole of it as a field of the axis"
            )
            faults.add((*TEMPLATE, *below), "E108", message)
            yield name


def _check_exclude(faults: ProblemCollector, axes: Sequence[Axis]) -> None:
    by_name = {axis.name: axis for axis in axes}
    for number, rule in enumerate(faults.at(_EXCLUDE) or []):
        if not rule:
            faults.add((*_EXCLUDE, number), "E107", "must not be empty: it would leave out every cell")
        for name, keys in rule.items():
            path = (*_EXCLUDE, number, name)
            axis = by_name.get(name)
            if axis is None:
                near = nearest(name, by_name)
                faults.add(
                    path, "E104", f"no axis of this set: {f'did you mean `{near}`?' if near else ', '.join(by_name)}"
                )
                continue
            for key in _keys(keys):
                if not axis.has(key):
                    near = nearest(key, [each.key for each in axis.values])
                    hint = f": did you mean {near}?" if near else ""
                    faults.add(path, "E108", f"no cell has the key {key} on the axis `{name}`{hint}")


def _check_names(faults: ProblemCollector, manifest: SetManifest, axes: Sequence[Axis]) -> None:
    count = prod(len(axis.values) for axis in axes)
    if count > MOST_CELLS:
        parts = " x ".join(f"{len(axis.values):,} of {axis.name}" for axis in axes)
        faults.add(
            ("spec", "axes"), "E109", f"are {count:,} cells ({parts}), and a set has at most {MOST_CELLS:,}: split it"
        )
        return
    longest = [max((value.key for value in axis.values), key=len, default="") for axis in axes]
    name = "-".join([manifest.metadata.name, *longest])
    if len(name) > _LONGEST_NAME:
        over = len(name) - _LONGEST_NAME
        faults.add(
            ("metadata", "name"),
            "E108",
            f"makes names like {name}, {over} too long for {_LONGEST_NAME} characters: shorten it",
        )


def _check_clashes(faults: ProblemCollector, cells: Sequence[Cell]) -> None:
    """Keys have a `-` of their own: (a, b-c) and (a-b, c) make one name, and a job is known by its name."""
    by_name: dict[str, Cell] = {}
    for cell in cells:
        other = by_name.setdefault(cell.name, cell)
        if other is not cell:
            one, two = (f"({', '.join(each.keys)})" for each in (other, cell))
            faults.add(
                ("spec", "axes"), "E194", f"{one} and {two} both make the job {cell.name!r}: rename one of the keys"
            )
            return


def _script_files(cells: Sequence[Cell]) -> list[str]:
    """Every script that a cell names."""
    if not cells:
        return []
    fill = compiled({"evalscriptFile": cells[0].template.get("evalscriptFile")})
    written = (fill(cell.fields)["evalscriptFile"] for cell in cells)
    return sorted({file for file in written if isinstance(file, str) and file})


def _check_jobs(faults: ProblemCollector, path: str, cells: Sequence[Cell], scripts: Mapping[str, Script]) -> None:
    """One cell of each combination of named values, as `check` would check it."""
    by_kind: dict[tuple[str, ...], Cell] = {}
    for cell in cells:
        by_kind.setdefault(cell.named, cell)
    found: dict[tuple[str, str, str], list[tuple[str, ...]]] = {}
    for kind, cell in by_kind.items():
        if len(found) < MOST_PROBLEMS:
            for problem in _problems(cell, path, scripts):
                found.setdefault((problem.field, problem.code, problem.message), []).append(kind)
    for (field, code, message), kinds in found.items():
        named = f" (with {', '.join(kinds[0])})" if len(kinds) < len(by_kind) else ""
        faults.add(_place_in_template(field), code, message + named)


def _check_tiles(faults: ProblemCollector, path: str, cells: Sequence[Cell]) -> None:
    """A tile may reach beyond what its CRS can draw, or have coarser pixels where it is: the first such is named."""
    by_tile: dict[tuple[str, ...], Cell] = {}
    for cell in cells:
        by_tile.setdefault(tuple(value.key for value in cell.values.values() if value.window is None), cell)
    for cell in by_tile.values():
        found = ProblemCollector(Document(index=0, value=cell.document, places={}), path)
        area(found)
        size_rule(found)
        for problem in found.problems():
            tile = " ".join(value.key for value in cell.values.values() if value.tile)
            faults.add(_place_in_template(problem.field), problem.code, f"{problem.message} (in the tile {tile})")
            return


def _problems(cell: Cell, path: str, scripts: Mapping[str, Script]) -> tuple[Problem, ...]:
    document = Document(index=0, value=cell.document, places={})
    file = script_file(document)
    script = scripts.get(file) if file else None
    found = accept(document, path, script)
    return found.problems if isinstance(found, Broken) else ()


def _place_in_template(field: str) -> Path:
    """`spec.request.input.data[0].type` of a cell as a path of its set."""
    field = field.removeprefix("spec").removeprefix(".")
    steps: list[str | int] = []
    for part in field.split(".") if field else ():
        name, *numbers = part.replace("]", "").split("[")
        steps += [name] if name else []
        steps += [int(number) for number in numbers]
    return (*TEMPLATE, *steps)
