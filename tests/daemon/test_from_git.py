"""From the push to the raster: `run` and `sync` on a real repository, served by a host on this machine."""

import hashlib
import hmac
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from controller.ledger.store import Store
from controller.settings.git import CURRENT
from tests.conftest import Workspace, ndvi
from tests.daemon.test_daemon import Running, running, until
from tests.daemon.test_page import shown
from tests.support.command import shjobs
from tests.support.git_server import TOKEN, GitHost, git_host
from tests.support.git_source import NAME, Pushed
from tests.support.patience import LONGEST

pytestmark = pytest.mark.slow
SECRET = "canary-hook-secret-90d2"
FIRST: dict[str, str | None] = {"jobs.d/ndvi.yaml": ndvi()}
SECOND: dict[str, str | None] = {"jobs.d/other.yaml": ndvi("other")}


@pytest.fixture
def pushed(workspace: Workspace) -> Pushed:
    return Pushed.made(workspace.root / "git")


@pytest.fixture
def host(workspace: Workspace, pushed: Pushed) -> Iterator[GitHost]:
    """The host, and settings that fetch from it: rarely, so that only the start and the hook do."""
    shutil.rmtree(workspace.jobs)
    (workspace.root / "token").write_text(TOKEN, encoding="utf-8")
    (workspace.root / "hook").write_text(SECRET, encoding="utf-8")
    file = workspace.root / "shjobs.toml"
    with git_host(pushed.hosted) as host:
        table = f'[git]\nurl = "{host.url}/{NAME}"\nevery = "1h"\ntokenFile = "token"\nhookSecretFile = "hook"\n'
        file.write_text(f"{file.read_text()}\n{table}", encoding="utf-8")
        yield host


def status(workspace: Workspace, name: str) -> dict[str, object]:
    """From the status file, which is beside the state and not in the tree."""
    found: dict[str, object] = yaml.safe_load((workspace.state / "status" / f"{name}.status.yaml").read_text())
    return found


def delivered(workspace: Workspace, name: str) -> None:
    until(lambda: status(workspace, name)["phase"] == "Succeeded", f"{name} is delivered")


def call_hook(daemon: Running) -> int:
    """As GitHub calls it after a push."""
    mac = hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={mac}", "Content-Type": "application/json"}
    with urllib.request.urlopen(
        urllib.request.Request(f"{daemon.url}/hooks/git", b"{}", headers), timeout=LONGEST
    ) as answer:
        return int(answer.status)


def files_of(folder: Path) -> Iterator[str]:
    for each in folder.rglob("*"):
        if each.is_file() and not each.is_symlink():
            yield each.read_bytes().decode("latin-1")


def test_a_push_is_paid_for_once_after_the_hook_was_called(workspace: Workspace, pushed: Pushed, host: GitHost) -> None:
    first = pushed.push(FIRST)
    with running(workspace) as daemon:
        delivered(workspace, "ndvi")
        assert f"commit {first[:12]} is in force" in daemon.log
        second = pushed.push(SECOND)
        assert call_hook(daemon) == 202
        delivered(workspace, "other")
        until(lambda: daemon.page("/readyz")[0] == 200, "it is ready")
        known = f'shjobs_source_commit_info{{commit="{second}"}} 1.0'
        until(lambda: known in daemon.page("/metrics")[1], "the metrics know the commit")
        until(lambda: second[:12] in daemon.page("/")[1], "the page knows it")
        page = shown(daemon, "/")[2]
        assert f"{host.url}/{NAME}" in page and second[:12] in page
        assert daemon.stop() == 0
    assert workspace.posts() == 2
    assert status(workspace, "other")["revision"] == second
    assert not any(secret in each for secret in (TOKEN, SECRET) for each in files_of(workspace.state))
    assert TOKEN not in daemon.log and SECRET not in daemon.log and TOKEN not in page


def test_a_manifest_that_is_deleted_by_a_commit_is_removed(workspace: Workspace, pushed: Pushed, host: GitHost) -> None:
    pushed.push({**FIRST, **SECOND})
    with running(workspace) as daemon:
        delivered(workspace, "ndvi")
        delivered(workspace, "other")
        pushed.push({"jobs.d/other.yaml": None})
        assert call_hook(daemon) == 202
        until(lambda: not (workspace.state / "status" / "other.status.yaml").exists(), "it is gone")
        assert status(workspace, "ndvi")["phase"] == "Succeeded"
    assert workspace.posts() == 2


