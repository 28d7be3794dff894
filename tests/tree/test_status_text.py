"""The text of status files: what PyYAML writes, byte for byte, and what every reader reads back."""

import time
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from controller.manifest.document import read_documents
from controller.tree.status_text import by_pyyaml, yaml_bytes

NASTY = [
    *("yes", "No", "on", "null", "~", "", "1", "-1", "+.5", "1.", "1e3", "123e456", "0x1f", "0o17", "017", "1:30"),
    *(".inf", ".nan", "2022-06-20", "2022-06-20T00:00:00Z", "-", "- a", "--", "---", "--- a", "...", "?", "? a", "?a"),
    *(":", ": a", ":a", "a:", "a: b", "a:b", "#", "#a", "a#b", "a #b", "'", "it's", '"', "a,b", "[a", "]", "{a}", "&a"),
    *(
        "*a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "=",
        "<<",
        "a\\b",
        " a",
        "a ",
        " ",
        "a  b",
        "\ta",
        "a\tb",
        "\x00",
        "\x1b",
    ),
    *("a\nb", "a\n", "\n", " \n a", "a\r\nb", "\x85", "\u2028", "\ufeff", "ü", "…", "\U0001f6f0", "x" * 200),
    *("word " * 40, "it's " * 40, "a: " * 60, "a  " * 60, " " + "word " * 40, "ü " * 80, "word " * 40 + "\n" + "b"),
]
WORDS = st.sampled_from(["a", "it's", "x:", "#1", "word", "long" * 20, "", "yes", "12"])
SENTENCES = st.lists(WORDS, max_size=80).map(" ".join)
TEXTS = st.sampled_from(NASTY) | SENTENCES | st.text(st.characters(codec="utf-8"), max_size=200)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = TEXTS | NUMBERS | st.none() | st.booleans()
KEYS = st.sampled_from(["message", "requestId", "2024-06", "07", "yes", "1:30"]) | st.from_regex(
    r"[ -~]{1,63}", fullmatch=True
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)


def each_form(text: str) -> list[dict[str, Any]]:
    """The text at every place that a document has for one."""
    return [{"message": text}, {"manifest": {"problems": [text, text]}}, {"outputs": [{"href": text, "etag": text}]}]


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_a_text_stays_a_text_for_every_reader(text: str) -> None:
    for document in each_form(text):
        written = yaml_bytes(document)
        assert yaml.safe_load(written) == document
        [read] = read_documents(written.decode(), "any.yaml")
        assert read.value == document
        assert not read.problems


@pytest.mark.slow
@given(DOCUMENTS)
@example({"message": "x" * 119 + " y", "manifest": {"problems": ["x" * 118 + " y", "x" * 119 + " y"]}})
def test_any_document_is_read_back(document: dict[str, Any]) -> None:
    written = yaml_bytes(document)
    assert yaml.safe_load(written) == document
    [read] = read_documents(written.decode(), "any.yaml")
    assert read.value == document


PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200) | SENTENCES
ORDINARY = st.recursive(
    PRINTABLE | NUMBERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PRINTABLE, inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(["message", "2024-06"]) | PRINTABLE, ORDINARY, min_size=1, max_size=4))
def test_what_is_ordinary_is_written_as_it_always_was(document: dict[str, Any]) -> None:
    """An update that writes other bytes would rewrite every status file."""
    assert yaml_bytes(document) == by_pyyaml(document)


STATUS = {
    "apiVersion": "shjobs/v1",
    "kind": "AsyncProcessStatus",
    "name": "ndvi",
    "phase": "Succeeded",
    "message": "every declared output is in the bucket",
    "manifest": {"accepted": True},
    "digest": "1:ea6aebec271db4692aef2024b055394087c5e1edbe699cf1a58cc7dc714e7f94",
    "submittedAt": "2026-11-29T18:10:41Z",
    "processingUnits": {"estimated": 10.0, "spent": 10.0},
    "outputs": [{"identifier": "default", "href": "s3://my-bucket/rasters/ndvi/a/default.tif", "bytes": 8}],
    "history": [{"submission": "ea6aebec271db469-r0-a0", "outcome": "succeeded", "processingUnits": 10.0}],
}


def test_an_ordinary_status_costs_less_than_half_of_what_it_costs_pyyaml() -> None:
    assert yaml_bytes(STATUS) == by_pyyaml(STATUS)
    assert 2 * _seconds(yaml_bytes) < _seconds(by_pyyaml)


def _seconds(write: Any) -> float:
    """The least processor time of a few tries, with a text that is new each time."""

    def once() -> float:
        began = time.process_time()
        for number in range(100):
            write({**STATUS, "requestId": f"3ba24d2b-c1b9-4e48-afff-{number:012}"})
        return time.process_time() - began

    return min(once() for _ in range(5))
