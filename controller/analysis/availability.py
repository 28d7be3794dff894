"""Whether a request can be served where and when it is sent: what the deployment hosts, and dates in the future.

Pure; the appraiser calls it once for every new text. Hosting comes from `data/collections.json`; the sandbox
represents every deployment, so nothing is missing there.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from controller.manifest.document import Path
from controller.manifest.problems import DATA, S3
from controller.manifest.request import Request
from controller.model.catalog import Collection, collection
from controller.model.errors import Finding
from controller.settings.deployments import DEPLOYMENTS, DeploymentName

_HOSTS: Mapping[DeploymentName, str] = {
    "sentinel-hub": "aws-eu-central-1",
    "us-west-2": "aws-us-west-2",
    "cdse": "cdse",
}
"""The name of a deployment in `data/collections.json`."""
_CDSE_ONLY = "previewMode"  # open-questions.md E 39
_TOMORROW = timedelta(days=1)  # it has already begun somewhere, and clocks differ


def unavailable(request: Request, deployment: DeploymentName, today: date) -> Iterator[Finding]:
    """What the deployment does not have, and scenes not acquired yet. `today` is in UTC."""
    if request.role_arn and deployment in _HOSTS and not DEPLOYMENTS[deployment].roles:
        message = "is for buckets of AWS, which this deployment does not reach: write a credentialsRef instead"
        yield Finding(code="E242", path=(*S3, "iamRoleARN"), message=message)
    for number, dataset in enumerate(request.body["input"]["data"]):
        used = collection(dataset["type"])
        if used is not None:
            yield from _hosting((*DATA, number), dataset, used, deployment)
        if used is not None and not used.timeless:
            yield from _to_come((*DATA, number, "dataFilter", "timeRange"), dataset, today)


def _hosting(path: Path, dataset: Mapping[str, Any], used: Collection, deployment: DeploymentName) -> Iterator[Finding]:
    host = _HOSTS.get(deployment)
    if host is None or used.is_own:
        return
    if host not in used.hosts:
        homes = " or ".join(name for name, each in _HOSTS.items() if each in used.hosts)
        message = f"{used.type} is not hosted by {deployment}: it is by {homes}"
        yield Finding(code="E211", path=(*path, "type"), message=message)
        return
    written, since = dataset.get("dataFilter", {}), used.hosts[host].get("since", "")
    if "timeRange" in written and written["timeRange"]["to"][:10] < since:
        message = f"ends before {since}, from when on {deployment} has scenes of {used.type}: it may find nothing"
        yield Finding(code="W110", path=(*path, "dataFilter", "timeRange"), message=message)
    if _CDSE_ONLY in written and deployment != "cdse":
        message = f"is documented for cdse alone: {deployment} may ignore it"
        yield Finding(code="W114", path=(*path, "dataFilter", _CDSE_ONLY), message=message)
    for section in ("dataFilter", "processing"):
        if deployment == "cdse" and dataset.get(section, {}).get("demInstance") == "MAPZEN":
            message = "MAPZEN is not documented for cdse: write COPERNICUS_30 or COPERNICUS_90"
            yield Finding(code="W114", path=(*path, section, "demInstance"), message=message)


def _to_come(path: Path, dataset: Mapping[str, Any], today: date) -> Iterator[Finding]:
    written = dataset.get("dataFilter", {}).get("timeRange")
    if not written:
        return
    latest = (today + _TOMORROW).isoformat()
    if written["from"][:10] > latest:
        message = f"begins after today ({today}), so that nothing can be found in it: submit it when that time has come"
        yield Finding(code="E218", path=path, message=message)
    elif written["to"][:10] > latest:
        message = f"ends after today ({today}): scenes that are taken later will not be used, and rerun costs again"
        yield Finding(code="W111", path=path, message=message)
