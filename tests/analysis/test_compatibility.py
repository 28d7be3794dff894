"""The request, its evalscript, its collections and the deployment must agree; each mismatch has its place."""

from datetime import date, timedelta

import pytest

from controller.analysis.availability import lasts_until, unavailable
from controller.manifest.validate import Script, ValidManifest
from controller.settings.deployments import DeploymentName
from tests.support.appraisals import findings
from tests.support.manifests import good_but, judged

TIMES = "from: 2022-06-20T00:00:00Z, to: 2022-06-30T23:59:59Z"
TIME_FILTER = f"          dataFilter:\n            timeRange: {{{TIMES}}}\n"
RESPONSES = "[{identifier: default, format: {type: image/tiff}}]"
INPUT = '{bands: ["B04", "B08"]}'
OUTPUT = '{bands: 1, sampleType: "FLOAT32"}'
SCRIPT = f"""\
//VERSION=3
function setup() {{
  return {{
    input: [{INPUT}],
    output: {OUTPUT}
  }};
}}
function evaluatePixel(samples) {{
  return [0];
}}
"""


Edits = list[tuple[str, str]]


def found(changes: Edits, edits: Edits, deployment: DeploymentName = "sandbox") -> list[str]:
    """What is said about the good manifest with changes, and a script with edits."""
    text = SCRIPT
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    job = judged(good_but(*changes), Script(path="ndvi.js", text=text))
    assert isinstance(job, ValidManifest), [str(each) for each in job.problems]
    return findings(job, deployment)


