"""A job that takes over another name's run, as every command shows it, and plan, sync and budget agree on the price."""

import json
from typing import Any

import pytest

from controller.cli.output.plan_table import plan_table
from controller.operations.plan.plan import plan
from tests.conftest import Workspace, ndvi
from tests.support.command import shjobs
from tests.support.factories import FOREIGN_ID

pytestmark = pytest.mark.slow

SAME = 14.41
BUDGET = {"SHJOBS_MONTHLY_BUDGET": "15"}
"""Enough for one request of 10 PU, not for two."""


@pytest.fixture
def renamed(workspace: Workspace) -> Workspace:
    """A job that was delivered as `first` and is called `second` since."""
    workspace.write("ndvi.yaml", ndvi("first", SAME))
    assert workspace.sync()["first"]["phase"] == "Succeeded"
    workspace.write("ndvi.yaml", ndvi("second", SAME))
    assert workspace.sync()["second"]["reason"] == "Reused"
    return workspace


def run(workspace: Workspace, *arguments: str) -> tuple[int, str, str]:
    done = shjobs(*arguments, cwd=workspace.root, environment=dict(workspace.environment))
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def shown(workspace: Workspace, *arguments: str) -> Any:
    return json.loads(run(workspace, *arguments, "-o", "json")[1])


def test_the_status_file_names_the_run_and_its_outputs(renamed: Workspace) -> None:
    [status] = renamed.status("ndvi.status.yaml")
    assert (status["name"], status["phase"], status["reason"]) == ("second", "Succeeded", "Reused")
    assert (status["sharedWith"], status["processingUnits"]) == ("first", {"spent": 0.0})
    [output] = status["outputs"]
    assert output["href"].startswith("s3://my-bucket/rasters/first/")
    assert status["requestId"] in output["href"]
    assert renamed.posts() == 1


def test_every_command_shows_it(renamed: Workspace) -> None:
    assert shown(renamed, "get")[0]["reason"] == "Reused"
    assert run(renamed, "wait", "second")[0] == 0
    assert "delivered for 'first', which has the same request" in run(renamed, "why", "second")[1]
    described = shown(renamed, "describe", "second")
    assert (described["sharedWith"], described["submissions"]) == ("first", [])
    assert "shared with  first" in run(renamed, "describe", "second")[1]
    assert "Reused" in run(renamed, "events", "second")[1]


def test_its_outputs_are_fetched_under_its_own_name(renamed: Workspace) -> None:
    assert run(renamed, "fetch", "second")[0] == 0
    assert (renamed.root / "fetched" / "second" / "default.tif").is_file()


@pytest.mark.parametrize(
    "command", [("resolve", "second", "--not-accepted"), ("adopt", "second", FOREIGN_ID)], ids=["resolve", "adopt"]
)
def test_a_command_about_its_request_names_the_job_that_has_it(renamed: Workspace, command: tuple[str, ...]) -> None:
    code, _, wrong = run(renamed, *command)
    assert code == 2
    assert "second shares the run of first (" in wrong
    assert "`shjobs describe first` shows it" in wrong


def test_plan_sync_and_budget_agree_that_two_names_cost_one_request(workspace: Workspace) -> None:
    for name in ("a", "b", "c"):
        workspace.write(f"{name}.yaml", ndvi(name, SAME))
    settings = workspace.settings(**BUDGET)
    found = plan(settings)
    assert {job["name"]: job["action"] for job in found["jobs"]} == {"a": "submit", "b": "share", "c": "share"}
    assert (found["totals"]["submissions"], found["totals"]["reserved"], found["budget"]["leftAfter"]) == (1, 10, 5)
    assert "1 submit (10 PU) · 2 share\n" in plan_table(found)
    reasons = {name: status["reason"] for name, status in workspace.sync(settings).items()}
    assert reasons == {"a": "Delivered", "b": "Reused", "c": "Reused"}
    assert workspace.posts() == 1
    after = plan(settings)
    assert ({job["action"] for job in after["jobs"]}, after["budget"]["leftAfter"]) == ({"unchanged"}, 5)


def test_shared_jobs_are_no_large_change(workspace: Workspace) -> None:
    for number in range(4):
        workspace.write(f"{number}.yaml", ndvi(f"job-{number}", SAME))
    reasons = [each["reason"] for each in workspace.sync(workspace.settings(SHJOBS_LARGE_CHANGE_JOBS="1")).values()]
    assert sorted(reasons) == ["Delivered", *["Reused"] * 3]
