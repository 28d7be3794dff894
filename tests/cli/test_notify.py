"""`shjobs notify` shows what each sink has sent, and `--test` what becomes of a message to it."""

import json
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from controller.model.clock import Clock
from controller.notify.hosts.sender import commit_sender
from controller.notify.sender import NotSent
from tests.conftest import Workspace, ndvi
from tests.daemon.test_notifier import add_sink
from tests.support.command import Done, shjobs
from tests.support.commits import commit
from tests.support.git_hosts import REPOSITORY, TOKEN, StatusHost
from tests.support.outboxes import Sending, recorded
from tests.support.ports import closed_port
from tests.support.receiver import CANARY, NOW, Receiver, answer, event

pytestmark = pytest.mark.slow


def typed(workspace: Workspace, *arguments: str) -> Done:
    done = shjobs("notify", *arguments, cwd=workspace.root, environment={**os.environ, **workspace.environment})
    assert CANARY not in done.stdout + done.stderr
    return done


def hosted(root: Path, host: StatusHost) -> None:
    """A sink for commits at this host."""
    (root / "token").write_text(TOKEN, encoding="utf-8")
    where = f'type = "{host.kind}"\nurl = "{host.url}"\nrepository = "{REPOSITORY}"\ntokenFile = "token"\n'
    with (root / "shjobs.toml").open("a", encoding="utf-8") as settings:
        settings.write(f"\n[notify.commits]\n{where}")


def lines(done: Done) -> Sequence[str]:
    return done.stdout.splitlines()


def test_a_test_message_reaches_each_sink_and_says_that_it_is_one(workspace: Workspace) -> None:
    with Receiver() as one, Receiver() as other:
        add_sink(workspace, "one", one.url)
        add_sink(workspace, "other", other.url)
        done = typed(workspace, "--test")
        assert (done.returncode, lines(done)) == (0, ["one (webhook): delivered", "other (webhook): delivered"])
        again = typed(workspace, "other", "--test")
        assert lines(again) == ["other (webhook): delivered"]
    assert (len(one.received), len(other.received)) == (1, 2)
    assert len(set(other.ids)) == 2, "no receiver takes it for the one before"
    [told] = one.received[0].document["data"]["events"]
    assert (told["reason"], told["message"]) == ("Test", "a test of the sink one: nothing happened")


def test_one_that_fails_is_said_with_what_the_other_side_answered(workspace: Workspace) -> None:
    with Receiver(answer(401, body=CANARY.encode())) as refusing, Receiver() as good:
        add_sink(workspace, "refusing", refusing.url)
        add_sink(workspace, "gone", f"http://127.0.0.1:{closed_port()}/{CANARY}")
        add_sink(workspace, "good", good.url)
        done = typed(workspace, "--test")
        shown = typed(workspace, "--test", "-o", "json")
    assert (done.returncode, lines(done)) == (
        1,
        [
            "refusing (webhook): not delivered: it answered 401 Unauthorized",
            "gone (webhook): not delivered: nothing listens there",
            "good (webhook): delivered",
        ],
    )
    assert [json.loads(line)["delivered"] for line in lines(shown)] == [False, False, True]


def test_without_a_ledger_nothing_was_sent(workspace: Workspace) -> None:
    add_sink(workspace, "team", "http://127.0.0.1/x")
    done = typed(workspace)
    assert (done.returncode, lines(done)[1].split()) == (0, ["team", "webhook", "0", "0", "0"])
    assert not workspace.state.exists()


def test_it_shows_what_waits_and_why(workspace: Workspace) -> None:
    add_sink(workspace, "team", "http://127.0.0.1/x")
    add_sink(workspace, "other", "http://127.0.0.1/x")
    recorded(workspace.state, [event("a"), event("b")], ["team", "other"])
    sending = Sending(workspace.state, [NotSent(message="nothing listens there")])
    with sending.opened() as sender:
        sender.run_once(NOW)
    done = typed(workspace, "team", "-o", "json")
    [sink] = json.loads(done.stdout)["sinks"]
    assert sink == {
        "name": "team", "type": "webhook", "pending": 2, "oldest": "2026-06-01T12:00:00Z", "sent": 0, "failedTries": 1,
        "givenUp": 0, "nextTry": "2026-06-01T12:00:00Z", "lastError": "nothing listens there",
    }  # fmt: skip
    assert [line.split()[0] for line in lines(typed(workspace))] == ["SINK", "team", "other"]
    assert lines(typed(workspace))[1].endswith("nothing listens there")


def test_a_sink_for_commits_is_asked_for_its_repository(workspace: Workspace) -> None:
    with StatusHost(kind="gitlab") as host:
        hosted(workspace.root, host)
        done = typed(workspace, "--test")
        host.users = {}
        refused = typed(workspace, "--test")
    assert (done.returncode, lines(done)) == (0, ["commits (gitlab): the repository can be read"])
    words = "commits (gitlab): cannot be used: it answered 401: 401 Unauthorized"
    assert (refused.returncode, lines(refused)) == (1, [words])
    assert host.statuses == []


def test_a_sink_for_commits_shows_what_was_sent(workspace: Workspace) -> None:
    workspace.write("a.yaml", ndvi("a"))
    with StatusHost(kind="github") as host:
        hosted(workspace.root, host)
        commit(workspace.root, host)
        workspace.sync()
        sender = commit_sender("commits", workspace.settings)
        sender.run_once(Clock().now())
        host.users = {}
        workspace.write("b.yaml", ndvi("b"))
        commit(workspace.root, host)
        workspace.sync()
        sender.run_once(Clock().now())
        sender.close()
    [sink] = json.loads(typed(workspace, "-o", "json").stdout)["sinks"]
    with closing(sqlite3.connect(workspace.state / "shjobs.db")) as ledger:
        assert ledger.execute("select count(*) from notice").fetchone() == (0,), "no one takes messages"
    assert (sink["sent"], sink["givenUp"], sink["pending"]) == (1, 0, 0)
    assert sink["lastError"] == "it answered 401: Bad credentials: see tokenFile, repository and url"
