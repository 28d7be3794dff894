"""Only commits whose signatures count are ever in force; what counts is tested beside `signature`."""

import fcntl
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from controller.daemon.source import SourceThread
from controller.model.clock import Clock
from controller.model.errors import UsageError
from controller.operations.fetched import fetch_once
from controller.settings.git import CURRENT, GitSource
from controller.source import layout, verifying
from controller.source.fetcher import Fetcher
from controller.source.layout import Layout
from controller.source.outcome import SourceStale, SourceUnverified, Swapped, Unchanged
from controller.source.verifying import hold_back, may_be_read, why_withheld
from tests.support.git_server import GitHost
from tests.support.git_source import Pushed, git, tree_in_force
from tests.support.signers import Signers, signers_in_a_short_folder

pytestmark = pytest.mark.slow


@pytest.fixture
def people() -> Iterator[Signers]:
    with signers_in_a_short_folder() as signers:
        yield signers


@pytest.fixture
def signing(pushed: Pushed, people: Signers) -> Pushed:
    """A repository whose commits Ann signs, unless `--no-gpg-sign` is given."""
    for key, value in {"gpg.format": "ssh", "user.signingKey": people.ssh_key("ann"), "commit.gpgSign": "true"}.items():
        git(pushed.work, "config", key, str(value))
    return pushed


@pytest.fixture
def trusting(source: GitSource, people: Signers) -> GitSource:
    return replace(source, verify="head", allowed_signers_file=people.allowed("*"))


def test_with_head_only_a_signed_commit_is_in_force(signing: Pushed, trusting: GitSource, state: Path) -> None:
    fetcher = Fetcher(trusting, state)
    unsigned = signing.push({"jobs.d/a.yaml": "unsigned"}, "--no-gpg-sign")
    for _ in range(2):
        fetched = fetcher.fetch()
        assert isinstance(fetched, SourceUnverified)
        assert (fetched.commit, fetcher.in_force()) == (unsigned, None)
        assert fetched.message == f"commit {unsigned[:12]} is not signed"
    first = signing.push({"jobs.d/a.yaml": "first"})
    assert fetcher.fetch() == Swapped(commit=first, before=None)
    signing.push({"jobs.d/a.yaml": "second"}, "--no-gpg-sign")
    assert isinstance(fetcher.fetch(), SourceUnverified)
    assert (fetcher.in_force(), tree_in_force(state)) == (first, {"jobs.d/a.yaml": "first"})


def test_a_commit_that_is_not_verified_is_transferred_once(
    signing: Pushed, trusting: GitSource, state: Path, host: GitHost
) -> None:
    signing.push({"jobs.d/a.yaml": "unsigned"}, "--no-gpg-sign")
    for _ in range(3):
        assert isinstance(Fetcher(trusting, state).fetch(), SourceUnverified)
    assert host.transfers() == 1


def test_once_its_signer_is_allowed_a_commit_is_in_force(
    signing: Pushed, trusting: GitSource, people: Signers, state: Path
) -> None:
    commit = signing.push({"jobs.d/a.yaml": "by Ann"})
    other = replace(trusting, allowed_signers_file=people.allowed("*", "bob"))
    assert isinstance(Fetcher(other, state).fetch(), SourceUnverified)
    assert Fetcher(trusting, state).fetch() == Swapped(commit=commit, before=None)


def test_with_since_so_must_every_commit_be_since_the_last(signing: Pushed, trusting: GitSource, state: Path) -> None:
    fetcher = Fetcher(replace(trusting, verify="since"), state)
    signing.commit({"jobs.d/a.yaml": "old"}, "--no-gpg-sign")
    first = signing.push({"jobs.d/a.yaml": "first"})
    assert fetcher.fetch() == Swapped(commit=first, before=None), "nothing was verified before, so the head counts"
    for number in range(3):
        signing.commit({"jobs.d/a.yaml": f"{number}"})
    second = signing.push({"jobs.d/a.yaml": "second"})
    assert fetcher.fetch() == Swapped(commit=second, before=first)
    hidden = signing.commit({"jobs.d/a.yaml": "hidden"}, "--no-gpg-sign")
    signing.push({"jobs.d/a.yaml": "third"})
    fetched = fetcher.fetch()
    assert isinstance(fetched, SourceUnverified)
    assert hidden[:12] in fetched.message
    assert fetcher.in_force() == second


