"""Only commits whose signatures count are ever in force; what counts is tested beside `signature`."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controller.settings.git import GitSource
from controller.source import verifying
from controller.source.fetcher import Fetcher
from controller.source.outcome import SourceStale, SourceUnverified, Swapped, Unchanged
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
    assert fetcher.fetch() == Unchanged(commit=first)
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
    signed = signing.push({"jobs.d/a.yaml": "signed"})
    assert Fetcher(trusting, state).fetch() == Swapped(commit=signed, before=unsigned)
    assert Fetcher(trusting, state).fetch() == Unchanged(commit=signed)
