"""What the vendor's client would send is what `import` reads from its constructors: the real one says what that is."""

import importlib
import json
import os
import warnings
from pathlib import Path
from typing import Any

import pytest

from controller.cli.settings import load_settings
from controller.model.errors import UsageError
from controller.operations.scaffold.bodies import body_without_keys
from controller.operations.scaffold.import_request import take_in
from controller.operations.scaffold.pasted import read_pasted
from controller.operations.scaffold.tidy import tidied
from controller.settings.settings import Settings
from tests.conftest import SETTINGS
from tests.operations.test_public_requests import checked
from tests.support.paths import DATA

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what the package imports
    vendor: Any = importlib.import_module("sentinelhub")

EXAMPLES = sorted(DATA.glob("requests/client-*.txt"))
URL = "s3://my-bucket/rasters"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "shjobs.toml").write_text(SETTINGS.format(folder="state/sandbox"), encoding="utf-8")
    return load_settings(tmp_path / "shjobs.toml", os.environ)


def sent(text: str, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The bodies that the example makes the client send, whether it keeps the requests or not."""
    made: list[dict[str, Any]] = []
    for kind in (vendor.SentinelHubRequest, vendor.AsyncProcessRequest):
        begin = kind.__init__

        def note(self: Any, *given: Any, begin: Any = begin, **named: Any) -> None:
            begin(self, *given, **named)
            made.append(self.payload)

        monkeypatch.setattr(kind, "__init__", note)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some examples are older than the client
        exec(compile(text, "example", "exec"), {})
    return made


@pytest.mark.slow
@pytest.mark.parametrize("example", [pytest.param(each, id=each.stem) for each in EXAMPLES])
def test_the_body_is_the_one_that_the_client_sends(
    example: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = example.read_text(encoding="utf-8")
    (taken,), _ = take_in(text, "client", URL, settings)
    [payload] = sent(text, monkeypatch)
    expected = tidied(body_without_keys(json.loads(json.dumps(payload)), str))
    script = expected.pop("evalscript")
    delivered = {**expected["output"], "delivery": {"s3": {"url": URL}}}
    body = dict(checked(taken, settings).request.body)
    assert body.pop("evalscript").split() == script.split()
    assert body == {**expected, "output": delivered}


CALL = "SentinelHubRequest(evalscript='//VERSION=3', input_data=[{data}], responses=[], {more})"
DATA_OF = "SentinelHubRequest.input_data(DataCollection.SENTINEL2_L2A, time_interval={})"


@pytest.mark.parametrize(
    ("data", "more", "words"),
    [
        pytest.param(DATA_OF.format("slot"), "size=(9, 9)", "line 2: input.data[0]: `slot` is not known", id="time"),
        pytest.param("DataCollection.HERE", "size=(9, 9)", "line 2: input.data[0]: `DataCollection.HERE`", id="raw"),
        pytest.param(
            "SentinelHubRequest.input_data(DataCollection.HERE)", "size=(9, 9)",
            "line 2: input.data[0]: this data collection is not known here", id="a collection",
        ),
        pytest.param(
            DATA_OF.format("None"), "bbox=BBox(coordinates, CRS.WGS84)",
            "line 2: input.bounds.bbox: `coordinates` is not known here", id="a bbox",
        ),
        pytest.param(
            DATA_OF.format("None"), "bbox=BBox((1, 2, 3, 4), CRS.MARS)",
            "line 2: input.bounds.bbox: this CRS is not known here", id="a CRS",
        ),
        pytest.param(
            DATA_OF.format("None"), "size=bbox_to_dimensions(box, 10)",
            "line 2: output.width: `box` is not known here: write the value itself", id="a size",
        ),
    ],
)  # fmt: skip
def test_what_the_client_would_have_to_be_run_for_is_reported_with_its_line(data: str, more: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_pasted("from sentinelhub import *\n" + CALL.format(data=data, more=more))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        pytest.param("maxcc=given", "input.data[0]: `given` is an argument of ask()", id="clouds"),
        pytest.param("maxcc='20'", "input.data[0]: maxcc is not written in numbers", id="clouds as a text"),
        pytest.param("other_args=given", "input.data[0]: `given` is an argument of ask()", id="other arguments"),
        pytest.param("other_args={**given}", "input.data[0]: this can only be known by running it", id="a merge"),
        pytest.param("other_args=[1]", "input.data[0]: its other arguments are not written out as a dict", id="a list"),
        pytest.param("mosaicking_order=given", "input.data[0]: `given` is an argument of ask()", id="an order"),
        pytest.param("upsampling=given", "input.data[0]: `given` is an argument of ask()", id="a sampling"),
    ],
)
def test_an_argument_of_the_client_that_is_not_known_was_left_out(argument: str, words: str) -> None:
    data = f"SentinelHubRequest.input_data(DataCollection.SENTINEL2_L2A, {argument})"
    with pytest.raises(UsageError) as caught:
        read_pasted(f"def ask(given):\n    return {CALL.format(data=data, more='size=(9, 9)')}")
    assert words in str(caught.value)


@pytest.mark.parametrize("argument", ["'default', MimeType.TIFF, given", "'default', given"])
def test_an_argument_of_a_response_that_is_not_known_was_left_out(argument: str) -> None:
    response = f"SentinelHubRequest.output_response({argument})"
    call = CALL.replace("responses=[]", f"responses=[{response}]").format(data="", more="size=(9, 9)")
    with pytest.raises(UsageError, match=r"output.responses\[0\]: `given` is an argument of ask\(\)"):
        read_pasted(f"def ask(given):\n    return {call}")


@pytest.mark.parametrize(
    ("data", "more", "words"),
    [
        pytest.param("", "bbox=BBox('nan,0,1,1', CRS.UTM_33N)", "the bbox is not written in numbers", id="a bbox"),
        pytest.param(
            "", "size=bbox_to_dimensions(BBox('-1e308,0,1e308,1', CRS.UTM_33N), 10)", "the bbox is not written in",
            id="an endless bbox",
        ),
        pytest.param(
            "", "size=bbox_to_dimensions(BBox((0, 0, 9, 9), CRS.UTM_33N), 1e999)", "the resolution is not written in",
            id="a resolution",
        ),
        pytest.param(
            DATA_OF.format("(date(1e999, 1, 1), '2020-01-01')"), "", "the date is not written in numbers", id="a date"
        ),
        pytest.param(
            "SentinelHubRequest.input_data(DataCollection.SENTINEL2_L2A, maxcc=1e999)", "", "maxcc is not written in",
            id="clouds",
        ),
    ],
)  # fmt: skip
def test_an_endless_number_ended_in_a_traceback(data: str, more: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_pasted("from sentinelhub import *\n" + CALL.format(data=data, more=more))