def test_as_much_history_is_fetched_as_since_needs(
    signing: Pushed, trusting: GitSource, state: Path, host: GitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "DEPTHS", (3, 6, 12))
    fetcher = Fetcher(replace(trusting, verify="since"), state)
    first = signing.push({"jobs.d/a.yaml": "first"})
    fetcher.fetch()
    commits = [signing.push({"jobs.d/a.yaml": f"{number}"}) for number in range(9)]
    assert fetcher.fetch() == Swapped(commit=commits[-1], before=first)
    assert host.transfers() == 1 + 1 + 3
    for number in range(20):
        signing.push({"jobs.d/a.yaml": f"more {number}"})
    fetched = fetcher.fetch()
    assert isinstance(fetched, SourceUnverified), fetched
    assert "is not in the repository, so it cannot be verified" in fetched.message


def test_a_damaged_repository_of_ours_is_no_bad_signature(signing: Pushed, trusting: GitSource, state: Path) -> None:
    fetcher = Fetcher(replace(trusting, verify="since"), state)
    first = signing.push({"jobs.d/a.yaml": "first"})
    fetcher.fetch()
    (state / "source" / "verified").unlink()
    for pack in (state / "source" / "repository" / "objects" / "pack").iterdir():
        pack.chmod(0o644)
        pack.write_bytes(b"damaged")
    assert fetcher.fetch() == Swapped(commit=first, before=None), "what was verified is not known, nor can it be read"
    second = signing.push({"jobs.d/a.yaml": "second"})
    assert fetcher.fetch() == Swapped(commit=second, before=first)


def test_history_that_cannot_be_fetched_is_no_bad_signature(
    signing: Pushed, trusting: GitSource, state: Path, host: GitHost
) -> None:
    fetcher = Fetcher(replace(trusting, verify="since"), state)
    first = signing.push({"jobs.d/a.yaml": "first"})
    fetcher.fetch()
    signing.commit({"jobs.d/a.yaml": "second"})
    third = signing.push({"jobs.d/a.yaml": "third"})

    def goes_away_after_the_commit() -> None:
        host.between.append(lambda: setattr(host, "fault", "busy"))

    host.between.append(goes_away_after_the_commit)
    assert isinstance(fetcher.fetch(), SourceStale)
    assert fetcher.in_force() == first
    host.fault = ""
    assert fetcher.fetch() == Swapped(commit=third, before=first)


def test_a_tree_that_was_in_force_before_signatures_counted_is_verified_too(
    signing: Pushed, source: GitSource, trusting: GitSource, state: Path
) -> None:
    unsigned = signing.push({"jobs.d/a.yaml": "unsigned"}, "--no-gpg-sign")
    Fetcher(source, state).fetch()
    fetched = Fetcher(trusting, state).fetch()
    assert isinstance(fetched, SourceUnverified) and fetched.commit == unsigned
    assert (Fetcher(trusting, state).in_force(), (state / CURRENT).exists()) == (None, False)
    signed = signing.push({"jobs.d/a.yaml": "signed"})
    assert Fetcher(trusting, state).fetch() == Swapped(commit=signed, before=None)
    assert Fetcher(trusting, state).fetch() == Unchanged(commit=signed)


@pytest.mark.parametrize("verify", ["head", "since"])
@pytest.mark.parametrize("is_down", [False, True], ids=["the host answers", "the host is down"])
def test_a_key_that_counts_no_more_puts_its_tree_out_of_force(
    signing: Pushed, trusting: GitSource, people: Signers, state: Path, host: GitHost, verify: Literal["head", "since"],
    is_down: bool,
) -> None:  # fmt: skip
    """A stolen key was removed from the file, and its commit was paid for all the same."""
    by_ann = replace(trusting, verify=verify)
    commit = signing.push({"jobs.d/a.yaml": "by Ann, whose key is stolen"})
    assert Fetcher(by_ann, state).fetch() == Swapped(commit=commit, before=None)
    host.fault = "busy" if is_down else ""
    by_bob = replace(by_ann, allowed_signers_file=people.allowed("*", "bob"))
    fetcher = Fetcher(by_bob, state)
    assert isinstance(fetcher.fetch(), SourceStale if is_down else SourceUnverified)
    assert (fetcher.in_force(), (state / CURRENT).exists()) == (None, False)
    said = why_withheld(by_bob, state)
    assert said.startswith(f"nothing is submitted from commit {commit[:12]}, which was in force: ")
    assert "does not name for the time of the commit" in said
    both = people.allowed("*", "bob")
    both.write_text(f"{both.read_text()}{people.allowed('*').read_text()}")
    Fetcher(replace(by_ann, allowed_signers_file=both), state).fetch()
    assert tree_in_force(state) == {"jobs.d/a.yaml": "by Ann, whose key is stolen"}
    assert not may_be_read(by_bob, state)


