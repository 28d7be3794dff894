"""Mends in a body what `check` would refuse though its meaning is clear: for `import`.

Pure. The counterpart of `controller.manifest.remedies`, which says the same to those who write a manifest: what the
service adds when it repeats a request, GeoJSON as a map gives it, numbers and yes or no written as text.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from controller.manifest.remedies import FEATURES, REPLIED
from controller.model.catalog import DEFAULT_CRS, canonical_type, collection, crs_url

Body = dict[str, Any]

_WHOLE = frozenset({"width", "height", "quality", "minQa", "windowSizeX", "windowSizeY"})
_NUMBERS = _WHOLE | {"resx", "resy", "maxCloudCoverage", "radiometricTerrainOversampling", "bbox"}
_WORDS = {"true": True, "false": False}
_LONLAT = "http://www.opengis.net/def/crs/EPSG/0/4326"  # the same as the default: easting first, whatever the CRS
_POLYGONS = ("Polygon", "MultiPolygon")


def tidied(body: Body) -> Body:
    """The same request as a manifest says it."""
    kept: Body = _numbers(_without(body), "")
    source = kept.get("input")
    if not isinstance(source, dict):
        return kept
    mended = dict(source)
    if isinstance(source.get("bounds"), dict):
        mended["bounds"] = _bounds(source["bounds"])
    if isinstance(source.get("data"), list):
        mended["data"] = [_source(each) if isinstance(each, dict) else each for each in source["data"]]
    return {**kept, "input": mended}


def _without(value: Any) -> Any:
    """Without nulls, which mean that a key is left out, and without what only replies hold."""
    if isinstance(value, dict):
        return {key: _without(below) for key, below in value.items() if below is not None and not _is_reply(key, below)}
    return [_without(each) for each in value] if isinstance(value, list) else value


def _is_reply(key: str, value: Any) -> bool:
    return key in REPLIED and (value is False or isinstance(value, str))


def _numbers(value: Any, key: str) -> Any:
    """Numbers that were written as text, and whole numbers that were written with a decimal point."""
    if isinstance(value, dict):
        return {name: _numbers(below, name) for name, below in value.items()}
    if isinstance(value, list):
        return [_numbers(each, key) for each in value]
    if isinstance(value, str) and key in _NUMBERS:
        value = _number(value)
    return int(value) if key in _WHOLE and isinstance(value, float) and value.is_integer() else value


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


# --- the area ---


def _bounds(bounds: Body) -> Body:
    mended = dict(bounds)
    found = [_crs(bounds.get("properties"))]
    if isinstance(bounds.get("geometry"), dict):
        mended["geometry"], inner = _geometry(bounds["geometry"])
        found += inner
    written = [crs_url(each) or each for each in found if each]
    if written:
        properties = bounds.get("properties")
        mended["properties"] = {**(properties if isinstance(properties, dict) else {}), "crs": written[0]}
    if len({_LONLAT if each in (DEFAULT_CRS, _LONLAT) else each for each in written}) > 1:
        mended["geometry"]["crs"] = written[-1]  # which of the two is meant only the user knows: `check` asks
    return mended


def _crs(holder: Any) -> str | None:
    """The CRS a mapping names: as the service has it, or as older GeoJSON has it."""
    written = holder.get("crs") if isinstance(holder, dict) else None
    if isinstance(written, dict) and isinstance(written.get("properties"), dict):
        written = written["properties"].get("name")
    return written if isinstance(written, str) else None


def _geometry(geometry: Body) -> tuple[Body, list[str | None]]:
    """A polygon or multipolygon of two coordinates, and the CRSs that were written inside of it."""
    parts = list(_parts(geometry, 0))
    if not parts or any(each.get("type") not in _POLYGONS for each in parts):
        return geometry, []
    written = [_crs(each) for each in (geometry, *parts)]
    if len(parts) == 1:
        shape = {"type": parts[0]["type"], "coordinates": parts[0].get("coordinates")}
    else:
        shape = {"type": "MultiPolygon", "coordinates": [each for part in parts for each in _polygons(part)]}
    rest = {} if _kind(geometry) in FEATURES else {key: geometry[key] for key in geometry if key != "crs"}
    return {**rest, **shape, "coordinates": _flat(shape["coordinates"])}, written


def _parts(geometry: Any, depth: int) -> Iterator[Body]:
    """The geometries in GeoJSON of any kind."""
    inside = {"Feature": "geometry", "FeatureCollection": "features", "GeometryCollection": "geometries"}
    if not isinstance(geometry, dict) or depth > len(inside):
        return
    below = geometry.get(inside.get(_kind(geometry), ""))
    if _kind(geometry) not in FEATURES:
        yield geometry
    for each in below if isinstance(below, list) else [below]:
        yield from _parts(each, depth + 1)


def _kind(geometry: Body) -> str:
    kind = geometry.get("type")
    return kind if isinstance(kind, str) else ""


def _polygons(part: Body) -> list[Any]:
    coordinates = part.get("coordinates")
    return [coordinates] if part["type"] == "Polygon" else coordinates if isinstance(coordinates, list) else []


def _flat(value: Any) -> Any:
    """Positions without their height."""
    if not isinstance(value, list):
        return value
    is_position = len(value) == 3 and all(isinstance(each, int | float) for each in value)
    return value[:2] if is_position else [_flat(each) for each in value]


# --- the sources ---


def _source(data: Body) -> Body:
    named = _own(data)
    type = named.get("type")
    if not isinstance(type, str):
        return named
    today = canonical_type(type) or type
    used = collection(today)
    sections = {
        key: _booleans(named[key], used.options[key])
        for key in ("dataFilter", "processing")
        if used and isinstance(named.get(key), dict)
    }
    return {"type": today, **{key: named[key] for key in named if key != "type"}, **sections}


def _own(data: Body) -> Body:
    """Own data by today's name: `CUSTOM` and the id beside it, or in its filter, become `byoc-<id>`."""
    filters = data.get("dataFilter")
    places = [each for each in (data, filters) if isinstance(each, dict)]
    ids = [each["collectionId"] for each in places if isinstance(each.get("collectionId"), str)]
    if data.get("type") != "CUSTOM" or not ids:
        return data
    kept = {key: value for key, value in data.items() if key != "collectionId"}
    if isinstance(filters, dict):
        kept["dataFilter"] = {key: value for key, value in filters.items() if key != "collectionId"}
    return {**kept, "type": f"byoc-{ids[0].removeprefix('byoc-')}"}


def _booleans(options: Mapping[str, Any], documented: Mapping[str, Mapping[str, Any]]) -> Body:
    def read(key: str, value: Any) -> Any:
        is_boolean = documented.get(key, {}).get("type") == "boolean" and isinstance(value, str)
        return _WORDS.get(value.lower(), value) if is_boolean else value

    return {key: read(key, value) for key, value in options.items()}
