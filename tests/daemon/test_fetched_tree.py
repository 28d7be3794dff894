"""A daemon on a tree that is fetched: what is pushed is paid for once, and whatever fails keeps the last good tree.

The source is a stand-in that swaps real folders, so that each moment of it can be held.
"""

import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import yaml
from pydantic import SecretStr

from controller.daemon.daemon import Daemon
from controller.daemon.secrets import Reload
from controller.model.clock import Clock
from controller.model.reasons import Phase
from controller.settings.git import GitSource
from controller.settings.settings import Settings
from controller.source.layout import Layout
from controller.source.outcome import SourceStale, SourceUnverified
from tests.conftest import Workspace, ndvi
from tests.daemon.test_daemon import until
from tests.support.folder_source import FolderSource
from tests.support.patience import LONGEST

pytestmark = pytest.mark.slow
GIT = GitSource(url="https://git.example/jobs")


@pytest.fixture
def settings(workspace: Workspace) -> Settings:
    return with_source(workspace)


def with_source(workspace: Workspace) -> Settings:
    """The settings of a daemon that fetches its tree: rarely, so that only hints make it do so."""
    file = workspace.root / "shjobs.toml"
    shutil.rmtree(workspace.jobs)
    file.write_text(f"{file.read_text()}\n[git]\nurl = '{GIT.url}'\nevery = '1h'\n", encoding="utf-8")
    return workspace.settings(SHJOBS_SETTLE="0s", SHJOBS_SCAN_EVERY="1h")


@contextmanager
def running(settings: Settings, pushed: FolderSource, reload: Reload | None = None) -> Iterator[Daemon]:
    """The daemon in a thread of its own, to which its ledger belongs."""
    daemon, ready = Daemon(settings, Clock(), reload, pushed), threading.Event()

    def run() -> None:
        ready.set()
        daemon.run()

    thread = threading.Thread(target=run, name="daemon")
    thread.start()
    try:
        yield daemon
    finally:
        daemon.flags.stopping = True
        daemon.flags.inbox.put(None)
        thread.join(LONGEST)
    assert not thread.is_alive()


def phase(settings: Settings, name: str) -> str:
    """As the status file says, which is beside the state and not in the tree."""
    assert settings.status_dir
    return str(yaml.safe_load((settings.status_dir / f"{name}.status.yaml").read_text())["phase"])


def conditions(daemon: Daemon) -> list[str]:
    return [word for word, _ in daemon.why_not_ready()]


def test_what_is_pushed_is_submitted_and_delivered(workspace: Workspace, settings: Settings) -> None:
    pushed = FolderSource(settings.state)
    pushed.push({"ndvi.yaml": ndvi()})
    with running(settings, pushed) as daemon:
        until(lambda: phase(settings, "ndvi") == "Succeeded", "it is delivered")
        pushed.push({"ndvi.yaml": ndvi(), "other.yaml": ndvi("other")})
        assert daemon.source
        daemon.source.hint()
        until(lambda: phase(settings, "other") == "Succeeded", "what is pushed later too")
        until(lambda: conditions(daemon) == [], "it is ready")
    assert workspace.posts() == 2


def test_the_first_start_waits_a_moment_for_its_tree_instead_of_warning(
    workspace: Workspace, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    pushed = FolderSource(settings.state)
    pushed.push({"ndvi.yaml": ndvi()})
    pushed.free.clear()
    with running(settings, pushed) as daemon:
        until(lambda: bool(pushed.sources), "it begins to fetch")
        assert daemon.health.scanned_at is None
        pushed.free.set()
        until(lambda: phase(settings, "ndvi") == "Succeeded", "it is delivered")
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_without_a_tree_it_waits_and_says_so(workspace: Workspace, settings: Settings) -> None:
    pushed = FolderSource(settings.state)
    with running(settings, pushed) as daemon:
        until(lambda: "SourceStale" in conditions(daemon) and "NotScanned" not in conditions(daemon), "it says so")
        until(lambda: daemon.health.source and daemon.health.source.stale, "and why")
        assert dict(daemon.why_not_ready())["SourceStale"] == "no tree was fetched yet: the repository has no commit"
        pushed.push({"ndvi.yaml": ndvi()})
        assert daemon.source
        daemon.source.hint()
        until(lambda: phase(settings, "ndvi") == "Succeeded", "the first commit is taken in")
        until(lambda: conditions(daemon) == [], "it is ready")
    assert workspace.posts() == 1


def test_a_state_whose_trees_are_lost_keeps_its_jobs_until_they_are_fetched_again(
    workspace: Workspace, settings: Settings
) -> None:
    pushed = FolderSource(settings.state)
    pushed.push({"ndvi.yaml": ndvi()})
    with running(settings, pushed):
        until(lambda: phase(settings, "ndvi") == "Succeeded", "it is delivered")
    shutil.rmtree(settings.state / "source")
    pushed.problem = SourceStale(message="no answer")
    with running(settings, pushed) as daemon:
        until(lambda: daemon.health.tree, "the tree is missed")
        assert daemon.health.phases.get(Phase.SUCCEEDED) == 1
        assert "TreeNotReady" in conditions(daemon)
        pushed.problem = None
        assert daemon.source
        daemon.source.hint()
        until(lambda: conditions(daemon) == [], "it is there again")
        assert daemon.health.phases.get(Phase.SUCCEEDED) == 1
    assert workspace.posts() == 1


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        pytest.param(SourceStale(message="no answer"), [], id="a repository that does not answer is no reason yet"),
        pytest.param(
            SourceUnverified(commit="5e" * 20, message="not signed"), ["SourceUnverified"], id="one not signed is"
        ),
    ],
)
def test_the_last_good_tree_stays_in_force(
    workspace: Workspace, settings: Settings, problem: SourceStale | SourceUnverified, expected: list[str]
) -> None:
    pushed = FolderSource(settings.state)
    pushed.push({"ndvi.yaml": ndvi()})
    with running(settings, pushed) as daemon:
        until(lambda: phase(settings, "ndvi") == "Succeeded", "it is delivered")
        pushed.problem = problem
        pushed.push({"other.yaml": ndvi("other")})
        assert daemon.source
        daemon.source.hint()
        until(lambda: daemon.health.source and daemon.health.source.problem, "it is said")
        daemon.flags.wake()
        assert conditions(daemon) == expected
        assert daemon.health.phases.get(Phase.SUCCEEDED) == 1
    assert workspace.posts() == 1


