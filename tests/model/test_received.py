"""JSON from a service, a bucket or a script: half of a surrogate pair in it once ended the daemon at every start."""

import json
from typing import Any

import pytest

from controller.model.answers import read_received
from controller.model.errors import truncate


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('{"a": [1, "b", null]}', {"a": [1, "b", None]}, id="nothing to replace"),
        pytest.param(r'"bad pixel \ud83d"', "bad pixel ?", id="the first half alone"),
        pytest.param(r'"\uDC00 and \uDbFf"', "? and ?", id="second and first half, in capitals"),
        pytest.param(r'"\ud83d\ude00"', "😀", id="a whole pair"),
        pytest.param(r'["\ud83d\ude00", "\ude00\ud83d"]', ["😀", "??"], id="a pair, and one the wrong way round"),
        pytest.param(r'"\\ud83d"', r"\ud83d", id="a backslash before the letters"),
        pytest.param(
            r'{"\ud83d": {"\udc00": [1e308, 12345678901234567890]}}', None, id="keys, and numbers as they are"
        ),
        pytest.param(rb'"\ud83d"', "?", id="bytes"),
    ],
)
def test_half_of_a_surrogate_pair_becomes_a_question_mark(text: str | bytes, expected: Any) -> None:
    found = read_received(text)
    assert found == ({"?": {"?": [1e308, 12345678901234567890]}} if expected is None else expected)
    json.dumps(found, ensure_ascii=False).encode()


@pytest.mark.parametrize("text", ["", "{", r'"\ud83d', b"\xff"])
def test_what_is_no_json_is_an_error_as_before(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_received(text)


def test_foreign_text_in_a_message_can_be_stored() -> None:
    assert truncate("bad\udcff \ud83d pixel") == "bad? ? pixel"
