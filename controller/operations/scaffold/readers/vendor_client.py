"""What the vendor's Python client makes of its constructors: for `python_code`.

Pure; nothing of the client is imported or run. `MAKERS` gives the value of each constructor that appears in its
documentation: of `SentinelHubRequest(…)` and `AsyncProcessRequest(…)` that is the body it would send.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from math import floor
from typing import Any

from controller.model.catalog import DEFAULTS, crs_url
from controller.operations.scaffold.bodies import Body
from controller.operations.scaffold.names import Maker, NamedCall, UnknownValue
from controller.operations.scaffold.readers.python_values import LARGEST

_FINEST = 1e-3  # metres
REQUESTS = ("SentinelHubRequest", "AsyncProcessRequest")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?")
_ORDERS = {"MOST_RECENT": "mostRecent", "LEAST_RECENT": "leastRecent", "LEAST_CC": "leastCC"}
_FORMATS = {
    "tiff": "image/tiff", "tif": "image/tiff", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg",
    "json": "application/json",
}  # fmt: skip
_NAMED = {"SENTINEL1": "sentinel-1-grd", "SENTINEL5P": "sentinel-5p-l2", "HARMONIZED_LANDSAT_SENTINEL": "hls"}
_SWATHS: Mapping[str, Mapping[str, str]] = {
    "IW": {"acquisitionMode": "IW", "polarization": "DV", "resolution": "HIGH"},
    "EW": {"acquisitionMode": "EW", "polarization": "DH", "resolution": "MEDIUM"},
    "SH": {"polarization": "SH"},
    "ASC": {"orbitDirection": "ASCENDING"},
    "DES": {"orbitDirection": "DESCENDING"},
}
"""What a part of the name of a Sentinel-1 collection asks for: `SENTINEL1_IW_ASC`."""


class _Unclear(Exception):  # noqa: N818  (caught in this module alone; it says why a value is not known)
    """An argument whose value is not known, or is none the client takes."""

    def __init__(self, why: str, argument: Any = None) -> None:
        super().__init__(why)
        self.argument = argument


@dataclass(frozen=True, slots=True, kw_only=True)
class _Area:
    """A bbox or a geometry, with its CRS as a URL."""

    key: str
    value: Any
    crs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Collection:
    type: str
    filters: Mapping[str, str] = field(default_factory=dict)


def _made(maker: Callable[[NamedCall], Any]) -> Maker:
    """The maker, with an unknown value where an argument is: that argument itself, or the reason."""

    @wraps(maker)
    def make(call: NamedCall) -> Any:
        try:
            return maker(call)
        except _Unclear as error:
            unknown = error.argument
            return unknown if isinstance(unknown, UnknownValue) else UnknownValue(line=call.line, why=str(error))

    return make


# --- areas and sizes ---


def _bbox(call: NamedCall) -> _Area:
    corners = call.argument(0, "bbox")
    if isinstance(corners, str):
        corners = [_number(part) for part in re.split(r"[,;/\s]+", corners.strip())]
    elif isinstance(corners, dict):
        corners = [corners.get(key) for key in ("min_x", "min_y", "max_x", "max_y")]
    elif isinstance(corners, list) and len(corners) == 2 and all(isinstance(each, list) for each in corners):
        corners = [*corners[0], *corners[1]]
    x1, y1, x2, y2 = _numbers(corners, 4, "the bbox")
    return _Area(
        key="bbox", value=[min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)], crs=_crs(call.argument(1, "crs"))
    )


def _geometry(call: NamedCall) -> _Area:
    shape = call.argument(0, "geometry")
    if not isinstance(shape, dict):
        raise _Unclear("this geometry is not written out as GeoJSON", shape)
    return _Area(key="geometry", value=shape, crs=_crs(call.argument(1, "crs")))


def _crs_of_code(call: NamedCall) -> UnknownValue:
    code = call.argument(0, "value")
    if isinstance(code, UnknownValue):
        return code
    return UnknownValue(line=call.line, why="a CRS alone", name=f"CRS.{code}")


def _crs(written: Any) -> str:
    name = written.name.rpartition(".")[2] if isinstance(written, UnknownValue) else str(written)
    zone = re.fullmatch(r"UTM_(\d{1,2})([NS])", name)
    code = {"WGS84": "4326", "POP_WEB": "3857", "CRS84": "4326"}.get(name.upper(), name)
    if zone:
        code = f"32{'6' if zone[2] == 'N' else '7'}{int(zone[1]):02}"
    if url := crs_url(code):
        return url
    raise _Unclear("this CRS is not known here")


def _dimensions(call: NamedCall) -> list[int]:
    """Width and height in pixels of a bbox at a resolution in metres, measured in the UTM zone of its middle."""
    box, metres = call.argument(0, "bbox"), call.argument(1, "resolution")
    if not isinstance(box, _Area) or box.key != "bbox":
        raise _Unclear("the bbox that this measures is not known here", box)
    steps = _numbers(metres if isinstance(metres, list) else [metres, metres], 2, "the resolution")
    x1, y1, x2, y2 = _in_utm(box)
    if min(steps) < _FINEST:
        raise _Unclear("the resolution must be in metres, and more than 0")
    return [round(abs(x2 - x1) / steps[0]), round(abs(y2 - y1) / steps[1])]


def _in_utm(box: _Area) -> list[float]:
    code = box.crs.rpartition("/")[2]
    if re.fullmatch(r"32[67]\d\d", code):
        return list(box.value)
    from pyproj.exceptions import ProjError

    x1, y1, x2, y2 = box.value
    source = "OGC:CRS84" if code == "4326" else f"EPSG:{code}"
    try:
        longitude, latitude = _transformed(source, "OGC:CRS84", (x1 + x2) / 2, (y1 + y2) / 2)
        zone = f"EPSG:32{'6' if latitude >= 0 else '7'}{_zone(longitude, latitude):02}"
        return [*_transformed(source, zone, x1, y1), *_transformed(source, zone, x2, y2)]
    except ProjError:
        raise _Unclear("the bbox that this measures lies outside its CRS") from None


def _zone(longitude: float, latitude: float) -> int:
    """The UTM zone, with the wider ones of Norway and Svalbard."""
    if 56 <= latitude < 64 and 3 <= longitude < 12:
        return 32
    if 72 <= latitude <= 84 and 0 <= longitude < 42:
        return 31 + 2 * sum(longitude >= border for border in (9, 21, 33))
    return min(60, floor((longitude + 180) / 6) + 1)


def _transformed(source: str, target: str, x: float, y: float) -> tuple[float, float]:
    from pyproj import Transformer  # here, since it takes long and few texts need it

    x, y = Transformer.from_crs(source, target, always_xy=True).transform(x, y, errcheck=True)
    return x, y


# --- sources of data ---


def _collection(written: Any) -> _Collection:
    if isinstance(written, _Collection):
        return written
    name = written.name.rpartition(".")[2] if isinstance(written, UnknownValue) else ""
    mission, *parts = name.split("_")
    if mission == "SENTINEL1":
        filters = {key: value for part in parts for key, value in _SWATHS.get(part, {}).items()}
        return _Collection(type="sentinel-1-grd", filters=filters)
    if mission == "DEM":
        return _Collection(type="dem", filters={"demInstance": "_".join(parts)} if parts else {})
    squeezed = name.replace("_", "").lower()
    plain = [each for each in DEFAULTS if each.replace("-", "") == squeezed]
    if found := [_NAMED[name]] if name in _NAMED else plain:
        return _Collection(type=found[0])
    raise _Unclear("this data collection is not known here: write its body, or one of the client's own collections")


def _own(kind: str) -> Maker:
    def make(call: NamedCall) -> _Collection:
        id = call.argument(0, "collection_id")
        if not isinstance(id, str):
            raise _Unclear("the id of this data collection is not known here", id)
        return _Collection(type=f"{kind}-{id}")

    return _made(make)


def _derived(call: NamedCall) -> _Collection:
    """`DataCollection.….define_from(…)` and `DataCollection.define(…)`: the same data under another name or host."""
    if (type := call.words.get("api_id")) is None:
        return _collection(call.holder)
    if not isinstance(type, str):
        raise _Unclear("the id of this data collection is not known here", type)
    return _Collection(type=type)


def _input_data(call: NamedCall) -> Body:
    used = _collection(call.argument(0, "data_collection"))
    given = call.words
    filters: Body = {}
    if (times := given.get("time_interval")) is not None:
        filters["timeRange"] = _time_range(times)
    if (given_clouds := given.get("maxcc")) is not None:
        [clouds] = _numbers([given_clouds], 1, "maxcc")
        filters["maxCloudCoverage"] = int(clouds * 100)
    if order := given.get("mosaicking_order"):
        name = _word(order)
        filters["mosaickingOrder"] = _ORDERS.get(name, name)
    sampling = {key: _word(given[key]).upper() for key in ("upsampling", "downsampling") if given.get(key)}
    body = {"type": used.type, **({"id": given["identifier"]} if given.get("identifier") else {})}
    body |= {"dataFilter": {**filters, **used.filters}} if filters or used.filters else {}
    body |= {"processing": sampling} if sampling else {}
    return _with(body, given.get("other_args"))


def _time_range(times: Any) -> Body:
    first, last = times if isinstance(times, list) and len(times) == 2 else (times, times)
    return {"from": _moment(first, "00:00:00"), "to": _moment(last, "23:59:59")}


def _moment(written: Any, time: str) -> Any:
    if not isinstance(written, str):
        raise _Unclear("this time is not known here", written)
    if _DATE.fullmatch(written):
        return f"{written}T{time}Z"
    return f"{written.replace(' ', 'T')}Z" if _MOMENT.fullmatch(written) else written


def _date(call: NamedCall) -> str:
    """`date(2022, 6, 20)` and `datetime(2022, 6, 20, 12)`, as the client's own notation of the same moment."""
    parts = [*map(int, _numbers(call.arguments, len(call.arguments), "the date"))]
    if call.words or not 3 <= len(parts) <= 6:
        raise _Unclear("this time is not known here")
    day = f"{parts[0]:04}-{parts[1]:02}-{parts[2]:02}"
    if call.name.endswith("datetime"):
        return f"{day}T" + ":".join(f"{each:02}" for each in (*parts[3:], 0, 0, 0)[:3])
    return day


