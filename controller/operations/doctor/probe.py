"""A minimal request that shows what the documentation leaves open, and compares the results with our assumptions.

Pure: `probing` sends it and watches. The questions are those of the reference page "Open questions: Async API".
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from controller.lifecycle.evidence import ERROR_NAME, cost_in, request_copies
from controller.model.answers import GetAnswer, Listing, NotVisible, StillRunning
from controller.model.job import ExpectedOutput

JOB = "shjobs-probe"
UNITS = 10.0
"""Processing units to reserve: the minimum price of any deployment."""
SCRIPT = """\
//VERSION=3
function setup() {
  return {
    input: ["@RED@"],
    output: [
      { id: "default", bands: 1, sampleType: "FLOAT32" },
      { id: "small", bands: 3 },
      { id: "photo", bands: 3 },
    ],
  };
}
function evaluatePixel(sample) {
  return { default: [sample.@RED@], small: [0.2, 0.4, 0.6], photo: [0.2, 0.4, 0.6] };
}
function updateOutputMetadata(scenes, inputMetadata, outputMetadata) {
  outputMetadata.userData = { probe: true };
}
"""
ASKED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "default": ("image/tiff", ("tif", "tiff")),
    "small": ("image/png", ("png",)),
    "photo": ("image/jpeg", ("jpg", "jpeg")),
    "userdata": ("application/json", ("json",)),
}
"""Media type of each output, and the extensions we assume for it."""
CERTAIN = tuple(
    ExpectedOutput(identifier=name, media_type=kind, extensions=extensions)
    for name, (kind, extensions) in ASKED.items()
    if name in ("default", "userdata")
)
"""The outputs whose names are observed facts: only they decide the verdict on the probe."""


def body(deployment: str, url: str) -> dict[str, Any]:
    """Ten by ten pixels of June, in every format; the delivery `url` is completed when it is sent.

    From the sandbox only the certain outputs are requested: it implements our assumptions, and proves none of them.
    """
    asked = {each.identifier: each.media_type for each in CERTAIN}
    if deployment != "sandbox":
        asked |= {name: kind for name, (kind, _) in ASKED.items()}
    is_landsat = deployment == "us-west-2"
    timespan = {"from": "2022-06-20T00:00:00Z", "to": "2022-06-30T23:59:59Z"}
    return {
        "input": {
            "bounds": {
                "bbox": [447000, 3972000, 447300, 3972300],
                "properties": {"crs": "http://www.opengis.net/def/crs/EPSG/0/32633"},
            },
            "data": [
                {
                    "type": "landsat-ot-l2" if is_landsat else "sentinel-2-l2a",
                    "dataFilter": {"timeRange": timespan},
                }
            ],
        },
        "output": {
            "width": 10,
            "height": 10,
            "responses": [{"identifier": name, "format": {"type": kind}} for name, kind in asked.items()],
            "delivery": {"s3": {"url": url}},
        },
        "evalscript": SCRIPT.replace("@RED@", "B04"),
    }


ORDER = ("outputsComplete", "cost", "gone")
"""As we assume it."""


@dataclass(slots=True, kw_only=True)
class Watched:
    """What was seen, each with the seconds since the response to the POST."""

    request_id: str
    statuses: list[tuple[float, GetAnswer]] = field(default_factory=list)
    listings: list[tuple[float, Listing]] = field(default_factory=list)
    has_secrets: bool = False
    """Whether the request copy contained a key."""

    @property
    def last(self) -> Listing:
        return self.listings[-1][1] if self.listings else Listing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One open question. `agrees` None: this run did not show it."""

    question: str
    about: str
    assumed: str
    found: Any
    agrees: bool | None


def observations(watched: Watched) -> list[Observation]:
    """What the run shows about each open question."""
    return [*_copy(watched), *_delivery(watched), *_statuses(watched)]


def delays(watched: Watched) -> dict[str, float | None]:
    """Seconds from the response to the POST to the first observation of each kind."""
    missing = [at for at, answer in watched.statuses if isinstance(answer, NotVisible)]
    running = [at for at, answer in watched.statuses if isinstance(answer, StillRunning)]
    wanted = {each.identifier for each in CERTAIN} | _stems(watched.last).keys()
    found = {
        "lastRunning": max(running, default=None),
        "gone": next((at for at in missing if at > max(running, default=-1.0)), None),
        "outputsComplete": _first(watched, lambda listing: wanted <= _stems(listing).keys()),
        "requestCopy": _first(watched, lambda listing: bool(_copies(listing))),
        "cost": _first(watched, lambda listing: any(map(cost_in, _copies(listing).values()))),
    }
    return {name: None if at is None else round(at, 1) for name, at in found.items()}


