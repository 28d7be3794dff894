"""From a push to the tree in force, over https with a token and a private certificate authority."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from controller.operations.plan.revision import tree_at
from controller.settings.git import CURRENT, GitSource
from controller.source.fetcher import Fetcher
from controller.source.outcome import Fetched, SourceStale, Swapped, Unchanged
from controller.tree.git.info import author, checkout
from controller.tree.scan import load
from tests.support.certificates import Authority
from tests.support.git_server import TOKEN, GitHost, git_host
from tests.support.git_source import NAME, Pushed, git, tree_in_force

pytestmark = pytest.mark.slow


def message(fetched: Fetched) -> str:
    assert isinstance(fetched, SourceStale), fetched
    return fetched.message


def test_only_the_folder_of_a_pushed_commit_is_in_force(pushed: Pushed, source: GitSource, state: Path) -> None:
    fetcher = Fetcher(source, state)
    assert fetcher.in_force() is None
    first = pushed.push({"jobs.d/a.yaml": "one", "jobs.d/sub/b.yaml": "é", "elsewhere.yaml": "not read"})
    assert fetcher.fetch() == Swapped(commit=first, before=None)
    assert fetcher.in_force() == first
    assert tree_in_force(state) == {"jobs.d/a.yaml": "one", "jobs.d/sub/b.yaml": "é"}
    second = pushed.push({"jobs.d/a.yaml": "two"})
    assert fetcher.fetch() == Swapped(commit=second, before=first)
    assert Fetcher(source, state).in_force() == second
    assert tree_in_force(state) == {"jobs.d/a.yaml": "two", "jobs.d/sub/b.yaml": "é"}


def test_without_news_no_object_is_asked_for(pushed: Pushed, source: GitSource, state: Path, host: GitHost) -> None:
    commit = pushed.push({"jobs.d/a.yaml": "one"})
    Fetcher(source, state).fetch()
    assert host.transfers() == 1
    assert [Fetcher(source, state).fetch() for _ in range(3)] == [Unchanged(commit=commit)] * 3
    assert host.transfers() == 1


def test_refs_of_pull_requests_are_not_listed(pushed: Pushed, source: GitSource, state: Path, host: GitHost) -> None:
    commit = pushed.push({"jobs.d/a.yaml": "one"})
    Fetcher(source, state).fetch()
    host.prefixes.clear()
    assert Fetcher(source, state).fetch() == Unchanged(commit=commit)
    assert set(host.prefixes) == {b"refs/heads/", b"refs/tags/"}


def test_the_last_two_trees_are_kept(pushed: Pushed, source: GitSource, state: Path) -> None:
    fetcher = Fetcher(source, state)
    commits = []
    for number in range(4):
        commits.append(pushed.push({"jobs.d/a.yaml": f"{number}"}))
        fetcher.fetch()
    for folder in ("trees", "worktrees"):
        kept = {path.name for path in (state / "source" / folder).iterdir() if path.is_dir()}
        assert kept == set(commits[-2:])


def test_git_facts_of_the_tree_are_those_of_the_commit(pushed: Pushed, source: GitSource, state: Path) -> None:
    first = pushed.push({"jobs.d/a.yaml": "one"})
    fetcher = Fetcher(source, state)
    fetcher.fetch()
    second = pushed.push({"jobs.d/a.yaml": "two", "jobs.d/b.yaml": "two"})
    fetcher.fetch()
    jobs = state / CURRENT / "jobs.d"
    found = checkout(jobs)
    assert found is not None
    assert (found.commit, found.branch, author(jobs)) == (second, "", "somebody <somebody>")
    assert found.held is not None
    assert found.differing(["a.yaml", "b.yaml", "c.yaml"]) == {"c.yaml"}
    assert found.signature_of("a.yaml") == f"as of commit {second[:10]}", "one commit does not say who changed what"
    assert git(jobs, "rev-parse", "HEAD") == second, "git itself takes it for a worktree"
    with tree_at(jobs, first) as past:
        assert (past.root / "a.yaml").read_text() == "one"


def test_a_state_directory_that_moves_keeps_its_tree(pushed: Pushed, source: GitSource, state: Path) -> None:
    commit = pushed.push({"jobs.d/a.yaml": "one"})
    Fetcher(source, state).fetch()
    moved = state.rename(state.with_name("moved"))
    assert Fetcher(source, moved).fetch() == Unchanged(commit=commit)
    found = checkout(moved / CURRENT / "jobs.d")
    assert found is not None and found.held == {"a.yaml": git(pushed.work, "rev-parse", "HEAD:jobs.d/a.yaml")}
    newer = pushed.push({"jobs.d/a.yaml": "two"})
    assert Fetcher(source, moved).fetch() == Swapped(commit=newer, before=commit)


def test_a_state_directory_may_be_named_by_a_relative_path(
    pushed: Pushed, source: GitSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    commit = pushed.push({"jobs.d/a.yaml": "one"})
    assert Fetcher(source, Path("state")).fetch() == Swapped(commit=commit, before=None)
    assert tree_in_force(tmp_path / "state") == {"jobs.d/a.yaml": "one"}


def test_a_whole_repository_can_be_the_tree(pushed: Pushed, source: GitSource, state: Path) -> None:
    """Then the entry `.git` is beside the manifests, and is none."""
    pushed.push({"a.yaml": "one", "jobs.d/b.yaml": "two"})
    Fetcher(replace(source, path="."), state).fetch()
    assert tree_in_force(state) == {"a.yaml": "one", "jobs.d/b.yaml": "two"}
    jobs = state / CURRENT / "."
    assert {each.path for each in load(jobs)} == {"a.yaml", "jobs.d/b.yaml"}
    found = checkout(jobs)
    assert found is not None and found.held is not None and set(found.held) == {"a.yaml", "jobs.d/b.yaml"}


def test_another_path_of_the_same_commit_is_another_tree(pushed: Pushed, source: GitSource, state: Path) -> None:
    commit = pushed.push({"jobs.d/a.yaml": "one", "other/b.yaml": "two"})
    Fetcher(source, state).fetch()
    assert Fetcher(replace(source, path="other"), state).fetch() == Swapped(commit=commit, before=commit)
    assert tree_in_force(state) == {"other/b.yaml": "two"}
    assert Fetcher(source, state).fetch() == Swapped(commit=commit, before=commit)
    assert tree_in_force(state) == {"jobs.d/a.yaml": "one"}


REFS = {
    "a branch": ("topic/x", "refs/heads/topic/x"),
    "a light tag": ("v1", "refs/tags/v1"),
    "an annotated tag": ("v2", "refs/tags/v2"),
    "a branch before a tag of its name": ("both", "refs/heads/both"),
}


@pytest.mark.parametrize(("ref", "full"), REFS.values(), ids=REFS.keys())
def test_a_ref_is(pushed: Pushed, source: GitSource, state: Path, ref: str, full: str) -> None:
    tagged = pushed.push({"jobs.d/a.yaml": "tagged"})
    git(pushed.work, "tag", "both")
    wanted = pushed.push({"jobs.d/a.yaml": "wanted"})
    for command in (["tag", "v1"], ["tag", "-a", "-m", "a tag", "v2"], ["branch", "topic/x"], ["branch", "both"]):
        git(pushed.work, *command)
    git(pushed.work, "push", "--quiet", "origin", "refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*")
    pushed.push({"jobs.d/a.yaml": "newest"})
    assert git(pushed.work, "rev-parse", f"{full}^{{commit}}") == wanted != tagged
    assert Fetcher(replace(source, ref=ref), state).fetch() == Swapped(commit=wanted, before=None)
    assert tree_in_force(state) == {"jobs.d/a.yaml": "wanted"}


def test_a_commit_by_its_hash_needs_the_host_once(
    pushed: Pushed, source: GitSource, state: Path, host: GitHost
) -> None:
    wanted = pushed.push({"jobs.d/a.yaml": "wanted"})
    pushed.push({"jobs.d/a.yaml": "newest"})
    fetcher = Fetcher(replace(source, ref=wanted), state)
    assert fetcher.fetch() == Swapped(commit=wanted, before=None)
    asked = len(host.requests)
    assert fetcher.fetch() == Unchanged(commit=wanted)
    assert len(host.requests) == asked


def test_without_a_ref_it_is_the_default_branch(pushed: Pushed, source: GitSource, state: Path) -> None:
    pushed.push({"jobs.d/a.yaml": "main"})
    git(pushed.work, "push", "--quiet", "origin", "HEAD:refs/heads/trunk")
    git(pushed.bare, "symbolic-ref", "HEAD", "refs/heads/trunk")
    commit = pushed.push({"jobs.d/a.yaml": "newer"})
    fetcher = Fetcher(replace(source, ref=None), state)
    assert isinstance(fetcher.fetch(), Swapped)
    assert tree_in_force(state) == {"jobs.d/a.yaml": "main"}
    git(pushed.bare, "symbolic-ref", "HEAD", "refs/heads/main")
    assert isinstance(found := fetcher.fetch(), Swapped) and found.commit == commit


def test_a_repository_with_long_hashes_is_read(tmp_path: Path, authority: Authority, state: Path) -> None:
    pushed = Pushed.made(tmp_path / "sha256", format="sha256")
    with git_host(pushed.hosted, authority) as served:
        url, text = f"{served.url}/{NAME}", authority.file.read_text()
        fetcher = Fetcher(GitSource(url=url, token=SecretStr(TOKEN), authorities=text), state)
        for number in range(2):
            commit = pushed.push({"jobs.d/a.yaml": f"{number}"})
            assert isinstance(found := fetcher.fetch(), Swapped), found
            assert found.commit == commit and len(commit) == 64
        found_there = checkout(state / CURRENT / "jobs.d")
        assert found_there is not None and found_there.differing(["a.yaml"]) == set()


def test_files_that_did_not_change_are_shared_and_cannot_be_written(
    pushed: Pushed, source: GitSource, state: Path
) -> None:
    files: dict[str, str | None] = {f"jobs.d/{number}.yaml": f"{number}" for number in range(20)}
    pushed.push({**files, "jobs.d/edited.yaml": "as committed"})
    fetcher = Fetcher(source, state)
    fetcher.fetch()
    jobs = state / CURRENT / "jobs.d"
    before = {path.name: path.stat().st_ino for path in jobs.iterdir()}
    (jobs / "edited.yaml").chmod(0o644)
    (jobs / "edited.yaml").write_text("as  edited")
    (jobs / "edited.yaml").chmod(0o444)
    pushed.push({"jobs.d/3.yaml": "changed"})
    fetcher.fetch()
    after = {path.name: path.stat().st_ino for path in jobs.iterdir()}
    assert {name for name, inode in after.items() if before[name] != inode} == {"3.yaml", "edited.yaml"}
    assert {path.stat().st_mode & 0o777 for path in jobs.iterdir()} == {0o444}
    assert (jobs / "edited.yaml").read_text() == "as committed"


def test_the_token_is_neither_on_the_disk_nor_in_a_message(
    pushed: Pushed, source: GitSource, state: Path, host: GitHost
) -> None:
    pushed.push({"jobs.d/a.yaml": "one"})
    fetcher = Fetcher(source, state)
    fetcher.fetch()
    host.token = "another"
    assert message(fetcher.fetch()) == (
        f"{source.url} could not be fetched: "
        "the host refused the token of git.tokenFile: it may be expired, or need another git.username"
    )
    written = [path.read_bytes() for path in state.rglob("*") if path.is_file()]
    assert len(written) > 5 and not any(TOKEN.encode() in content for content in written)


def test_a_host_whose_certificate_is_not_trusted_is_not_read(pushed: Pushed, source: GitSource, state: Path) -> None:
    pushed.push({"jobs.d/a.yaml": "one"})
    said = message(Fetcher(replace(source, authorities=None), state).fetch())
    assert "the host's certificate is not trusted: name its authority in caFile" in said
