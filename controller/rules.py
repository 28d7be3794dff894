"""Rules that need more than one field: the area, the size, the delivery and the options of a collection.

`acceptance` applies all of `RULES` to every document. A rule reads the document, whatever stands in it, and adds
faults. Deeper rules (bands, CRS units, dates of missions) join them there.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from controller.catalog import DEFAULT_CRS, collection, crs, nearest, option_names
from controller.faults import BOUNDS, DATA, OUTPUT, S3, Faults, kind_of, one_of, value_at
from controller.request import derived_size, envelope, ring_flaw
from controller.values import LONGEST_SIDE

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")


def _area(faults: Faults) -> None:
    bounds = faults.mapping(BOUNDS)
    geometry = bounds.get("geometry")
    if isinstance(faults.at(BOUNDS), dict) and not {"bbox", "geometry"} & set(bounds):
        faults.add(BOUNDS, "needs an area: write `bbox: [x1, y1, x2, y2]`, or a GeoJSON `geometry`")
    if geometry and not faults.touch((*BOUNDS, "geometry")):
        flaw = ring_flaw(geometry) or ("" if _covers({"geometry": geometry}) else "covers no area")
        if flaw:
            faults.add((*BOUNDS, "geometry", "coordinates"), flaw)
    if "bbox" in bounds and not faults.touch((*BOUNDS, "bbox")) and not _covers(bounds):
        faults.add((*BOUNDS, "bbox"), "covers no area: the two corners must differ in both coordinates")


def _covers(bounds: Mapping[str, Any]) -> bool:
    x1, y1, x2, y2 = envelope(bounds)
    return x1 < x2 and y1 < y2


def _size(faults: Faults) -> None:
    output = faults.at(OUTPUT)
    if not isinstance(output, dict):
        return
    written = {key for key in ("width", "height", "resx", "resy") if key in output or (*OUTPUT, key) in faults.silent}
    pixels, resolution = written & {"width", "height"}, written & {"resx", "resy"}
    if pixels and resolution:
        faults.add((*OUTPUT, min(resolution)), "excludes width and height: keep one of the two pairs")
    elif not written:
        faults.add(OUTPUT, "needs a size: write width and height in pixels, or resx and resy in units of the CRS")
    elif len(written) == 1:
        pair = {"width", "height"} if pixels else {"resx", "resy"}
        absent = min(pair - written)
        faults.add((*OUTPUT, absent), f"is missing: `{min(written)}` needs `{absent}` beside it")
    elif resolution and not any(faults.touch(path) for path in (BOUNDS, (*OUTPUT, "resx"), (*OUTPUT, "resy"))):
        _derived_size(faults, output)


def _derived_size(faults: Faults, output: Mapping[str, Any]) -> None:
    bounds = faults.mapping(BOUNDS)
    known = crs(bounds.get("properties", {}).get("crs", DEFAULT_CRS))
    unit = f"{known.unit}s" if known else "units of the CRS"
    for key, side, size in zip(
        ("resx", "resy"), ("width", "height"), derived_size(bounds, output["resx"], output["resy"]), strict=True
    ):
        if size > LONGEST_SIDE:
            faults.add((*OUTPUT, key), f"makes the {side} {size} pixels, more than {LONGEST_SIDE}: write a larger one")
        elif size < 1:
            faults.add((*OUTPUT, key), f"is larger than the area: it is in {unit} per pixel, write a smaller one")


def _delivery(faults: Faults) -> None:
    s3 = faults.at(S3)
    if not isinstance(s3, dict):
        return
    flaw = _url_flaw(s3["url"]) if isinstance(s3.get("url"), str) else ""
    if flaw:
        faults.add((*S3, "url"), flaw)
    ways = [key for key in ("credentialsRef", "iamRoleARN") if key in s3 or (*S3, key) in faults.silent]
    if len(ways) == 2:
        faults.add((*S3, "iamRoleARN"), "credentialsRef and iamRoleARN exclude each other: keep one of the two")
    elif not ways:
        name = credential_name(s3.get("url"))
        faults.add((*S3, "credentialsRef"), f"is missing: write `credentialsRef: {name}`, or an iamRoleARN (AWS only)")


def credential_name(url: Any) -> str:
    """The bucket's own name makes the best name for its credential."""
    bucket = re.match(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/|$)", url) if isinstance(url, str) else None
    return bucket[1].replace(".", "-") if bucket else "my-bucket"


