"""What the tree keeps of a document until its job takes it over."""

import json
from collections.abc import Mapping

import pytest

from controller.tree.declared.declarations import as_json

SCRIPT = '//VERSION=3\nfunction setup() { return {input: ["B04"]} }  // "é" \\ \u2028'


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"input": {"bounds": 1}, "evalscript": SCRIPT}, id="a script comes last"),
        pytest.param({"evalscript": SCRIPT, "input": {"bounds": 1}}, id="a script comes first"),
        pytest.param({"evalscript": SCRIPT}, id="there is nothing but a script"),
        pytest.param({"input": {"evalscript": "é"}}, id="a script is only named deeper"),
        pytest.param({"input": [], "evalscript": 5}, id="a script is no text"),
    ],
)
def test_a_body_is_stored_as_json_writes_it(body: Mapping[str, object]) -> None:
    assert as_json(body)() == json.dumps(body, ensure_ascii=False)
