"""The status of commits as a controller is wired: settings from a file, a sandbox, a ledger that may be lost."""

import shutil
from datetime import timedelta

import pytest

from controller.ledger.commits.statuses import CommitStatuses
from controller.model.clock import Clock
from controller.notify.hosts.sender import commit_sender
from controller.notify.opening import opener_of
from controller.notify.tally import Tally
from tests.conftest import Workspace, ndvi
from tests.support.command import shjobs
from tests.support.commits import commit, run_for
from tests.support.git_hosts import REPOSITORY, TOKEN, StatusHost

pytestmark = pytest.mark.slow


def told(workspace: Workspace, host: StatusHost) -> None:
    """The settings with a sink for this host."""
    (workspace.root / "token").write_text(f"{TOKEN}\n", encoding="utf-8")
    settings = workspace.root / "shjobs.toml"
    sink = f'type = "{host.kind}"\nurl = "{host.url}"\nrepository = "{REPOSITORY}"\ntokenFile = "token"\n'
    settings.write_text(f"{settings.read_text(encoding='utf-8')}\n[notify.code]\n{sink}", encoding="utf-8")


def send(workspace: Workspace) -> None:
    sender = commit_sender("code", workspace.settings)
    run_for(sender, Clock().now() + timedelta(seconds=1), 60)
    sender.close()


def test_a_commit_is_a_success_also_after_the_ledger_was_lost(workspace: Workspace) -> None:
    workspace.write("a.yaml", ndvi("a"))
    workspace.write("b.yaml", ndvi("b"))
    with StatusHost(kind="gitlab") as host:
        told(workspace, host)
        this = commit(workspace.root, host)
        assert {each["phase"] for each in workspace.sync().values()} == {"Succeeded"}
        send(workspace)
        shutil.rmtree(workspace.state)
        workspace.sync()
        send(workspace)
    words = [(state, said.rpartition(", ")[0]) for _, state, said in host.shown(this)]
    assert words == [("success", "2 of 2 delivered")] * 2  # a ledger that is new has another name
    assert len({name for name, _, _ in host.shown(this)}) == 2
    assert workspace.posts() == 2


def test_a_broken_manifest_fails_the_commit_that_broke_it(workspace: Workspace) -> None:
    workspace.write("a.yaml", ndvi("a"))
    with StatusHost(kind="github") as host:
        told(workspace, host)
        commit(workspace.root, host)
        workspace.sync()
        workspace.write("a.yaml", ndvi("a").replace("kind: AsyncProcess", "kind: Asink"))
        workspace.write("b.yaml", ndvi("b"))
        broken = commit(workspace.root, host)
        workspace.sync()
        send(workspace)
    [(_, state, words)] = host.shown(broken)
    assert (state, words.rpartition(", ")[0]) == ("failure", "1 of 1 delivered, 1 file cannot be accepted")


def test_without_a_sink_for_commits_and_in_a_plan_nothing_is_recorded(workspace: Workspace) -> None:
    workspace.write("a.yaml", ndvi("a"))
    commit(workspace.root)
    workspace.sync()
    with StatusHost(kind="github") as host:
        told(workspace, host)
        workspace.write("b.yaml", ndvi("b"))
        assert shjobs("plan", cwd=workspace.root, environment=workspace.environment).returncode == 0
        statuses = CommitStatuses(workspace.state, "code")
        assert statuses.commits() == []
        statuses.close()


def test_a_commit_that_changes_no_job_says_so(workspace: Workspace) -> None:
    workspace.write("a.yaml", ndvi("a"))
    with StatusHost(kind="github") as host:
        told(workspace, host)
        first = commit(workspace.root, host)
        workspace.sync()
        send(workspace)
        (workspace.root / "README").write_text("about it\n", encoding="utf-8")
        second = commit(workspace.root, host)
        workspace.sync()
        send(workspace)
    assert [each[1] for each in host.shown(first)] == ["success"]
    assert [each[1:] for each in host.shown(second)] == [("success", "nothing new to deliver")]


def test_the_metrics_know_of_a_commit_that_waits_for_a_token(workspace: Workspace) -> None:
    workspace.write("a.yaml", ndvi("a"))
    with StatusHost(kind="github", users={}) as host:
        told(workspace, host)
        commit(workspace.root, host)
        workspace.sync()
        [sink], tally = workspace.settings().sinks, Tally(("code",))
        sender = opener_of(sink, workspace.settings, Clock().now, tally)(lambda: False)
        run_for(sender, Clock().now() + timedelta(seconds=1), 60)
        sender.close()
    assert tally.backlogs()["code"].pending == 1