DISAGREEMENTS = {
    "more inputs than sources": (
        [],
        [(INPUT, '{bands: ["B04"]}, {bands: ["B08"]}')],
        "ndvi.js:4:5: E230: setup() has 2 inputs, and input.data has 1: write one input for each source",
    ),
    "a source that no input reads": (
        [("- type: sentinel-2-l2a", "- {type: dem}\n        - type: sentinel-2-l2a")],
        [(INPUT, '{bands: ["DEM"]}')],
        "ndvi.yaml:14:11: W117 spec.request.input.data[1]: is read by no input of the evalscript, and makes "
        "the job cost more: remove it, or read it",
    ),
    "a named source that no input reads": (
        [("- type: sentinel-2-l2a", "- {type: dem, id: height}\n        - type: sentinel-2-l2a\n          id: l2a")],
        [(INPUT, '{bands: ["B04"], datasource: "l2a"}')],
        "ndvi.yaml:13:11: W117 spec.request.input.data[0]: is read by no input of the evalscript, and makes "
        "the job cost more: remove it, or read it",
    ),
    "a datasource that is nearly right": (
        [("- type: sentinel-2-l2a", "- {type: dem, id: height}\n        - type: sentinel-2-l2a\n          id: l2a")],
        [(INPUT, '{bands: ["DEM"], datasource: "height"}, {bands: ["B04"], datasource: "l2b"}')],
        "ndvi.js:4:83: E231: the datasource 'l2b' is the id of no source in input.data: the ids are height, l2a",
    ),
    "datasources of a request without ids": (
        [("- type: sentinel-2-l2a", "- {type: dem}\n        - type: sentinel-2-l2a")],
        [(INPUT, '{bands: ["DEM"], datasource: "height"}, {bands: ["B04"], datasource: "l2a"}')],
        "ndvi.js:4:43: E231: the datasource 'height' is the id of no source in input.data: they have no `id` at all\n"
        "ndvi.js:4:83: E231: the datasource 'l2a' is the id of no source in input.data: they have no `id` at all",
    ),
    "the only source has no id": (
        [],
        [(INPUT, '{bands: ["B04"], datasource: "l2a"}')],
        "ndvi.js:4:43: W117: the datasource 'l2a' is the id of no source: write `id: l2a` in input.data[0]",
    ),
    "a band that is nearly right": (
        [],
        [(INPUT, '{bands: ["B04", "B8"]}')],
        "ndvi.js:4:30: E232: `B8` is no band of sentinel-2-l2a: did you mean B08?",
    ),
    "a band of another spelling": (
        [],
        [('[{bands: ["B04", "B08"]}]', '["b04", "B08"]')],
        "ndvi.js:4:14: E232: `b04` is no band of sentinel-2-l2a: did you mean B04?",
    ),
    "a band of another collection": (
        [],
        [(INPUT, '{bands: ["VV"]}')],
        "ndvi.js:4:23: E232: `VV` is no band of sentinel-2-l2a: it has B01, B02, B03, B04, B05, B06, B07, B08, "
        "B8A, B09, B11, B12, AOT, SCL, SNW, CLD, sunAzimuthAngles, sunZenithAngles, view…",
    ),
    "a band of the first Sentinel-2 product only": (
        [],
        [(INPUT, '{bands: ["B10"]}')],
        "ndvi.js:4:23: E232: `B10` is no band of sentinel-2-l2a: it has B01, B02, B03, B04, B05, B06, B07, "
        "B08, B8A, B09, B11, B12, AOT, SCL, SNW, CLD, sunAzimuthAngles, sunZenithAngles, view…",
    ),
    "a band that a comment mentions first": (
        [],
        [("  return {\n", '  // not "B8"\n  return {\n'), (INPUT, '{bands: ["B04", "B8"]}')],
        "ndvi.js:5:30: E232: `B8` is no band of sentinel-2-l2a: did you mean B08?",
    ),
    "a band found by a variable": (
        [],
        [("  return {\n", '  const red = "B" + 4;\n  return {\n'), (INPUT, "{bands: [red]}")],
        "ndvi.js:2:10: E232: `B4` is no band of sentinel-2-l2a: did you mean B04?",
    ),
    "a band of a list that is not certain": (
        [("sentinel-2-l2a", "landsat-8-l1c")],
        [(INPUT, '{bands: ["QA_RADSAT"]}')],
        "ndvi.js:4:23: W122: `QA_RADSAT` is not known to be a band of landsat-8-l1c: it has B01, B02, B03, "
        "B04, B05, B06, B07, B08, B09, B10, B11, BQA, dataMask",
    ),
    "a unit of no band": (
        [],
        [(INPUT, '{bands: ["B04"], units: "REFLECTANSE"}')],
        "ndvi.js:4:38: E233: the unit REFLECTANSE does not exist for B04 of sentinel-2-l2a: did you mean REFLECTANCE?",
    ),
    "a unit of another collection": (
        [],
        [(INPUT, '{bands: ["B04"], units: "LINEAR_POWER"}')],
        "ndvi.js:4:38: E233: the unit LINEAR_POWER does not exist for B04 of sentinel-2-l2a: it is in REFLECTANCE "
        "or DN",
    ),
    "reflectance of a radar": (
        [("sentinel-2-l2a", "sentinel-1-grd")],
        [(INPUT, '{bands: ["VV", "VH"], units: "REFLECTANCE"}')],
        "ndvi.js:4:43: W118: the unit REFLECTANCE is not documented for VV of sentinel-1-grd: write LINEAR_POWER, "
        "which is what it holds",
    ),
    "two inputs for one source": (
        [("- type: sentinel-2-l2a", "- {type: dem, id: height}\n        - type: sentinel-2-l2a\n          id: l2a")],
        [(INPUT, '{bands: ["B04"], datasource: "l2a"}, {bands: ["B08"], datasource: "l2a"}')],
        "ndvi.js:4:5: E230: two inputs of setup() read input.data[1]: write one input with the bands of both",
    ),
    "an output that leaves its folder": (
        [(RESPONSES, "[{identifier: ../b, format: {type: image/tiff}}]")],
        [(OUTPUT, '{id: "../b", bands: 1}')],
        "ndvi.yaml:19:38: E222 spec.request.output.responses[0].format: the id `../b` cannot name a file: write "
        "letters, digits, `_`, `-` and `.`, 50 at the most",
    ),
    "one unit of several is wrong": (
        [],
        [(INPUT, '{bands: ["B04", "SCL"], units: ["REFLECTANCE", "REFLECTANCE"]}')],
        "ndvi.js:4:46: E233: the unit REFLECTANCE does not exist for SCL of sentinel-2-l2a: it is in DN",
    ),
    "one unit for bands that differ": (
        [],
        [(INPUT, '{bands: ["B04", "SCL", "dataMask"], units: "REFLECTANCE"}')],
        "ndvi.js:4:57: W118: the unit REFLECTANCE does not exist for SCL: write one unit for each band",
    ),
    "decibels of a radar": (
        [("sentinel-2-l2a", "sentinel-1-grd")],
        [(INPUT, '{bands: ["VV"], units: "DB"}')],
        "ndvi.js:4:37: W118: the unit DB is not documented for VV of sentinel-1-grd: write LINEAR_POWER, and "
        "convert it",
    ),
    "TILE of a radar": (
        [("sentinel-2-l2a", "sentinel-1-grd")],
        [(INPUT, '{bands: ["VV"]}'), ("    output:", "    mosaicking: Mosaicking.TILE,\n    output:")],
        "ndvi.js:5:28: E234: mosaicking TILE is not offered by sentinel-1-grd: write SIMPLE or ORBIT",
    ),
    "ORBIT of zarr data": (
        [("sentinel-2-l2a", "zarr-01234567-89ab-cdef-0123-456789abcdef")],
        [("    output:", '    mosaicking: "ORBIT",\n    output:')],
        "ndvi.js:5:18: E234: mosaicking ORBIT is not offered by zarr data: write SIMPLE or TILE",
    ),
    "ORBIT of a terrain model": (
        [("sentinel-2-l2a", "dem"), (TIME_FILTER, "")],
        [(INPUT, '{bands: ["DEM"]}'), ("    output:", '    mosaicking: "ORBIT",\n    output:')],
        "ndvi.js:5:18: W119: dem has no scenes, so that ORBIT is not documented for it: write SIMPLE",
    ),
    "the angle of a radar without terrain": (
        [("sentinel-2-l2a", "sentinel-1-grd")],
        [(INPUT, '{bands: ["VV", "localIncidenceAngle"]}')],
        "ndvi.js:4:29: E213: `localIncidenceAngle` needs `orthorectify: true` in the `processing` of sentinel-1-grd",
    ),
    "the shadow of a radar with an ellipsoid": (
        [
            ("sentinel-2-l2a", "sentinel-1-grd"),
            ("dataFilter:", "processing: {orthorectify: true}\n          dataFilter:"),
        ],
        [(INPUT, '{bands: ["shadowMask"]}')],
        "ndvi.js:4:23: E213: `shadowMask` needs `backCoeff: GAMMA0_TERRAIN` in the `processing` of sentinel-1-grd",
    ),
    "a polarization that is filtered out": (
        [("sentinel-2-l2a", "sentinel-1-grd"), ("dataFilter:", "dataFilter:\n            polarization: DV")],
        [(INPUT, '{bands: ["HH"]}')],
        "ndvi.js:4:23: W120: polarization DV keeps scenes with VV and VH: `HH` may be empty in all",
    ),
    "a response without an output": (
        [(RESPONSES, "[{identifier: ndvi, format: {type: image/tiff}}]")],
        [(OUTPUT, '{id: "ndwi", bands: 1}')],
        "ndvi.yaml:19:20: E221 spec.request.output.responses[0].identifier: setup() has no output `ndvi`: did "
        "you mean ndwi?\n"
        "ndvi.js:5:19: W115: the output `ndwi` is delivered by no response: write one, or remove the output",
    ),
    "no responses and no default output": (
        [("      responses: [{identifier: default, format: {type: image/tiff}}]\n", "")],
        [(OUTPUT, '{id: "ndvi", bands: 1}')],
        "ndvi.yaml:16:5: E221 spec.request.output.responses: without responses, `default` is delivered as "
        "image/png, and setup() has no output `default`: it has ndvi\n"
        "ndvi.js:5:19: W115: the output `ndvi` is delivered by no response: write one, or remove the output",
    ),
    "an output without a response": (
        [],
        [(OUTPUT, '[{id: "default", bands: 1}, {id: "mask", bands: 1}]')],
        "ndvi.js:5:47: W115: the output `mask` is delivered by no response: write one, or remove the output",
    ),
    "floats in a PNG": (
        [("image/tiff", "image/png")],
        [],
        "ndvi.yaml:19:41: E222 spec.request.output.responses[0].format: image/png cannot hold FLOAT32 (output "
        "`default`): write AUTO, UINT8 or UINT16, or image/tiff",
    ),
    "floats in the PNG that nobody asked for": (
        [("      responses: [{identifier: default, format: {type: image/tiff}}]\n", "")],
        [],
        "ndvi.yaml:16:5: E222 spec.request.output.responses: without responses, `default` is delivered as image/png, "
        "and image/png cannot hold FLOAT32 (output `default`): write AUTO, UINT8 or UINT16, or image/tiff",
    ),
    "16 bits in a JPEG": (
        [("image/tiff", "image/jpeg")],
        [(OUTPUT, '{bands: 3, sampleType: "UINT16"}')],
        "ndvi.yaml:19:41: E222 spec.request.output.responses[0].format: image/jpeg cannot hold UINT16 (output "
        "`default`): write AUTO or UINT8, or image/tiff",
    ),
    "four bands in a JPEG": (
        [("image/tiff", "image/jpeg")],
        [(OUTPUT, "{bands: 4}")],
        "ndvi.yaml:19:41: E222 spec.request.output.responses[0].format: image/jpeg cannot hold 4 bands (output "
        "`default`), only 1, 3: write image/tiff",
    ),
    "six bands in a PNG": (
        [("image/tiff", "image/png")],
        [(OUTPUT, "{bands: 6}")],
        "ndvi.yaml:19:41: E222 spec.request.output.responses[0].format: image/png cannot hold 6 bands (output "
        "`default`), only 1, 2, 3, 4: write image/tiff",
    ),
    "no data in a PNG": (
        [("image/tiff", "image/png")],
        [(OUTPUT, "{bands: 1, nodataValue: 0}")],
        "ndvi.js:5:24: W116: the nodataValue of output `default` is lost: only image/tiff can keep one",
    ),
    "userdata that is never set": (
        [
            (
                RESPONSES,
                "[{identifier: default, format: {type: image/tiff}}, {identifier: userdata, format: {type: "
                "application/json}}]",
            )
        ],
        [],
        "ndvi.yaml:19:70: W121 spec.request.output.responses[1]: the evalscript never sets "
        "outputMetadata.userData: the file will hold {}",
    ),
}


