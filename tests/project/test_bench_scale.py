"""The part `scale` can be measured, at sizes that take seconds; what it says of 100 000 jobs belongs to the bench."""

from pathlib import Path

import pytest

from bench.__main__ import PARTS
from bench.scale import rows
from bench.scale.sizes import Sizes

pytestmark = pytest.mark.slow

TINY = Sizes(
    manifests=30, folders=(2, 3), few=12, small=10, running=6, window=1.0, sets=2, cells=2, rounds=1,
)  # fmt: skip
MEASURED = {
    "first load",
    "first load, processor time",
    "memory, new jobs",
    "ready after a restart",
    "processor time of a restart",
    "memory, finished jobs",
    *(f"{command} NAME, {what}" for command in ("why", "describe", "get") for what in ("processor time", "memory")),
    *(f"{command} NAME, from start to end" for command in ("why", "describe", "get")),
    "get, the first 10 lines",
    "turn without news",
    "processor time per submitted job",
    "in flight",
    "polls meanwhile",
    "scans meanwhile",
    "memory",
    "memory after a restart",
}


TOO_SMALL = {
    # Nothing happens in the one second of the window.
    *("polls meanwhile", "scans meanwhile", "in flight"),
    # Differences between starts that take almost the same time.
    *("first load, processor time", "processor time per submitted job"),
}


def test_every_figure_of_the_part_is_measured() -> None:
    found = list(rows(TINY))
    assert {row.what for row in found} == MEASURED
    assert [row for row in found if row.figure <= 0 and row.what not in TOO_SMALL] == []


def test_every_part_of_the_bench_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "development.md").read_text(encoding="utf-8")
    assert [part for part in PARTS if f"| `{part}` |" not in page] == []