def _copy(watched: Watched) -> list[Observation]:
    copies = _copies(watched.last)
    names = [_named(key, watched) for key in copies]
    costs = [cost for document in copies.values() if (cost := cost_in(document))]
    return [
        Observation(
            question="A1",
            about="name and place of the request copy",
            assumed="request*.json, in the folder of the request or in the root of the prefix",
            found=names,
            agrees=all(name.rpartition("/")[2].startswith("request") for name in names) if names else None,
        ),
        Observation(
            question="A2",
            about="key of the cost in the copy",
            assumed="costPU; any key that speaks of cost or processing units is understood",
            found=[key for key, _ in costs],
            agrees=all(key == "costPU" for key, _ in costs) if costs else None,
        ),
        Observation(
            question="A3",
            about="keys of the bucket in the copy",
            assumed="perhaps: it is never shown or stored",
            found=watched.has_secrets,
            agrees=None if not copies else not watched.has_secrets,
        ),
    ]


def _delivery(watched: Watched) -> list[Observation]:
    stems, measured = _stems(watched.last), delays(watched)
    found = {ASKED[name][0]: stems[name] for name in ASKED if name in stems}
    known = {name: extension for name, extension in stems.items() if name in ASKED}
    order = _ordered(watched, measured)
    return [
        Observation(
            question="A9",
            about="extensions of the outputs",
            assumed="tif, png, jpg, json",
            found=found,
            agrees=all(each in ASKED[name][1] for name, each in known.items()) if known else None,
        ),
        Observation(
            question="A7",
            about="order of the outputs, the cost in the copy, and the 404",
            assumed="outputs, cost, 404",
            found=order,
            agrees=tuple(order) == ORDER if len(order) == len(ORDER) else None,
        ),
    ]


def _ordered(watched: Watched, measured: Mapping[str, float | None]) -> list[str]:
    """What was seen, in the order that we assume unless what was seen contradicts it: then by when it was first seen.

    Each was there at some moment between the last look that did not show it and the first that did; a look at another
    thing in between says nothing. A copy of the request is read after its folder was listed.
    """
    seen = [name for name in ORDER if measured[name] is not None]
    looks = {name: [round(at, 1) for at, _ in watched.listings] for name in ("outputsComplete", "cost")}
    looks["gone"] = [round(at, 1) for at, _ in watched.statuses]
    latest = {name: measured[name] or 0.0 for name in seen}
    earliest = {name: max((at for at in looks[name] if at < latest[name]), default=0.0) for name in seen}
    is_possible = all(
        latest[later] >= earliest[sooner] for number, sooner in enumerate(seen) for later in seen[number + 1 :]
    )
    return seen if is_possible else sorted(seen, key=latest.__getitem__)


def _statuses(watched: Watched) -> list[Observation]:
    words = sorted({answer.status for _, answer in watched.statuses if isinstance(answer, StillRunning)})
    running = [at for at, answer in watched.statuses if isinstance(answer, StillRunning)]
    early = [at for at, answer in watched.statuses if isinstance(answer, NotVisible) and at < max(running, default=0.0)]
    return [
        Observation(
            question="B13",
            about="404 before the request was seen running",
            assumed="possible for some seconds: none is believed in the first 30",
            found=[round(at, 1) for at in early],
            agrees=max(early, default=0.0) < 30 if running else None,
        ),
        Observation(
            question="B16",
            about="status words",
            assumed="RUNNING",
            found=words,
            agrees=words == ["RUNNING"] if words else None,
        ),
    ]


def _copies(listing: Listing) -> Mapping[str, Mapping[str, object]]:
    return request_copies(listing.documents, ASKED)


def _stems(listing: Listing) -> dict[str, str]:
    """Extension by output, for every object named like an output."""
    names = (item.key.rpartition("/")[2] for item in listing.objects)
    parts = (name.partition(".") for name in names if name != ERROR_NAME)
    return {stem: extension for stem, _, extension in parts if stem in ASKED}


def _named(key: str, watched: Watched) -> str:
    return key.replace(watched.request_id, "<REQUEST_ID>")


def _first(watched: Watched, is_seen: Callable[[Listing], bool]) -> float | None:
    return next((at for at, listing in watched.listings if is_seen(listing)), None)


def probe_report(watched: Watched, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The stored report: `facts` first, then what was seen."""
    return {
        "apiVersion": "shjobs/v1",
        "kind": "Probe",
        **facts,
        "requestId": watched.request_id,
        "seconds": delays(watched),
        "objects": [{"key": _named(each.key, watched), "bytes": each.bytes} for each in watched.last.objects],
        "observations": [asdict(each) for each in observations(watched)],
    }
