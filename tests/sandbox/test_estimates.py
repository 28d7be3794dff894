"""What `plan` expects a job to cost is what the sandbox charges: within 15 % where an area is as wide as the mean of
the satellites' tracks. The two compute it apart: one by a formula, the other by counting what its granules hold.
"""

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from controller.analysis.appraisal import Appraiser
from controller.evalscript import cache as scripts
from controller.manifest.document import read_documents
from controller.manifest.validate import ValidManifest, accept
from controller.sandbox.pricing import processing_units, usage_of
from controller.sandbox.render.render import RenderOptions
from controller.settings.deployments import DEPLOYMENTS
from controller.tree.scan import load
from tests.support import rendering
from tests.support.appraisals import CREDENTIALS, FIRST_OF_MARCH
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow
NOW = FIRST_OF_MARCH.now()
APART = 0.15


def documented(name: str) -> ValidManifest:
    [document] = next(file for file in load(ROOT / "jobs.d") if file.path == f"{name}.yaml").documents
    assert isinstance(document, ValidManifest)
    return document


def asked(
    box: list[float], *types: str, mode: str = "ORBIT", times: str = "2022-03-01/2022-08-31", **filters: Any
) -> ValidManifest:
    """A job of 2000 x 2000 pixels with one band of each collection."""
    begin, end = times.split("/")
    dated = {"timeRange": {"from": f"{begin}T00:00:00Z", "to": f"{end}T23:59:59Z"}, **filters}
    data = [
        {"type": type, "id": f"i{number}"} | ({} if type == "dem" else {"dataFilter": dated})
        for number, type in enumerate(types)
    ]
    bands = {"sentinel-1-grd": "VV", "dem": "DEM"}
    read = [{"bands": [bands.get(type, "B04")], "datasource": f"i{number}"} for number, type in enumerate(types)]
    setup = {"input": read, "output": {"bands": 1}, "mosaicking": mode}
    script = (
        f"//VERSION=3\nfunction setup() {{ return {json.dumps(setup)}; }}\nfunction evaluatePixel() {{ return [1]; }}"
    )
    delivery = {"s3": {"url": "s3://my-bucket/rasters", "credentialsRef": "my-bucket"}}
    tiff = [{"identifier": "default", "format": {"type": "image/tiff"}}]
    output = {"width": 2000, "height": 2000, "responses": tiff, "delivery": delivery}
    request = {"input": {"bounds": {"bbox": box}, "data": data}, "output": output, "evalscript": script}
    manifest = {"apiVersion": "shjobs/v1", "kind": "AsyncProcess", "metadata": {"name": "asked"}}
    (document,) = read_documents(json.dumps({**manifest, "spec": {"request": request}}), "job.json")
    job = accept(document, "job.json", None)
    assert isinstance(job, ValidManifest), [str(each) for each in job.problems]
    return job


def expected(job: ValidManifest) -> float:
    """What `plan` shows."""
    appraisal = Appraiser(DEPLOYMENTS["sandbox"], CREDENTIALS, scripts, FIRST_OF_MARCH.today)(job)
    assert appraisal.wanted is not None, appraisal.problems
    assert appraisal.wanted.estimate is not None
    return appraisal.wanted.estimate.expected


def charged(job: ValidManifest, folder: Path) -> float:
    """What the sandbox takes; a few pixels are rendered, since the samples of a pixel do not depend on their number."""
    body: Mapping[str, Any] = deepcopy(dict(job.request.body))
    few = {key: body["output"][key] for key in body["output"].keys() - {"resx", "resy"}} | {"width": 4, "height": 4}
    answer = rendering.rendered({**body, "output": few}, folder, RenderOptions(now=NOW))
    assert answer.facts is not None
    return processing_units(usage_of(body, answer.facts, answer.samples))


@pytest.mark.parametrize("name", ["ndvi", "cloudless", "true-color", "median"])
def test_the_documented_jobs_cost_what_was_expected(name: str, tmp_path: Path) -> None:
    job = documented(name)
    assert charged(job, tmp_path) == pytest.approx(expected(job), rel=APART)


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        pytest.param("cloudless", 2627.90, id="documented example 2, 31 samples in 93 days"),
        pytest.param("median", 46412.15 * 361 / 1096, id="documented example 4, 365 samples in 1096 days"),
    ],
)
def test_the_vendor_expects_the_same_of_its_examples(name: str, quoted: float) -> None:
    assert expected(documented(name)) == pytest.approx(quoted, rel=APART)


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(asked([20.0, -3.0, 30.0, 3.0], "sentinel-2-l2a"), id="Sentinel-2 at the equator"),
        pytest.param(asked([15.0, 58.0, 25.0, 64.0], "sentinel-2-l1c"), id="Sentinel-2 in the north"),
        pytest.param(asked([140.0, -38.0, 150.0, -32.0], "sentinel-2-l2a"), id="Sentinel-2 in the south"),
        pytest.param(
            asked([5.0, 44.0, 15.0, 50.0], "sentinel-2-l2a", times="2017-03-01/2017-11-30"),
            id="Sentinel-2 when its second satellite came",
        ),
        pytest.param(asked([5.0, 44.0, 15.0, 50.0], "sentinel-2-l2a", mode="TILE"), id="Sentinel-2 tile by tile"),
        pytest.param(asked([5.0, 44.0, 15.0, 50.0], "sentinel-1-grd"), id="Sentinel-1 of one satellite"),
        pytest.param(
            asked([5.0, 44.0, 15.0, 50.0], "sentinel-1-grd", times="2019-03-01/2019-08-31"),
            id="Sentinel-1 of two satellites",
        ),
        pytest.param(
            asked([5.0, 44.0, 15.0, 50.0], "sentinel-1-grd", orbitDirection="ASCENDING"),
            id="Sentinel-1 from one direction",
        ),
        pytest.param(asked([-105.0, 35.0, -95.0, 41.0], "landsat-ot-l2"), id="Landsat 8 and 9"),
        pytest.param(
            asked([-105.0, 35.0, -95.0, 41.0], "landsat-ot-l1", times="2016-03-01/2016-08-31"), id="Landsat 8 alone"
        ),
        pytest.param(asked([5.0, 44.0, 15.0, 50.0], "sentinel-2-l2a", "sentinel-1-grd"), id="radar and optical fused"),
        pytest.param(asked([5.0, 44.0, 15.0, 50.0], "sentinel-2-l2a", "dem"), id="with the terrain"),
        pytest.param(asked([5.0, 44.0, 15.0, 50.0], "sentinel-2-l2a", mode="SIMPLE"), id="one mosaic"),
    ],
)
def test_other_jobs_cost_what_was_expected(job: ValidManifest, tmp_path: Path) -> None:
    assert charged(job, tmp_path) == pytest.approx(expected(job), rel=APART)


def test_a_small_place_is_seen_more_or_less_often_and_in_the_mean_as_expected(tmp_path: Path) -> None:
    """Where swaths overlap there are more scenes: what is expected is the mean of such places."""
    places = [asked([5 + 0.3 * east, 46.0, 5.05 + 0.3 * east, 46.05], "sentinel-2-l2a") for east in range(8)]
    ratios = []
    for number, job in enumerate(places):
        folder = tmp_path / str(number)
        folder.mkdir()
        ratios.append(charged(job, folder) / expected(job))
    assert 0.5 < min(ratios) < 0.8 and 1.2 < max(ratios) < 1.5
    assert sum(ratios) / len(ratios) == pytest.approx(1, rel=APART)
