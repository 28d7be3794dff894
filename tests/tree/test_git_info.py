"""What is checked out: from real repositories of every kind, with and without git, and what a status says of it."""

import os
from pathlib import Path

import pytest
import yaml

from controller.ledger.store import Store
from controller.reconcile.wiring import copied_controller
from controller.tree.git.info import author, checkout, git_directory
from tests.conftest import Workspace, ndvi
from tests.operations.test_plan_revision import commit, git
from tests.support.factories import NOW, at

pytestmark = pytest.mark.slow


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder, {"jobs.d/a.yaml": "first", "jobs.d/sub/é b.yaml": "other", ".gitignore": "*.tmp\n"})
    return folder


def head(repository: Path) -> str:
    return git(repository, "rev-parse", "HEAD")


CLEAN: frozenset[str] = frozenset()


def seen(jobs: Path) -> tuple[str, str, frozenset[str] | None] | None:
    """Commit, branch, and which files that are here or in the commit differ; None for them when that is not known."""
    found = checkout(jobs)
    if found is None or found.held is None:
        return (found.commit, found.branch, None) if found else None
    here = {str(path.relative_to(jobs)) for path in jobs.rglob("*") if path.is_file() and ".git" not in path.parts}
    reported = {path for path in here | found.held.keys() if not path.endswith(".status.yaml")}
    return found.commit, found.branch, frozenset(found.differing(reported))


def test_a_clean_branch_is_told_by_commit_and_name(repository: Path) -> None:
    assert seen(repository / "jobs.d") == (head(repository), "main", CLEAN)
    assert author(repository / "jobs.d") == "somebody <somebody>"


def test_what_differs_is_named_as_the_loader_names_it_and_status_files_do_not_count(repository: Path) -> None:
    jobs = repository / "jobs.d"
    (jobs / "sub" / "é b.yaml").write_text("edited")
    (jobs / "new.yaml").touch()
    (jobs / "a.status.yaml").touch()
    (repository / "README").write_text("outside of the tree")
    found = checkout(jobs)
    assert found is not None
    assert seen(jobs) == (head(repository), "main", frozenset({"sub/é b.yaml", "new.yaml"}))
    clean, dirty = head(repository), f"{head(repository)}-dirty"
    assert [found.revision_of("a.yaml"), found.revision_of("a.yaml", "new.yaml")] == [clean, dirty]


def test_what_is_staged_or_removed_differs_too(repository: Path) -> None:
    (repository / "jobs.d" / "staged.yaml").touch()
    git(repository, "add", "--all")
    git(repository, "mv", "jobs.d/a.yaml", "jobs.d/moved.yaml")
    differing = frozenset({"staged.yaml", "a.yaml", "moved.yaml"})
    assert seen(repository / "jobs.d") == (head(repository), "main", differing)


def test_the_top_of_a_repository_may_be_the_jobs_folder(repository: Path) -> None:
    (repository / "README").touch()
    assert seen(repository) == (head(repository), "main", frozenset({"README"}))


@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
@pytest.mark.parametrize("branch", ["main", "feature/one"])
def test_without_git_commit_and_branch_are_known_but_not_what_differs_so_all_may(
    repository: Path, branch: str, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repository, "switch", "--quiet", "--force-create", branch)
    known = commit(repository, {"jobs.d/a.yaml": "second"})
    if packed:
        git(repository, "pack-refs", "--all")
    monkeypatch.setenv("PATH", "/nowhere")
    assert seen(repository / "jobs.d") == (known, branch, None)
    found = checkout(repository / "jobs.d")
    assert found is not None
    assert found.revision_of("a.yaml") == f"{known}-dirty"
    assert author(repository / "jobs.d") == ""


def test_a_detached_head_has_no_branch(repository: Path) -> None:
    first = head(repository)
    commit(repository, {"jobs.d/a.yaml": "second"})
    git(repository, "checkout", "--quiet", first)
    assert seen(repository / "jobs.d") == (first, "", CLEAN)


def test_a_shallow_clone_knows_its_commit(repository: Path, tmp_path: Path) -> None:
    commit(repository, {"jobs.d/a.yaml": "second"})
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repository}", "shallow")
    assert seen(tmp_path / "shallow" / "jobs.d") == (head(repository), "main", CLEAN)


def test_a_branch_that_stands_in_packed_refs_and_was_moved_since_is_where_it_was_moved(repository: Path) -> None:
    git(repository, "pack-refs", "--all")
    moved = commit(repository, {"jobs.d/a.yaml": "second"})
    assert seen(repository / "jobs.d") == (moved, "main", CLEAN)


