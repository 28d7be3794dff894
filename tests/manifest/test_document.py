"""Text in, plain values with their places out; whatever is written, nothing is raised."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from controller.manifest.document import Document, field_name, read_documents


def read(text: str, path: str = "jobs.yaml") -> Document:
    (document,) = read_documents(text, path)
    return document


def reported(text: str, path: str = "jobs.yaml") -> list[str]:
    return [str(problem) for document in read_documents(text, path) for problem in document.problems]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        pytest.param("on", "on", id="on is text"),
        pytest.param("yes", "yes", id="yes is text"),
        pytest.param("True", True, id="True is true"),
        pytest.param("12:30", "12:30", id="a time is text, not base 60"),
        pytest.param("2022-06-20", "2022-06-20", id="a date is text"),
        pytest.param("2022-06-20T00:00:00Z", "2022-06-20T00:00:00Z", id="a date-time is text"),
        pytest.param("012", 12, id="a leading zero is not octal"),
        pytest.param("0o17", 15, id="0o is octal"),
        pytest.param("0xff", 255, id="0x is hexadecimal"),
        pytest.param("1_000", "1_000", id="an underscore makes text"),
        pytest.param("-7", -7, id="a negative integer"),
        pytest.param("1e3", 1000.0, id="an exponent makes a float"),
        pytest.param(".5", 0.5, id="a float without a zero"),
        pytest.param("~", None, id="a tilde is null"),
        pytest.param("'10'", "10", id="quotes make text"),
        pytest.param("<<", "<<", id="there are no merge keys"),
        pytest.param("9007199254740991", 9007199254740991, id="the largest exact integer"),
    ],
)
def test_plain_scalars_follow_yaml_1_2(written: str, value: Any) -> None:
    document = read(f"a: {written}")
    assert (document.value, document.problems) == ({"a": value}, ())
    assert type(document.value["a"]) is type(value)


def test_every_key_and_item_has_its_place() -> None:
    document = read("a:\n  b: [1, {c: é, d: 2}]\n  e:\n    - f: 1\n")
    assert document.places == {
        (): (1, 1),
        ("a",): (1, 1),
        ("a", "b"): (2, 3),
        ("a", "b", 0): (2, 7),
        ("a", "b", 1): (2, 10),
        ("a", "b", 1, "c"): (2, 11),
        ("a", "b", 1, "d"): (2, 17),
        ("a", "e"): (3, 3),
        ("a", "e", 0): (4, 7),
        ("a", "e", 0, "f"): (4, 7),
    }


def test_what_is_missing_stands_where_it_would_belong() -> None:
    document = read("a:\n  b: 1\n")
    assert document.place(("a", "c", 0, "d")) == document.place(("a",)) == (1, 1)


def test_json_has_places_too_with_tabs_and_surrogate_pairs() -> None:
    document = read('{\t"a": [1, "\\ud83d\\ude00"],\r\n\t"b": {"c": 1.50}}', "jobs.json")
    assert document.value == {"a": [1, "😀"], "b": {"c": 1.5}}
    assert document.place(("b", "c")) == (2, 8)
    assert document.problems == ()


def test_empty_documents_do_not_count() -> None:
    documents = read_documents("---\n# nothing\n---\na: 1\n---\n~\n---\nb: 2\n", "jobs.yaml")
    assert [(each.index, each.value) for each in documents] == [(0, {"a": 1}), (1, {"b": 2})]
    assert read_documents("# only a comment\n", "jobs.yaml") == ()
    assert read_documents(" \n", "jobs.json") == ()


def test_a_byte_order_mark_is_not_part_of_the_text() -> None:
    assert read("\ufeffa: 1").place(("a",)) == (1, 1)


def test_null_values_are_listed() -> None:
    assert read("a:\nb: [~, 1]\n").empty == (("a",), ("b", 0))


UNREADABLE = {
    "a key twice": (
        "a: 1\nb: 2\na: 3\n",
        "jobs.yaml:3:1: E101 a: this key occurs twice (first in line 1): keep one of the two",
    ),
    "an anchor and its alias": (
        "a: &x 1\nb: *x\n",
        "jobs.yaml:1:4: E102 a: anchors and aliases (`&`, `*`) are not supported: write the value out where it "
        "is meant\n"
        "jobs.yaml:2:4: E102 b: anchors and aliases (`&`, `*`) are not supported: write the value out where it "
        "is meant",
    ),
    "tags": (
        "a: !!str 1\nb: !x [1]\n",
        "jobs.yaml:1:4: E102 a: tags (`!`) are not supported: write the plain value\n"
        "jobs.yaml:2:4: E102 b: tags (`!`) are not supported: write the plain value",
    ),
    "a number as key": ("1: x\n", "jobs.yaml:1:1: E102: a key must be text: put it in quotes"),
    "a list as key": ("? [a, b]\n: 1\n", "jobs.yaml:1:3: E102: a key must be text: put it in quotes"),
    "infinity": ("a: .inf\n", "jobs.yaml:1:4: E102 a: must be a finite number"),
    "a number too large for a float": ("a: 1e999\n", "jobs.yaml:1:4: E102 a: must be a finite number"),
    "an integer too large for JSON": (
        "a: 9007199254740992\n",
        "jobs.yaml:1:4: E102 a: this whole number is too large to be sent exactly: write a smaller one, or put "
        "it in quotes if it is text",
    ),
    "a tab": ("a:\n\t- b\n", "jobs.yaml:2:1: E100: a tab cannot indent YAML: use spaces"),
    "a reserved sign": ("a: @b\n", "jobs.yaml:1:4: E100: a plain value cannot begin with `@`: put it in quotes"),
    "two colons": (
        "a: b: c\n",
        "jobs.yaml:1:5: E100: is not valid YAML: mapping values are not allowed in this context",
    ),
    "a list that is not closed": (
        "a: [1\nb: 2\n",
        "jobs.yaml:2:2: E100: is not valid YAML: did not find expected ',' or ']' (while parsing a flow "
        "sequence, which begins in line 1)",
    ),
    "a bell": ("a: \x07\n", "jobs.yaml:1:4: E100: the character U+0007 does not belong into a text file"),
}


@pytest.mark.parametrize(("text", "messages"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_told_with_its_place(text: str, messages: str) -> None:
    assert reported(text) == messages.splitlines()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # Newer Pythons name the comma itself, older ones what they expected after it.
        pytest.param('{"a": 1,}', "1:[89]: E100: is not valid JSON: ", id="a comma too many"),
        pytest.param("{'a': 1}", "1:2: E100: is not valid JSON: expecting", id="single quotes"),
        pytest.param("{} {}", "1:4: E100: is not valid JSON: a JSON file holds one document", id="two documents"),
        pytest.param('{"a": NaN}', "1:7: E102 a: must be a finite number", id="NaN"),
        pytest.param('{"a": 1, "a": 2}', "1:10: E101 a: this key occurs twice", id="a key twice"),
        pytest.param('{"a": "\\ud800"}', "1:7: E102 a: half of a surrogate pair", id="a lone surrogate"),
    ],
)
def test_json_is_json(text: str, message: str) -> None:
    (line,) = reported(text, "jobs.json")
    assert re.match(f"jobs.json:{message}", line)


def test_the_documents_before_a_syntax_error_are_kept() -> None:
    good, bad = read_documents("a: 1\n---\nb: [\n", "jobs.yaml")
    assert (good.value, good.problems) == ({"a": 1}, ())
    assert (bad.index, bad.value, len(bad.problems)) == (1, None, 1)


def test_a_billion_laughs_are_refused_not_expanded() -> None:
    lines = ["a0: &a0 [ha, ha]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 30))]
    document = read("\n".join(lines))
    assert len(document.problems) == 30 + 58
    assert document.value["a29"] == [None, None]


@pytest.mark.parametrize("text", ["[" * 5000, "- " * 5000, "{a: " * 5000, "[" * 5000 + "]" * 5000])
@pytest.mark.parametrize("path", ["jobs.yaml", "jobs.json"])
def test_deep_nesting_ends_in_a_problem(text: str, path: str) -> None:
    assert reported(text, path)


def test_a_field_is_written_as_people_write_it() -> None:
    assert field_name(("spec", "request", "input", "data", 0, "type")) == "spec.request.input.data[0].type"


@given(text=st.text(st.sampled_from("ab:,-{}[]\"'&*!|>%@`#?~ \n\t\r\\u0019.e\ufeff\x00é\ud800"), max_size=40))
@example(text="? ")
@example(text="%YAML 9.9\n---\na")
def test_no_text_raises(text: str) -> None:
    for path in ("jobs.yaml", "jobs.json"):
        for document in read_documents(text, path):
            assert document.value is not None or document.problems


@pytest.mark.parametrize(
    ("text", "is_folded"),
    [
        pytest.param("a: >\n  one\n  two\n", True, id="a folded block"),
        pytest.param("a: >-\n  one\n  two\n", True, id="a folded block without its last line break"),
        pytest.param("a:\n  one\n  two\n", True, id="a plain text of two lines"),
        pytest.param('a: "one\n  two"\n', True, id="a quoted text of two lines"),
        pytest.param("a: >\n  one\n", False, id="a folded block of one line"),
        pytest.param("a: >\n  one\n\n  two\n", False, id="a folded block whose lines stand apart"),
        pytest.param("a: >\n  one\n    two\n", False, id="a folded block whose second line is further in"),
        pytest.param("a: |\n  one\n  two\n", False, id="a literal block"),
        pytest.param('a: "one\\ntwo"\n', False, id="a quoted text with an escaped line break"),
        pytest.param("a: one\n", False, id="a plain text"),
    ],
)
def test_a_text_that_lost_line_breaks_is_marked(text: str, is_folded: bool) -> None:
    [document] = read_documents(text, "a.yaml")
    assert (document.folded, document.problems) == (((("a",),) if is_folded else ()), ())
