"""What the service refuses in a body before it accepts the request; called by `routes` for every POST.

Written from the reference pages "Asynchronous Processing API" §§3, 4, 6 and "Open questions: Async API" C, E; names of
collections, their filters and the coordinate systems come from the package's data. Unknown properties pass, as they do
at the service.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from controller.sandbox import extent
from controller.sandbox.date_times import parse_date_time
from controller.sandbox.http.shapes import (
    is_list_of_lists,
    is_number,
    is_whole,
    is_within,
    needed,
    ring_violation,
    text_violations,
)
from controller.sandbox.planet.products import collection_of, is_hosted, is_known_crs, short_name
from controller.sandbox.replies import Reply, Violation, error_reply

LARGEST_SIDE = 10_000
FORMATS = ("image/png", "image/jpeg", "image/tiff", "application/json")
S3_URL = re.compile(r"s3://[^/]+(/.*)?", re.DOTALL)

Violations = Iterator[Violation]


def refuse(body: object, *, host: str | None = None, largest_script: int = 0) -> Reply | None:
    """The 400 for this body, with every violation of its shape; None when the request may run.

    `host` is the emulated deployment (None hosts everything); 0 sets no limit to the script's bytes.
    """
    if not isinstance(body, dict):
        return error_reply(400, "COMMON_BAD_PAYLOAD", "The body must be a JSON object.")
    found = [*_script(body, largest_script), *_input(body), *_output(body)]
    found = found or [*_off_earth(body), *_derived_size(body), *_not_hosted(body, host)]
    if found:
        message = "The request is not valid: " + "; ".join(str(one) for one in found)
        return error_reply(400, "COMMON_BAD_PAYLOAD", message, errors=found)
    return _too_coarse(body)


def with_booleans(body: Any) -> Any:
    """The body as the service understands it: `"true"` and `"false"` of options that are one of the two.

    The service's own pages write them as text. A body of another shape is left for `refuse`.
    """
    source = body.get("input") if isinstance(body, dict) else None
    if not isinstance(source, dict) or not isinstance(data := source.get("data"), list):
        return body
    return {**body, "input": {**source, "data": [_read(element) for element in data]}}


def _read(element: Any) -> Any:
    kind = element.get("type") if isinstance(element, dict) else None
    rules = collection_of(kind) if isinstance(kind, str) else None
    if rules is None:
        return element
    sections = [name for name in ("dataFilter", "processing") if isinstance(element.get(name), dict)]
    return {**element, **{name: _read_options(element[name], rules.get(name) or {}) for name in sections}}


def _read_options(values: Mapping[str, Any], rules: Mapping[str, Any]) -> dict[str, Any]:
    words = {"true": True, "false": False}
    booleans = {name for name, rule in rules.items() if isinstance(rule, dict) and rule.get("type") == "boolean"}
    return {
        name: words.get(value, value) if name in booleans and isinstance(value, str) else value
        for name, value in values.items()
    }


def _script(body: Mapping[str, Any], largest: int) -> Violations:
    given = [name for name in ("evalscript", "evalscriptReference") if name in body]
    if len(given) != 1:
        yield Violation(parameter="evalscript", violation="exactly one of evalscript and evalscriptReference is needed")
    elif given == ["evalscript"]:
        yield from text_violations(body, "evalscript", "evalscript")
        if largest and len(str(body["evalscript"]).encode(errors="replace")) > largest:
            yield Violation(parameter="evalscript", violation=f"is larger than {largest} bytes")
    else:
        yield from _script_reference(body["evalscriptReference"])


def _script_reference(reference: object) -> Violations:
    where = "evalscriptReference"
    if not isinstance(reference, dict) or len({"s3", "gs"} & set(reference)) != 1:
        yield Violation(parameter=where, violation="must hold exactly one of s3 and gs")
    elif "s3" in reference:
        yield from _s3_url(reference["s3"], f"{where}->s3")


def _input(body: Mapping[str, Any]) -> Violations:
    given = body.get("input")
    if not isinstance(given, dict):
        yield needed("input", "an object")
        return
    yield from _bounds(given.get("bounds"))
    data = given.get("data")
    if not isinstance(data, list) or not data:
        yield needed("input->data", "a list with at least one element")
        return
    for place, element in enumerate(data):
        yield from _dataset(element, f"input->data[{place}]")


def _bounds(bounds: object) -> Violations:
    where = "input->bounds"
    if not isinstance(bounds, dict):
        yield needed(where, "an object")
        return
    if "bbox" not in bounds and "geometry" not in bounds:
        yield Violation(parameter=where, violation="at least one of bbox and geometry is needed")
    if "bbox" in bounds:
        yield from _bbox(bounds["bbox"])
    if "geometry" in bounds:
        yield from _geometry(bounds["geometry"])
    properties = bounds.get("properties", {})
    if not isinstance(properties, dict):
        yield needed(f"{where}->properties", "an object")
    elif not is_known_crs(properties.get("crs", extent.CRS84)):
        yield Violation(parameter=f"{where}->properties->crs", violation="is not a supported CRS; write its full URL")


def _bbox(bbox: object) -> Violations:
    where = "input->bounds->bbox"
    if not isinstance(bbox, list) or len(bbox) != 4 or not all(is_number(value) for value in bbox):
        yield Violation(parameter=where, violation="must be four numbers")
    elif bbox[0] == bbox[2] or bbox[1] == bbox[3]:
        yield Violation(parameter=where, violation="must not be empty")


def _geometry(geometry: object) -> Violations:
    where = "input->bounds->geometry"
    if not isinstance(geometry, dict) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        yield Violation(parameter=where, violation="must be a GeoJSON Polygon or MultiPolygon")
        return
    coordinates = geometry.get("coordinates")
    polygons = [coordinates] if geometry["type"] == "Polygon" else coordinates
    if not is_list_of_lists(polygons):
        yield Violation(parameter=f"{where}->coordinates", violation="must be nested lists of rings")
        return
    for ring in (ring for polygon in polygons for ring in polygon):
        if problem := ring_violation(ring):
            yield Violation(parameter=f"{where}->coordinates", violation=problem)
            return
    west, south, east, north = extent.box_of({"geometry": geometry})
    if west == east or south == north:
        yield Violation(parameter=f"{where}->coordinates", violation="must enclose an area")


def _dataset(element: object, where: str) -> Violations:
    if not isinstance(element, dict):
        yield needed(where, "an object")
        return
    kind = element.get("type")
    collection = collection_of(kind) if isinstance(kind, str) else None
    if collection is None:
        yield Violation(parameter=f"{where}->type", violation="is not a known collection")
    if not isinstance(element.get("id", ""), str):
        yield needed(f"{where}->id", "a text")
    for section in ("dataFilter", "processing"):
        values = element.get(section, {})
        if not isinstance(values, dict):
            yield needed(f"{where}->{section}", "an object")
        elif collection is not None:
            rules = collection.get(section) or {}
            yield from _choices(values, rules, f"{where}->{section}")
            if "backCoeff" in rules:
                yield from _radar(values, f"{where}->{section}")
    filters = element.get("dataFilter")
    if isinstance(filters, dict) and "timeRange" in filters:
        yield from _time_range(filters["timeRange"], f"{where}->dataFilter->timeRange")


def _choices(values: Mapping[str, Any], rules: Mapping[str, Any], where: str) -> Violations:
    """The options of a collection whose data name an `enum` or a `type`."""
    for name, value in values.items():
        rule = rules.get(name)
        if not isinstance(rule, dict):
            continue
        if "enum" in rule and value not in rule["enum"]:
            choices = ", ".join(str(one) for one in rule["enum"])
            yield Violation(parameter=f"{where}->{name}", violation=f"must be one of {choices}")
        if rule.get("type") == "boolean" and not isinstance(value, bool):
            yield Violation(parameter=f"{where}->{name}", violation="must be true or false")
        if rule.get("type") == "number" and not is_within(value, rule.get("minimum"), rule.get("maximum")):
            low, high = rule.get("minimum"), rule.get("maximum")
            yield Violation(parameter=f"{where}->{name}", violation=f"must be a number from {low} to {high}")


def _radar(values: Mapping[str, Any], where: str) -> Violations:
    """The rules of Sentinel-1 that are not plain choices; what other collections ignore is not looked at."""
    if values.get("backCoeff") == "GAMMA0_TERRAIN" and values.get("orthorectify") is not True:
        yield Violation(parameter=f"{where}->backCoeff", violation="GAMMA0_TERRAIN needs orthorectify: true")
    speckle = values.get("speckleFilter", {"type": "NONE"})
    if not isinstance(speckle, dict) or speckle.get("type") not in ("NONE", "LEE"):
        yield Violation(parameter=f"{where}->speckleFilter->type", violation="must be NONE or LEE")
        return
    for side in ("windowSizeX", "windowSizeY"):
        if (side in speckle or speckle["type"] == "LEE") and not is_whole(speckle.get(side), 1, 7):
            yield Violation(parameter=f"{where}->speckleFilter->{side}", violation="must be a whole number from 1 to 7")


def _time_range(span: object, where: str) -> Violations:
    if not isinstance(span, dict):
        yield needed(where, "an object with from and to")
        return
    ends = {name: parse_date_time(span.get(name)) for name in ("from", "to")}
    for name, moment in ends.items():
        if moment is None:
            yield Violation(parameter=f"{where}->{name}", violation="must be a date with time and zone (RFC 3339)")
    if ends["from"] and ends["to"] and ends["from"] > ends["to"]:
        yield Violation(parameter=where, violation="from must not be after to")


def _output(body: Mapping[str, Any]) -> Violations:
    output = body.get("output")
    if not isinstance(output, dict):
        yield needed("output", "an object")
        return
    yield from _size(output)
    if "responses" in output:
        yield from _responses(output["responses"])
    yield from _delivery(output.get("delivery"))


def _size(output: Mapping[str, Any]) -> Violations:
    given = {name for name in ("width", "height", "resx", "resy") if name in output}
    if given not in ({"width", "height"}, {"resx", "resy"}):
        pairs = "exactly one of the pairs width, height and resx, resy can be set, and must be"
        yield Violation(parameter="output", violation=pairs)
    for name in sorted(given & {"width", "height"}):
        if not is_whole(output[name], 1, LARGEST_SIDE):
            yield Violation(parameter=f"output->{name}", violation=f"must be a whole number from 1 to {LARGEST_SIDE}")
    for name in sorted(given & {"resx", "resy"}):
        if not is_number(output[name]) or output[name] <= 0:
            yield Violation(parameter=f"output->{name}", violation="must be a number above 0")


def _off_earth(body: Mapping[str, Any]) -> Violations:
    """Only for bodies with a valid shape: metres where degrees belong, or numbers that are no place at all."""
    bounds = body["input"]["bounds"]
    if not extent.is_on_earth(bounds):
        where = "bbox" if "bbox" in bounds else "geometry"
        yield Violation(parameter=f"input->bounds->{where}", violation="lies outside the Earth in this CRS")


def _derived_size(body: Mapping[str, Any]) -> Violations:
    """Only for bodies with a valid shape: the size that resx and resy lead to."""
    if "width" in body["output"]:
        return
    names = (("resx", "width"), ("resy", "height"))
    for (resolution, side), pixels in zip(names, extent.output_size(body), strict=True):
        if pixels > LARGEST_SIDE:
            words = f"leads to a {side} of {pixels} pixels; the limit is {LARGEST_SIDE}"
            yield Violation(parameter=f"output->{resolution}", violation=words)


def _not_hosted(body: Mapping[str, Any], host: str | None) -> Violations:
    """Only for bodies with a valid shape: what a deployment does not offer."""
    for place, element in enumerate(body["input"]["data"]):
        if not is_hosted(collection_of(element["type"]) or {}, host):
            yield Violation(parameter=f"input->data[{place}]->type", violation="is not hosted by this deployment")
    if host == "cdse" and "iamRoleARN" in body["output"]["delivery"]["s3"]:
        where = "output->delivery->s3->iamRoleARN"
        yield Violation(parameter=where, violation="is not offered by this deployment; send a pair of keys")


def _responses(responses: object) -> Violations:
    if not isinstance(responses, list) or not responses:
        yield needed("output->responses", "a list with at least one element")
        return
    seen: list[object] = []
    for place, response in enumerate(responses):
        where = f"output->responses[{place}]"
        if not isinstance(response, dict):
            yield needed(where, "an object")
            continue
        if "identifier" in response:
            yield from text_violations(response, "identifier", f"{where}->identifier")
        name = response.get("identifier", "default")
        if name in seen:
            yield Violation(parameter=f"{where}->identifier", violation=f"{name} has a response already")
        seen.append(name)
        if "format" in response:
            yield from _format(response["format"], f"{where}->format")


def _format(given: object, where: str) -> Violations:
    if not isinstance(given, dict) or given.get("type") not in FORMATS:
        yield Violation(parameter=f"{where}->type", violation=f"must be one of {', '.join(FORMATS)}")
    elif given["type"] == "image/jpeg" and not is_whole(given.get("quality", 90), 0, 100):
        yield Violation(parameter=f"{where}->quality", violation="must be a whole number from 0 to 100")


def _delivery(delivery: object) -> Violations:
    where = "output->delivery"
    if not isinstance(delivery, dict):
        yield needed(where, "an object")
    elif len({"s3", "gs"} & set(delivery)) != 1:
        yield Violation(parameter=where, violation="must hold exactly one of s3 and gs")
    elif "gs" in delivery:
        yield Violation(parameter=f"{where}->gs", violation="is not offered by this deployment; deliver to s3")
    else:
        yield from _s3_url(delivery["s3"], f"{where}->s3")
        yield from _credentials(delivery["s3"], f"{where}->s3")


def _s3_url(given: object, where: str) -> Violations:
    url = given.get("url") if isinstance(given, dict) else None
    if not isinstance(url, str) or not S3_URL.fullmatch(url):
        yield Violation(parameter=f"{where}->url", violation="must be s3://bucket/path")


def _credentials(given: object, where: str) -> Violations:
    if not isinstance(given, dict):
        return
    for name in ("accessKey", "secretAccessKey", "iamRoleARN", "region"):
        if name in given:
            yield from text_violations(given, name, f"{where}->{name}")
    if "iamRoleARN" not in given and not {"accessKey", "secretAccessKey"} <= set(given):
        yield Violation(parameter=where, violation="accessKey and secretAccessKey, or iamRoleARN, are needed")


def _too_coarse(body: Mapping[str, Any]) -> Reply | None:
    """The 400 for more metres per pixel than a collection allows."""
    asked = extent.metres_per_pixel(body)
    for element in body["input"]["data"]:
        collection = collection_of(element["type"]) or {}
        allowed = collection.get("request_limit", {}).get("max_meters_per_pixel")
        if isinstance(allowed, int | float) and asked > allowed:
            name = short_name(collection)
            message = f"The requested resolution of {asked:.2f} m/px is coarser than {name} allows: {allowed:.2f} m/px."
            return error_reply(400, "COMMON_EXCEPTION", message)
    return None
