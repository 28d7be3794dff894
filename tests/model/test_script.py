"""Reading the comment that says which version of evalscripts a text is written in."""

import pytest

from controller.model.script import Pragma, pragma


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("//VERSION=3\nx", Pragma(version=3, start=0, end=11, remark=""), id="bare"),
        pytest.param("\n  // VERSION = 3\nx", Pragma(version=3, start=3, end=17, remark=""), id="with white space"),
        pytest.param(
            "//VERSION=3 (auto-converted from 1)\r\nx",
            Pragma(version=3, start=0, end=11, remark="(auto-converted from 1)"),
            id="a remark ends with its line",
        ),
        pytest.param("\ufeff//VERSION=3", Pragma(version=3, start=1, end=12, remark=""), id="a byte order mark"),
        pytest.param("// a\n/* b\n*/\n//VERSION=2", Pragma(version=2, start=13, end=24, remark=""), id="comments"),
        pytest.param("let x; //VERSION=3", None, id="code comes first"),
        pytest.param("/* //VERSION=3", None, id="a comment that never ends"),
        pytest.param("", None, id="nothing at all"),
    ],
)
def test_the_version_comment_of(text: str, expected: Pragma | None) -> None:
    assert pragma(text) == expected