def test_of_a_tree_that_was_never_verified_nothing_is_paid_for_once_verify_is_set(
    workspace: Workspace, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """The commit in force stayed so, and was paid for, although its signature did not count."""
    pushed = FolderSource(settings.state)
    pushed.push({"ndvi.yaml": ndvi()})
    with running(settings, pushed):
        until(lambda: phase(settings, "ndvi") == "Succeeded", "it is delivered")
    commit = pushed.push({"ndvi.yaml": ndvi(), "other.yaml": ndvi("other")})
    pushed.fetch()
    file = workspace.root / "shjobs.toml"
    file.write_text(f"{file.read_text()}verify = 'head'\nallowedSignersFile = 'signers'\n", encoding="utf-8")
    pushed.problem = SourceStale(message="no answer")
    with running(workspace.settings(SHJOBS_SETTLE="0s"), pushed) as daemon:
        until(lambda: daemon.health.tree, "the tree is missed")
        said = dict(daemon.why_not_ready())["SourceUnverified"]
        assert said.startswith(
            f"nothing is submitted from commit {commit[:12]}, which was in force: it was not verified"
        )
        assert [record.message for record in caplog.records].count(said) == 1
        assert "SourceStale" not in conditions(daemon)
        assert daemon.health.phases.get(Phase.SUCCEEDED) == 1
    assert workspace.posts() == 1


def test_a_tree_that_is_put_out_of_force_meanwhile_stops_submissions_until_one_is_again(
    workspace: Workspace, settings: Settings
) -> None:
    pushed = FolderSource(settings.state)
    pushed.push({"ndvi.yaml": ndvi()})
    with running(settings, pushed) as daemon:
        until(lambda: phase(settings, "ndvi") == "Succeeded", "it is delivered")
        layout = Layout(settings.state)
        tree = layout.linked()
        assert tree and daemon.source
        layout.withhold(tree, "its commit is not signed")
        pushed.problem = SourceStale(message="no answer")
        daemon.source.hint()
        until(lambda: {"SourceUnverified", "TreeNotReady"} <= {*conditions(daemon)}, "it is said")
        assert daemon.health.phases.get(Phase.SUCCEEDED) == 1
        pushed.problem = None
        pushed.push({"ndvi.yaml": ndvi(), "other.yaml": ndvi("other")})
        daemon.source.hint()
        until(lambda: phase(settings, "other") == "Succeeded", "the next one is taken in")
        until(lambda: conditions(daemon) == [], "it is ready")
    assert workspace.posts() == 2


def test_a_stop_does_not_wait_for_a_fetch_that_hangs(workspace: Workspace, settings: Settings) -> None:
    pushed = FolderSource(settings.state)
    pushed.free.clear()
    with running(settings, pushed) as daemon:
        until(lambda: "NotScanned" not in conditions(daemon), "it turns meanwhile")
    pushed.free.set()
    assert workspace.posts() == 0


def test_a_tree_that_something_else_swaps_is_seen_without_a_hint(workspace: Workspace, settings: Settings) -> None:
    """`shjobs sync`, or a watch that is quicker than the thread: the link itself is watched."""
    pushed = FolderSource(settings.state)
    pushed.push({"ndvi.yaml": ndvi()})
    with running(settings, pushed) as daemon:
        until(lambda: phase(settings, "ndvi") == "Succeeded", "it is delivered")
        pushed.push({"ndvi.yaml": ndvi(), "other.yaml": ndvi("other")})
        pushed.fetch()
        until(lambda: phase(settings, "other") == "Succeeded", "the swap is seen")
        assert daemon.source and daemon.source.facts.fetches == {"swapped": 1}
    assert workspace.posts() == 2


def test_a_token_that_changes_is_used_and_the_loop_goes_on(workspace: Workspace, settings: Settings) -> None:
    token = workspace.root / "token"
    token.write_text("old")
    file = workspace.root / "shjobs.toml"
    file.write_text(f"{file.read_text()}tokenFile = 'token'\n", encoding="utf-8")
    pushed = FolderSource(settings.state)
    pushed.problem = SourceStale(message="the token is refused")
    given = workspace.settings()
    with running(given, pushed, workspace.settings) as daemon:
        until(lambda: daemon.health.scanned_at, "it turns")
        loop = daemon._loop
        token.write_text("another")
        until(lambda: len(pushed.sources) == 2, "it fetches with the other token")
        assert daemon.settings.git == replace(given.git or GIT, token=SecretStr("another"))
        scanned_at = daemon.health.scanned_at
        until(lambda: daemon.health.scanned_at != scanned_at, "it goes on")
        assert daemon._loop is loop is not None, "the loop did not begin anew"
    assert [each.token for each in pushed.sources] == [SecretStr("old"), SecretStr("another")]
