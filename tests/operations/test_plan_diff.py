"""The difference between two bodies: what a person reads before paying for a changed job."""

from typing import Any

import pytest

from controller.operations.plan.diff import LONGEST_VALUE, MOST_FIELDS, MOST_LINES, difference, format_value
from tests.manifest.test_digest import VECTORS, changed

SCRIPT = "//VERSION=3\nfunction setup() {\n  return 1;\n}\n"


def lines(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [format_value(field) for field in difference(before, after).fields]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param({}, {}, [], id="nothing"),
        pytest.param(
            {}, {"input.bounds.bbox.2": 462010}, ["input.bounds.bbox[2]: 462000 -> 462010"], id="one coordinate"
        ),
        pytest.param({}, {"output.resx": 20, "output.resy": 20}, ["output.resx: 10 -> 20", "output.resy: 10 -> 20"],
                     id="two fields, in the order of their names"),
        pytest.param({}, {"output.resx": 10.0}, [], id="a number spelled in another way"),
        pytest.param({}, {"input.data.0.type": "S2L2A"}, [], id="an older name of the collection"),
        pytest.param({}, {"input.data.0.dataFilter.maxCloudCoverage": 20},
                     ["input.data[0].dataFilter.maxCloudCoverage: added 20"], id="a field that was not there"),
        pytest.param({"input.data.0.dataFilter.maxCloudCoverage": 20}, {},
                     ["input.data[0].dataFilter.maxCloudCoverage: removed 20"], id="a field that is gone"),
        pytest.param({}, {"input.data.1": {"type": "sentinel-1-grd"}},
                     ['input.data[1]: added {"type": "sentinel-1-grd"}'], id="an item more in a list"),
        pytest.param({"input.data.1": {"type": "sentinel-1-grd"}}, {},
                     ['input.data[1]: removed {"type": "sentinel-1-grd"}'], id="an item less in a list"),
        pytest.param({}, {"output.delivery.s3.url": "s3://my-bucket/other"},
                     ['output.delivery.s3.url: "s3://my-bucket/ndvi" -> "s3://my-bucket/other"'], id="another place"),
        pytest.param({}, {"output.delivery.s3.credentialsRef": "a"}, [], id="the name of a credential"),
    ],
)  # fmt: skip
def test_fields_are_told_by_their_path(one: dict[str, Any], other: dict[str, Any], expected: list[str]) -> None:
    assert lines(changed(one), changed(other)) == expected


def test_true_is_not_one() -> None:
    """In Python they are equal; the digest tells them apart, and so does the difference."""
    one, other = changed({"input.data.0.dataFilter.x": True}), changed({"input.data.0.dataFilter.x": 1})
    assert lines(one, other) == ["input.data[0].dataFilter.x: true -> 1"]


@pytest.mark.parametrize("pair", [pytest.param(each, id=each["id"]) for each in VECTORS["pairs"]])
def test_bodies_differ_exactly_when_their_digests_do(pair: dict[str, Any]) -> None:
    found = difference(changed(pair["one"]), changed(pair["other"]))
    assert bool(found) is not pair["same"]


def test_a_script_is_told_as_a_unified_diff() -> None:
    one, other = changed({"evalscript": SCRIPT}), changed({"evalscript": SCRIPT.replace("return 1", "return 2")})
    assert difference(one, other).document() == {
        "evalscript": ["@@ -1,4 +1,4 @@", " //VERSION=3", " function setup() {", "-  return 1;", "+  return 2;", " }"]
    }


def test_line_ends_of_a_script_are_no_difference() -> None:
    one, other = changed({"evalscript": SCRIPT}), changed({"evalscript": SCRIPT.replace("\n", "\r\n") + "\r\n"})
    assert not difference(one, other)


def test_a_long_difference_is_cut_and_says_how_much_is_left_out() -> None:
    ring = [[0.0, float(step)] for step in range(100)]
    moved = [[1.0, y] for _, y in ring]
    one = changed({"input.bounds.geometry": {"type": "Polygon", "coordinates": [ring]}, "evalscript": "a\n" * 100})
    other = changed({"input.bounds.geometry": {"type": "Polygon", "coordinates": [moved]}, "evalscript": "b\n" * 100})
    found = difference(one, other)
    assert (len(found.fields), found.more_fields) == (MOST_FIELDS, 100 - MOST_FIELDS)
    assert (len(found.script), found.more_lines) == (MOST_LINES, 201 - MOST_LINES)


def test_a_long_value_is_cut() -> None:
    field = {"path": "input.bounds.geometry", "after": "x" * 500}
    assert format_value(field) == f'input.bounds.geometry: added "{"x" * (LONGEST_VALUE - 1)}…'
