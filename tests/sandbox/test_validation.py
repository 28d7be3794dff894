"""What the sandbox refuses at submit, and that the published request schema agrees wherever it can say the same."""

import copy
import json
from importlib import resources
from typing import Any

import jsonschema
import pytest

from controller.sandbox.extent import metres_per_pixel, output_size
from controller.sandbox.http.validation import refuse, with_booleans

GOOD: dict[str, Any] = {
    "input": {
        "bounds": {
            "bbox": [426000, 3960000, 462000, 3994000],
            "properties": {"crs": "http://www.opengis.net/def/crs/EPSG/0/32633"},
        },
        "data": [
            {
                "type": "sentinel-2-l2a",
                "dataFilter": {"timeRange": {"from": "2022-06-20T00:00:00Z", "to": "2022-06-30T23:59:59Z"}},
            }
        ],
    },
    "output": {
        "resx": 10,
        "resy": 10,
        "responses": [{"identifier": "default", "format": {"type": "image/tiff"}}],
        "delivery": {"s3": {"url": "s3://my-bucket/ndvi", "accessKey": "AK", "secretAccessKey": "SK"}},
    },
    "evalscript": "//VERSION=3",
}
ABSENT = object()
SQUARE = [[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]


def changed(path: str, value: object) -> dict[str, Any]:
    """The good body with one place of it replaced; ABSENT takes it away."""
    body = copy.deepcopy(GOOD)
    *way, last = (int(part) if part.isdigit() else part for part in path.split("."))
    place: Any = body
    for part in way:
        place = place[part]
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value
    return body


def violations(body: object) -> list[str]:
    """The parameters the refusal names; the code and the form of the wrapper are checked on the way."""
    reply = refuse(body)
    assert reply is not None
    error = json.loads(reply.content)["error"]
    assert (error["status"], error["reason"], error["code"]) == (400, "Bad Request", "COMMON_BAD_PAYLOAD")
    assert all(one["violation"] in error["message"] for one in error.get("errors", []))
    return [one["parameter"] for one in error.get("errors", [])]


def test_the_documented_request_is_taken() -> None:
    assert refuse(GOOD) is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("input.data.0.type", "S2L2A", id="an older alias"),
        pytest.param("input.data.0.type", "byoc-0188c0a4-9d8c-7e2f-8d2f-0123456789ab", id="a collection of one's own"),
        pytest.param("input.bounds.bbox", [462000, 3994000, 426000, 3960000], id="opposite corners in any order"),
        pytest.param("input.data.0.dataFilter.timeRange.to", "2022-06-20T02:00:00+02:00", id="from equal to to"),
        pytest.param(
            "input.data.0.dataFilter.timeRange.from", "2022-06-20t00:00:00.123z", id="lower case and fractions"
        ),
        pytest.param("input.data.0.dataFilter.mosaickingOrder", "leastCC", id="an order the collection knows"),
        pytest.param("output.responses", ABSENT, id="no responses"),
        pytest.param("output.responses.0.identifier", ABSENT, id="a response without identifier"),
        pytest.param("output.delivery.s3", {"url": "s3://b", "iamRoleARN": "arn:aws:iam::1:role/r"}, id="a role"),
        pytest.param("output.note", 1, id="an unknown property"),
    ],
)
def test_taken(path: str, value: object) -> None:
    assert refuse(changed(path, value)) is None


