"""Fetching over ssh from a real sshd: with the key and the known host of the settings, and nothing of the user's."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controller.settings.git import GitSource
from controller.source.fetcher import Fetcher
from controller.source.outcome import Fetched, SourceStale, Swapped, Unchanged
from tests.support.git_source import Pushed, tree_in_force
from tests.support.ssh_host import SshHost, make_key, ssh_host

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshHost]:
    folder = tmp_path / "server"
    folder.mkdir()
    with ssh_host(folder) as served:
        yield served


@pytest.fixture
def over_ssh(server: SshHost, pushed: Pushed) -> GitSource:
    url = f"{server.address}{pushed.bare}"
    return GitSource(url=url, ref="main", ssh_key_file=server.key, known_hosts_file=server.known_hosts)


def message(fetched: Fetched) -> str:
    assert isinstance(fetched, SourceStale), fetched
    return fetched.message


def test_a_push_is_in_force(pushed: Pushed, over_ssh: GitSource, state: Path) -> None:
    fetcher = Fetcher(over_ssh, state)
    first = pushed.push({"jobs.d/a.yaml": "one"})
    assert fetcher.fetch() == Swapped(commit=first, before=None)
    second = pushed.push({"jobs.d/a.yaml": "two"})
    assert fetcher.fetch() == Swapped(commit=second, before=first)
    assert fetcher.fetch() == Unchanged(commit=second)
    assert tree_in_force(state) == {"jobs.d/a.yaml": "two"}


def test_a_key_that_others_may_read_works_as_mounted_ones_are(
    pushed: Pushed, over_ssh: GitSource, server: SshHost, state: Path
) -> None:
    pushed.push({"jobs.d/a.yaml": "one"})
    server.key.chmod(0o444)
    assert isinstance(Fetcher(over_ssh, state).fetch(), Swapped)


@pytest.mark.parametrize("name", ["a folder", "100%done %h", "it's"])
def test_folders_of_any_name_work(
    pushed: Pushed, over_ssh: GitSource, server: SshHost, state: Path, tmp_path: Path, name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    pushed.push({"jobs.d/a.yaml": "one"})
    odd = tmp_path / name
    odd.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(odd))
    source = replace(
        over_ssh,
        ssh_key_file=server.key.rename(odd / "my key"),
        known_hosts_file=server.known_hosts.rename(odd / "known hosts"),
    )
    assert isinstance(fetched := Fetcher(source, state).fetch(), Swapped), fetched
    assert {path.name for path in odd.iterdir()} == {"my key", "known hosts"}, "the copies are gone"


def test_a_host_that_is_not_known_is_not_asked(
    pushed: Pushed, over_ssh: GitSource, tmp_path: Path, state: Path
) -> None:
    pushed.push({"jobs.d/a.yaml": "one"})
    other = tmp_path / "others"
    other.write_text("")
    said = message(Fetcher(replace(over_ssh, known_hosts_file=other), state).fetch())
    assert said == f"{over_ssh.url} could not be fetched: the host's key is not in git.knownHostsFile"


def test_a_key_that_the_host_does_not_know_is_named(
    pushed: Pushed, over_ssh: GitSource, tmp_path: Path, state: Path
) -> None:
    pushed.push({"jobs.d/a.yaml": "one"})
    said = message(Fetcher(replace(over_ssh, ssh_key_file=make_key(tmp_path / "other")), state).fetch())
    assert said == f"{over_ssh.url} could not be fetched: the host refused the key of git.sshKeyFile"


def test_a_file_that_holds_no_key_is_named(pushed: Pushed, over_ssh: GitSource, tmp_path: Path, state: Path) -> None:
    (tmp_path / "none").write_text("no key")
    said = message(Fetcher(replace(over_ssh, ssh_key_file=tmp_path / "none"), state).fetch())
    assert "git.sshKeyFile" in said
    missing = tmp_path / "missing"
    said = message(Fetcher(replace(over_ssh, ssh_key_file=missing), state).fetch())
    assert said == f"git.sshKeyFile: {missing} cannot be read: No such file or directory"


def test_nothing_of_the_user_s_own_ssh_is_used(
    pushed: Pushed, over_ssh: GitSource, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither variables nor agent: the witness would be run by either."""
    pushed.push({"jobs.d/a.yaml": "one"})
    witness = tmp_path / "witness"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {witness}\nexit 1\n")
    program.chmod(0o755)
    for name in ("GIT_SSH", "GIT_SSH_COMMAND", "SSH_ASKPASS", "GIT_ASKPASS"):
        monkeypatch.setenv(name, str(program))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    assert isinstance(Fetcher(over_ssh, state).fetch(), Swapped)
    assert not witness.exists()
    assert not [path for path in state.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert os.environ["GIT_SSH"]


def test_a_repository_that_is_not_there_is_named(over_ssh: GitSource, state: Path) -> None:
    said = message(Fetcher(replace(over_ssh, url=f"{over_ssh.url}.nowhere"), state).fetch())
    assert said.endswith("could not be fetched: there is no such repository, or none that may be read")


def test_a_path_of_the_address_runs_nothing_on_the_host(over_ssh: GitSource, server: SshHost, state: Path) -> None:
    """The settings refuse spaces; git quotes what it hands to the host's shell."""
    message(Fetcher(replace(over_ssh, url=f"{server.address}/x;touch${{IFS}}{state}.ran;"), state).fetch())
    assert not state.with_name(f"{state.name}.ran").exists()