# --- requests ---


def _output_response(call: NamedCall) -> Body:
    name = _word(call.argument(1, "response_format")).lower()
    format = {"type": _FORMATS.get(name.rpartition("/")[2], name)}
    return _with({"identifier": call.argument(0, "identifier"), "format": format}, call.argument(2, "other_args"))


def _delivery(call: NamedCall) -> Body:
    region = call.argument(3, "region")
    return {"s3": {"url": call.argument(0, "url"), "accessKey": "", **({"region": region} if region else {})}}


def _request(call: NamedCall) -> Body:
    keys = ("evalscript", "input_data", "responses", "bbox", "geometry", "size", "resolution")
    given = {key: call.argument(number, key) for number, key in enumerate(keys)}
    output: Body = {} if given["responses"] is None else {"responses": given["responses"]}
    for key, sides in (("size", ("width", "height")), ("resolution", ("resx", "resy"))):
        output |= _pair(given[key], sides)
    if (delivery := call.words.get("delivery")) is not None:
        output["delivery"] = delivery
    script = {} if given["evalscript"] is None else {"evalscript": given["evalscript"]}
    return {"input": {"bounds": _bounds(given), "data": given["input_data"]}, "output": output, **script}


def _pair(value: Any, sides: tuple[str, str]) -> Body:
    if isinstance(value, list) and len(value) == 2:
        return dict(zip(sides, value, strict=True))
    return {} if value is None else dict.fromkeys(sides, value)  # an unknown value: reported by its field