def synced(repository: Path, root: Path, hash: str) -> None:
    """As git-sync does: a detached worktree per commit whose `.git` is relative, and a link that is swapped."""
    tree = root / ".worktrees" / hash
    git(repository, "worktree", "add", "--quiet", "--detach", str(tree), hash)
    named = Path((tree / ".git").read_text().removeprefix("gitdir: ").strip())
    (tree / ".git").write_text(f"gitdir: {os.path.relpath(named, tree)}\n")
    link = root / "next"
    link.symlink_to(Path(".worktrees") / hash)
    link.rename(root / "current")


def test_the_worktree_of_git_sync_follows_its_link(repository: Path, tmp_path: Path) -> None:
    first, second = head(repository), commit(repository, {"jobs.d/a.yaml": "second"})
    jobs = tmp_path / "sync" / "current" / "jobs.d"
    synced(repository, tmp_path / "sync", first)
    assert seen(jobs) == (first, "", CLEAN)
    synced(repository, tmp_path / "sync", second)
    assert seen(jobs) == (second, "", CLEAN)


def test_a_jobs_folder_that_is_a_link_belongs_to_the_repository_it_leads_to(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "jobs.d").symlink_to(repository / "jobs.d")
    (repository / "jobs.d" / "a.yaml").write_text("edited")
    assert seen(tmp_path / "jobs.d") == (head(repository), "main", frozenset({"a.yaml"}))


def test_what_only_git_can_read_is_asked_of_git(repository: Path) -> None:
    """Refs may be kept in a form that is not known here; HEAD then names a branch that no file holds."""
    known = head(repository)
    git(repository, "symbolic-ref", "refs/heads/alias", "refs/heads/main")
    git(repository, "symbolic-ref", "HEAD", "refs/heads/alias")
    assert seen(repository / "jobs.d") == (known, "alias", CLEAN)


@pytest.mark.parametrize("text", ["", "ref: refs/heads/../../../secret", "nonsense", "gitdir: nowhere"])
def test_no_repository_no_commit_and_nonsense_are_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "jobs.d").mkdir()
    assert checkout(tmp_path / "jobs.d") is None
    (tmp_path / ".git").write_text(text)
    assert checkout(tmp_path / "jobs.d") is None
    (tmp_path / ".git").unlink()
    git(tmp_path, "init", "--quiet")
    assert checkout(tmp_path / "jobs.d") is None
    (tmp_path / ".git" / "HEAD").write_text(text)
    assert checkout(tmp_path / "jobs.d") is None


def test_links_that_lead_in_a_circle_are_no_repository(tmp_path: Path) -> None:
    (tmp_path / "jobs.d").symlink_to("jobs.d")
    assert git_directory(tmp_path / "jobs.d") is None


@pytest.fixture
def versioned(workspace: Workspace) -> Workspace:
    git(workspace.root, "init", "--quiet", "--initial-branch", "main")
    (workspace.root / ".gitignore").write_text("state/\nsandbox/\n*.status.yaml\n")
    workspace.write("ndvi.yaml", ndvi())
    return workspace


def revision(workspace: Workspace, path: str = "ndvi.status.yaml") -> str | None:
    document = yaml.safe_load((workspace.jobs / path).read_text(encoding="utf-8"))
    found = document.get("revision")
    assert found is None or isinstance(found, str)
    return found


def test_the_revision_is_the_commit_that_first_held_the_digest_and_never_moves(versioned: Workspace) -> None:
    first = commit(versioned.root, {})
    versioned.sync()
    assert revision(versioned) == first
    commit(versioned.root, {"jobs.d/ndvi.yaml": "# a comment changes no digest\n" + ndvi()})
    versioned.sync()
    assert revision(versioned) == first
    third = commit(versioned.root, {"jobs.d/ndvi.yaml": ndvi(west=14.3)})
    versioned.sync()
    assert revision(versioned) == third
    commit(versioned.root, {"jobs.d/ndvi.yaml": ndvi()})
    versioned.sync()
    assert (revision(versioned), versioned.posts()) == (first, 2)


