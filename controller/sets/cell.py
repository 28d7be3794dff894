"""The cells of a set: what each is named, when it is due, and the manifest of the ordinary job it is.

Pure; `accept` makes them once the axes are known to be right.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from sys import intern
from typing import Any

from controller.manifest.document import Path
from controller.manifest.model import API_VERSION, KIND
from controller.sets.axes import Axis, Value
from controller.sets.model import SetManifest
from controller.sets.substitution import Fill, compiled

TEMPLATE: Path = ("spec", "template")


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


def filled_cells(manifest: SetManifest, axes: Sequence[Axis]) -> Iterator[Cell]:
    """A cell for each combination of values that `exclude` does not leave out, in the order of the axes."""
    excluded = _excluded(axes, manifest.spec.exclude)
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
        {name: frozenset(map(by_name[name].key_of, keys_in(keys))) for name, keys in rule.items()} for rule in rules
    ]
    return lambda values: any(all(values[name].key in keys for name, keys in rule.items()) for rule in wanted)


def keys_in(written: Any) -> list[str]:
    """The keys that a rule of `exclude` has for an axis, one or a list; a year is a number for YAML."""
    return [str(each) for each in (written if isinstance(written, list) else [written])]
