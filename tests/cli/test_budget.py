"""What `shjobs budget` prints."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller.ledger.store import Store
from controller.operations.inspect.forecast import forecast
from tests.conftest import Workspace, ndvi
from tests.support.command import shjobs
from tests.support.factories import job, submission, wanted
from tests.support.small_set import months


def test_no_control_sequence_of_a_label_reaches_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "shjobs.toml").write_text('deployment = "sandbox"\n', encoding="utf-8")
    (tmp_path / "state").mkdir()
    with Store.open(tmp_path / "state", {}) as store, store.transaction():
        store.save_job(job(history=None, wanted=wanted(labels=(("team", "\x1b[31mred\u202e"),))), "{}")
        store.add(submission(number=0, intended_at=datetime.now(UTC)), "{}")
    shown = shjobs("budget", "--by", "team", cwd=tmp_path).stdout
    assert r"\x1b[31mred\u202e" in shown
    assert not {"\x1b", "\u202e"} & set(shown)
    assert "\n  LABEL" in shown


NOVEMBER = datetime(2025, 11, 10, 12, tzinfo=UTC)
FARM = months(begin="2025-09", end="2026-01", after="5d")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "settings"),
    [
        pytest.param("  template:\n", "  template:\n    hold: true\n", {}, id="hold"),
        pytest.param("  template:\n", "  limits: {perWindow: 5}\n  template:\n", {}, id="perWindow"),
        pytest.param("", "", {"SHJOBS_APPROVAL_ABOVE": "5"}, id="approvalAbove"),
    ],
)
def test_what_a_manifest_holds_is_not_forecast(
    workspace: Workspace, old: str, new: str, settings: dict[str, str]
) -> None:
    workspace.write("farm.yaml", FARM.replace(old, new))
    assert forecast(workspace.settings(**settings), NOVEMBER) == []


@pytest.mark.slow
def test_a_forecast_names_a_set_that_will_be_rejected(workspace: Workspace) -> None:
    """The cell of November, due in December, has the name of another job."""
    workspace.write("farm.yaml", FARM)
    workspace.write("other.yaml", ndvi("farm-2025-11"))
    [found] = forecast(workspace.settings(), NOVEMBER)
    unknown = {"jobs": None, "estimated": None, "upper": None}
    assert (found["set"], found["thisMonth"]["jobs"], found["nextMonth"]) == ("farm", 0, unknown)
    assert "E194" in found["problem"]


@pytest.mark.slow
def test_a_budget_names_a_set_that_is_rejected(workspace: Workspace) -> None:
    workspace.write("farm.yaml", FARM)
    workspace.sync()
    workspace.write("farm.yaml", FARM.replace("every: month", "every: moon"))
    workspace.sync()
    *_, row, words = shjobs("budget", cwd=workspace.root, environment=dict(workspace.environment)).stdout.splitlines()
    assert row.split() == ["farm", *"------"]
    assert words.startswith("  farm is rejected, or will be: farm.yaml:")
