"""Good requests of every collection and shape draw no remark, and neither do the documented jobs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.manifest.document import read_documents
from controller.manifest.validate import Script, ValidManifest, accept
from controller.model.catalog import DEFAULTS, collection
from controller.settings.deployments import DeploymentName
from tests.support.appraisals import findings
from tests.support.paths import ROOT

OWN = "01234567-89ab-cdef-0123-456789abcdef"
GRID = "http://www.opengis.net/def/crs/EPSG/0/"
ITALY = {"bbox": [11, 44, 12, 45]}
UTM_SOUTH = {"bbox": [300000, 6100000, 301000, 6101000], "properties": {"crs": f"{GRID}32733"}}
MERCATOR = {"bbox": [1224514, 5465442, 1234514, 5475442], "properties": {"crs": f"{GRID}3857"}}
DUTCH = {"bbox": [120000, 480000, 121000, 481000], "properties": {"crs": f"{GRID}28992"}}
SOUTH_POLE = {"bbox": [-1000000, -1000000, 1000000, 1000000], "properties": {"crs": f"{GRID}3031"}}
SQUARE = [[11, 44], [12, 44], [12, 45], [11, 45], [11, 44]]
HOLE = [[11.4, 44.4], [11.6, 44.4], [11.6, 44.6], [11.4, 44.6], [11.4, 44.4]]
POLYGON = {"type": "Polygon", "coordinates": [SQUARE, HOLE]}
FIGURE_OF_TWO = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [2, 0], [2, 2], [1, 1], [0, 2], [0, 0]]]}
ISLANDS = {"type": "MultiPolygon", "coordinates": [[SQUARE], [[[14, 44], [15, 44], [15, 45], [14, 44]]]]}
JUNE = {"timeRange": {"from": "2022-06-01T00:00:00Z", "to": "2022-06-30T23:59:59Z"}}
S2 = {"type": "sentinel-2-l2a", "dataFilter": JUNE}
S1 = {"type": "sentinel-1-grd", "dataFilter": {**JUNE, "polarization": "DV", "orbitDirection": "ASCENDING"}}
SQUARE_SIZE = {"width": 1000, "height": 1000}
TERRAIN = {"orthorectify": True, "backCoeff": "GAMMA0_TERRAIN"}


def script(input: str, output: str = "{bands: 1}", more: str = "", answer: str = "[0]") -> str:
    return (
        f"//VERSION=3\nfunction setup() {{ return {{input: {input}, output: {output}{more}}}; }}\n"
        f"function evaluatePixel(samples) {{ return {answer}; }}\n"
    )


BANDS = script('["B04", "B08"]')
RADAR = script('["VV", "VH", "dataMask"]')


def good(
    bounds: Mapping[str, Any] = ITALY,
    size: Mapping[str, float] = SQUARE_SIZE,
    data: tuple[Mapping[str, Any], ...] = (S2,),
    formats: Mapping[str, str] | None = None,
    text: str = BANDS,
    **delivery: str,
) -> ValidManifest:
    """The job of a manifest with these parts; `formats` gives the media type of every response by its identifier."""
    responses = [{"identifier": id, "format": {"type": type}} for id, type in (formats or {}).items()]
    place = {"url": "s3://my-bucket/rasters", **(delivery or {"credentialsRef": "my-bucket"})}
    output = {**size, "delivery": {"s3": place}, **({"responses": responses} if responses else {})}
    request = {"input": {"bounds": dict(bounds), "data": [dict(each) for each in data]}, "output": output}
    manifest = {
        "apiVersion": "shjobs/v1",
        "kind": "AsyncProcess",
        "metadata": {"name": "good"},
        "spec": {"request": request, "evalscriptFile": "good.js"},
    }
    (document,) = read_documents(yaml.dump(manifest, Dumper=Plain), "good.yaml")
    job = accept(document, "good.yaml", Script(path="good.js", text=text))
    assert isinstance(job, ValidManifest), [str(each) for each in job.problems]
    return job


class Plain(yaml.SafeDumper):
    """Writes a value out wherever it is meant: manifests have no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(good(), id="a bbox in degrees and a PNG by default"),
        pytest.param(good(bounds={"bbox": [12, 45, 11, 44]}), id="corners in the other order"),
        pytest.param(good(bounds={"geometry": POLYGON}), id="a polygon with a hole"),
        pytest.param(good(bounds={"geometry": FIGURE_OF_TWO}), id="a ring that touches itself"),
        pytest.param(good(bounds={"geometry": ISLANDS}), id="two polygons"),
        pytest.param(good(bounds={"bbox": [10, 43, 11.5, 46], "geometry": POLYGON}), id="a polygon partly in the bbox"),
        pytest.param(good(bounds=UTM_SOUTH, size={"resx": 10, "resy": 10}), id="metres in the south"),
        pytest.param(good(bounds=MERCATOR, size={"resx": 10, "resy": 20}), id="metres of web mercator"),
        pytest.param(good(bounds=DUTCH, size={"resx": 2.5, "resy": 2.5}), id="metres of a national grid"),
        pytest.param(good(bounds=SOUTH_POLE, size=SQUARE_SIZE, data=(S1,), text=RADAR), id="around a pole"),
        pytest.param(good(size={"resx": 0.0001, "resy": 0.0001}), id="as many pixels as there may be"),
        pytest.param(good(size={"width": 10000, "height": 1000}), id="pixels written out"),
        pytest.param(
            good(data=({"type": "sentinel-2-l1c", "dataFilter": {**JUNE, "previewMode": "EXTENDED_PREVIEW"}},)),
            id="a preview of fine pixels",
        ),
        pytest.param(
            good(
                data=(
                    {
                        "type": "sentinel-2-l2a",
                        "dataFilter": {
                            "timeRange": {"from": "2022-06-01T02:00:00.5+02:00", "to": "2022-06-01T00:00:00.500Z"},
                            "mosaickingOrder": "leastCC",
                            "maxCloudCoverage": 20.5,
                        },
                        "processing": {"upsampling": "BICUBIC", "downsampling": "BILINEAR", "harmonizeValues": False},
                    },
                )
            ),
            id="every option of Sentinel-2, and a range of one moment",
        ),
        pytest.param(
            good(data=({**S1, "processing": {**TERRAIN, "demInstance": "COPERNICUS_30"}},), text=RADAR),
            id="a radar with its terrain",
        ),
        pytest.param(
            good(data=({**S1, "processing": TERRAIN},), text=script('["VV", "shadowMask", "localIncidenceAngle"]')),
            id="a radar with its shadows",
        ),
        pytest.param(
            good(data=({"type": "dem", "dataFilter": {"demInstance": "COPERNICUS_90"}},), text=script('["DEM"]')),
            id="a terrain model",
        ),
        pytest.param(
            good(text=script('[{bands: ["B04", "SCL", "dataMask"], units: ["reflectance", "DN", "DN"]}]')),
            id="a unit for each band, in any case",
        ),
        pytest.param(
            good(text=script('[{bands: ["B04", "SCL", "dataMask"], units: "DN"}]')), id="one unit that all bands have"
        ),
        pytest.param(
            good(text=script('[{bands: ["B04", "dataMask"], units: "REFLECTANCE"}]')), id="one unit beside the mask"
        ),
        pytest.param(
            good(
                data=({**S2, "id": "l2a"}, {"type": "dem", "id": "height"}),
                text=script(
                    '[{bands: ["DEM"], datasource: "height"}, {bands: ["B04"], datasource: "l2a", mosaicking: "ORBIT"}]'
                ),
            ),
            id="two sources by their ids, in another order",
        ),
        pytest.param(
            good(data=(S2, {"type": "dem"}), text=script('[{bands: ["B04"]}, {bands: ["DEM"]}]')),
            id="two sources by their order",
        ),
        pytest.param(good(text=script('["B04"]', more=", mosaicking: Mosaicking.TILE")), id="every tile"),
        pytest.param(
            good(data=(S1,), text=script('["VV"]', more=', mosaicking: "ORBIT"')), id="every orbit of a radar"
        ),
        pytest.param(
            good(formats={"default": "image/png"}, text=script('["B04"]', '{bands: 4, sampleType: "UINT16"}')),
            id="a PNG of 16 bits with alpha",
        ),
        pytest.param(
            good(formats={"default": "image/jpeg"}, text=script('["B04"]', "{bands: 3}")), id="a JPEG in colours"
        ),
        pytest.param(
            good(
                formats={"default": "image/tiff"},
                text=script('["B04"]', '{bands: 30, sampleType: "FLOAT32", nodataValue: -1}'),
            ),
            id="a TIFF of many bands, with its nodata value",
        ),
        pytest.param(
            good(
                formats={"b": "image/tiff", "a": "image/png", "userdata": "application/json"},
                text=script('["B04"]', '[{id: "a", bands: 1}, {id: "b", bands: 2}]')
                + "function updateOutputMetadata(s, i, metadata) { metadata.userData = {seen: 1}; }\n",
            ),
            id="two outputs and user data",
        ),
        pytest.param(
            good(
                formats={"default": "image/png"},
                text=script('["B04"]', "{bands: 7}", ', mosaicking: "ORBIT"')
                + "function updateOutput(output) { output.default.bands = 3; }\n",
            ),
            id="a number of bands that the script changes",
        ),
        *(
            pytest.param(
                good(data=({"type": f"{kind}-{OWN}", "dataFilter": JUNE},), text=script('["anything", "R"]')),
                id=f"own data: {kind}",
            )
            for kind in ("byoc", "batch", "zarr")
        ),
    ],
)
def test_a_good_request_draws_no_remark(job: ValidManifest) -> None:
    assert [str(each) for each in job.warnings] == []
    assert findings(job) == []


