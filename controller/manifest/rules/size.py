"""Rules for the size: one pair of keys, not too many pixels, not too coarse for the collection.

`rules` applies them to every document, after those for the area.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from controller.manifest.fields import LONGEST_SIDE
from controller.manifest.geometry import Box, envelope, ground_metres
from controller.manifest.problems import BOUNDS, DATA, OUTPUT, ProblemCollector
from controller.manifest.request import pixels
from controller.manifest.rules.area import crs_of
from controller.model.catalog import Collection, Crs, collection

_SIDES = (("resx", "width"), ("resy", "height"))
_WHOLE = 1e-6  # pixels; open-questions.md C 24
_TOLERANCE = 1.005  # times a limit in metres per pixel, which is uncertain below it; open-questions.md C 23
_OWN_DATA_LIMIT = 500.0  # metres per pixel; own data allow at least this much, and may allow more
_COARSE = 1.0  # degrees per pixel that were probably meant as metres
# The ground size of a pixel in these systems is known well enough to refuse a request.
_SURE_GROUPS = frozenset({"wgs84", "web-mercator", "utm-north", "utm-south"})


def size_rule(faults: ProblemCollector) -> None:
    output = faults.at(OUTPUT)
    if not isinstance(output, dict):
        return
    written = {key for key in ("width", "height", "resx", "resy") if key in output or (*OUTPUT, key) in faults.silent}
    pair, other = written & {"width", "height"}, written & {"resx", "resy"}
    if pair and other:
        faults.add((*OUTPUT, min(other)), "E205", "excludes width and height: keep one of the two pairs")
    elif not written:
        message = "needs a size: write width and height in pixels, or resx and resy in units of the CRS"
        faults.add(OUTPUT, "E205", message)
    elif len(written) == 1:
        absent = min(({"width", "height"} if pair else {"resx", "resy"}) - written)
        faults.add((*OUTPUT, absent), "E205", f"is missing: `{min(written)}` needs `{absent}` beside it")
    elif not any(faults.touch(path) for path in (BOUNDS, *((*OUTPUT, key) for key in written))):
        _with_area(faults, output)


def _with_area(faults: ProblemCollector, output: Mapping[str, Any]) -> None:
    bounds = faults.mapping(BOUNDS)
    known, box = crs_of(bounds), envelope(bounds)
    if known is None:
        return
    extents = (box[2] - box[0], box[3] - box[1])
    if "width" in output:
        keys, sides = ("width", "height"), (output["width"], output["height"])
    else:
        keys, sides = ("resx", "resy"), (pixels(extents[0], output["resx"]), pixels(extents[1], output["resy"]))
        for (key, side), count, extent in zip(_SIDES, sides, extents, strict=True):
            _derived(faults, key, side, count, extent / output[key], known)
    if not any(faults.touch((*OUTPUT, key)) for key in keys):
        _coarseness(faults, keys, sides, box, known)


def _derived(faults: ProblemCollector, key: str, side: str, count: int, exact: float, known: Crs) -> None:
    """One side of the raster that follows from resx or resy; `exact` is its length in pixels before rounding."""
    path, unit = (*OUTPUT, key), f"{known.unit}s per pixel"
    if count > LONGEST_SIDE:
        message = f"makes the {side} {count} pixels, more than {LONGEST_SIDE}: it is in {unit}, write a larger one"
        faults.add(path, "E206", message)
    elif count < 1:
        faults.add(path, "E206", f"is larger than the area: it is in {unit}, write a smaller one")
    elif abs(exact - count) <= _WHOLE:
        return
    elif exact > LONGEST_SIDE - 1:
        message = (
            f"makes the {side} {exact:.2f} pixels: the service may round otherwise, and refuses over {LONGEST_SIDE}"
        )
        faults.doubt(path, "W104", message)
    else:
        length = f"{exact * faults.at(path) / count:.6g} {known.unit}s"
        message = f"does not divide the {side} of the area: {exact:.6g} pixels become {count}, each of {length}"
        faults.doubt(path, "W103", message)


def _coarseness(faults: ProblemCollector, keys: tuple[str, str], sides: tuple[int, int], box: Box, known: Crs) -> None:
    metres = [extent / side for extent, side in zip(ground_metres(box, known.group), sides, strict=True)]
    worse = 0 if metres[0] >= metres[1] else 1
    path, advice = (*OUTPUT, keys[worse]), "smaller one" if keys[0] == "resx" else "larger one"
    for used, limit, is_sure in _limits(faults):
        effect = f"makes a pixel {metres[worse]:.2f} metres of ground"
        if metres[worse] > limit * _TOLERANCE and is_sure and known.group in _SURE_GROUPS:
            faults.add(
                path, "E207", f"{effect}; {used.name} may have at most {limit:.0f}: write a {advice}, or a smaller area"
            )
        elif metres[worse] > limit:
            faults.doubt(
                path, "W105", f"{effect}, and more than {limit:.0f} may be refused for {used.name}: a {advice} is safe"
            )
    step = (box[worse + 2] - box[worse]) / sides[worse]
    if known.unit == "degree" and keys[0] == "resx" and step >= _COARSE:
        message = f"is in degrees per pixel, which here is about {metres[worse] / 1000:.0f} km: are metres meant?"
        faults.doubt(path, "W108", message)


def _limits(faults: ProblemCollector) -> Iterator[tuple[Collection, float, bool]]:
    """The sources that limit how coarse a pixel may be, in metres, and whether more is certainly refused."""
    data = faults.at(DATA)
    for dataset in data if isinstance(data, list) else ():
        type = dataset.get("type") if isinstance(dataset, dict) else None
        used = collection(type) if isinstance(type, str) else None
        if used and used.coarsest:
            chosen = dataset.get("dataFilter")
            is_preview = isinstance(chosen, dict) and chosen.get("previewMode", "DETAIL") != "DETAIL"
            yield used, used.coarsest, not is_preview
        elif used and used.is_own:
            yield used, _OWN_DATA_LIMIT, False