def _bounds(given: Mapping[str, Any]) -> Body:
    bounds: Body = {}
    for key in ("bbox", "geometry"):
        area = given[key]
        if isinstance(area, _Area):
            bounds |= {"properties": {"crs": area.crs}, key: area.value}
        elif area is not None:
            bounds[key] = area
    return bounds


# --- arguments ---


def _with(body: Body, more: Any) -> Body:
    """The body with `other_args` in it, key by key."""
    if not isinstance(more, dict | None):
        raise _Unclear("its other arguments are not written out as a dict", more)
    for key, value in (more or {}).items():
        inner = body.get(key)
        body[key] = _with(dict(inner), value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return body


def _word(value: Any) -> str:
    """The last part of a constant such as `MimeType.TIFF`, or the text that stands in its place."""
    if isinstance(value, UnknownValue) and "." in value.name:
        return value.name.rpartition(".")[2]
    if not isinstance(value, str):
        raise _Unclear("this constant is not known here", value)
    return value


def _numbers(values: Any, count: int, what: str) -> list[Any]:
    is_known = isinstance(values, list) and len(values) == count
    if not is_known or not all(isinstance(each, int | float) and abs(each) <= LARGEST for each in values):
        first = next((each for each in values if isinstance(each, UnknownValue)), None) if is_known else values
        raise _Unclear(f"{what} is not written in numbers", first)
    return list(values)


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return None


MAKERS: Mapping[str, Maker] = {
    **{name: _made(_request) for name in REQUESTS},
    "BBox": _made(_bbox),
    "Geometry": _made(_geometry),
    "CRS": _made(_crs_of_code),
    "bbox_to_dimensions": _made(_dimensions),
    "define_byoc": _own("byoc"),
    "define_batch": _own("batch"),
    "define_from": _made(_derived),
    "define": _made(_derived),
    "input_data": _made(_input_data),
    "output_response": _made(_output_response),
    "s3_specification": _made(_delivery),
    "date": _made(_date),
    "datetime": _made(_date),
}
"""By the last part of the name of a call."""