def test_a_role_is_welcome_where_buckets_are_those_of_aws() -> None:
    assert findings(good(iamRoleARN="arn:aws:iam::123456789012:role/shjobs"), "sentinel-hub") == []


HOMES: Mapping[str, DeploymentName] = {"aws-eu-central-1": "sentinel-hub", "aws-us-west-2": "us-west-2", "cdse": "cdse"}
HOSTED = [
    pytest.param(type, deployment, id=f"{type} by {deployment}")
    for type in DEFAULTS
    for host, deployment in HOMES.items()
    if (known := collection(type)) and host in known.hosts
]


@pytest.mark.parametrize(("type", "deployment"), HOSTED)
def test_every_collection_is_welcome_where_it_is_hosted_with_each_band_in_each_of_its_units(
    type: str, deployment: DeploymentName
) -> None:
    known = collection(type)
    assert known
    year = int((known.until or "2023-01-01")[:4]) - 1
    times = {"timeRange": {"from": f"{year}-05-01T00:00:00Z", "to": f"{year}-06-30T00:00:00Z"}}
    data = {"type": type, **({} if known.timeless else {"dataFilter": times})}
    processing = {"processing": TERRAIN} if type == "sentinel-1-grd" else {}
    for mosaicking in known.mosaicking:
        for nth in range(2):
            units = {band: units[min(nth, len(units) - 1)] for band, units in known.bands.items()}
            asked = f"[{{bands: {[*units]}, units: {[*units.values()]}}}]"
            text = script(asked, more=f', mosaicking: "{mosaicking}"')
            job = good(data=({**data, **processing},), text=text)
            assert ([str(each) for each in job.warnings], findings(job, deployment)) == ([], [])


@pytest.mark.parametrize("path", sorted((ROOT / "jobs.d").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_documented_jobs_draw_no_remark(path: Path) -> None:
    (document,) = read_documents(path.read_text(), path.name)
    text = path.with_suffix(".js").read_text()
    job = accept(document, path.name, Script(path=f"{path.stem}.js", text=text))
    assert isinstance(job, ValidManifest)
    assert ([str(each) for each in job.warnings], findings(job)) == ([], [])
