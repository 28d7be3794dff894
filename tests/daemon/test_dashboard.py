"""The dashboard for Grafana: every panel asks for metrics that a daemon has, by labels that these have."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest

from controller.daemon.metrics import Metrics
from controller.limits.budget import Spending
from controller.model.answers import StillRunning
from controller.notify.tally import Tally
from controller.reconcile.calls.workers import Get, Got
from controller.reconcile.health import Health
from tests.support.factories import submission
from tests.support.paths import ROOT

DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana" / "shjobs.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def expressions() -> Iterator[tuple[str, str]]:
    for panel in DASHBOARD["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])
    yield from (
        (each["name"], each["query"]["query"]) for each in DASHBOARD["templating"]["list"] if each["type"] == "query"
    )


ASKED = [*expressions()]


@pytest.fixture(scope="module")
def metrics() -> dict[str, set[str]]:
    """The labels of every metric of a daemon with a budget that has made a call and a scan."""
    health = Health(at=NOW, scanned_at=NOW, spending=Spending(month="2026-03", budget=100.0))
    made = Metrics(lambda: health, lambda: NOW, "sandbox", 60.0, Tally(("team",)))
    made.called(Got(call=Get(submission=submission()), answer=StillRunning()), 0.1)
    made.scanned(0.1)
    found: dict[str, set[str]] = {}
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? ", made.page().decode(), re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r"(\w+)=", labels))
    return found


@pytest.mark.parametrize(("where", "expression"), ASKED, ids=[f"{a}: {b}"[:80] for a, b in ASKED])
def test_a_panel_asks_for_what_there_is(where: str, expression: str, metrics: dict[str, set[str]]) -> None:
    named = re.findall(r"\b(shjobs_\w+)(?:\{([^}]*)\})?", expression)
    assert named, where
    grouped = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", expression)))) - {"instance"}
    for name, selector in named:
        labels = set(re.findall(r"(\w+)(?==|!=|=~|!~)", selector)) - {"instance"}
        assert name in metrics, f"{where}: there is no {name}"
        assert labels | grouped <= metrics[name], f"{where}: {name} has the labels {sorted(metrics[name])}"


def test_the_panels_neither_overlap_nor_stick_out() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {*product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"]))}
        assert not cells & taken and max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