def test_another_file_of_keys_that_allows_the_signer_too_needs_no_host(
    signing: Pushed, trusting: GitSource, people: Signers, state: Path, host: GitHost
) -> None:
    commit = signing.push({"jobs.d/a.yaml": "by Ann"})
    Fetcher(trusting, state).fetch()
    host.fault = "busy"
    for source in (trusting, replace(trusting, allowed_signers_file=people.allowed("*")), trusting):
        fetcher = Fetcher(source, state)
        hold_back(source, state)
        assert isinstance(fetcher.fetch(), SourceStale)
        assert (fetcher.in_force(), why_withheld(source, state)) == (commit, "")


def test_before_the_first_fetch_only_what_was_verified_by_the_rules_of_now_is_in_force(
    signing: Pushed, source: GitSource, trusting: GitSource, state: Path
) -> None:
    signing.push({"jobs.d/a.yaml": "by Ann"})
    Fetcher(source, state).fetch()
    hold_back(source, state)
    assert (state / CURRENT).exists()
    assert not may_be_read(trusting, state)
    hold_back(trusting, state)
    assert not (state / CURRENT).exists()
    assert "was not verified with git.verify and the keys as they are now" in why_withheld(trusting, state)
    Fetcher(trusting, state).fetch()
    hold_back(trusting, state)
    assert (may_be_read(trusting, state), (state / CURRENT).exists()) == (True, True)


def test_a_tree_that_may_not_be_in_force_is_not_though_the_fetch_never_began(
    signing: Pushed, source: GitSource, trusting: GitSource, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It failed at the lock of another fetch: `sync` and the daemon went on with the tree."""
    signing.push({"jobs.d/a.yaml": "by Ann"})
    Fetcher(source, state).fetch()
    monkeypatch.setattr(layout, "LOCK_PATIENCE", 0.1)
    settings: Any = SimpleNamespace(git=trusting, state=state)
    with (Layout(state).root / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="nothing can be done without a tree: nothing is submitted from"):
            fetch_once(settings)
        thread = SourceThread(trusting, state, lambda: None, Clock().now, Fetcher)
        thread._take(Fetcher(trusting, state).fetch())
    assert (thread.facts.commit, (state / CURRENT).exists()) == ("", False)


def test_a_commit_that_is_signed_and_refused_leaves_the_one_in_force(
    signing: Pushed, trusting: GitSource, state: Path
) -> None:
    since = replace(trusting, verify="since")
    good = signing.push({"jobs.d/a.yaml": "good"})
    Fetcher(since, state).fetch()
    signing.push({"jobs.d/a.yaml": None, "README": "moved"})
    for _ in range(2):
        hold_back(since, state)
        fetcher = Fetcher(since, state)
        assert isinstance(fetcher.fetch(), SourceStale)
        assert fetcher.in_force() == good


def test_a_record_of_an_earlier_version_is_verified_again_without_the_host(
    signing: Pushed, trusting: GitSource, state: Path, host: GitHost
) -> None:
    commit = signing.push({"jobs.d/a.yaml": "by Ann"})
    Fetcher(trusting, state).fetch()
    (state / "source" / "verified").write_text(json.dumps({"url": trusting.url, "commit": commit}))
    host.fault = "busy"
    hold_back(trusting, state)
    fetcher = Fetcher(trusting, state)
    assert isinstance(fetcher.fetch(), SourceStale)
    assert fetcher.in_force() == commit