@pytest.mark.parametrize(("changes", "edits", "reported"), DISAGREEMENTS.values(), ids=DISAGREEMENTS)
def test_request_and_evalscript_must_agree(changes: Edits, edits: Edits, reported: str) -> None:
    assert found(changes, edits) == reported.splitlines()


def test_a_terrain_model_is_left_alone_under_the_mosaicking_of_a_fusion() -> None:
    """It has no scenes: the mosaicking is meant for the other source."""
    fused = [("- type: sentinel-2-l2a", "- {type: dem, id: height}\n        - type: sentinel-2-l2a\n          id: l2a")]
    inputs = '{bands: ["DEM"], datasource: "height"}, {bands: ["B04"], datasource: "l2a"}'
    for_all = ("    output:", '    mosaicking: "ORBIT",\n    output:')
    assert found(fused, [(INPUT, inputs), for_all]) == []
    assert found(fused, [(INPUT, inputs.replace('ht"}', 'ht", mosaicking: "ORBIT"}'))]) == [
        "ndvi.js:4:65: W119: dem has no scenes, so that ORBIT is not documented for it: write SIMPLE"
    ]


ELSEWHERE = {
    "a collection that is hosted elsewhere": (
        "sentinel-hub",
        [("sentinel-2-l2a", "sentinel-3-olci")],
        [],
        "ndvi.yaml:13:11: E211 spec.request.input.data[0].type: sentinel-3-olci is not hosted by sentinel-hub: "
        "it is by cdse",
    ),
    "Sentinel-2 in Oregon": (
        "us-west-2",
        [],
        [],
        "ndvi.yaml:13:11: E211 spec.request.input.data[0].type: sentinel-2-l2a is not hosted by us-west-2: it "
        "is by sentinel-hub or cdse",
    ),
    "a role without AWS": (
        "cdse",
        [("credentialsRef: my-bucket", "iamRoleARN: arn:aws:iam::123456789012:role/shjobs")],
        [],
        "ndvi.yaml:23:11: E242 spec.request.output.delivery.s3.iamRoleARN: is for buckets of AWS, which this "
        "deployment does not reach: write a credentialsRef instead",
    ),
    "Landsat before its archive": (
        "cdse",
        [("sentinel-2-l2a", "landsat-ot-l1"), (TIMES, "from: 2018-06-20T00:00:00Z, to: 2018-06-30T00:00:00Z")],
        [],
        "ndvi.yaml:15:13: W110 spec.request.input.data[0].dataFilter.timeRange: ends before 2021-01-01, from "
        "when on cdse has scenes of landsat-ot-l1: it may find nothing",
    ),
    "previews outside of Europe": (
        "sentinel-hub",
        [("sentinel-2-l2a", "sentinel-2-l1c"), ("dataFilter:", "dataFilter:\n            previewMode: DETAIL")],
        [],
        "ndvi.yaml:15:13: W114 spec.request.input.data[0].dataFilter.previewMode: is documented for cdse "
        "alone: sentinel-hub may ignore it",
    ),
    "a terrain model of another deployment": (
        "cdse",
        [
            ("sentinel-2-l2a", "dem"),
            (TIME_FILTER, ""),
            ("- type: dem", "- type: dem\n          dataFilter: {demInstance: MAPZEN}"),
        ],
        [(INPUT, '{bands: ["DEM"]}')],
        "ndvi.yaml:14:24: W114 spec.request.input.data[0].dataFilter.demInstance: MAPZEN is not documented for "
        "cdse: write COPERNICUS_30 or COPERNICUS_90",
    ),
    "a range that has not begun": (
        "sandbox",
        [(TIMES, "from: 2026-03-03T00:00:00Z, to: 2026-03-09T00:00:00Z")],
        [],
        "ndvi.yaml:15:13: E218 spec.request.input.data[0].dataFilter.timeRange: begins after today, so that nothing "
        "can be found in it: it is accepted from 2026-03-03 on",
    ),
    "a range that has not ended": (
        "sandbox",
        [(TIMES, "from: 2026-02-01T00:00:00Z, to: 2026-03-09T00:00:00Z")],
        [],
        "ndvi.yaml:15:13: W111 spec.request.input.data[0].dataFilter.timeRange: ends after today (2026-03-01): "
        "scenes that are taken later will not be used, and rerun costs again",
    ),
}


