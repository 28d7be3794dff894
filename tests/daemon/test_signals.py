"""What the daemon says by itself when a merge has no effect, and how loud it says what happens to jobs."""

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from controller.operations.inspect.job_states import events
from controller.sandbox.faults.faults import Fault
from tests.conftest import Workspace, ndvi
from tests.daemon.test_daemon import reaches, running, until
from tests.support.command import shjobs

pytestmark = pytest.mark.slow
BROKEN = ndvi().replace("width: 64", "width: many")
WRONG = "E106 spec.request.output.width: must be a whole number, not text"
SCRIPT = ndvi("script").replace("return [index", "return [inedx")
REJECTED = re.compile(r'^shjobs_rejected\{kind="(\w+)"\} (\d+)\.0$', re.MULTILINE)


def lines(log: str) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in log.splitlines()]


def rejected_events(workspace: Workspace) -> list[tuple[str, str | None]]:
    found = events(workspace.settings(), (), 100)
    return [(each["reason"], each["job"]) for each in found if each["reason"] in ("Rejected", "Accepted")]


def rejected_kinds(page: str) -> dict[str, int]:
    return {kind: int(count) for kind, count in REJECTED.findall(page) if int(count)}


def test_an_accepted_job_whose_manifest_breaks_is_said_by_every_signal(workspace: Workspace) -> None:
    """There was no log line, no event and no metric; ready said ok, and `get` and `sync` ended with 0."""
    workspace.write("ndvi.yaml", ndvi())
    with running(workspace, "--log-format", "json") as daemon:
        reaches(workspace, "Succeeded")
        workspace.write("ndvi.yaml", BROKEN)
        until(lambda: WRONG in daemon.page("/readyz")[1], "it is said")
        assert daemon.page("/readyz") == (
            200, f"ok\nManifestsRejected: ndvi.yaml:15:7: {WRONG}; nothing is submitted until this is mended\n"
        )  # fmt: skip
        assert rejected_kinds(daemon.page("/metrics")[1]) == {"Manifest": 1}
        got = shjobs("get", "-o", "json", cwd=workspace.root, environment=dict(workspace.environment))
        accepted = json.loads(got.stdout)[0]["conditions"][-1]
        assert (got.returncode, accepted["type"], accepted["status"], accepted["reason"]) == (
            *(1, "Accepted"), "False", "Rejected",
        )  # fmt: skip
        time.sleep(0.5)  # many scans
        assert rejected_events(workspace) == [("Rejected", "ndvi")]
        workspace.write("ndvi.yaml", ndvi())
        until(lambda: len(rejected_events(workspace)) > 1, "it is mended")
        until(lambda: daemon.page("/readyz")[1] == "ok\n", "and said so")
        assert daemon.stop() == 0
    said = [each for each in lines(daemon.log) if each.get("path") == "ndvi.yaml"]
    assert [(each["level"], each["reason"], each["job"]) for each in said] == [
        ("error", "Rejected", "ndvi"),
        ("info", "Accepted", "ndvi"),
    ]
    assert {key: said[0][key] for key in ("code", "kind", "line")} == {"code": "E106", "kind": "Manifest", "line": 15}


def broken_manifest(workspace: Workspace) -> None:
    workspace.write("new.yaml", BROKEN)


def broken_script(workspace: Workspace) -> None:
    workspace.write("script.yaml", SCRIPT)


def same_name(workspace: Workspace) -> None:
    workspace.write("a.yaml", ndvi("twin"))
    workspace.write("b.yaml", ndvi("twin"))


def broken_link(workspace: Workspace) -> None:
    (workspace.jobs / "link.yaml").symlink_to("nowhere.yaml")


def newline_in_its_name(workspace: Workspace) -> None:
    workspace.write("a\nLedgerUnusable: no.yaml", BROKEN.replace("name: ndvi", "name: other"))


def no_text(workspace: Workspace) -> None:
    (workspace.jobs / "bytes.yaml").write_bytes(b"\xff\xfe\x00")


def unreadable_folder(workspace: Workspace) -> None:
    folder = Path(workspace.jobs, *["deep"] * 70)
    folder.mkdir(parents=True)


WITHOUT_EFFECT = [
    pytest.param(broken_manifest, "Manifest", "ndvi", id="a new manifest with an error"),
    pytest.param(broken_script, "Evalscript", "script", id="a script that fails everywhere"),
    pytest.param(same_name, "NameConflict", "twin", id="two documents of one name"),
    pytest.param(broken_link, "Unreadable", None, id="a link that leads nowhere"),
    pytest.param(newline_in_its_name, "Manifest", "other", id="a file whose name would be another line"),
    pytest.param(no_text, "Unreadable", None, id="a file that is no text"),
    pytest.param(unreadable_folder, "Unreadable", None, id="a folder that is not read"),
]


