"""Random requests with their evalscripts: a valid one, and kinds of changes, most of which make it invalid.

Everything is data, so that a case can be printed and tried again. Used by `agreement`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from controller.model.catalog import collection

TYPES = (
    "sentinel-2-l2a",
    "sentinel-2-l2a",
    "sentinel-2-l1c",
    "sentinel-1-grd",
    "landsat-ot-l1",
    "landsat-ot-l2",
    "dem",
)
"""The collections that the sandbox has scenes of."""
NEEDY = ("localIncidenceAngle", "scatteringArea", "shadowMask")
SAMPLE_TYPES = ("AUTO", "UINT8", "UINT16", "INT8", "INT16", "FLOAT32")
TIFF, PNG, JPEG = "image/tiff", "image/png", "image/jpeg"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
AREAS = (
    (None, (14.9, 45.4, 15.05, 45.5)),
    (f"{EPSG}4326", (14.9, 45.4, 15.05, 45.5)),
    (f"{EPSG}3857", (1_658_000, 5_682_000, 1_670_000, 5_690_000)),
    (f"{EPSG}32633", (492_000, 5_027_000, 503_000, 5_038_000)),
)
CONSTANT = re.compile(r'"@(.+?)@"')


def constant(expression: str) -> str:
    """A JavaScript expression in a value that is otherwise JSON."""
    return f"@{expression}@"


@dataclass(slots=True, kw_only=True)
class Case:
    """A request and its script; `returned` is what evaluatePixel gives for each output, `answer` replaces all of it.

    `more` is code behind the functions. `without` are functions that are left out.
    """

    body: dict[str, Any]
    setup: Any
    returned: dict[str, str]
    answer: str = ""
    pragma: str = "//VERSION=3"
    more: str = ""
    without: tuple[str, ...] = ()
    changes: list[str] = field(default_factory=list)

    @property
    def data(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.body["input"]["data"]
        return found

    @property
    def inputs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.setup["input"]
        return found

    @property
    def outputs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.setup["output"]
        return found

    @property
    def script(self) -> str:
        """Every sample is guarded: whether there are scenes is not what is asked here."""
        setup = CONSTANT.sub(r"\1", json.dumps(self.setup))
        answer = self.answer or "{" + ", ".join(f"{json.dumps(id)}: {it}" for id, it in self.returned.items()) + "}"
        functions = {
            "setup": f"function setup() {{ return {setup}; }}",
            "evaluatePixel": f"function evaluatePixel(samples) {{\n  const v = first(samples);\n  return {answer};\n}}",
        }
        parts = [text for name, text in functions.items() if name not in self.without]
        return "\n".join([self.pragma, FIRST, *parts, self.more]) + "\n"


FIRST = """function first(samples) {
  while (samples && typeof samples === "object") {
    const values = Object.values(samples);
    samples = values[0];
  }
  return Math.abs(+samples || 0) % 1;
}"""


def a_case(random: Random) -> Case:
    """A valid one, or so it should be."""
    count = random.choices((1, 2, 3), (70, 24, 6))[0]
    crs, box = random.choice(AREAS)
    data = [_dataset(random, random.choice(TYPES)) for _ in range(count)]
    inputs = [_input(random, dataset["type"]) for dataset in data]
    setup: dict[str, Any] = {"input": inputs, "output": _outputs(random)}
    if count == 1 and (mode := inputs[0].pop("mosaicking", None)):
        setup["mosaicking"] = random.choice((mode, constant(f"Mosaicking.{mode}")))
    if count > 1 and random.random() < 0.7:
        for number, (dataset, asked) in enumerate(zip(data, inputs, strict=True)):
            dataset["id"] = asked["datasource"] = f"source{number}"
        random.shuffle(inputs)
    bounds: dict[str, Any] = {"bbox": list(box)} | ({"properties": {"crs": crs}} if crs else {})
    size = {"width": random.randint(14, 2000), "height": random.randint(14, 2000)}
    output = size | {"responses": [_response(random, each) for each in setup["output"]]}
    body = {"input": {"bounds": bounds, "data": data}, "output": output}
    returned = {each["id"]: _values(random, each["bands"]) for each in setup["output"]}
    case = Case(body=body, setup=setup, returned=returned)
    _sometimes(random, case)
    return case


def _sometimes(random: Random, case: Case) -> None:
    """The forms that mean the same."""
    if len(case.outputs) == 1:
        if random.random() < 0.5:
            case.answer = next(iter(case.returned.values()))
        if random.random() < 0.3:
            case.setup["output"] = case.outputs[0]
    if len(case.inputs) == 1 and set(case.inputs[0]) == {"bands"} and random.random() < 0.5:
        case.setup["input"] = case.inputs[0]["bands"]
    if random.random() < 0.1:
        case.body["output"]["responses"].append({"identifier": "userdata", "format": {"type": "application/json"}})
    if random.random() < 0.15:
        case.more = "function updateOutputMetadata(scenes, i, output) { output.userData = {}; }"


def _dataset(random: Random, type: str) -> dict[str, Any]:
    filters: dict[str, Any] = {}
    if type != "dem":
        filters["timeRange"] = {"from": "2022-06-10T00:00:00Z", "to": f"2022-06-{random.randint(14, 20)}T23:59:59Z"}
    if type.startswith(("sentinel-2", "landsat")) and random.random() < 0.3:
        filters["maxCloudCoverage"] = random.choice((0, 30, 99.5, 100))
    if type != "dem" and random.random() < 0.3:
        filters["mosaickingOrder"] = random.choice(("mostRecent", "leastRecent"))
    dataset: dict[str, Any] = {"type": type} | ({"dataFilter": filters} if filters else {})
    if random.random() < 0.2:
        dataset["processing"] = {"upsampling": random.choice(("NEAREST", "BILINEAR", "BICUBIC"))}
    return dataset


def bands_of(type: str) -> Mapping[str, tuple[str, ...]]:
    """The bands of a collection with their units, without those that need more of the request."""
    used = collection(type)
    assert used is not None, type
    return {band: units for band, units in used.bands.items() if band not in NEEDY}


def _input(random: Random, type: str) -> dict[str, Any]:
    known, used = bands_of(type), collection(type)
    assert used is not None
    bands = random.sample(list(known), random.randint(1, min(4, len(known))))
    asked: dict[str, Any] = {"bands": bands}
    chance = random.random()
    common = set[str].intersection(*({*known[band]} for band in bands))
    if chance < 0.2:
        asked["units"] = [random.choice(known[band]) for band in bands]
    elif chance < 0.4 and common:
        asked["units"] = random.choice(sorted(common))
    if random.random() < 0.5:
        asked["mosaicking"] = random.choice(used.mosaicking)
    return asked


def _outputs(random: Random) -> list[dict[str, Any]]:
    names = random.choice((("default",), ("default",), ("ndvi",), ("default", "mask"), ("a", "b-1", "c_2")))
    found = []
    for name in names:
        output: dict[str, Any] = {"id": name, "bands": random.choice((1, 1, 2, 3, 3, 4, 7))}
        if random.random() < 0.8:
            type = random.choice(SAMPLE_TYPES)
            output["sampleType"] = random.choice((type, constant(f"SampleType.{type}")))
        found.append(output)
    return found


def _response(random: Random, output: Mapping[str, Any]) -> dict[str, Any]:
    type = CONSTANT.sub(r"\1", json.dumps(output.get("sampleType", "AUTO"))).strip('"').removeprefix("SampleType.")
    fit = [TIFF]
    if output["bands"] <= 4 and type in ("AUTO", "UINT8", "UINT16"):
        fit.append(PNG)
    if output["bands"] in (1, 3) and type in ("AUTO", "UINT8"):
        fit.append(JPEG)
    return {"identifier": output["id"], "format": {"type": random.choice(fit)}}


def _values(random: Random, bands: int) -> str:
    return "[" + ", ".join(random.choice(("v", "v", "0.25", "v / 2")) for _ in range(bands)) + "]"
