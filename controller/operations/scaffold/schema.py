"""The JSON Schema of everything that a file of the tree may declare: jobs, approvals, and sets.

`schema` prints it and `init` writes it. A set's template is the `spec` of a job in which a reference to an axis may
stand for any value.
"""

from collections.abc import Mapping
from typing import Any

from controller.manifest.model import SET, StrictModel
from controller.manifest.schema import DIALECT, NAME, Schema, at, document_schema, inlined, manifest_schema, requiring
from controller.sets.model import MOST_VALUES, GridAxis, SetManifest, ValuesAxis, WindowAxis

_REFERENCE: Schema = {"type": "string", "pattern": r"^\$[a-z][a-z0-9]*(\.[A-Za-z_][A-Za-z0-9_-]*)?$"}
_BEGINS_ONE: Schema = {"type": "string", "pattern": r"^\$[^$]"}
"""A choice and no alternative, so that an editor says what is wrong with a value at its own place."""
_AXIS = "^[a-z][a-z0-9]{0,19}$"
_KEY = "^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$"
_KEYS: Schema = {"type": ["string", "integer"]}
_SHOWN = ("description", "examples", "default")
"""What an editor shows of a field: it stays where the editor looks first."""


def file_schema() -> Schema:
    """The schema of every kind of document: `kind` chooses."""
    documents = document_schema()
    return {
        "$schema": DIALECT,
        "title": documents["title"],
        "if": {"properties": {"kind": {"const": SET}}, **requiring("kind")},
        "then": set_schema(),
        "else": {key: value for key, value in documents.items() if key not in ("$schema", "title")},
    }


def set_schema() -> Schema:
    """The schema of a set."""
    schema = _of(SetManifest)
    at(schema, ("metadata", "name")).update(NAME)
    axes = at(schema, ("spec", "axes"))
    axes |= {
        "minProperties": 1,
        "propertyNames": {"pattern": _AXIS},
        "additionalProperties": _axis(),
    }
    keys = {"anyOf": [_KEYS, {"type": "array", "items": _KEYS}]}
    at(schema, ("spec", "exclude", 0)).update({"minProperties": 1, "additionalProperties": keys})
    template = at(schema, ("spec", "template"))
    template |= {**_filled_in(at(manifest_schema(), ("spec",))), "description": template["description"]}
    return schema


def _of(model: type[StrictModel]) -> Schema:
    raw = model.model_json_schema()
    return inlined(raw, raw.get("$defs", {}))


def _axis() -> Schema:
    """One of three kinds, chosen by the key that each has, so that an editor says what is wrong with that one."""
    grid = {"type": "object", "properties": {"grid": _grid()}, "additionalProperties": False}
    values = _of(ValuesAxis)
    at(values, ("values",)).update(
        {"minProperties": 1, "maxProperties": MOST_VALUES, "propertyNames": {"pattern": _KEY}}
    )
    return {
        "type": "object",
        "oneOf": [requiring("grid"), requiring("every"), requiring("values")],
        "allOf": [
            {"if": requiring(key), "then": kind}
            for key, kind in (("grid", grid), ("every", _of(WindowAxis)), ("values", values))
        ],
    }


def _grid() -> Schema:
    grid = _of(GridAxis)
    grid["oneOf"] = [requiring("areaFile"), requiring("area")]
    at(grid, ("area",))["oneOf"] = [requiring("bbox"), requiring("geometry")]
    return grid


# --- a template ---


def _filled_in(schema: Schema) -> Schema:
    """An object whose values may be references."""
    found = {**schema, **_with_references(schema)}
    if "allOf" in schema:
        found["allOf"] = [{**rule, "then": _filled_in(rule["then"])} for rule in schema["allOf"]]
    return found


def _with_references(schema: Schema) -> Schema:
    properties: Mapping[str, Any] = schema.get("properties", {})
    found: Schema = {"properties": {key: _or_reference(value) for key, value in properties.items()}}
    if isinstance(schema.get("items"), dict):
        found["items"] = _or_reference(schema["items"])
    return {key: value for key, value in found.items() if value}


def _or_reference(schema: Any) -> Any:
    """The schema of a value, or a reference instead of it; `true` allows everything already."""
    if not isinstance(schema, dict):
        return schema
    shown = {key: schema[key] for key in _SHOWN if key in schema}
    value = {key: value for key, value in _filled_in(schema).items() if key not in _SHOWN}
    return {**shown, "if": _BEGINS_ONE, "then": _REFERENCE, "else": value}
