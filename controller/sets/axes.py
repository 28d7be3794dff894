"""The axes of a set: from what is written to the values they take, each with its key and fields.

Pure; called by `accept`. A grid needs the text of its area file; a window without an end needs a moment.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from shapely.geometry.base import BaseGeometry

from controller.manifest.document import Path
from controller.manifest.keys import read_keys
from controller.manifest.problems import ProblemCollector, kind_of
from controller.manifest.validate import Script
from controller.model.catalog import nearest
from controller.sets.area import AreaError, area_of, area_of_bbox, area_of_text
from controller.sets.grid import Grid, GridError, GridTile, tiles
from controller.sets.model import (
    LATER_FROM,
    MOST_CELLS,
    MOST_VALUES,
    AreaInManifest,
    GridAxis,
    ValuesAxis,
    WindowAxis,
    is_axis,
    is_key,
)
from controller.sets.windows import Window, window, windows

AXES: Path = ("spec", "axes")
LONGEST_TILE = 10_000_000  # metres a side: a quarter of the way around the Earth
TILE_FIELDS = ("key", "bbox", "crs", "width", "height")
WINDOW_FIELDS = ("key", "range", "from", "to")
_KINDS = ("grid", "every", "values")


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One value of an axis: `fields` are what a template may ask for, `key` among them."""

    key: str
    fields: Mapping[str, Any]
    tile: GridTile | None = None
    window: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """`values` are those of a moment; `every` is the written window axis, `grid` the grid, if it is one.

    `path` is its place.
    """

    name: str
    path: Path
    values: tuple[Value, ...]
    every: WindowAxis | None = None
    grid: Grid | None = None
    known: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_endless(self) -> bool:
        return self.every is not None and self.every.to is None

    @property
    def is_grid(self) -> bool:
        return any(each.tile for each in self.values)

    @property
    def scale(self) -> Sequence[object]:
        """How long its windows are, or how large and fine its tiles, and in which CRS: not which ones there are."""
        if self.grid:
            zone = self.grid.zone.name if self.grid.zone else "auto"
            return (self.grid.pixel, self.grid.cell, zone, self.grid.epsg, self.grid.cover)
        return (self.every.every,) if self.every else ()

    def next_due(self, now: datetime) -> datetime | None:
        """When the next window after those due `now` is to be asked for; None: never."""
        return next(self.due_after(now), None)

    def due_after(self, now: datetime) -> Iterator[datetime]:
        """When each window that is not due `now` is to be asked for."""
        if self.every is None:
            return
        begin, end = window(self.every.from_), window(self.every.to) if self.every.to else None
        moments = (each.due(self.every.after) for each in windows(self.every.every, begin, end))
        yield from (moment for moment in moments if moment > now)

    def key_of(self, written: str) -> str:
        """The key that is meant: a window may be written with the capitals of ISO 8601 (`2024-W02`)."""
        try:
            return window(written).key if self.every else written
        except ValueError:
            return written

    def has(self, written: str) -> bool:
        """Whether a cell can have this key, now or later."""
        key = self.key_of(written)
        if any(each.key == key for each in self.values):
            return True
        return self.every is not None and _is_window(self.every, key)


def area_files(value: Any) -> list[tuple[Path, str]]:
    """The places and names of the area files that a set's document names, for the tree to read."""
    axes = (
        value.get("spec", {}).get("axes") if isinstance(value, dict) and isinstance(value.get("spec"), dict) else None
    )
    found = []
    for name, axis in axes.items() if isinstance(axes, dict) else ():
        grid = axis.get("grid") if isinstance(axis, dict) else None
        written = grid.get("areaFile") if isinstance(grid, dict) else None
        if isinstance(written, str) and written:
            found.append(((*AXES, name, "grid", "areaFile"), written))
    return found


