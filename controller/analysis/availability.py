"""Whether a request can be served where and when it is sent, and how many scenes of its days there are.

Pure; the appraiser calls it once for every new text. Hosting comes from `data/collections.json`; the sandbox
represents every deployment, so nothing is missing there.

Scenes are counted by geometry. A sun-synchronous satellite crosses a circle of latitude `orbits / cycle` times a day in
each direction, and each time its swath covers `swath / sqrt(cos² latitude - cos² inclination)` of it; so

    share of days = satellites * orbits / cycle * swath / (2 pi R sqrt(cos² latitude - cos² inclination)), at most 1.

Numbers and their sources: `data/missions.json`. It is the mean along a circle of latitude: where swaths overlap a place
is seen more often, between them less.
"""

import json
import math
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

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
_DAY = timedelta(days=1)
_EQUATOR = 40_075.0  # kilometres
_UNKNOWN = 1 / 3  # own data, or no latitude: the vendor's rule for Batch, reference page "Processing units" §1
_STEEPEST = 1e-4  # cos² latitude - cos² inclination where a track runs along the circle of latitude


def unavailable(request: Request, deployment: DeploymentName, today: date) -> Iterator[Finding]:
    """What the deployment does not have, and scenes not acquired yet. `today` is in UTC."""
    if request.role_arn and deployment in _HOSTS and not DEPLOYMENTS[deployment].roles:
        message = "is for buckets of AWS, which this deployment does not reach: write a credentialsRef instead"
        yield Finding(code="E242", path=(*S3, "iamRoleARN"), message=message)
    for number, dataset in enumerate(request.body["input"]["data"]):
        used = collection(dataset["type"])
        if used is not None:
            yield from _hosting((*DATA, number), dataset, used, deployment)
    for path, written in _time_ranges(request):
        yield from _to_come(path, written, today)


def lasts_until(request: Request, today: date) -> date | None:
    """The day on which what `unavailable` finds today may be over: a time range begins or ends; None: it stays so."""
    days = (_first_day(written) for _, written in _time_ranges(request))
    ends = (_last_day(written) for _, written in _time_ranges(request))
    return min((each for each in (*days, *ends) if each > today), default=None)


def _first_day(written: Mapping[str, str]) -> date:
    return date.fromisoformat(written["from"][:10])


def _last_day(written: Mapping[str, str]) -> date:
    """The day before, where it ends at midnight."""
    day, is_midnight = date.fromisoformat(written["to"][:10]), written["to"][11:19] == "00:00:00"
    return day - _DAY if is_midnight and day > date.min else day


def _time_ranges(request: Request) -> Iterator[tuple[Path, Mapping[str, str]]]:
    """Those that scenes are searched in."""
    for number, dataset in enumerate(request.body["input"]["data"]):
        used, written = collection(dataset["type"]), dataset.get("dataFilter", {}).get("timeRange")
        if written and used is not None and not used.timeless:
            yield (*DATA, number, "dataFilter", "timeRange"), written


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


def _to_come(path: Path, written: Mapping[str, str], today: date) -> Iterator[Finding]:
    if (begins := _first_day(written)) > today:
        message = f"begins after today, so that nothing can be found in it: it is accepted from {begins} on"
        yield Finding(code="E218", path=path, message=message)
    elif _last_day(written) > today:
        message = f"ends after today ({today}): scenes that are taken later will not be used, and rerun costs again"
        yield Finding(code="W111", path=path, message=message)


class Mission(BaseModel):
    """The orbit of one kind of satellite; `satellites` are how many acquire at once, from each date on."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel)

    swath_km: float
    cycle_days: int
    orbits: int
    inclination: float
    directions: int
    satellites: Mapping[date, int]

    def share(self, latitude: float, satellites: int) -> float:
        """The mean share of days on which a place at this latitude is seen from one direction of flight."""
        steepness = math.cos(math.radians(latitude)) ** 2 - math.cos(math.radians(self.inclination)) ** 2
        covered = self.swath_km / math.sqrt(max(steepness, _STEEPEST))
        return min(1.0, satellites * self.orbits / self.cycle_days * covered / _EQUATOR)

    def periods(self, first: date, last: date) -> Iterator[tuple[int, int]]:
        """The days from `first` to `last` with the satellites of that time."""
        begins = sorted(self.satellites)
        for begin, end in zip(begins, [*begins[1:], date.max], strict=True):
            days = (min(last, end - timedelta(days=1)) - max(first, begin)).days + 1
            if days > 0:
                yield days, self.satellites[begin]


def expected_scenes(
    type: str, days: tuple[date, date], latitude: float | None, *, directions: int | None = None, apart: bool = False
) -> float:
    """How many days, from the first to the last of `days`, have data of a place; with `apart` how many passes.

    `directions` narrows radar to one direction of flight. An unknown collection or latitude: one day in three.
    """
    first, last = days
    missions = _missions_of(type)
    if latitude is None or not missions:
        return ((last - first).days + 1) * _UNKNOWN
    if len(missions) > 1:
        daily = [_scenes(each, days, latitude, None, apart=apart) / ((last - first).days + 1) for each in missions]
        return ((last - first).days + 1) * _together(daily, apart=apart)
    return _scenes(missions[0], days, latitude, directions, apart=apart)


def _scenes(
    mission: Mission, days: tuple[date, date], latitude: float, directions: int | None, *, apart: bool
) -> float:  # fmt: skip
    used = min(mission.directions, directions or mission.directions)
    return sum(
        count * _together([mission.share(latitude, satellites)] * used, apart=apart)
        for count, satellites in mission.periods(*days)
    )


def _together(shares: list[float], *, apart: bool) -> float:
    """Passes a day, or, of passes that fall on days of their own accord, the share of days with any."""
    return sum(shares) if apart else 1 - math.prod(1 - share for share in shares)


@cache
def _missions_of(type: str) -> tuple[Mission, ...]:
    """None for a user's own data."""
    data = json.loads(files("controller").joinpath("data/missions.json").read_text(encoding="utf-8"))
    return tuple(Mission.model_validate(data["missions"][name]) for name in data["collections"].get(type, ()))
