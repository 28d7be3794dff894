"""A manifest laid out by us is laid out like a shipped one, and reads back as exactly what it was made from."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.manifest.document import read_documents
from controller.manifest.dump import manifest_text
from tests.support.paths import ROOT

JOBS = ROOT / "jobs.d"
TEXTS = st.text(st.characters(codec="utf-8"), max_size=150) | st.sampled_from(
    ["1e3", "012", "true", "~", "0x1", "on", "-", "- a", "a: b", "a #b", "2022-01-01", "{", "'", '"', "\n", ".inf", ""]
)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=20
)


@pytest.mark.parametrize("path", [JOBS / f"{name}.yaml" for name in ("ndvi", "cloudless", "true-color", "median")])
def test_a_shipped_manifest_is_laid_out_as_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    [document] = read_documents(text, path.name)
    bare = "".join(f"{line}\n" for line in text.splitlines() if not line.lstrip().startswith("#"))
    assert manifest_text(document.value) == bare


@pytest.mark.slow
@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4))
def test_every_value_is_read_back(value: dict[str, Any]) -> None:
    [document] = read_documents(manifest_text(value), "any.yaml")
    assert document.value == value
