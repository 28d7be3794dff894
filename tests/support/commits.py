"""A repository of manifests with real commits, whose statuses go to a stand-in of a host."""

import os
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from controller.ledger.commits.statuses import CommitStatuses
from controller.notify.hosts.sender import CommitSender, host_of
from controller.notify.sender import Sender
from controller.settings.sinks import Sink, SinkKind
from tests.support.git_hosts import REPOSITORY, TOKEN, StatusHost


def commit(root: Path, host: StatusHost | None = None, words: str = "change") -> str:
    """Commit everything at `root`, a repository that is made if need be; the host has the commit too."""
    if not (root / ".git").exists():
        _git(root, "init", "--quiet")
        (root / ".gitignore").write_text("state/\n*.status.yaml\n", encoding="utf-8")
    _git(root, "add", "--all")
    _git(root, "commit", "--quiet", "--allow-empty", "--message", words)
    made = _git(root, "rev-parse", "HEAD").strip()
    if host:
        host.commits.add(made)
    return made


def revert(root: Path, host: StatusHost) -> str:
    """Revert the newest commit by another one."""
    _git(root, "revert", "--no-edit", "HEAD")
    made = _git(root, "rev-parse", "HEAD").strip()
    host.commits.add(made)
    return made


def _git(root: Path, *words: str) -> str:
    names = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false")
    given = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-C", str(root), *names, *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=given)
    return done.stdout


def sink_to(host: StatusHost, token: str | None = TOKEN, *, page: str = "", name: str = "code") -> Sink:
    """The sink of the settings for this host."""
    return Sink(
        name=name, kind=SinkKind(host.kind), urls=(SecretStr(host.url),), token=SecretStr(token) if token else None,
        repository=REPOSITORY, page=page,
    )  # fmt: skip


def sender_to(host: StatusHost, state: Path, *, page: str = "", token: str = TOKEN) -> CommitSender:
    """What tells this host of the commits in the ledger of `state`."""
    sink = sink_to(host, token, page=page)
    return CommitSender(lambda: sink, host_of, CommitStatuses(state, sink.name))


def run_for(sender: Sender, now: datetime, seconds: float) -> datetime:
    """Call it whenever it asks to be called, for so long on a clock of its own; returns the end."""
    end = now + timedelta(seconds=seconds)
    while now <= end:
        at = sender.run_once(now)
        now = max(at or end, now + timedelta(seconds=1))
    return end
