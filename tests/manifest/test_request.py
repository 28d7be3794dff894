"""From an accepted manifest to the body that is POSTed, which the published schema must accept."""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.manifest.document import read_documents
from controller.manifest.geometry import envelope
from controller.manifest.request import Request, derived_size, payload, prefix, size_of
from controller.manifest.validate import Script, ValidManifest, accept
from controller.model.catalog import DEFAULTS, collection, collection_names, option_names
from controller.model.job import ExpectedOutput

pytestmark = pytest.mark.slow
SCRIPT = "//VERSION=3\nfunction evaluatePixel() { return [1]; }\n"
PNG = ExpectedOutput(identifier="default", media_type="image/png", extensions=("png",))
TIFF = ExpectedOutput(identifier="default", media_type="image/tiff", extensions=("tif", "tiff"))
KEYS = {"accessKey": "CANARY-ID", "secretAccessKey": "CANARY-SECRET"}
ROLE = {"iamRoleARN": "arn:aws:iam::123456789012:role/shjobs"}


def manifest(request: dict[str, Any], **spec: Any) -> dict[str, Any]:
    whole = {"request": request, "evalscriptFile": "script.js", **spec}
    return {"apiVersion": "shjobs/v1", "kind": "AsyncProcess", "metadata": {"name": "job"}, "spec": whole}


def requested(text: str, path: str = "job.yaml") -> Request:
    (document,) = read_documents(text, path)
    job = accept(document, path, Script(path="script.js", text=SCRIPT))
    assert isinstance(job, ValidManifest), [str(each) for each in job.problems]
    return job.request


def asked(
    bounds: dict[str, Any], size: dict[str, Any], data: dict[str, Any], s3: dict[str, Any] | None = None, **output: Any
) -> dict[str, Any]:
    place = s3 or {"url": "s3://my-bucket/path", "credentialsRef": "my-bucket"}
    return {"input": {"bounds": bounds, "data": [data]}, "output": {**size, **output, "delivery": {"s3": place}}}


def between(first: str, last: str, **more: Any) -> dict[str, Any]:
    return {"timeRange": {"from": first, "to": last}, **more}


UTM = {"bbox": [426000, 3960000, 462000, 3994000], "properties": {"crs": "http://www.opengis.net/def/crs/EPSG/0/32633"}}
SIZE = {"width": 1000, "height": 1000}
ITALY = {"bbox": [11.193762, 44.684277, 18.622922, 47.872144]}
AS_TIFF = [{"identifier": "default", "format": {"type": "image/tiff"}}]
# The four examples of the reference page "Asynchronous Processing API" §9, their keys replaced by a credentialsRef.
EXAMPLES = {
    "NDVI": asked(
        UTM,
        {"resx": 10, "resy": 10},
        {"dataFilter": between("2022-06-20T00:00:00Z", "2022-06-30T23:59:59Z"), "type": "S2L2A"},
        responses=AS_TIFF,
    ),
    "cloudless mosaic": asked(
        ITALY,
        {"width": 5000, "height": 5000},
        {
            "dataFilter": between("2019-06-01T00:00:00Z", "2019-10-31T23:59:59Z", mosaickingOrder="leastCC"),
            "type": "S2L2A",
        },
        responses=AS_TIFF,
    ),
    "large true color": asked(
        ITALY,
        {"width": 10000, "height": 10000},
        {"dataFilter": between("2022-10-01T00:00:00Z", "2022-10-31T00:00:00Z"), "type": "S2L1C"},
        responses=AS_TIFF,
    ),
    "median NDVI": asked(
        ITALY,
        {"width": 5000, "height": 5000},
        {"dataFilter": between("2019-10-01T00:00:00Z", "2022-10-01T00:00:00Z"), "type": "S2L2A"},
        responses=AS_TIFF,
    ),
}
SIZES = {
    "NDVI": (3600, 3400),
    "cloudless mosaic": (5000, 5000),
    "large true color": (10000, 10000),
    "median NDVI": (5000, 5000),
}


