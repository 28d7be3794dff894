"""Evalscripts in manifests, for the tests of what `check` says about them."""

import re
from collections.abc import Sequence
from typing import Any

import yaml

from controller.analysis.appraisal import Appraiser, Scripts
from controller.evalscript import cache
from controller.manifest.document import read_documents
from controller.manifest.validate import Script, ValidManifest, accept
from controller.model.clock import Clock
from controller.model.errors import Problem
from controller.model.job import Appraisal
from controller.settings.deployments import DEPLOYMENTS, Credential, DeploymentName
from tests.support.paths import DATA

CORPUS = DATA / "evalscripts"
JANUARY = "2020-01-01/2020-01-31"
TIFF = ("default", "image/tiff")


def remark(text: str, name: str, default: str) -> str:
    """What a script's header comment says under this name."""
    found = re.search(rf"^// {name}: (.+)$", text, re.MULTILINE)
    return found[1] if found else default


def data_of(collections: str, times: str) -> list[dict[str, Any]]:
    """`sentinel-1-grd as s1, sentinel-2-l2a as l2a` as `input.data`."""
    first, last = times.split("/")
    data = []
    for each in collections.split(", "):
        type, _, id = each.partition(" as ")
        time_range = {"from": f"{first}T00:00:00Z", "to": f"{last}T23:59:59Z"}
        timeless = type == "dem"
        data.append(
            {"type": type}
            | ({"id": id} if id else {})
            | ({} if timeless else {"dataFilter": {"timeRange": time_range}})
        )
    return data


def accepted(
    text: str,
    collections: str = "sentinel-2-l2a",
    times: str = JANUARY,
    responses: Sequence[tuple[str, str]] = (TIFF,),
    clouds: float | None = None,
    **output: Any,
) -> ValidManifest:
    """A manifest with this script in a file `script.js` beside it."""
    data = data_of(collections, times)
    if clouds is not None:
        data[0]["dataFilter"]["maxCloudCoverage"] = clouds
    body = {
        "input": {"bounds": {"bbox": [14.0, 45.0, 14.2, 45.2]}, "data": data},
        "output": {
            "width": 512,
            "height": 512,
            "responses": [{"identifier": id, "format": {"type": type}} for id, type in responses],
            "delivery": {"s3": {"url": "s3://my-bucket/rasters", "credentialsRef": "my-bucket"}},
            **output,
        },
    }
    manifest = {
        "apiVersion": "shjobs/v1",
        "kind": "AsyncProcess",
        "metadata": {"name": "rehearsed"},
        "spec": {"request": body, "evalscriptFile": "script.js"},
    }
    (document,) = read_documents(yaml.safe_dump(manifest), "job.yaml")
    job = accept(document, "job.yaml", Script(path="script.js", text=text))
    assert isinstance(job, ValidManifest), [str(each) for each in job.problems]
    return job


def appraised(job: ValidManifest, deployment: DeploymentName = "sandbox", scripts: Scripts = cache) -> Appraisal:
    """As `check` appraises it."""
    credentials = {"my-bucket": Credential(name="my-bucket", prefixes=("s3://my-bucket/",))}
    answer: Appraisal = Appraiser(DEPLOYMENTS[deployment], credentials, scripts, Clock().today)(job)
    return answer


def reported(found: Sequence[Problem]) -> list[str]:
    return [f"{each.line}:{each.column} {each.code} {each.message}" for each in found]


def of_the_script(found: Sequence[Problem]) -> list[Problem]:
    """Those that come from the rehearsal and the hints: other modules have findings of their own."""
    return [each for each in found if each.code[:2] in ("E3", "W0")]