def _url_flaw(url: str) -> str:
    if url.startswith("gs://"):
        return "Google Cloud Storage is not supported yet: write s3://my-bucket/folder"
    if "<OUTPUT>" in url or "<REQUEST_ID>" in url:
        return "URL templates are not supported yet: write the plain folder, every submission gets its own below it"
    if "<" in url or ">" in url:
        return "holds a placeholder of the documentation (`<…>`): write your own bucket and folder"
    scheme, _, rest = url.partition("://")
    bucket, *folders = rest.rstrip("/").split("/")
    if scheme != "s3" or not _BUCKET.fullmatch(bucket):
        return "must be a bucket and a folder in it: write for example s3://my-bucket/ndvi"
    if any(each in ("", ".", "..") or re.search(r"[\s\x00-\x1f\\]", each) for each in folders):
        return "has a folder that is empty, `.` or `..`, or holds a space or backslash: write s3://my-bucket/ndvi"
    return ""


def _options(faults: Faults) -> None:
    data = faults.at(DATA)
    for number, dataset in enumerate(data if isinstance(data, list) else ()):
        for section in ("dataFilter", "processing"):
            for key, flaw in _option_flaws(dataset, section):
                faults.add((*DATA, number, section, key), flaw)


def _option_flaws(dataset: Any, section: str) -> Iterator[tuple[str, str]]:
    """Keys of `dataFilter` or `processing` with what is wrong with them, by what the collection documents."""
    options, type = value_at(dataset, (section,)), value_at(dataset, ("type",))
    known = collection(type) if isinstance(type, str) else None
    for key, value in options.items() if isinstance(options, dict) and known else ():
        rule = known.options[section].get(key) if known else None
        near = None if key in option_names(section) else nearest(key, option_names(section))
        if near:
            yield key, f"unknown key: did you mean `{near}`?"
        elif key == "speckleFilter" and rule:
            yield key, _speckle_flaw(value)
        elif rule:
            yield key, _option_flaw(rule, value)
    if isinstance(options, dict) and options.get("backCoeff") == "GAMMA0_TERRAIN" and not options.get("orthorectify"):
        yield "backCoeff", "GAMMA0_TERRAIN needs `orthorectify: true` beside it"


def _option_flaw(rule: Mapping[str, Any], value: Any) -> str:
    if "enum" in rule:
        return "" if value in rule["enum"] else one_of(rule["enum"], value)
    if rule.get("type") == "boolean":
        return "" if isinstance(value, bool) else f"must be true or false, not {kind_of(value)}"
    if "minimum" in rule:
        least, most = rule["minimum"], rule["maximum"]
        numbers, words = (int, "a whole number") if rule["type"] == "integer" else (int | float, "a number")
        is_fit = isinstance(value, numbers) and not isinstance(value, bool) and least <= value <= most
        return "" if is_fit else f"must be {words} from {least} to {most}"
    return ""


def _speckle_flaw(value: Any) -> str:
    sizes = {"type": "integer", "minimum": 1, "maximum": 7}
    if isinstance(value, dict) and value.get("type") in ("NONE", "LEE"):
        sides = ("windowSizeX", "windowSizeY")
        wanted = [side for side in sides if side in value or value["type"] == "LEE"]
        if not any(_option_flaw(sizes, value.get(side)) for side in wanted):
            return ""
    return "must be {type: NONE}, or {type: LEE, windowSizeX: 3, windowSizeY: 3} with sizes from 1 to 7"


# In the order in which they are applied: of two faults at one place, the first is told.
RULES: tuple[Callable[[Faults], None], ...] = (_area, _size, _delivery, _options)
