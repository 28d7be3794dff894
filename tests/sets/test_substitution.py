"""Filling in a template: whole values of any type, whole segments of a path, and nothing else."""

from typing import Any

import pytest

from controller.sets.substitution import compiled, references

FIELDS: dict[str, dict[str, Any]] = {
    "tile": {"key": "33n-e400-n5000", "bbox": [1, 2, 3, 4], "width": 5000},
    "index": {"key": "ndvi", "script": "ndvi.js", "threshold": 0.3, "on": True, "more": {"a": [1]}},
}
FILLED = [
    pytest.param("$index", "ndvi", id="the name alone is the key"),
    pytest.param("$index.script", "ndvi.js", id="text"),
    pytest.param("$index.threshold", 0.3, id="a number stays a number"),
    pytest.param("$index.on", True, id="true stays true"),
    pytest.param("$tile.bbox", [1, 2, 3, 4], id="a list"),
    pytest.param("$index.more", {"a": [1]}, id="a mapping"),
    pytest.param("s3://bucket/$index.key/$tile", "s3://bucket/ndvi/33n-e400-n5000", id="whole segments of a URL"),
    pytest.param("scripts/$index.script", "scripts/ndvi.js", id="a segment of a path"),
    pytest.param("s3://bucket/x-$index", "s3://bucket/x-$index", id="a part of a segment is no reference"),
    pytest.param("$index.script.js", "$index.script.js", id="no expressions"),
    pytest.param("costs $index", "costs $index", id="no text around it"),
    pytest.param("$$index.script", "$index.script", id="two dollars are one"),
    pytest.param("${index}", "${index}", id="no other notation"),
    pytest.param(7, 7, id="a number"),
    pytest.param(None, None, id="nothing"),
    pytest.param([{"a": "$tile.width"}, "b"], [{"a": 5000}, "b"], id="inside lists and mappings"),
    pytest.param({"evalscript": "$index/$tile"}, {"evalscript": "$index/$tile"}, id="a script has dollars of its own"),
    pytest.param({"$index": 1}, {"$index": 1}, id="a key is never filled in"),
]


@pytest.mark.parametrize(("template", "filled"), FILLED)
def test_a_template_is_filled_in(template: Any, filled: Any) -> None:
    found = compiled(template)(FIELDS)
    assert found == filled
    assert type(found) is type(filled)


def test_what_is_filled_in_is_not_read_again() -> None:
    """A value that looks like a reference, or like markup, stays what it is."""
    fields = {"a": {"key": "$b.key", "x": "}}\n- y: z"}, "b": {"key": "secret"}}
    assert compiled({"one": "$a", "two": "p/$a.x"})(fields) == {"one": "$b.key", "two": "p/}}\n- y: z"}


def test_what_does_not_change_is_shared() -> None:
    template = {"same": {"deep": [1, 2]}, "other": "$index"}
    first, second = (compiled(template)(FIELDS) for _ in range(2))
    assert first["same"] is second["same"] is template["same"]


def test_the_template_itself_never_changes() -> None:
    template = {"a": ["$index.threshold"]}
    compiled(template)(FIELDS)
    assert template == {"a": ["$index.threshold"]}


def test_every_reference_is_found_with_its_path() -> None:
    template = {"a": "$tile.bbox", "b": [{"c": "s3://x/$index.key/$window"}], "evalscript": "$tile"}
    assert list(references(template)) == [
        (("a",), "tile", "bbox"),
        (("b", 0, "c"), "index", "key"),
        (("b", 0, "c"), "window", "key"),
    ]