@cache
def validator() -> Any:
    schema = json.loads(files("controller").joinpath("data", "request-schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


def posted(request: Request) -> dict[str, Any]:
    fields = {"iamRoleARN": request.role_arn} if request.role_arn else KEYS
    return payload(request.body, prefix(request.delivery_url, "job", "0123456789abcdef-r0-a0"), fields)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_four_documented_jobs_are_accepted_as_yaml(name: str) -> None:
    request = requested(yaml.safe_dump(manifest(EXAMPLES[name])))
    assert (request.width, request.height) == SIZES[name]
    assert request.outputs == (TIFF,)
    assert request.body["input"] == EXAMPLES[name]["input"]


POLYGON = {"type": "Polygon", "coordinates": [[[11, 44], [12, 44], [12, 45], [11, 44]]]}
TWO = {"type": "MultiPolygon", "coordinates": [POLYGON["coordinates"], [[[14, 44], [15, 44], [15, 46], [14, 44]]]]}
S1 = {"type": "sentinel-1-grd", "processing": {"orthorectify": True, "backCoeff": "GAMMA0_TERRAIN"}}


@pytest.mark.parametrize(
    "request_body",
    [
        *(pytest.param(each, id=name) for name, each in EXAMPLES.items()),
        pytest.param(asked({"geometry": POLYGON}, {"resx": 0.001, "resy": 0.001}, S1), id="a polygon and Sentinel-1"),
        pytest.param(asked({"geometry": TWO, **ITALY}, {"width": 5, "height": 5}, {"type": "dem"}), id="both areas"),
        pytest.param(
            asked(
                ITALY,
                {"width": 5, "height": 5},
                {"type": "byoc-01234567-89ab-cdef-0123-456789abcdef", "id": "own"},
                {"url": "s3://my-bucket", "region": "eu-central-1", **ROLE},
                responses=[{}, {"identifier": "userdata", "format": {"type": "application/json"}}],
            ),
            id="own data, a role and two files",
        ),
        pytest.param(
            asked(
                ITALY,
                {"width": 1000, "height": 1000},
                {"type": "sentinel-2-l2a", "dataFilter": {}, "processing": {}},
                responses=[{"format": {"type": "image/jpeg", "quality": 75}}],
            ),
            id="empty options and a JPEG",
        ),
    ],
)
def test_every_payload_satisfies_the_published_schema(request_body: dict[str, Any]) -> None:
    validator().validate(posted(requested(json.dumps(manifest(request_body)), "job.json")))


WORDS = [
    pytest.param("sentinel-1-grd", "orthorectify", "true", True, id="yes, for an option of Sentinel-1"),
    pytest.param("S2L2A", "harmonizeValues", "false", False, id="no, under an older name of the collection"),
    pytest.param("dem", "egm", "true", True, id="an option of the elevation model"),
]


@pytest.mark.parametrize(("type", "key", "word", "value"), WORDS)
def test_a_yes_or_no_written_as_text_asks_for_what_the_service_takes_it_for(
    type: str, key: str, word: str, value: bool
) -> None:
    """The service's own pages write `"orthorectify": "true"`."""
    as_text, plain = (
        requested(json.dumps(manifest(asked(ITALY, SIZE, {"type": type, "processing": {key: given}}))), "job.json")
        for given in (word, value)
    )
    assert as_text.body["input"]["data"][0]["processing"] == {key: value}
    assert as_text == plain


def test_text_that_no_collection_documents_is_sent_as_written() -> None:
    """It was accepted before, so its digest must stay."""
    data = {"type": "byoc-01234567-89ab-cdef-0123-456789abcdef", "processing": {"harmonizeValues": "true"}}
    written = requested(json.dumps(manifest(asked(ITALY, SIZE, data))), "job.json")
    assert written.body["input"]["data"][0] == data


def test_the_payload_is_the_body_with_its_prefix_and_keys() -> None:
    request = requested(json.dumps(manifest(EXAMPLES["NDVI"])), "job.json")
    body = {**EXAMPLES["NDVI"], "evalscript": SCRIPT}
    url = "s3://my-bucket/path/job/0123456789abcdef-r0-a0"
    body["output"] = {**body["output"], "delivery": {"s3": {"url": url, **KEYS}}}
    assert posted(request) == body


def test_the_body_holds_no_credential_and_no_name_of_one() -> None:
    request = requested(json.dumps(manifest(EXAMPLES["NDVI"])), "job.json")
    posted(request)
    assert request.body["output"]["delivery"] == {"s3": {"url": "s3://my-bucket/path"}}
    assert (request.credentials_ref, request.role_arn) == ("my-bucket", None)
    assert "CANARY" not in repr(request)


def test_the_delivery_url_loses_its_slash_and_the_body_keeps_it() -> None:
    written = asked(ITALY, {"width": 5, "height": 5}, {"type": "dem"}, {"url": "s3://b-1/p/", "credentialsRef": "b"})
    request = requested(json.dumps(manifest(written)), "job.json")
    assert request.delivery_url == "s3://b-1/p"
    assert request.body["output"]["delivery"]["s3"]["url"] == "s3://b-1/p/"
    assert prefix(request.delivery_url, "job", "0123456789abcdef-r0-a0") == "s3://b-1/p/job/0123456789abcdef-r0-a0"


@pytest.mark.parametrize(
    ("responses", "outputs"),
    [
        pytest.param(None, (PNG,), id="none written: one PNG"),
        pytest.param([{}], (PNG,), id="an empty one: the same PNG"),
        pytest.param(AS_TIFF, (TIFF,), id="TIFF"),
        pytest.param(
            [
                {"identifier": "a", "format": {"type": "image/jpeg"}},
                {"identifier": "userdata", "format": {"type": "application/json"}},
            ],
            (
                ExpectedOutput(identifier="a", media_type="image/jpeg", extensions=("jpg", "jpeg")),
                ExpectedOutput(identifier="userdata", media_type="application/json", extensions=("json",)),
            ),
            id="JPEG and JSON, in the order written",
        ),
    ],
)
def test_the_expected_files(responses: list[dict[str, Any]] | None, outputs: tuple[ExpectedOutput, ...]) -> None:
    more: dict[str, Any] = {"responses": responses} if responses else {}
    written = asked(ITALY, {"width": 5, "height": 5}, {"type": "dem"}, **more)
    assert requested(json.dumps(manifest(written)), "job.json").outputs == outputs


def test_the_script_inside_the_request_is_used_as_written() -> None:
    written = manifest({**EXAMPLES["NDVI"], "evalscript": "//VERSION=3\r\n"})
    del written["spec"]["evalscriptFile"]
    (document,) = read_documents(json.dumps(written), "job.json")
    job = accept(document, "job.json", None)
    assert isinstance(job, ValidManifest)
    assert job.request.body["evalscript"] == "//VERSION=3\r\n"


@pytest.mark.parametrize(
    ("extent", "resolution", "pixels"),
    [
        pytest.param(100, 10, 10, id="a whole number"),
        pytest.param(104, 10, 10, id="below the half: down"),
        pytest.param(105, 10, 11, id="the half: up"),
        pytest.param(5, 10, 1, id="half a pixel: one"),
        pytest.param(4, 10, 0, id="less than half a pixel: none"),
        pytest.param(1, 1e-300, 10**12, id="far too many: a large number, no failure"),
    ],
)
def test_derived_sizes_are_rounded_half_up(extent: float, resolution: float, pixels: int) -> None:
    bounds = {"bbox": [0, 0, extent, extent]}
    assert derived_size(bounds, resolution, resolution) == (pixels, pixels)


def test_a_size_is_at_least_one_pixel() -> None:
    assert size_of({"input": {"bounds": {"bbox": [0, 0, 4, 40]}}, "output": {"resx": 10, "resy": 10}}) == (1, 4)


@pytest.mark.parametrize(
    ("bounds", "corners"),
    [
        pytest.param({"bbox": [5, 6, 1, 2]}, (1, 2, 5, 6), id="the corners of a bbox in any order"),
        pytest.param({"geometry": POLYGON}, (11, 44, 12, 45), id="a polygon"),
        pytest.param({"geometry": TWO}, (11, 44, 15, 46), id="all parts of a multipolygon"),
        pytest.param({"bbox": [0, 0, 1, 1], "geometry": POLYGON}, (0, 0, 1, 1), id="with both, the grid is the bbox's"),
    ],
)
def test_the_grid_covers(bounds: dict[str, Any], corners: tuple[float, ...]) -> None:
    assert envelope(bounds) == corners


def shuffled(data: st.DataObject, value: Any) -> Any:
    """The same mapping with its keys in another order, at every level."""
    if isinstance(value, list):
        return [shuffled(data, each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: shuffled(data, value[key]) for key in data.draw(st.permutations(list(value)))}


def commented(text: str) -> str:
    return re.sub("\n(?= *[a-z]+:)", "  # why\n\n", text)


@pytest.mark.slow
@given(data=st.data(), name=st.sampled_from(list(EXAMPLES)), flow=st.sampled_from([True, False, None]))
def test_key_order_layout_comments_and_language_never_change_the_digest(
    data: st.DataObject, name: str, flow: bool | None
) -> None:
    before = requested(json.dumps(manifest(EXAMPLES[name])), "job.json").digest
    other = shuffled(data, manifest(EXAMPLES[name], hold=True, rerun=3, priority=2, deadline="2d"))
    other["metadata"]["name"] = "renamed"
    assert requested(json.dumps(other, indent="\t"), "job.json").digest == before
    width = data.draw(st.integers(20, 200))
    text = yaml.safe_dump(other, sort_keys=False, default_flow_style=flow, width=width)
    assert requested(text).digest == before
    assert requested(commented(text).replace("\n", "\r\n")).digest == before


OPTION_VALUES = st.sampled_from(
    [
        *(True, False, 0, 1, 2.5, 50, 100, 101, -1, [], {"type": "NONE"}, {"type": "LEE"}),
        *("NEAREST", "mostRecent", "leastCC", "ALL_TIERS", "TIER_1_AND_RT", "DETAIL", "MAPZEN", "COPERNICUS"),
        *("GAMMA0_TERRAIN", "SIGMA0_ELLIPSOID", "OBLIQUE", "NRTI", "Offline", "IW", "DV", "ASCENDING", "SENTINEL"),
        {"type": "LEE", "windowSizeX": 3, "windowSizeY": 7},
        {"type": "LEE", "windowSizeX": 0, "windowSizeY": 3},
    ]
)


def options(section: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(sorted(option_names(section) - {"timeRange"})), OPTION_VALUES, max_size=3)


@pytest.mark.slow
@settings(max_examples=300)
@given(type=st.sampled_from(collection_names()), data_filter=options("dataFilter"), processing=options("processing"))
def test_what_is_accepted_satisfies_the_published_schema_whatever_its_options(
    type: str, data_filter: dict[str, Any], processing: dict[str, Any]
) -> None:
    data = {"type": type, "dataFilter": data_filter, "processing": processing}
    text = json.dumps(manifest(asked(ITALY, {"width": 500, "height": 500}, data)))
    (document,) = read_documents(text, "job.json")
    job = accept(document, "job.json", Script(path="script.js", text=SCRIPT))
    if isinstance(job, ValidManifest):
        validator().validate(posted(job.request))


def options_of(name: str) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    known = collection(name)
    assert known
    return known.options


DOCUMENTED = [
    pytest.param(name, section, key, value, id=f"{name} {key}: {value}")
    for name in DEFAULTS
    for section, documented in options_of(name).items()
    for key, rule in documented.items()
    for value in rule.get("enum", ())
    if value != "GAMMA0_TERRAIN"  # needs another option beside it
]


@pytest.mark.parametrize(("name", "section", "key", "value"), DOCUMENTED)
def test_every_documented_option_is_accepted(name: str, section: str, key: str, value: str) -> None:
    body = asked(ITALY, {"width": 500, "height": 500}, {"type": name, section: {key: value}})
    validator().validate(posted(requested(json.dumps(manifest(body)), "job.json")))
