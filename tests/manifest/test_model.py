"""What a person writes is accepted as a job, or everything wrong with it is told at once, with place and remedy."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel

from controller.manifest.document import read_documents
from controller.manifest.model import Manifest, Spec, child_models
from controller.manifest.validate import Broken, Script
from tests.support.manifests import GOOD, accepted, good_but, judged, reported


def test_the_manifest_of_the_documentation_is_accepted() -> None:
    job = accepted(GOOD)
    spec = job.manifest.spec
    assert (job.name, job.path, job.index) == ("ndvi-tunis", "ndvi.yaml", 0)
    assert job.manifest.metadata.labels == {"team": "agri"}
    assert (spec.max_processing_units, spec.hold, spec.rerun, spec.retries) == (800, False, 0, 0)
    assert (spec.deadline, spec.priority) == (timedelta(hours=24), 0)


BBOX = "[426000, 3960000, 462000, 3994000]"
CRS = "http://www.opengis.net/def/crs/EPSG/0/32633"
S3 = "spec.request.output.delivery.s3"
KEYS = (
    "keys must not be in a manifest: write instead `credentialsRef: my-bucket`, and give the keys that belong to "
    "it as SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY and SHJOBS_CREDENTIALS_MY_BUCKET_SECRET_ACCESS_KEY (or name their "
    "files in shjobs.toml)"
)


MISTAKES = {
    "another kind of document": ("kind: AsyncProcess", "kind: asyncprocess", "2:1 E108 kind: must be AsyncProcess"),
    "a key that is missing stands at its parent": (
        "  name: ndvi-tunis\n",
        "",
        "3:1 E105 metadata.name: is missing: write for example `name: ndvi-tunis`",
    ),
    "a misspelt key is one problem, not two": (
        "name: ndvi-tunis",
        "nmae: ndvi-tunis",
        "4:3 E104 metadata.nmae: unknown key: did you mean `name`?",
    ),
    "a name that cannot be a folder everywhere": (
        "name: ndvi-tunis",
        "name: NDVI_Tunis",
        "4:3 E108 metadata.name: must be made of lowercase letters, digits and '-' (not at its ends), at most 63 "
        "of them",
    ),
    "a label that is a number": (
        "{team: agri}",
        "{year: 2022}",
        "5:12 E106 metadata.labels.year: must be text, not a number: put it in quotes",
    ),
    "three corners": (
        BBOX,
        "[426000, 3960000, 462000]",
        "10:9 E106 spec.request.input.bounds.bbox: must be four numbers: [x1, y1, x2, y2]",
    ),
    "five corners": (
        BBOX,
        "[1, 2, 3, 4, 5]",
        "10:9 E106 spec.request.input.bounds.bbox: must be four numbers: [x1, y1, x2, y2]",
    ),
    "a number in quotes": (
        BBOX,
        '[426000, "3960000", 462000, 3994000]',
        "10:24 E106 spec.request.input.bounds.bbox[1]: must be a number, not text: remove the quotes",
    ),
    "a bbox without width": (
        BBOX,
        "[426000, 3960000, 426000, 3994000]",
        "10:9 E200 spec.request.input.bounds.bbox: covers no area: the two corners must differ in both coordinates",
    ),
    "an endless bbox": (
        BBOX,
        "[426000, 3960000, .inf, 3994000]",
        "10:33 E102 spec.request.input.bounds.bbox[2]: must be a finite number",
    ),
    "no area": (
        f"        bbox: {BBOX}\n",
        "",
        "9:7 E200 spec.request.input.bounds: needs an area: write `bbox: [x1, y1, x2, y2]`, or a GeoJSON `geometry`",
    ),
    "a ring that is not closed": (
        f"bbox: {BBOX}",
        "geometry: {type: Polygon, coordinates: [[[0, 0], [9, 0], [9, 9], [0, 1]]]}",
        "10:35 E201 spec.request.input.bounds.geometry.coordinates: ring 1 is not closed: repeat its first "
        "position [0, 0] at its end",
    ),
    "a polygon with a level too few": (
        f"bbox: {BBOX}",
        "geometry: {type: Polygon, coordinates: [[0, 0], [9, 0], [9, 9], [0, 0]]}",
        "10:35 E201 spec.request.input.bounds.geometry.coordinates: ring 1 must be a list of positions, each of "
        "two numbers: [x, y]",
    ),
    "a point": (
        f"bbox: {BBOX}",
        "geometry: {type: Point, coordinates: [0, 0]}",
        "10:20 E108 spec.request.input.bounds.geometry.type: must be Polygon or MultiPolygon",
    ),
    "a CRS in short form": (
        CRS,
        "EPSG:32633",
        "11:22 E204 spec.request.input.bounds.properties.crs: `EPSG:32633` is not a CRS the service knows: write "
        f"{CRS}",
    ),
    "a CRS with https": (
        CRS,
        CRS.replace("http:", "https:"),
        "11:22 E204 spec.request.input.bounds.properties.crs: `https://www.opengis.net/def/crs/EPSG/0/32633` is "
        f"not a CRS the service knows: write {CRS}",
    ),
    "a key one level too high": (
        "properties: {crs:",
        "crs: x #",
        "11:9 E104 spec.request.input.bounds.crs: unknown key here: it belongs below `properties`",
    ),
    "a collection that is nearly right": (
        "sentinel-2-l2a",
        "Sentinel2-L2A",
        "13:11 E210 spec.request.input.data[0].type: `Sentinel2-L2A` is not a collection of the service: did you "
        "mean sentinel-2-l2a?",
    ),
    "own data without its id": (
        "sentinel-2-l2a",
        "CUSTOM",
        "13:11 E210 spec.request.input.data[0].type: `CUSTOM` is the older name of own data: write "
        "byoc-<collection id>, with the id that stands in `collectionId`",
    ),
    "own data with its id beside it": (
        "sentinel-2-l2a",
        "byoc-5460de54-082e-473a-b6ea-d5cbe3c17cca\n          collectionId: 5460de54-082e-473a-b6ea-d5cbe3c17cca",
        "14:11 E104 spec.request.input.data[0].collectionId: own data are named by their type: write "
        "`type: byoc-<collection id>`, and remove this",
    ),
    "a whole number with a decimal point": (
        "resx: 10\n      resy: 10",
        "width: 512.0\n      height: 512",
        "17:7 E106 spec.request.output.width: must be a whole number, not a number with a decimal point: write 512",
    ),
    "a logo, as the service's replies have it": (
        "format: {type: image/tiff}",
        "format: {type: image/tiff}, logo: false",
        "19:69 E104 spec.request.output.responses[0].logo: only the service's replies hold it: remove it",
    ),
    "the CRS in the geometry, as the service's replies have it": (
        f"bbox: {BBOX}",
        "geometry: {type: Polygon, crs: x, coordinates: [[[426000, 3960000], [462000, 3960000], [462000, 3994000], "
        "[426000, 3960000]]]}",
        "10:35 E104 spec.request.input.bounds.geometry.crs: the CRS of an area stands beside it: remove it here, and "
        "write `properties: {crs: …}` below `bounds`",
    ),
    "a GeoJSON feature": (
        f"bbox: {BBOX}",
        "geometry: {type: Feature, properties: {}, geometry: {type: Polygon, coordinates: [[[0, 0], [9, 0], [9, 9], "
        "[0, 0]]]}}",
        "10:20 E108 spec.request.input.bounds.geometry.type: a Feature is more than its geometry: write the `type` and "
        "`coordinates` of its `geometry` here",
    ),
    "a collection of GeoJSON features": (
        f"bbox: {BBOX}",
        "geometry: {type: FeatureCollection, features: [{type: Feature, geometry: {type: Polygon, coordinates: []}}]}",
        "10:20 E108 spec.request.input.bounds.geometry.type: a FeatureCollection is more than its geometry: write the "
        "`type` and `coordinates` of its `geometry` here, of several polygons as one MultiPolygon",
    ),
    "a height in a position": (
        f"bbox: {BBOX}",
        "geometry: {type: Polygon, coordinates: [[[426000, 3960000], [462000, 3960000, 12.5], [462000, 3994000], "
        "[426000, 3960000]]]}",
        "10:69 E201 spec.request.input.bounds.geometry.coordinates[0][1]: has a third number, and the service takes "
        "two: write [462000, 3960000]",
    ),
    "a height in a position of the second polygon": (
        f"bbox: {BBOX}",
        "geometry: {type: MultiPolygon, coordinates: [[[[4, 3], [5, 3], [5, 4], [4, 3]]], [[[4, 3, 0], [5, 3, 0]]]]}",
        "10:92 E201 spec.request.input.bounds.geometry.coordinates[1][0][0]: has a third number, and the service takes "
        "two: write [4, 3]",
    ),
    "a date without time": (
        "from: 2022-06-20T00:00:00Z",
        "from: 2022-06-20",
        "15:25 E215 spec.request.input.data[0].dataFilter.timeRange.from: must be a date with time and zone: write "
        "for example 2022-06-20T00:00:00Z",
    ),
    "31 June": (
        "to: 2022-06-30T23:59:59Z",
        "to: 2022-06-31T23:59:59Z",
        "15:53 E215 spec.request.input.data[0].dataFilter.timeRange.to: is not a date of the calendar or a time of "
        "the day",
    ),
    "from after to": (
        "from: 2022-06-20T00:00:00Z",
        "from: 2022-07-01T00:00:00Z",
        "15:13 E216 spec.request.input.data[0].dataFilter.timeRange: `from` is later than `to`: exchange them",
    ),
    "a misspelt filter, which the service would ignore": (
        "dataFilter:",
        "dataFilter:\n            maxCloudCover: 20",
        "15:13 E104 spec.request.input.data[0].dataFilter.maxCloudCover: unknown key: did you mean `maxCloudCoverage`?",
    ),
    "more than all clouds": (
        "dataFilter:",
        "dataFilter:\n            maxCloudCoverage: 101",
        "15:13 E109 spec.request.input.data[0].dataFilter.maxCloudCoverage: must be at most 100",
    ),
    "a word in another spelling": (
        "dataFilter:",
        "dataFilter:\n            mosaickingOrder: mostrecent",
        "15:13 E108 spec.request.input.data[0].dataFilter.mosaickingOrder: must be mostRecent, leastRecent or "
        "leastCC: did you mean mostRecent?",
    ),
    "an option of the collection with a value of another kind": (
        "dataFilter:",
        "processing: {harmonizeValues: 1}\n          dataFilter:",
        "14:24 E212 spec.request.input.data[0].processing.harmonizeValues: must be true or false, not a number",
    ),
    "an option of the collection with another word than true or false": (
        "dataFilter:",
        'processing: {harmonizeValues: "yes"}\n          dataFilter:',
        "14:24 E212 spec.request.input.data[0].processing.harmonizeValues: must be true or false, not text",
    ),
    "an option that needs another, which is false as text": (
        "- type: sentinel-2-l2a",
        '- {type: sentinel-1-grd, processing: {backCoeff: GAMMA0_TERRAIN, orthorectify: "false"}}\n'
        "        - type: sentinel-2-l2a",
        "13:47 E213 spec.request.input.data[0].processing.backCoeff: GAMMA0_TERRAIN needs `orthorectify: true` "
        "beside it",
    ),
    "an option that needs another": (
        "- type: sentinel-2-l2a",
        "- {type: sentinel-1-grd, processing: {backCoeff: GAMMA0_TERRAIN}}\n        - type: sentinel-2-l2a",
        "13:47 E213 spec.request.input.data[0].processing.backCoeff: GAMMA0_TERRAIN needs `orthorectify: true` "
        "beside it",
    ),
    "an option that is not whole": (
        "- type: sentinel-2-l2a",
        "- {type: sentinel-5p-l2, processing: {minQa: 0.5}}\n        - type: sentinel-2-l2a",
        "13:47 E212 spec.request.input.data[0].processing.minQa: must be a whole number from 0 to 100",
    ),
    "too many pixels": (
        "resx: 10",
        "resx: 1",
        "17:7 E206 spec.request.output.resx: makes the width 36000 pixels, more than 10000: it is in metres per "
        "pixel, write a larger one",
    ),
    "less than half a pixel": (
        "resy: 10",
        "resy: 90000",
        "18:7 E206 spec.request.output.resy: is larger than the area: it is in metres per pixel, write a smaller one",
    ),
    "half of each pair": (
        "resx: 10",
        "width: 10",
        "18:7 E205 spec.request.output.resy: excludes width and height: keep one of the two pairs",
    ),
    "half of a pair": (
        "      resx: 10\n",
        "",
        "16:5 E205 spec.request.output.resx: is missing: `resy` needs `resx` beside it",
    ),
    "no size": (
        "      resx: 10\n      resy: 10\n",
        "",
        "16:5 E205 spec.request.output: needs a size: write width and height in pixels, or resx and resy in units "
        "of the CRS",
    ),
    "a side that is too long": (
        "resx: 10\n      resy: 10",
        "width: 10001\n      height: 10",
        "17:7 E109 spec.request.output.width: must be at most 10000",
    ),
    "a format that is nearly right": (
        "image/tiff",
        "image/tif",
        "19:50 E108 spec.request.output.responses[0].format.type: must be image/tiff, image/png, image/jpeg or "
        "application/json: did you mean image/tiff?",
    ),
    "no responses": (
        "[{identifier: default, format: {type: image/tiff}}]",
        "[]",
        "19:7 E107 spec.request.output.responses: must not be empty",
    ),
    "a placeholder of the documentation": (
        "url: s3://my-bucket/ndvi",
        "url: s3://<your-bucket>/<path>",
        f"22:11 E240 {S3}.url: holds a placeholder of the documentation (`<…>`): write your own bucket and folder",
    ),
    "a URL template": (
        "url: s3://my-bucket/ndvi",
        "url: s3://my-bucket/<REQUEST_ID>/<OUTPUT>",
        f"22:11 E111 {S3}.url: URL templates are not supported yet: write the plain folder, every submission gets "
        "its own below it",
    ),
    "a folder that leads out": (
        "url: s3://my-bucket/ndvi",
        "url: s3://my-bucket/../other",
        f"22:11 E240 {S3}.url: has a folder that is empty, `.` or `..`, or holds a space or backslash: write "
        "s3://my-bucket/ndvi",
    ),
    "no scheme": (
        "url: s3://my-bucket/ndvi",
        "url: my-bucket/ndvi",
        f"22:11 E240 {S3}.url: must be a bucket and a folder in it: write for example s3://my-bucket/ndvi",
    ),
    "no credentials": (
        "          credentialsRef: my-bucket\n",
        "",
        f"21:9 E241 {S3}.credentialsRef: is missing: write `credentialsRef: my-bucket`, or an iamRoleARN (AWS only)",
    ),
    "a key pair and a role": (
        "credentialsRef: my-bucket",
        "credentialsRef: my-bucket\n          iamRoleARN: arn:aws:iam::123456789012:role/x",
        f"24:11 E241 {S3}.iamRoleARN: credentialsRef and iamRoleARN exclude each other: keep one of the two",
    ),
    "Google Cloud Storage": (
        "s3:\n          url: s3://my-bucket/ndvi\n          credentialsRef: my-bucket",
        "gs: {url: gs://my-bucket, credentials: Y2FuYXJ5}",
        "21:9 E111 spec.request.output.delivery.gs: Google Cloud Storage is not supported yet: write `s3` with a "
        "bucket that speaks S3",
    ),
    "a key pair is one problem, with the text to write instead": (
        "credentialsRef: my-bucket",
        "accessKey: CANARY-ID\n          secretAccessKey: CANARY-SECRET",
        f"23:11 E110 {S3}.accessKey: {KEYS}",
    ),
    "a secret under another spelling of its key": (
        "credentialsRef: my-bucket",
        "secret_access_key: CANARY-SECRET",
        f"23:11 E110 {S3}.secret_access_key: {KEYS}",
    ),
    "a misspelt evalscriptFile does not miss the evalscript as well": (
        "evalscriptFile: ndvi.js",
        "evalscriptfile: ndvi.js",
        "24:3 E104 spec.evalscriptfile: unknown key: did you mean `evalscriptFile`?",
    ),
    "no evalscript": (
        "  evalscriptFile: ndvi.js\n",
        "",
        "7:3 E112 spec.request.evalscript: is missing: write the script here, or name its file in spec.evalscriptFile",
    ),
    "two evalscripts": (
        "    output:\n",
        "    evalscript: //VERSION=3\n    output:\n",
        "25:3 E112 spec.evalscriptFile: the evalscript is in spec.request.evalscript as well: keep one of the two",
    ),
    "an evalscript in a bucket": (
        "    output:\n",
        "    evalscriptReference: {s3: {url: s3://b/k, accessKey: CANARY-ID, secretAccessKey: CANARY-SECRET}}\n"
        "    output:\n",
        "16:5 E111 spec.request.evalscriptReference: is not supported yet: write `evalscript`, or name a file in "
        "spec.evalscriptFile",
    ),
    "no processing units": (
        "maxProcessingUnits: 800",
        "maxProcessingUnits: 0",
        "25:3 E109 spec.maxProcessingUnits: must be more than 0",
    ),
    "more processing units than can be added up": (
        "maxProcessingUnits: 800",
        "maxProcessingUnits: 1.0e+308",
        "25:3 E109 spec.maxProcessingUnits: must be at most 1,000,000,000",
    ),
    "yes": ("maxProcessingUnits: 800", "hold: yes", "25:3 E106 spec.hold: must be true or false, not text"),
    "one and a half reruns": (
        "maxProcessingUnits: 800",
        "rerun: 1.5",
        "25:3 E106 spec.rerun: must be a whole number, not a number with a decimal point",
    ),
    "a deadline in words": (
        "maxProcessingUnits: 800",
        "deadline: 1 day",
        '25:3 E108 spec.deadline: must be a number with a unit, such as "5s", "10m", "24h" or "2d"',
    ),
    "a key without a value": (
        "maxProcessingUnits: 800",
        "deadline:",
        "25:3 E107 spec.deadline: is empty: write a value, or remove it",
    ),
    "a setting is no field": (
        "maxProcessingUnits: 800",
        "onUnconfirmed: resubmit",
        "25:3 E104 spec.onUnconfirmed: unknown key: the keys here are request, evalscriptFile, parameters, "
        "maxProcessingUnits, hold, rerun, retries, deadline, priority",
    ),
    "a key twice": (
        "kind: AsyncProcess",
        "kind: AsyncProcess\nkind: AsyncProcess",
        "3:1 E101 kind: this key occurs twice (first in line 2): keep one of the two",
    ),
    "a tag": (
        "labels: {team: agri}",
        "labels: !!map {}",
        "5:11 E102 metadata.labels: tags (`!`) are not supported: write the plain value",
    ),
}


@pytest.mark.parametrize(("old", "new", "problem"), MISTAKES.values(), ids=MISTAKES)
def test_one_mistake_is_one_problem(old: str, new: str, problem: str) -> None:
    assert reported(good_but((old, new))) == [problem]


def test_the_wrapper_of_a_body_is_one_problem() -> None:
    """Batch requests, and their copies in a bucket, hold the body as `processRequest`."""
    body = GOOD[GOOD.index("    input:") : GOOD.index("  evalscriptFile")]
    wrapped = "    processRequest:\n" + "".join(f"  {line}\n" for line in body.splitlines())
    assert reported(GOOD.replace(body, wrapped)) == [
        "8:5 E104 spec.request.processRequest: is a wrapper around the body: write the `input` and `output` that it "
        "holds directly below `request`"
    ]


def test_five_mistakes_are_five_problems_in_the_order_of_the_file() -> None:
    text = good_but(
        ("name: ndvi-tunis", "nmae: ndvi-tunis"),
        (CRS, "EPSG:32633"),
        ("2022-06-30T23:59:59Z", "2022-06-31T23:59:59Z"),
        ("resx: 10", 'resx: "10"'),
        ("credentialsRef: my-bucket", "accessKey: CANARY-ID\n          secretAccessKey: CANARY-SECRET"),
    )
    assert [line.split(": ")[0] for line in reported(text)] == [
        "4:3 E104 metadata.nmae",
        "11:22 E204 spec.request.input.bounds.properties.crs",
        "15:53 E215 spec.request.input.data[0].dataFilter.timeRange.to",
        "17:7 E106 spec.request.output.resx",
        f"23:11 E110 {S3}.accessKey",
    ]


@pytest.mark.parametrize("text", ["- a\n", "text\n", "{}\n", "12\n"])
def test_what_is_no_manifest_at_all_is_told(text: str) -> None:
    assert reported(text)


def test_an_unfinished_document_is_broken_without_a_name() -> None:
    job = judged("metadata: {name: ndvi}\nspec: [\n")
    assert isinstance(job, Broken)
    assert (job.name, len(job.problems)) == (None, 1)


def test_a_broken_document_keeps_its_name() -> None:
    job = judged(good_but(("kind: AsyncProcess", "kind: Job")))
    assert isinstance(job, Broken)
    assert job.name == "ndvi-tunis"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param(None, "was not read", id="nobody read it"),
        pytest.param(Script(path="ndvi.js", problem="ndvi.js does not exist"), "ndvi.js does not exist", id="missing"),
        pytest.param(Script(path="ndvi.js", text=" \n"), "ndvi.js holds no script", id="empty"),
    ],
)
def test_a_script_that_cannot_be_used_is_told_where_it_is_named(script: Script | None, words: str) -> None:
    assert reported(GOOD, script) == [f"24:3 E113 spec.evalscriptFile: {words}"]


SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="'"), min_size=12, max_size=40)


def reported_with(secret: str, key: str) -> str:
    """What is reported of a manifest that holds `secret` in every place that takes text, as the credential `key`."""
    text = good_but(
        ("ndvi-tunis", f"'{secret}'"),
        ("sentinel-2-l2a", f"'{secret}'"),
        (CRS, f"'{secret}'"),
        ("url: s3://my-bucket/ndvi", f"url: '{secret}'"),
        ("credentialsRef: my-bucket", f"{key}: '{secret}'\n          region: ['{secret}']"),
        ("2022-06-20T00:00:00Z", f"'{secret}'"),
        ("maxProcessingUnits: 800", f"hold: '{secret}'"),
    )
    job = judged(text)
    assert isinstance(job, Broken)
    assert job.name is None
    return "\n".join(map(str, job.problems))


@given(secret=SECRETS, key=st.sampled_from(["accessKey", "secretAccessKey", "credentials", "accesskey"]))
def test_no_message_holds_a_secret(secret: str, key: str) -> None:
    # Drawn text may be a part of our own words ("metadata.nam"): what is reported of another secret holds it too.
    assume(secret not in GOOD and secret not in reported_with("CANARY-SECRET", key))
    assert secret not in reported_with(secret, key)


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param("credentialsRef: CANARY-SECRET/x", id="as the name of a credential"),
        pytest.param("accessKey: CANARY-SECRET\n          accessKey: CANARY-SECRET", id="twice"),
        pytest.param("accessKey: &a CANARY-SECRET\n          secretAccessKey: *a", id="with an anchor"),
        pytest.param("accessKey: !vault CANARY-SECRET", id="with a tag"),
        pytest.param("accessKey: 'CANARY-SECRET\n", id="in a text that does not end"),
        pytest.param("accessKey: {id: CANARY-SECRET, [CANARY-SECRET]: 1}", id="in a mapping"),
        pytest.param("secretAccessKey: @CANARY-SECRET", id="behind a reserved sign"),
        pytest.param("accessKey: CANARY-SECRET: CANARY-SECRET", id="with two colons"),
    ],
)
def test_no_faulty_text_gives_a_secret_away(spoilt: str) -> None:
    problems = reported(good_but(("credentialsRef: my-bucket", spoilt)))
    assert problems
    assert "CANARY-SECRET" not in "\n".join(problems)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))


@pytest.mark.parametrize("path", [("input",), ("output",), ("input", "bounds"), ("output", "delivery")])
def test_a_number_beyond_json_for_a_whole_part_of_the_request_ended_in_a_traceback(path: tuple[str, ...]) -> None:
    (document,) = read_documents(GOOD, "ndvi.yaml")
    at = document.value["spec"]["request"]
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = 2**53
    job = judged(json.dumps(document.value), path="ndvi.json")
    assert isinstance(job, Broken)
    assert f"spec.request.{'.'.join(path)}" in [problem.field for problem in job.problems]


@pytest.mark.slow
@given(data=st.data(), value=VALUES)
def test_whatever_stands_somewhere_the_answer_is_a_value(data: st.DataObject, value: Any) -> None:
    (document,) = read_documents(GOOD, "ndvi.yaml")
    path = data.draw(st.sampled_from([each for each in document.places if each]))
    at = document.value
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    assert judged(json.dumps(document.value), path="ndvi.json")


def models() -> list[type[BaseModel]]:
    found: list[type[BaseModel]] = []
    waiting: list[Any] = [Manifest]
    while waiting:
        model = waiting.pop()
        found.append(model)
        waiting.extend(child for child in child_models(model).values() if child and child not in found)
    return found


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_every_field_explains_itself(model: type[BaseModel]) -> None:
    assert model.__doc__
    for name, field in model.model_fields.items():
        assert field.description, name
        assert field.description.endswith((".", "`.", ").")), name


def test_editors_are_offered_every_field_of_the_spec() -> None:
    schema = Manifest.model_json_schema(by_alias=True)
    assert set(schema["$defs"]["Spec"]["properties"]) == {
        "request",
        "evalscriptFile",
        "maxProcessingUnits",
        "hold",
        "rerun",
        "retries",
        "deadline",
        "parameters",
        "priority",
    }
    assert len(Spec.model_fields) == 9
