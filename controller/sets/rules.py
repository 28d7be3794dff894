"""What a set must keep to beyond its keys and types: its references, its names, and each job that it makes.

Pure; called by `accept`. What the values can be is checked for each; the job is checked for every combination of named
values, since windows are right by construction, and where its tiles are for each.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from math import prod

from controller.manifest.document import MOST_PROBLEMS, Document, Path
from controller.manifest.problems import BOUNDS, ProblemCollector
from controller.manifest.rules.area import area
from controller.manifest.rules.size import size_rule
from controller.manifest.validate import Broken, Script, accept, script_file
from controller.model.catalog import nearest
from controller.model.errors import Problem, truncate
from controller.sets.axes import Axis
from controller.sets.cell import TEMPLATE, Cell, keys_in
from controller.sets.model import LATER_FROM, MOST_CELLS, SetManifest
from controller.sets.substitution import pieces, references

_EXCLUDE: Path = ("spec", "exclude")
_LONGEST_NAME = 63


def check_axes(faults: ProblemCollector, manifest: SetManifest, axes: Sequence[Axis]) -> None:
    """Report what is wrong before there are any cells."""
    _check_references(faults, axes)
    _check_exclude(faults, axes)
    _check_names(faults, manifest, axes)


def check_cells(
    faults: ProblemCollector, path: str, axes: Sequence[Axis], cells: Sequence[Cell], scripts: Mapping[str, Script]
) -> None:  # fmt: skip
    """Report what is wrong with the cells, `scripts` being those they name."""
    _check_clashes(faults, cells)
    _check_jobs(faults, path, cells, scripts)
    if not faults.found and any(axis.is_grid for axis in axes):
        _check_tiles(faults, path, cells)


# --- axes ---


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
            for key in keys_in(keys):
                if not axis.has(key):
                    near = nearest(key, [each.key for each in axis.values])
                    hint = f": did you mean {near}?" if near else ""
                    faults.add(path, "E108", f"no cell has the key {key} on the axis `{name}`{hint}")


def _check_names(faults: ProblemCollector, manifest: SetManifest, axes: Sequence[Axis]) -> None:
    count = prod(len(axis.values) for axis in axes)
    if count > MOST_CELLS:
        parts = " x ".join(f"{len(axis.values):,} of {axis.name}" for axis in axes)
        faults.add(
            ("spec", "axes"), "E109", f"are {count:,} cells ({parts}), and a set has at most {MOST_CELLS:,}: "
            + (LATER_FROM if _is_shortened_by_from(axes) else "split it"),
        )  # fmt: skip
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


def _is_shortened_by_from(axes: Sequence[Axis]) -> bool:
    """Whether it is time alone that made a set too large."""
    others = prod(1 if axis.is_endless else len(axis.values) for axis in axes)
    return others <= MOST_CELLS and any(axis.is_endless for axis in axes)


# --- cells ---


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
        if "geometry" in found.mapping(BOUNDS):
            found.silent.add((*BOUNDS, "geometry"))  # it is that of all tiles, was checked, and may be long
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