def test_a_rerun_is_of_the_commit_that_raised_it(versioned: Workspace) -> None:
    first = commit(versioned.root, {})
    versioned.sync()
    raised = commit(versioned.root, {"jobs.d/ndvi.yaml": ndvi().replace("spec:\n", "spec:\n  rerun: 1\n")})
    versioned.sync()
    assert (revision(versioned), versioned.posts(), raised == first) == (raised, 2, False)
    with Store.copy_of(versioned.state) as store:
        events = [each["message"] for each in store.reader().events(["ndvi"], 100) if each["reason"] == "Rerun"]
    assert events == [f"rerun 1 was raised by {raised}"]
    commit(versioned.root, {"jobs.d/ndvi.yaml": "# later\n" + ndvi().replace("spec:\n", "spec:\n  rerun: 1\n")})
    versioned.sync()
    assert revision(versioned) == raised


def test_only_jobs_whose_own_files_differ_are_marked_dirty(versioned: Workspace) -> None:
    first = commit(versioned.root, {})
    versioned.write("edited.yaml", ndvi("edited"))
    versioned.sync()
    assert (revision(versioned), revision(versioned, "edited.status.yaml")) == (first, f"{first}-dirty")


def wanted_revision(workspace: Workspace) -> str:
    with Store.copy_of(workspace.state) as store:
        [job] = store.jobs()
    assert job.wanted
    return job.wanted.revision


def test_a_revision_that_git_could_not_compare_is_put_right_by_a_later_process(
    versioned: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stayed dirty, and `wait --revision` took the commit for one that changed no job."""
    first = commit(versioned.root, {})
    with monkeypatch.context() as without:
        without.setenv("PATH", "/nowhere")
        versioned.sync()
    assert wanted_revision(versioned) == f"{first}-dirty"
    versioned.sync()
    assert (wanted_revision(versioned), versioned.posts()) == (first, 1)


def test_a_job_that_was_dirty_stays_so_in_a_later_process_and_at_a_later_commit(versioned: Workspace) -> None:
    first = commit(versioned.root, {})
    versioned.write("ndvi.yaml", ndvi(west=14.3))
    versioned.sync()
    versioned.sync()
    assert wanted_revision(versioned) == f"{first}-dirty"
    commit(versioned.root, {"jobs.d/ndvi.yaml": ndvi(west=14.3)})
    versioned.sync()
    assert wanted_revision(versioned) == f"{first}-dirty"


def test_a_job_that_is_held_tells_its_revision_too(versioned: Workspace) -> None:
    held = commit(versioned.root, {"jobs.d/ndvi.yaml": ndvi().replace("spec:\n", "spec:\n  hold: true\n")})
    versioned.sync()
    assert revision(versioned) == held
    commit(versioned.root, {"jobs.d/ndvi.yaml": ndvi()})
    versioned.sync()
    assert revision(versioned) == held


def test_what_was_found_in_the_bucket_is_of_an_unknown_commit(versioned: Workspace) -> None:
    commit(versioned.root, {})
    versioned.sync()
    (versioned.state / "shjobs.db").unlink()
    versioned.sync()
    assert revision(versioned) is None


def test_outside_of_git_there_is_no_revision(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    assert revision(workspace) is None


def test_a_scan_between_the_files_and_head_is_put_right_by_the_next_quiet_one(versioned: Workspace) -> None:
    """Git writes the files first: a look in that moment finds new files and the commit before them."""
    commits, seen = [commit(versioned.root, {})], []
    with copied_controller(versioned.settings(), lambda _news: None, lambda _call: None) as assembly:
        assembly.loop.start(NOW, takes_over=False)
        versioned.write("ndvi.yaml", ndvi(west=14.3))
        for seconds in range(3):
            assembly.loop.rescan()
            assembly.loop.turn([], at(seconds))
            wanted = assembly.ledger.jobs["ndvi"].wanted
            seen.append(wanted.revision if wanted else None)
            commits.append(commit(versioned.root, {}))
    assert seen == [f"{commits[0]}-dirty", commits[1], commits[1]]


def test_a_revision_that_git_could_not_compare_is_put_right_once_it_can(
    versioned: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edited file got the clean commit; and `wait --revision` may not take the commit as one that changed no job."""
    made, seen = commit(versioned.root, {}), []
    with copied_controller(versioned.settings(), lambda _news: None, lambda _call: None) as assembly:
        assembly.loop.start(NOW, takes_over=False)
        for seconds, path in enumerate(("/nowhere", "/nowhere", os.environ["PATH"])):
            monkeypatch.setenv("PATH", path)
            assembly.loop.rescan()
            assembly.loop.turn([], at(seconds))
            wanted, last = assembly.ledger.jobs["ndvi"].wanted, assembly.ledger.observed.revision()
            seen.append((wanted and wanted.revision, last and last[0]))
    assert seen == [(f"{made}-dirty", None), (f"{made}-dirty", None), (made, made)]
