"""What is doubtful is said where it is paid for: the warnings of `check`."""

import logging

import pytest

from controller.cli.output.plan_markdown import markdown
from controller.cli.output.plan_table import plan_table
from controller.ledger.store import Store
from controller.operations.plan.plan import plan
from tests.conftest import Workspace, ndvi

pytestmark = pytest.mark.slow

WASTED = ndvi().replace("[index(sample.B08, sample.B04)]", "[sample.B04 * sample.B08 / sample.B03]")
"""10 PU were paid for its raster, which is 255 everywhere: B03 is read, but not requested."""
HOLD = {"SHJOBS_HOLD_ON": "W004"}


def silenced(comment: str) -> str:
    return WASTED.replace("//VERSION=3\n", f"//VERSION=3\n      // shjobs: ignore W004{comment}\n")


def test_a_plan_shows_the_warnings_of_what_it_submits_in_the_table_the_comment_and_the_json(
    workspace: Workspace,
) -> None:
    workspace.write("ndvi.yaml", WASTED)
    found = plan(workspace.settings())
    [warning] = found["jobs"][0]["warnings"]
    assert (found["jobs"][0]["action"], "W004" in warning) == ("submit", True)
    assert f"  {warning}" in plan_table(found).splitlines()
    assert "<code>ndvi</code>: 1 warning</summary>" in markdown(found)
    workspace.sync()
    assert "warnings" not in plan(workspace.settings())["jobs"][0]


def test_it_is_logged_and_an_event_when_it_is_paid_for(workspace: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    workspace.write("one.yaml", WASTED.replace("name: ndvi", "name: one"))
    plan(workspace.settings())
    assert caplog.messages == []
    with caplog.at_level(logging.WARNING):
        workspace.sync()
    [line] = [each for each in caplog.messages if "W004" in each]
    assert line.startswith("one is submitted with a warning: one.yaml:")
    with Store.copy_of(workspace.state) as store:
        [event] = [each for each in store.reader().events(["one"], 100) if each["reason"] == "Warnings"]
    assert line == f"one is {event['message']}"


def test_hold_on_holds_it_until_it_is_silenced_with_a_reason(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", WASTED)
    settings = workspace.settings(**HOLD)
    [planned] = plan(settings)["jobs"]
    assert (planned["action"], planned["reason"]) == ("hold", "Warned")
    for text in (WASTED, silenced("")):
        workspace.write("ndvi.yaml", text)
        for _turn in ("at first", "after a restart"):
            status = workspace.sync(settings)["ndvi"]
            assert (status["phase"], status["reason"], workspace.posts()) == ("Held", "Warned", 0)
            assert "W004" in status["message"]
    workspace.write("ndvi.yaml", silenced(" the raster is a test"))
    assert workspace.sync(settings)["ndvi"]["phase"] == "Succeeded"


def test_hold_on_is_obeyed_for_what_was_accepted_before_it_was_set(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", WASTED.replace("spec:\n", "spec:\n  hold: true\n"))
    assert workspace.sync()["ndvi"]["reason"] == "OnHold"
    workspace.write("ndvi.yaml", WASTED)
    assert workspace.sync(workspace.settings(SHJOBS_HOLD_ON="warning"))["ndvi"]["reason"] == "Warned"
    assert workspace.sync()["ndvi"]["phase"] == "Succeeded"