def read_axes(faults: ProblemCollector, files: Mapping[str, Script], until: datetime) -> tuple[Axis, ...]:
    """All axes whose values are right; the others are in `faults`. `until`: windows that are due by then."""
    found = []
    written = faults.mapping(AXES)
    if not written and isinstance(faults.at(AXES), dict):
        faults.add(AXES, "E107", "must not be empty: a set without an axis is one job, so write `kind: AsyncProcess`")
    for name in written:
        axis = _axis(faults, name, files, until)
        if axis is not None:
            found.append(axis)
    return tuple(found)


def _axis(faults: ProblemCollector, name: str, files: Mapping[str, Script], until: datetime) -> Axis | None:
    path = (*AXES, name)
    if not is_axis(name):
        faults.add(path, "E108", "an axis is named by lowercase letters and digits, a letter first, at most 20")
        return None
    value = faults.at(path)
    kinds = [kind for kind in _KINDS if isinstance(value, dict) and kind in value]
    if len(kinds) != 1:
        faults.add(path, "E108", _no_kind(value, kinds))
        return None
    match kinds[0]:
        case "grid":
            return _grid(faults, name, path, files)
        case "every":
            return _windows(faults, name, path, until)
        case _:
            return _values(faults, name, path)


def _no_kind(value: Any, kinds: Sequence[str]) -> str:
    if len(kinds) > 1:
        return f"has {' and '.join(kinds)}: write an axis for each"
    near = (
        next((found for key in value if (found := nearest(str(key), _KINDS))), None)
        if isinstance(value, dict)
        else None
    )
    hint = f": did you mean `{near}`?" if near else ""
    given = f"not {kind_of(value)}" if not isinstance(value, dict) else "and has none of them"
    return f"must be a mapping with `grid`, `every` or `values`, {given}{hint}"


# --- tiles ---


def _grid(faults: ProblemCollector, name: str, path: Path, files: Mapping[str, Script]) -> Axis | None:
    below = (*path, "grid")
    _only(faults, path, ("grid",))
    written = read_keys(GridAxis, faults, below)
    if written is None:
        return None
    metres = written.pixel * written.cell
    if metres > LONGEST_TILE:
        faults.add((*below, "pixel"), "E109", f"a tile is longer than {LONGEST_TILE / 1000:,.0f} km: make it smaller")
        return None
    if metres % 1000:
        faults.add(
            (*below, "cell"),
            "E109",
            f"a tile of {written.cell} pixels of {written.pixel:g} m is {metres / 1000:g} km long: it must be a whole "
            f"number of km, since its key has the km of its corner",
        )
        return None
    if written.crs is not None and written.zone != "auto":
        faults.add((*below, "zone"), "E108", "there is a `crs` as well: keep one of the two")
        return None
    return _tiled(faults, name, path, written, files)


def _tiled(
    faults: ProblemCollector, name: str, path: Path, written: GridAxis, files: Mapping[str, Script]
) -> Axis | None:
    below = (*path, "grid")
    zone = None if written.zone == "auto" else written.zone
    grid = Grid(
        pixel=written.pixel,
        cell=written.cell,
        zone=zone,
        epsg=int(written.crs.rpartition("/")[2]) if written.crs else None,
        cover=written.cover,
        least=written.leave_out_below,
    )
    try:
        found = tiles(grid, _area(written, files), MOST_CELLS)
    except (AreaError, GridError) as error:
        is_read = written.area_file is not None and not files[written.area_file].problem  # else it is named already
        named = f"{written.area_file}: " if is_read and isinstance(error, AreaError) else ""
        faults.add(_area_place(written, below), "E200", f"{named}{error}")
        return None
    values = tuple(Value(key=each.key, fields=each.fields, tile=each) for each in found)
    return Axis(name=name, path=path, values=values, grid=grid, known=frozenset(TILE_FIELDS))


def _area_place(written: GridAxis, below: Path) -> Path:
    if written.area_file:
        return (*below, "areaFile")
    if written.area is None:
        return below
    return (*below, "area", "bbox" if written.area.bbox else "geometry")


