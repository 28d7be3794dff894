"""Kinds of changes to a request or its evalscript: most are mistakes, some only look like one. Used by `agreement`."""

from collections.abc import Mapping
from random import Random

from tests.proofs.alterations import (
    Change,
    a_band_twice,
    another_band,
    another_input,
    another_source,
    bands_of_output,
    missing_function,
    more,
    needy_band,
    no_bands,
    no_ids,
    no_responses,
    odd_id,
    other_id,
    pragma,
    put_bounds,
    put_input,
    put_option,
    put_output,
    put_response,
    put_setup,
    put_size,
    put_time,
    put_type,
    repeated_output,
    repeated_response,
    resized,
    responses,
    returned,
    undelivered_output,
    whole_setup,
    wrong_count_of_units,
)
from tests.proofs.bodies import EPSG, JPEG, PNG, TIFF, Case, constant

CHANGES: Mapping[str, Change] = {
    # inputs
    "another band": another_band,
    "no bands": no_bands,
    "a band twice": a_band_twice,
    "a band that needs more": needy_band,
    "a unit": put_input("units", "DN", "REFLECTANCE", "reflectance", "KELVIN", "metres", "LINEAR_POWER", 7, None, ""),
    "a wrong count of units": wrong_count_of_units,
    "a mosaicking of all": put_setup(
        "mosaicking", "ORBIT", "TILE", "orbit", "DAILY", constant("Mosaicking.TILES"), None, 1
    ),
    "a mosaicking of one": put_input("mosaicking", "ORBIT", "TILE", "simple", "X", constant("Mosaicking.X"), None),
    "metadata": put_input("metadata", ["bounds"], [], "bounds", ["x"], [1]),
    "an unknown key in setup": put_setup("mosaicing", "ORBIT"),
    "no setup worth the name": whole_setup,
    # sources
    "another source": another_source,
    "another input": another_input,
    "names on one side": no_ids,
    "another id": other_id,
    "a datasource": put_input("datasource", "source0", "source1", "nobody", "", 7, None),
    "a type": put_type("S2L2A", "sentinel-2", "Sentinel-2-L2A", "S1GRD", "DEM", "", None, 7),
    "clouds": put_option("dataFilter", maxCloudCoverage=(101, -1, "20", 0.2, 50, None, True)),
    "an order": put_option("dataFilter", mosaickingOrder=("leastCC", "newest", "MOSTRECENT", "mostRecent", None)),
    "a polarization": put_option("dataFilter", polarization=("DV", "XX", "VV"), resolution=("HIGH", "LOW")),
    "a time": put_time(
        {"from": "2022-06-10", "to": "2022-06-12"},
        {"from": "2022-06-12T00:00:00Z", "to": "2022-06-10T00:00:00Z"},
        {"from": "2022-06-10T00:00:00", "to": "2022-06-12T00:00:00"},
        {"from": "2022-06-10T00:00:00+02:00", "to": "2022-06-12T00:00:00.5Z"},
        {"from": "2022-06-31T00:00:00Z", "to": "2022-07-02T00:00:00Z"},
        {"from": "2022-06-12T00:00:00Z"},
        {"from": 2022, "to": "2022-06-12T00:00:00Z"},
        "2022-06-10/2022-06-12",
        [],
    ),
    "a resampling": put_option("processing", upsampling=("CUBIC", "bilinear", "BICUBIC", 1), downsampling=("NEAREST",)),
    "radar processing": put_option(
        "processing",
        backCoeff=("GAMMA0_TERRAIN", "SIGMA0_ELLIPSOID", "SIGMA0"),
        orthorectify=(True, False, "yes", 1),
    ),
    "a speckle filter": put_option(
        "processing",
        speckleFilter=(
            {"type": "LEE", "windowSizeX": 3, "windowSizeY": 9},
            {"type": "LEE", "windowSizeX": 3, "windowSizeY": 3},
            {"type": "LEE"},
            {"type": "NONE"},
            "LEE",
        ),
    ),
    "values that are harmonized": put_option("processing", harmonizeValues=(True, False, "maybe", 0)),
    "an instance of the terrain": put_option("dataFilter", demInstance=("MAPZEN", "COPERNICUS_30", "SRTM")),
    # outputs
    "a sample type": put_output(
        "sampleType", "FLOAT64", "float32", "uint8", constant("SampleType.UINT32"), None, 8, "INT8"
    ),
    "a number of bands": bands_of_output,
    "an id twice": repeated_output,
    "an odd id": odd_id,
    "an output without response": undelivered_output,
    "a no-data value": put_output("nodataValue", 0, -9999, "0", constant("NaN"), 1e40, None, True),
    "no output": put_setup("output", [], None, "x", {"bands": 1}, [{}]),
    # responses
    "another identifier": put_response(identifier=("default", "mask", "nothing", "", 7, "userdata")),
    "another format": put_response(format=({"type": PNG}, {"type": JPEG}, {"type": TIFF})),
    "no format": put_response(format=({}, {"type": "image/gif"}, {"type": "application/json"}, "image/tiff", None)),
    "a quality": put_response(
        format=({"type": JPEG, "quality": 101}, {"type": JPEG, "quality": 50}, {"type": JPEG, "quality": "9"})
    ),
    "a response twice": repeated_response,
    "odd responses": responses,
    "no responses": no_responses,
    # the area and its size
    "an area": put_bounds(
        {"bbox": [15.05, 45.5, 14.9, 45.4]},
        {"bbox": [14.9, 45.4, 14.9, 45.5]},
        {"bbox": [14.9, 45.4, 15.05]},
        {"bbox": ["14.9", "45.4", "15.05", "45.5"]},
        {"geometry": {"type": "Point", "coordinates": [14.9, 45.4]}},
        {"geometry": {"type": "Polygon", "coordinates": [[[14.9, 45.4], [15.05, 45.4], [15.0, 45.5], [14.9, 45.4]]]}},
        {"geometry": {"type": "Polygon", "coordinates": [[[14.9, 45.4], [15.05, 45.4], [15.0, 45.5]]]}},
        {"geometry": {"type": "Polygon", "coordinates": []}},
        {},
    ),
    "a coordinate system": put_bounds(
        *(
            {"bbox": [14.9, 45.4, 15.05, 45.5], "properties": {"crs": crs}}
            for crs in ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", f"{EPSG}4326", f"{EPSG}1", "WGS84", "", 4326)
        ),
        {"bbox": [492_000, 5_027_000, 503_000, 5_038_000], "properties": {"crs": f"{EPSG}32633"}},
        {"bbox": [4_600_000, 2_500_000, 4_610_000, 2_510_000], "properties": {"crs": f"{EPSG}3035"}},
    ),
    "a size": put_size(
        {},
        {"width": 100},
        {"width": 100, "height": 0},
        {"width": 100, "height": -4},
        {"width": 100.5, "height": 100},
        {"width": "100", "height": "100"},
        {"width": 10_001, "height": 100},
        {"width": 10_000, "height": 10_000},
        {"width": 1, "height": 1},
        {"width": 100, "height": 100, "resx": 10, "resy": 10},
        {"resx": 10},
        {"resx": 0, "resy": 10},
    ),
    # what is returned
    "a number returned": returned("v", "true", "'text'", "null", "NaN"),
    "nothing returned": returned("undefined"),
    "an array of some length": returned("[v]", "[v, v]", "[v, v, v]", "[v, v, v, v]", "[]"),
    "odd things in an array": returned("[[v]]", "['1']", "[NaN]", "[null]", "[true]", "[undefined]", "[{}]", "[,]"),
    "a typed array": returned("new Float32Array([v])", "new Uint8Array(3)", "{default: Float64Array.of(v)}"),
    "an object": returned(
        "{default: [v]}", "{default: v}", "{}", "{mask: [v]}", "{default: [v], mask: [v], more: [v]}"
    ),
    # the script
    "an exception": returned("missing", "null.x", "v.x.y"),
    "a function missing": missing_function,
    "a pragma": pragma,
    "a mistake in the text": more("function (", "let v = ;", "}", "const setup = 1;"),
    "an exception at the top": more("null.x;", "throw 'no';"),
    "bands changed": resized,
    "scenes chosen": more(
        "function preProcessScenes(c) { return c; }",
        "function preProcessScenes(c) {}",
        "function preProcessScenes(c) { null.x; }",
        "function preProcessScenes(c) { return {scenes: {orbits: [], tiles: []}}; }",
    ),
    "user data": more(
        "function updateOutputMetadata(s, i, o) { o.userData = {a: 1}; }",
        "function updateOutputMetadata(s, i, o) { o.userData = o; }",
        "function updateOutputMetadata() { null.x; }",
    ),
}


ANSWERS = frozenset(name for name in CHANGES if "return" in name or "array" in name or name == "an object") | {
    *("an exception", "a number of bands", "an output without response", "an id twice", "an odd id", "no output"),
    *("bands changed", "scenes chosen", "user data"),
}
"""What decides whether the script's functions work."""


def changed(random: Random, case: Case) -> None:
    """One or two changes; what a change does not fit is left out."""
    for _ in range(random.choice((1, 1, 1, 2))):
        name = random.choice(list(CHANGES))
        try:
            CHANGES[name](random, case)
        except (TypeError, AttributeError, KeyError, IndexError):
            continue  # an earlier change has left nothing to change
        case.changes.append(name)


def is_documented(case: Case) -> bool:
    """How the samples of several sources without names look is not documented: `check` only doubts what fails there."""
    inputs = case.setup.get("input") if isinstance(case.setup, dict) else None
    names = {each.get("datasource") if isinstance(each, dict) else None for each in inputs or ()}
    is_named = len(case.data) == 1 or (None not in names and {each.get("id") for each in case.data} == names)
    return is_named or not ANSWERS.intersection(case.changes)