REFUSED = {
    "no input": ("input", ABSENT, ["input"]),
    "no bounds": ("input.bounds", ABSENT, ["input->bounds"]),
    "neither bbox nor geometry": ("input.bounds.bbox", ABSENT, ["input->bounds"]),
    "a bbox of three numbers": ("input.bounds.bbox", [1, 2, 3], ["input->bounds->bbox"]),
    "a bbox with a text": ("input.bounds.bbox", [1, 2, 3, "4"], ["input->bounds->bbox"]),
    "a bbox with a truth value": ("input.bounds.bbox", [1, 2, 3, True], ["input->bounds->bbox"]),
    "a GeometryCollection": (
        "input.bounds.geometry",
        {"type": "GeometryCollection", "geometries": []},
        ["input->bounds->geometry"],
    ),
    "a polygon without rings": (
        "input.bounds.geometry",
        {"type": "Polygon", "coordinates": []},
        ["input->bounds->geometry->coordinates"],
    ),
    "a position with a height": (
        "input.bounds.geometry",
        {"type": "Polygon", "coordinates": [[[0, 0, 9], *SQUARE[1:-1], [0, 0, 9]]]},
        ["input->bounds->geometry->coordinates"],
    ),
    "a CRS that is not a URL": ("input.bounds.properties.crs", "EPSG:32633", ["input->bounds->properties->crs"]),
    "no data": ("input.data", [], ["input->data"]),
    "data without a type": ("input.data.0.type", ABSENT, ["input->data[0]->type"]),
    "an unknown collection": ("input.data.0.type", "sentinel-9", ["input->data[0]->type"]),
    "a date without time": (
        "input.data.0.dataFilter.timeRange.from",
        "2022-06-20",
        ["input->data[0]->dataFilter->timeRange->from"],
    ),
    "an unknown order": (
        "input.data.0.dataFilter.mosaickingOrder",
        "newest",
        ["input->data[0]->dataFilter->mosaickingOrder"],
    ),
    "more than all clouds": (
        "input.data.0.dataFilter.maxCloudCoverage",
        101,
        ["input->data[0]->dataFilter->maxCloudCoverage"],
    ),
    "a text for a truth value": (
        "input.data.0.processing",
        {"harmonizeValues": "yes"},
        ["input->data[0]->processing->harmonizeValues"],
    ),
    "no output": ("output", ABSENT, ["output"]),
    "sides of both pairs": ("output.width", 100, ["output"]),
    "half a pair": ("output.resy", ABSENT, ["output"]),
    "a resolution of nothing": ("output.resx", 0, ["output->resx"]),
    "an empty list of responses": ("output.responses", [], ["output->responses"]),
    "an unknown format": ("output.responses.0.format.type", "image/bmp", ["output->responses[0]->format->type"]),
    "too good a JPEG": (
        "output.responses.0.format",
        {"type": "image/jpeg", "quality": 101},
        ["output->responses[0]->format->quality"],
    ),
    "no delivery": ("output.delivery", ABSENT, ["output->delivery"]),
    "an empty delivery": ("output.delivery", {}, ["output->delivery"]),
    "not an s3 URL": ("output.delivery.s3.url", "my-bucket/ndvi", ["output->delivery->s3->url"]),
    "half a pair of keys": ("output.delivery.s3.accessKey", ABSENT, ["output->delivery->s3"]),
    "no credentials": ("output.delivery.s3", {"url": "s3://b"}, ["output->delivery->s3"]),
    "no script": ("evalscript", ABSENT, ["evalscript"]),
    "an empty script": ("evalscript", "", ["evalscript"]),
    "a script in both ways": ("evalscriptReference", {"s3": {"url": "s3://b/k"}}, ["evalscript"]),
}


@pytest.mark.parametrize(("path", "value", "named"), REFUSED.values(), ids=REFUSED)
def test_refused_with_the_field(path: str, value: object, named: list[str]) -> None:
    assert violations(changed(path, value)) == named