def test_a_commit_without_the_folder_removes_nothing(workspace: Workspace, pushed: Pushed, host: GitHost) -> None:
    first = pushed.push(FIRST)
    with running(workspace) as daemon:
        delivered(workspace, "ndvi")
        pushed.push({"jobs.d/ndvi.yaml": None, "README.md": "moved\n"})
        assert call_hook(daemon) == 202
        until(lambda: f"; {first[:12]} stays in force" in daemon.log, "it is said")
        assert daemon.page("/readyz")[0] == 200
        assert status(workspace, "ndvi")["phase"] == "Succeeded"


def test_a_host_that_is_away_for_long_changes_nothing_until_it_is_back(
    workspace: Workspace, pushed: Pushed, host: GitHost
) -> None:
    first = pushed.push(FIRST)
    with running(workspace) as daemon:
        delivered(workspace, "ndvi")
        host.fault = "busy"
        second = pushed.push(SECOND)
        for _ in range(3):
            host.requests.clear()
            assert call_hook(daemon) == 202
            until(lambda: host.requests, "it asks again")
        until(lambda: f"; {first[:12]} stays in force" in daemon.log, "it is said")
        assert daemon.log.count("stays in force") == 1  # once, however often it asks
        assert daemon.page("/readyz")[0] == 200
        assert (status(workspace, "ndvi")["phase"], workspace.posts()) == ("Succeeded", 1)
        host.fault = ""
        assert call_hook(daemon) == 202
        delivered(workspace, "other")
        until(lambda: f"{second[:12]} is in force" in daemon.log, "it is said")
    assert workspace.posts() == 2


def test_a_restart_while_the_host_is_down_goes_on_with_the_last_tree(
    workspace: Workspace, pushed: Pushed, host: GitHost
) -> None:
    first = pushed.push(FIRST)
    with running(workspace) as daemon:
        delivered(workspace, "ndvi")
        assert daemon.stop() == 0
    host.fault = "busy"
    with running(workspace) as daemon:
        until(lambda: f"; {first[:12]} stays in force" in daemon.log, "it is said")
        until(lambda: daemon.page("/readyz")[0] == 200, "it is ready")
        assert daemon.stop() == 0
    assert workspace.posts() == 1


def test_a_host_that_hangs_does_not_keep_it_from_stopping(workspace: Workspace, pushed: Pushed, host: GitHost) -> None:
    pushed.push(FIRST)
    host.fault = "hang"
    with running(workspace) as daemon:
        until(lambda: host.requests, "it asks")
        assert daemon.stop() == 0
    assert workspace.posts() == 0


def test_sync_fetches_once_and_goes_on_with_the_last_tree(workspace: Workspace, pushed: Pushed, host: GitHost) -> None:
    first = pushed.push(FIRST)
    done = shjobs("sync", cwd=workspace.root, environment=workspace.environment)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        0, f"commit {first[:12]} of {host.url}/{NAME} is in force",
    )  # fmt: skip
    assert "ndvi" in done.stdout and "Succeeded" in done.stdout
    again = shjobs("sync", cwd=workspace.root, environment=workspace.environment)
    assert (again.returncode, "in force" in again.stderr) == (0, False)
    host.fault = "busy"
    kept = shjobs("sync", cwd=workspace.root, environment=workspace.environment)
    assert (kept.returncode, f"; {first[:12]} stays in force" in kept.stderr) == (0, True)
    assert workspace.posts() == 1


def test_sync_without_any_tree_says_what_keeps_it(workspace: Workspace, pushed: Pushed, host: GitHost) -> None:
    host.token = "another"
    done = shjobs("sync", cwd=workspace.root, environment=workspace.environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("shjobs: nothing can be done without a tree: ")
    assert TOKEN not in done.stderr and "Traceback" not in done.stderr


def test_a_plan_shows_the_tree_in_force_and_compares_it_with_a_commit(
    workspace: Workspace, pushed: Pushed, host: GitHost
) -> None:
    first = pushed.push(FIRST)
    assert shjobs("sync", cwd=workspace.root, environment=workspace.environment).returncode == 0
    pushed.push(SECOND)
    assert shjobs("sync", cwd=workspace.root, environment=workspace.environment).returncode == 0
    assert (workspace.state / CURRENT / "jobs.d" / "other.yaml").exists()
    done = shjobs("plan", "--against", first, cwd=workspace.root, environment=workspace.environment)
    assert (done.returncode, "other" in done.stdout) == (0, True), done
    with Store.copy_of(workspace.state) as store:
        assert {job.name for job in store.jobs()} == {"ndvi", "other"}