@pytest.mark.parametrize(("deployment", "changes", "edits", "reported"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_what_is_not_there_or_not_yet_there_is_told(
    deployment: DeploymentName, changes: Edits, edits: Edits, reported: str
) -> None:
    assert found(changes, edits, deployment) == [reported]


@pytest.mark.parametrize(
    ("source", "days"),
    [
        pytest.param("sentinel-2-l2a", ["2026-03-05", "2026-03-08"], id="to begin and to end"),
        pytest.param("dem", [], id="without a time dimension"),
    ],
)
def test_what_depends_on_the_date_stays_until_the_day_that_is_said(source: str, days: list[str]) -> None:
    job = judged(good_but((TIMES, "from: 2026-03-05T00:00:00Z, to: 2026-03-09T00:00:00Z"), ("sentinel-2-l2a", source)))
    assert isinstance(job, ValidManifest)
    today, before, changed = date(2026, 3, 1), list[str](), list[str]()
    while today < date(2026, 3, 20):
        now, until = [each.code for each in unavailable(job.request, "sandbox", today)], lasts_until(job.request, today)
        changed += [today.isoformat()] if now != before and today > date(2026, 3, 1) else []
        assert until == next((date.fromisoformat(each) for each in days if each > today.isoformat()), None)
        today, before = today + timedelta(days=1), now
    assert changed == days


@pytest.mark.parametrize(
    ("changes", "edits"),
    [
        pytest.param([("sentinel-2-l2a", "hls")], [("B04", "Red"), ("B08", "NIR_Narrow")], id="hosted in Oregon"),
        pytest.param([("sentinel-2-l2a", "sentinel-3-olci")], [], id="hosted by CDSE"),
    ],
)
def test_the_sandbox_stands_for_every_deployment(changes: Edits, edits: Edits) -> None:
    assert found(changes, edits, "sandbox") == []
