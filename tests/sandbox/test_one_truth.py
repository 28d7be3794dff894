"""What `check` and the sandbox once disagreed about: now both accept it, or both refuse it.

`make prove PARTS=agreement` looks for more of them in random requests.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.evalscript.engine import Engine
from tests.proofs.agreement import checked, ran
from tests.proofs.bodies import JPEG, TIFF, Case

pytestmark = pytest.mark.slow
TIME = {"timeRange": {"from": "2022-06-10T00:00:00Z", "to": "2022-06-16T23:59:59Z"}}
S2 = {"type": "sentinel-2-l2a", "dataFilter": TIME}
FUSED = [{**S2, "id": "l2a"}, {"type": "dem", "id": "height"}]
TWO_INPUTS = [{"bands": ["B04"], "datasource": "l2a"}, {"bands": ["DEM"], "datasource": "height"}]
TWO_OUTPUTS = [{"id": "default", "bands": 1}, {"id": "mask", "bands": 1}]
KEEP_ITSELF = "function updateOutputMetadata(scenes, i, output) { output.userData = output; }"
ALWAYS = " (every pixel that was tried)"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(seconds=60) as engine:
        yield engine


def case(
    answer: str = "[v]",
    *,
    data: Any = (S2,),
    asked: Any = ({"bands": ["B04"]},),
    output: Any = ({"id": "default", "bands": 1},),
    formats: Any = (("default", TIFF),),
    more: str = "",
    **setup: Any,
) -> Case:
    """A request of one output and one collection, but for what is given."""
    responses = [{"identifier": name, "format": {"type": type}} for name, type in formats]
    bounds = {"bbox": [14.9, 45.4, 15.05, 45.5]}
    body = {"input": {"bounds": bounds, "data": [*data]}, "output": {"width": 20, "height": 15, "responses": responses}}
    setup |= {"input": [*asked], "output": [*output]}
    return Case(body=body, setup=setup, returned={}, answer=answer, more=more)


ACCEPTED = {
    "an output that is left out, and that no response asks for": case("{default: [v]}", output=TWO_OUTPUTS),
    "a speckle filter that the collection does not know": case(
        data=[{**S2, "processing": {"speckleFilter": {"type": "LEE"}, "backCoeff": "GAMMA0_TERRAIN"}}]
    ),
    "no time range": case(data=[{"type": "sentinel-2-l2a"}]),
    "days of no time range": case(data=[{"type": "landsat-ot-l2"}], mosaicking="ORBIT"),
    "one mosaicking for scenes and for a terrain model": case(data=FUSED, asked=TWO_INPUTS, mosaicking="ORBIT"),
    "user data that are plain": case(more=KEEP_ITSELF.replace("= output;", "= {output: [1, null]};")),
    "as many bands after updateOutput as a JPEG can hold": case(
        "[v, v, v]",
        formats=[("default", JPEG)],
        more="function updateOutput(outputs) { outputs.default.bands = 3; }",
    ),
}


@pytest.mark.parametrize("accepted", ACCEPTED.values(), ids=ACCEPTED)
def test_both_accept(accepted: Case, engine: Engine, tmp_path: Path) -> None:
    assert (checked(accepted), ran(accepted, engine, tmp_path)) == ("", "")


REFUSED = {
    "an output of another length, that no response asks for": (
        case("{default: [v], mask: [v, v]}", output=TWO_OUTPUTS),
        'E302 line 10: Output "mask" needs an array of 1 number (`bands` in setup), but evaluatePixel returned 2'
        f"{ALWAYS}",
        "needs an array of 1 number",
    ),
    "one array for two outputs of which one is delivered": (
        case("[v]", output=TWO_OUTPUTS),
        "E302 line 10: evaluatePixel returned one array, but setup has several outputs; it must return "
        f'{{"default": [...], "mask": [...]}}{ALWAYS}',
        "returned one array",
    ),
    "one array for two outputs in a data fusion that looks at no scene": (
        case(
            "[v]",
            data=FUSED,
            asked=TWO_INPUTS,
            output=TWO_OUTPUTS,
            more="function preProcessScenes(all) { return all; }\nfunction updateOutputMetadata(scenes) {}",
        ),
        "E302 line 10: evaluatePixel returned one array, but setup has several outputs; it must return "
        f'{{"default": [...], "mask": [...]}}{ALWAYS}',
        "returned one array",
    ),
    "the same response twice": (
        case(formats=[("default", TIFF), ("default", JPEG)]),
        "E220 `default` is delivered by responses[0] already: each response needs its own output",
        "default has a response already",
    ),
    "user data that hold themselves": (
        case(more=KEEP_ITSELF),
        "E303 line 14: outputMetadata.userData cannot be written as JSON: TypeError: Converting circular structure to "
        "JSON --> starting at object with constructor 'Object' --- property 'userData' closes the circle (whatever "
        "scenes there are)",
        "Converting circular structure to JSON",
    ),
    "more bands after updateOutput than a JPEG can hold": (
        case(
            "[v, v]",
            formats=[("default", JPEG)],
            more="function updateOutput(outputs) { outputs.default.bands = 2; }",
        ),
        "E222 after updateOutput, image/jpeg cannot hold 2 bands (output `default`), only 1, 3: write image/tiff",
        "image/jpeg cannot hold 2 bands",
    ),
    "no band after updateOutput, whatever the scenes": (
        case("[]", mosaicking="ORBIT", more="function updateOutput(outputs) { outputs.default.bands = 0; }"),
        'E303 line 14: updateOutput left 0 as the bands of output "default"; it must be 1 or more (whatever scenes '
        "there are)",
        "updateOutput left 0",
    ),
    "no band after updateOutput where no scenes are told apart": (
        case("[]", more="function updateOutput(outputs) { outputs.default.bands = 0; }"),
        'E303 line 14: updateOutput left 0 as the bands of output "default"; it must be 1 or more (whatever scenes '
        "there are)",
        "updateOutput left 0",
    ),
    "a unit without a name": (
        case(asked=[{"bands": ["B04", "B08"], "units": ["DN", ""]}]),
        'E300 line 1: the evalscript cannot be used (setup): setup().input[0].units is ["DN", ""]; write one unit such '
        'as "DN", or an array with one unit for each band, or leave it out',
        'units is ["DN", ""]',
    ),
    "more bands than a TIFF can count": (
        case("Array(65536).fill(v)", output=[{"id": "default", "bands": 65536}]),
        "E222 image/tiff cannot hold 65536 bands (output `default`), only 65535: write several outputs",
        "image/tiff cannot hold 65536 bands",
    ),
    "an output whose name is longer than that of a file": (
        case(output=[{"id": "x" * 300, "bands": 1}], formats=[("x" * 300, TIFF)]),
        f"E222 the id `{'x' * 59}…` cannot name a file: write letters, digits, `_`, `-` and `.`, 50 at the most",
        "cannot name a file",
    ),
    "a window for no speckle filter at all": (
        case(
            data=[
                {
                    **S2,
                    "type": "sentinel-1-grd",
                    "processing": {"speckleFilter": {"type": "NONE", "windowSizeX": 9}},
                }
            ],
            asked=[{"bands": ["VV"]}],
        ),
        "E212 must be {type: NONE}, or {type: LEE, windowSizeX: 3, windowSizeY: 3} with sizes from 1 to 7",
        "speckleFilter->windowSizeX: must be a whole number from 1 to 7",
    ),
}


@pytest.mark.parametrize(("refused", "said", "met"), REFUSED.values(), ids=REFUSED)
def test_both_refuse(refused: Case, said: str, met: str, engine: Engine, tmp_path: Path) -> None:
    assert checked(refused) == said
    assert met in ran(refused, engine, tmp_path).replace('\\"', '"')