@pytest.mark.parametrize(("breaks", "kind", "job"), WITHOUT_EFFECT)
def test_what_a_merge_brings_without_effect_is_counted_by_kind(
    workspace: Workspace, breaks: Any, kind: str, job: str | None
) -> None:  # fmt: skip
    workspace.write("good.yaml", ndvi("good", 14.2))
    with running(workspace) as daemon:
        reaches(workspace, "Succeeded", "good")
        breaks(workspace)
        until(lambda: rejected_kinds(daemon.page("/metrics")[1]) == {kind: 1}, "it is counted")
        assert len(daemon.page("/readyz")[1].splitlines()) == 2
        assert 'shjobs_jobs{phase="Invalid"} 1.0' in daemon.page("/metrics")[1]
        until(lambda: rejected_events(workspace) == [("Rejected", job)], "there is an event")
        got = shjobs("get", cwd=workspace.root, environment=dict(workspace.environment))
        assert (got.returncode, "Invalid" in got.stdout) == (1, True)
        assert daemon.stop() == 0
    assert len(re.findall(r"(?:ERROR|WARNING) .*: E\d\d\d", daemon.log)) == 1, daemon.log


def test_a_restart_counts_all_that_has_no_effect_again_and_notes_it_once(workspace: Workspace) -> None:
    found = {"Manifest": 2, "Evalscript": 1, "NameConflict": 1, "Unreadable": 3}
    workspace.write("good.yaml", ndvi("good", 14.2))
    for row in WITHOUT_EFFECT:
        breaks: Any = row.values[0]
        breaks(workspace)

    def counted_by_a_daemon() -> list[tuple[str, str | None]]:
        with running(workspace) as daemon:
            until(lambda: rejected_kinds(daemon.page("/metrics")[1]) == found, "all is counted")
            assert daemon.stop() == 0
        return sorted(rejected_events(workspace), key=str)

    noted = counted_by_a_daemon()
    assert len(noted) == 7
    assert counted_by_a_daemon() == noted
    done = shjobs("sync", cwd=workspace.root, environment=dict(workspace.environment))
    assert (done.returncode, "Invalid" in done.stdout) == (1, True)


@pytest.mark.parametrize(
    ("fault", "level", "phase", "reason"),
    [
        pytest.param("run-fails", "error", "Failed", "ErrorReported", id="Failed"),
        pytest.param("never-deliver", "error", "Unknown", "NothingDelivered", id="Unknown"),
        pytest.param("answer-lost", "warning", "Unconfirmed", "Searching", id="Unconfirmed"),
    ],
)
def test_what_needs_somebody_is_louder_than_progress(
    workspace: Workspace, fault: str, level: str, phase: str, reason: str
) -> None:  # fmt: skip
    """Everything was INFO, so that no rule on levels could see a failure."""
    workspace.sandbox.faults.add(Fault(name=fault))
    workspace.write("ndvi.yaml", ndvi())
    with running(workspace, "--log-format", "json") as daemon:
        until(lambda: any(each.get("phase") == phase for each in lines(daemon.log)), f"it is {phase}")
        daemon.stop()
    [said] = [each for each in lines(daemon.log) if each.get("phase") == phase]
    assert (said["level"], said["reason"], said["job"]) == (level, reason, "ndvi")
    assert said["submission"]
    assert isinstance(said["processingUnits"], float)
    assert [each for each in lines(daemon.log) if each["level"] == "info" and each.get("phase") == "Pending"]


def test_an_account_that_is_refused_is_an_error(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    with running(workspace, "--log-format", "json", SHJOBS_CLIENT_SECRET="wrong") as daemon:
        until(lambda: any(each.get("reason") == "AccountRefused" for each in lines(daemon.log)), "it is refused")
        daemon.stop()
    said = [each for each in lines(daemon.log) if each.get("reason") == "AccountRefused"]
    assert {(each["level"], each["job"], each["processingUnits"]) for each in said} == {("error", "ndvi", 10.0)}


def test_what_waits_behind_an_open_breaker_is_a_warning(workspace: Workspace) -> None:
    workspace.sandbox.faults.add(Fault(name="reset-while-read", times=-1))
    workspace.write("one.yaml", ndvi("one", 14.41))
    workspace.write("two.yaml", ndvi("two", 14.42))
    with running(workspace, "--log-format", "json", SHJOBS_TIME_SCALE="1", SHJOBS_MAX_RUNNING="1") as daemon:
        until(lambda: any(each.get("reason") == "BreakerOpen" for each in lines(daemon.log)), "it is open")
        daemon.stop()
    said = [each for each in lines(daemon.log) if each.get("reason") == "BreakerOpen"]
    assert [each["level"] for each in said] == ["warning"]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        pytest.param({"SHJOBS_LARGE_CHANGE_JOBS": "10"}, "LargeChange", id="a large change"),
        pytest.param({"SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY": ""}, "CredentialMissing", id="no keys"),
    ],
)
def test_sixty_equal_holds_are_one_line(workspace: Workspace, settings: Mapping[str, str], reason: str) -> None:
    """They come at once, and their script is known: else the first of them would be ruled on before the others."""
    workspace.write("known.yaml", ndvi("known").replace("spec:\n", "spec:\n  hold: true\n"))
    for number in range(60):
        workspace.write(f"../more/job-{number}.yaml", ndvi(f"job-{number}", 14 + number / 1000))
    with running(workspace, "--log-format", "json", **settings) as daemon:
        reaches(workspace, "Held", "known")
        (workspace.root / "more").rename(workspace.jobs / "more")
        until(lambda: f'shjobs_held_jobs{{reason="{reason}"}} 60.0' in daemon.page("/metrics")[1], "they are held")
        assert daemon.stop() == 0
    held = [each for each in lines(daemon.log) if each.get("phase") == "Held" and each["reason"] != "OnHold"]
    assert [(each["level"], each["reason"], each["count"]) for each in held] == [("warning", reason, 60)]