@pytest.mark.parametrize(("path", "value", "named"), REFUSED.values(), ids=REFUSED)
def test_the_published_schema_refuses_the_same(path: str, value: object, named: list[str]) -> None:
    schema = json.loads((resources.files("controller") / "data" / "request-schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(GOOD)
    assert not validator.is_valid(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        pytest.param(
            "input.bounds.geometry",
            {"type": "Polygon", "coordinates": [SQUARE[:-1]]},
            ["input->bounds->geometry->coordinates"],
            id="an unclosed ring",
        ),
        pytest.param(
            "input.bounds.geometry",
            {"type": "MultiPolygon", "coordinates": [[SQUARE], [[*SQUARE[:-1], [5, 5]]]]},
            ["input->bounds->geometry->coordinates"],
            id="an unclosed ring of the second polygon",
        ),
        pytest.param("input.bounds.bbox", [1, 2, 1, 4], ["input->bounds->bbox"], id="an empty bbox"),
        pytest.param("input.bounds.bbox", [1, 2, 3, 10**400], ["input->bounds->bbox"], id="a number past counting"),
        pytest.param(
            "input.data.0.dataFilter.timeRange.to",
            "2022-06-31T00:00:00Z",
            ["input->data[0]->dataFilter->timeRange->to"],
            id="a day that does not exist",
        ),
        pytest.param(
            "input.data.0.dataFilter.timeRange.to",
            "2021-06-30T00:00:00Z",
            ["input->data[0]->dataFilter->timeRange"],
            id="from after to",
        ),
        pytest.param("output.resx", 3.5996, ["output->resx"], id="a derived width of 10001"),
        pytest.param("output.resy", 1e-320, ["output->resy"], id="a derived height past counting"),
        pytest.param(
            "output.responses",
            [{"format": {"type": "image/tiff"}}, {"identifier": "default", "format": {"type": "image/png"}}],
            ["output->responses[1]->identifier"],
            id="the default output twice",
        ),
        pytest.param("output.delivery", {"gs": {"url": "gs://b"}}, ["output->delivery->gs"], id="Google storage"),
    ],
)
def test_refused_beyond_the_schema(path: str, value: object, named: list[str]) -> None:
    assert violations(changed(path, value)) == named


@pytest.mark.parametrize(
    ("type", "written", "understood"),
    [
        pytest.param("sentinel-1-grd", {"orthorectify": "true"}, {"orthorectify": True}, id="as the pages write it"),
        pytest.param("S1GRD", {"orthorectify": "false"}, {"orthorectify": False}, id="under an older name"),
        pytest.param("sentinel-1-grd", {"orthorectify": "yes"}, {"orthorectify": "yes"}, id="another word is left"),
        pytest.param("sentinel-1-grd", {"more": "true"}, {"more": "true"}, id="an unknown option is left"),
    ],
)
def test_true_and_false_may_be_text(type: str, written: dict[str, Any], understood: dict[str, Any]) -> None:
    body = with_booleans(changed("input.data.0", {"type": type, "processing": written}))
    assert body == changed("input.data.0", {"type": type, "processing": understood})
    assert (refuse(body) is None) is (understood != {"orthorectify": "yes"})


@pytest.mark.parametrize(
    "body", [None, [], {"input": 1}, {"input": {"data": 2}}, {"input": {"data": [3, {"type": 4}]}}]
)
def test_a_body_of_another_shape_is_left_for_the_refusal(body: object) -> None:
    assert with_booleans(body) == body


def test_every_violation_is_told_at_once() -> None:
    body = changed("output.delivery", ABSENT)
    body["input"]["data"][0]["type"] = "sentinel-9"
    body["output"]["width"] = 0
    del body["evalscript"]
    assert violations(body) == ["evalscript", "input->data[0]->type", "output", "output->width", "output->delivery"]


@pytest.mark.parametrize("body", [[], "text", 5, None, True])
def test_a_body_that_is_not_an_object(body: object) -> None:
    assert violations(body) == []


def test_a_given_side_above_the_limit_is_named() -> None:
    body = changed("output.resx", ABSENT)
    del body["output"]["resy"]
    body["output"] |= {"width": 10001, "height": 10000}
    assert violations(body) == ["output->width"]


def coarse(bbox: list[float], width: int, height: int, crs: str = "OGC/1.3/CRS84", kind: str = "S2L2A") -> Any:
    body = copy.deepcopy(GOOD)
    properties = {"crs": f"http://www.opengis.net/def/crs/{crs}"}
    body["input"] = {"bounds": {"bbox": bbox, "properties": properties}, "data": [{"type": kind}]}
    body["output"] = {"width": width, "height": height, "delivery": GOOD["output"]["delivery"]}
    return body


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(coarse([0, 0, 1e9, 1], 100, 100, kind="S1GRD"), id="a billion degrees"),
        pytest.param(coarse([1e299, 0, 9e299, 1], 100, 100, kind="S1GRD"), id="degrees past halving"),
        pytest.param(coarse([0, 0, 1, 91], 100, 100, kind="S1GRD"), id="beyond the pole"),
        pytest.param(coarse([426000, 3960000, 462000, 3994000], 100, 100), id="metres taken for degrees"),
        pytest.param(coarse([0, 0, 1e299, 1], 100, 100, "EPSG/0/3857", "S1GRD"), id="no metres of the web mercator"),
        pytest.param(coarse([0, 0, 1e9, 1], 100, 100, "EPSG/0/32633", "S1GRD"), id="no metres of a zone"),
    ],
)
def test_an_area_outside_the_earth_is_refused(body: dict[str, Any]) -> None:
    assert violations(body) == ["input->bounds->bbox"]