def _area(written: GridAxis, files: Mapping[str, Script]) -> BaseGeometry:
    """The one that is given, in whichever way."""
    given = written.area or AreaInManifest()
    ways = [each for each in (written.area_file, given.bbox, given.geometry) if each is not None]
    if not ways:
        raise AreaError("has no area: write `areaFile`, or `area` with a bbox or a geometry")
    if len(ways) > 1:
        raise AreaError("has two areas: keep one of `areaFile`, `area.bbox` and `area.geometry`")
    if given.bbox:
        return area_of_bbox(given.bbox)
    if written.area_file is None:
        return area_of(given.geometry)
    file = files[written.area_file]
    if file.problem:
        raise AreaError(file.problem)
    return area_of_text(file.text)


# --- windows ---


def _windows(faults: ProblemCollector, name: str, path: Path, until: datetime) -> Axis | None:
    written = read_keys(WindowAxis, faults, path)
    if written is None:
        return None
    begin, end = window(written.from_), window(written.to) if written.to else None
    if end is not None and end.last < begin.first:
        faults.add((*path, "from"), "E216", "`from` is later than `to`: exchange them")
        return None
    every = windows(written.every, begin, end)
    found = tuple(islice(every if end else _due(every, written, until), MOST_CELLS + 1))
    if end is not None and not found:
        faults.add(path, "E107", f"no {written.every} begins between {written.from_} and {written.to}")
        return None
    if len(found) > MOST_CELLS:
        advice = "write a longer `every`, or a later `from`" if end else LATER_FROM
        faults.add(path, "E109", f"has more than {MOST_CELLS:,} windows: {advice}")
        return None
    return Axis(name=name, path=path, values=tuple(map(_window, found)), every=written, known=frozenset(WINDOW_FIELDS))


def _due(every: Iterator[Window], written: WindowAxis, until: datetime) -> Iterator[Window]:
    for each in every:
        if each.due(written.after) > until:
            return
        yield each


def _window(each: Window) -> Value:
    return Value(key=each.key, fields={"key": each.key, "range": each.range, **each.range}, window=each)


def _is_window(written: WindowAxis, key: str) -> bool:
    try:
        asked = window(key)
    except ValueError:
        return False
    last = window(written.to).last if written.to else asked.last
    made = next(windows(written.every, asked, None), None)
    return made == asked and window(written.from_).first <= asked.first <= last


# --- values ---


def _values(faults: ProblemCollector, name: str, path: Path) -> Axis | None:
    _only(faults, path, ("values",))
    below = (*path, "values")
    written = read_keys(ValuesAxis, faults, path)
    if written is None:
        return None
    if not written.values:
        faults.add(below, "E107", "must not be empty: an axis without values would make no job at all")
        return None
    if len(written.values) > MOST_VALUES:
        faults.add(below, "E109", f"has more than {MOST_VALUES} values")
        return None
    for key in written.values:
        if not is_key(key):
            faults.add((*below, key), "E108", "a key is made of lowercase letters, digits and '-', at most 42 of them")
        if "key" in written.values[key]:
            faults.add((*below, key, "key"), "E104", "`key` is the name of the value itself: name this field otherwise")
    fields = [frozenset(each) for each in written.values.values()]
    for key, own in zip(written.values, fields, strict=True):
        if missing := sorted(frozenset().union(*fields) - own):
            faults.add((*below, key), "E105", f"has no `{missing[0]}`, which other values of this axis have")
    values = tuple(Value(key=key, fields={**each, "key": key}) for key, each in written.values.items())
    return Axis(name=name, path=path, values=values, known=frozenset({"key"}).union(*fields))


def _only(faults: ProblemCollector, path: Path, keys: Sequence[str]) -> None:
    for key in faults.mapping(path):
        if key not in keys:
            faults.add((*path, key), "E104", f"unknown key here: an axis has only `{keys[0]}`")
