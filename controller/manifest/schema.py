"""The JSON Schema of manifests, for editors: completion, hover texts and most errors while typing.

Made from the models of `model`, whose descriptions are the hover texts, and from the catalog of collections.
`shjobs schema` prints it. What needs more than the document, or arithmetic, is left to `shjobs check`.
"""

from collections.abc import Mapping
from typing import Any

from controller.manifest.approval import APPROVAL, WrittenApproval
from controller.manifest.model import DataFilter, Manifest, Processing, known_keys
from controller.model.catalog import DEFAULTS, collection, collection_names, crs_urls

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
NAME = {"pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"}
_MOMENT = {"pattern": r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$"}
_DATA = ("spec", "request", "input", "data", 0)
_S3 = ("spec", "request", "output", "delivery", "s3")

_PATTERNS: Mapping[tuple[str | int, ...], Schema] = {
    ("metadata", "name"): NAME,
    (*_S3, "credentialsRef"): NAME,
    (*_S3, "url"): {"pattern": "^s3://[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9](/[^<>]*)?$"},
    (*_S3, "iamRoleARN"): {"pattern": "^arn:[a-z-]+:iam::[0-9A-Za-z]+:role/.+$"},
    (*_DATA, "dataFilter", "timeRange", "from"): _MOMENT,
    (*_DATA, "dataFilter", "timeRange", "to"): _MOMENT,
    ("spec", "deadline"): {"default": "24h"},
}
"""What the validators of these fields require, where a pattern can express it."""

_OPTIONS: Mapping[str, str] = {
    "acquisitionMode": "Acquisition mode of the radar.",
    "backCoeff": "Backscatter coefficient. `GAMMA0_TERRAIN` also needs `orthorectify: true`.",
    "clampNegative": "true: heights below zero become 0.",
    "constellation": "Scenes of one constellation only. Default: both.",
    "demInstance": "The elevation model.",
    "egm": "true: heights above the geoid, not above the ellipsoid.",
    "harmonizeValues": "false: values as the processing baseline of each scene has them. Default true: comparable.",
    "minQa": "Pixels of lower quality have no data: 0 to 100.",
    "orbitDirection": "Only scenes of ascending or of descending orbits.",
    "orthorectify": "true: correct the positions with an elevation model. Costs twice as much.",
    "polarization": "Only scenes of this polarization: both bands of a pair, or one band.",
    "previewMode": "Which level of preview is used for coarse pixels.",
    "radiometricTerrainOversampling": "How finely the terrain is sampled with `GAMMA0_TERRAIN`: 1 to 4.",
    "resolution": "Only scenes of this resolution.",
    "speckleFilter": "`{type: LEE, windowSizeX: 3, windowSizeY: 3}` smooths speckle, and costs twice as much.",
    "tiers": "Quality tiers of the scenes.",
    "timeliness": "Only scenes that were processed this fast, or this thoroughly.",
    "view": "The viewing direction of the instrument.",
}
"""Hover texts for options of individual collections."""

_SPECKLE: Schema = {
    "type": "object",
    "properties": {
        "type": {"enum": ["NONE", "LEE"], "description": "`NONE` or `LEE`."},
        "windowSizeX": {"type": "integer", "minimum": 1, "maximum": 7, "description": "Width in pixels, 1 to 7."},
        "windowSizeY": {"type": "integer", "minimum": 1, "maximum": 7, "description": "Height in pixels, 1 to 7."},
    },
    "required": ["type"],
    "if": {"properties": {"type": {"const": "LEE"}}},
    "then": {"required": ["windowSizeX", "windowSizeY"]},
}


def manifest_schema() -> Schema:
    """The whole schema, without references, so that every editor supports it."""
    raw = Manifest.model_json_schema()
    schema = inlined(raw, raw["$defs"])
    for path, more in _PATTERNS.items():
        at(schema, path).update(more)
    at(schema, ("spec", "request", "input", "bounds", "properties", "crs"))["enum"] = list(crs_urls())
    _choices(schema)
    _collections(at(schema, _DATA))
    return {"$schema": DIALECT, "title": "shjobs manifest", **schema}


def document_schema() -> Schema:
    """The schema of every kind of document that a file of the tree may hold: `kind` chooses."""
    approval = WrittenApproval.model_json_schema()
    manifest = manifest_schema()
    return {
        "$schema": DIALECT,
        "title": manifest["title"],
        "if": {"properties": {"kind": {"const": APPROVAL}}, **requiring("kind")},
        "then": inlined(approval, approval["$defs"]),
        "else": {key: value for key, value in manifest.items() if key not in ("$schema", "title")},
    }


def at(schema: Schema, path: tuple[str | int, ...]) -> Schema:
    """The part of the schema for a path of a manifest; a number means any item of a list."""
    for step in path:
        schema = schema["items"] if isinstance(step, int) else schema["properties"][step]
    return schema


def inlined(node: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """The schema as written by hand: references inlined, no null (a key is left out), no generated titles."""
    rest = {key: value for key, value in node.items() if key not in ("$ref", "$defs", "title")}
    if "$ref" in node:
        return {**inlined(definitions[node["$ref"].rpartition("/")[2]], definitions), **rest}
    if "anyOf" in rest:
        kinds = [each for each in rest.pop("anyOf") if each != {"type": "null"}]
        rest = {**inlined(kinds[0], definitions), **rest} if len(kinds) == 1 else {"anyOf": kinds, **rest}
    if rest.get("default", 0) in (None, {}):
        del rest["default"]
    for key in ("items", "additionalProperties"):
        if isinstance(rest.get(key), dict):
            rest[key] = inlined(rest[key], definitions)
    if "properties" in node:
        rest["properties"] = {key: inlined(value, definitions) for key, value in node["properties"].items()}
    return rest


# --- which keys go together ---


def _choices(schema: Schema) -> None:
    """Keys that need or exclude each other."""
    at(schema, ("spec", "request", "input", "bounds"))["anyOf"] = [requiring("bbox"), requiring("geometry")]
    at(schema, ("spec", "request", "output"))["oneOf"] = [
        {**requiring("width", "height"), **excluding("resx", "resy")},
        {**requiring("resx", "resy"), **excluding("width", "height")},
    ]
    at(schema, _S3)["oneOf"] = [requiring("credentialsRef"), requiring("iamRoleARN")]
    inline = {"properties": {"request": requiring("evalscript")}}
    at(schema, ("spec",))["oneOf"] = [
        {**requiring("evalscriptFile"), "properties": {"request": excluding("evalscript")}},
        {**inline, **excluding("evalscriptFile")},
    ]


def requiring(*keys: str) -> Schema:
    """An object that has all of these keys."""
    return {"required": list(keys)}


def excluding(*keys: str) -> Schema:
    return {"not": {"anyOf": [requiring(key) for key in keys]}}


# --- what a collection adds ---


def _collections(dataset: Schema) -> None:
    """Names of collections with their titles, and for each the options that it documents."""
    types = tuple(DEFAULTS)
    own = f"^(byoc|batch|zarr)-{_UUID}$"
    older = [name for name in collection_names() if name not in types]
    dataset["properties"]["type"] |= {
        "anyOf": [
            *({"const": name, "description": used.title} for name in types if (used := collection(name))),
            {"enum": older, "deprecated": True, "description": "An older name."},
            {"pattern": own, "description": "Own data, by the id of its collection."},
        ]
    }
    dataset["allOf"] = [_options_of(name) for name in types]
    dataset["allOf"].append({"if": _typed({"pattern": own}), "then": _sections({}, {})})


def _typed(rule: Schema) -> Schema:
    return {"properties": {"type": rule}, **requiring("type")}


def _options_of(name: str) -> Schema:
    used = collection(name)
    assert used is not None
    names = [name, *(each for each in collection_names() if collection(each) == used and each != name)]
    return {
        "if": _typed({"enum": names}),
        "then": _sections(used.options["dataFilter"], used.options["processing"]),
    }


def _sections(data_filter: Mapping[str, Any], processing: Mapping[str, Any]) -> Schema:
    sections = (("dataFilter", DataFilter, data_filter), ("processing", Processing, processing))
    return {
        "properties": {
            section: {
                "properties": {
                    **dict.fromkeys(known_keys(model), True),
                    **{key: _option(key, rule) for key, rule in options.items() if key != "timeRange"},
                },
                "additionalProperties": False,
            }
            for section, model, options in sections
        }
    }


def _option(key: str, rule: Mapping[str, Any]) -> Schema:
    if key == "speckleFilter":
        return {**_SPECKLE, "description": _OPTIONS[key]}
    kept = {name: rule[name] for name in ("type", "enum", "minimum", "maximum") if name in rule}
    default = rule.get("default")
    is_value = isinstance(default, bool | int) or default in rule.get("enum", ())
    description = {"description": _OPTIONS[key]} if key in _OPTIONS else {}  # other keys have theirs in the model
    return {**kept, **description, **({"default": default} if is_value else {})}