def test_a_geometry_outside_the_earth_is_refused_and_what_rounds_to_its_edge_is_not() -> None:
    body = coarse([-180, 0, 180.00000000000003, 1], 100, 100, kind="S1GRD")
    assert refuse(body) is None
    del body["input"]["bounds"]["bbox"]
    body["input"]["bounds"]["geometry"] = {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [999, 1], [0, 0]]]}
    assert violations(body) == ["input->bounds->geometry"]


def test_too_coarse_for_sentinel_2_names_both_figures_and_the_collection() -> None:
    reply = refuse(coarse([0, 3960000, 1600000, 4060000], 1000, 1000, "EPSG/0/32633", "sentinel-2-l2a"))
    assert reply is not None
    error = json.loads(reply.content)["error"]
    assert (error["code"], "errors" in error) == ("COMMON_EXCEPTION", False)
    assert "1600.00 m/px" in error["message"]
    assert "1500.00 m/px" in error["message"]
    assert "S2L2A" in error["message"]


@pytest.mark.parametrize(
    ("body", "is_refused"),
    [
        pytest.param(coarse([0, 0, 1000000, 1000000], 1000, 1000, "EPSG/0/32633"), False, id="1000 m/px in UTM"),
        pytest.param(
            coarse([0, 0, 1000000, 1600000], 1000, 1000, "EPSG/0/32633"), True, id="only the height too coarse"
        ),
        pytest.param(coarse([0, 0, 10, 10], 1000, 1000), False, id="a hundredth of a degree"),
        pytest.param(coarse([0, 0, 20, 20], 1000, 1000), True, id="a fiftieth of a degree at the equator"),
        pytest.param(coarse([0, 60, 20, 70], 1000, 1000), False, id="the same width at 60 degrees north"),
        pytest.param(coarse([-180, -10, 180, 10], 10000, 10000), True, id="all around the equator"),
        pytest.param(coarse([0, 0, 20, 20], 1000, 1000, kind="S1GRD"), False, id="a collection without a limit"),
    ],
)
def test_metres_per_pixel_are_ground_metres(body: dict[str, Any], is_refused: bool) -> None:
    assert (refuse(body) is not None) is is_refused


def test_the_observed_web_mercator_tile() -> None:
    """Zoom 6, touching the equator: 2443.94 m/px were seen (page "Collections for input.data[].type")."""
    side = 2 * 20037508.342789244 / 64
    body = coarse([0, 0, side, side], 256, 256, "EPSG/0/3857")
    assert metres_per_pixel(body) == pytest.approx(2443.94, abs=0.05)


@pytest.mark.parametrize(
    ("bounds", "resolution", "size"),
    [
        pytest.param({"bbox": [0, 0, 10, 5]}, 1, (10, 5), id="whole numbers"),
        pytest.param({"bbox": [0, 0, 105, 104.9]}, 10, (11, 10), id="halves go up"),
        pytest.param({"bbox": [0, 0, 0.1, 0.2]}, 1, (1, 1), id="at least one pixel"),
        pytest.param(
            {"geometry": {"type": "Polygon", "coordinates": [[[1, 1], [9, 1], [9, 4], [1, 1]]]}},
            1,
            (8, 3),
            id="the box around a polygon",
        ),
        pytest.param(
            {"geometry": {"type": "MultiPolygon", "coordinates": [[SQUARE], [[[5, 5], [9, 5], [9, 7], [5, 5]]]]}},
            1,
            (9, 7),
            id="the box around two polygons",
        ),
    ],
)
def test_the_derived_size(bounds: dict[str, Any], resolution: float, size: tuple[int, int]) -> None:
    body = {"input": {"bounds": bounds}, "output": {"resx": resolution, "resy": resolution}}
    assert output_size(body) == size
