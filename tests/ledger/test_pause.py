"""What stops payments from outside the files: the file PAUSE, and git's lock on the tree."""

from pathlib import Path

import pytest

from controller.ledger.pause import is_paused, pause, resume, stops_of, who_paused
from controller.model.errors import StateError
from controller.tree.git.info import head, index_lock
from tests.operations.test_plan_revision import commit, git
from tests.support.factories import NOW


def test_pause_and_resume_are_said_once(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert not is_paused(state)
    assert [pause(state, "ann on host", NOW), pause(state, "bob on host", NOW)] == [True, False]
    assert (is_paused(state), who_paused(state)) == (True, "paused by ann on host at 2026-03-01T12:00:00Z")
    assert [resume(state), resume(state), is_paused(state)] == [True, False, False]


def test_a_file_that_a_person_made_by_hand_pauses(tmp_path: Path) -> None:
    (tmp_path / "PAUSE").touch()
    assert (is_paused(tmp_path), who_paused(tmp_path)) == (True, "")


def test_a_pause_that_cannot_be_looked_at_counts_as_one(tmp_path: Path) -> None:
    state = tmp_path / ("s" * 300)  # no file system takes such a name
    assert is_paused(state)


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    with pytest.raises(StateError, match="PAUSE cannot be written: "):
        pause(tmp_path / "state", "ann", NOW)
    (tmp_path / "other" / "PAUSE").mkdir(parents=True)
    with pytest.raises(StateError, match="PAUSE cannot be removed: "):
        resume(tmp_path / "other")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "deep" / "jobs.d").mkdir(parents=True)
    (folder / "deep" / "jobs.d" / "ndvi.yaml").touch()
    git(folder, "init", "--quiet")
    commit(folder, {})
    return folder


def test_the_lock_of_the_repository_around_the_tree_is_found(repository: Path) -> None:
    jobs = repository / "deep" / "jobs.d"
    assert index_lock(jobs) is None
    (repository / ".git" / "index.lock").touch()
    found = index_lock(jobs)
    assert found is not None
    assert found.path == str(repository / ".git" / "index.lock")


def test_the_lock_of_a_worktree_is_its_own(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"))
    jobs = tmp_path / "tree" / "deep" / "jobs.d"
    (repository / ".git" / "index.lock").touch()
    assert index_lock(jobs) is None
    (repository / ".git" / "worktrees" / "tree" / "index.lock").touch()
    assert index_lock(jobs) is not None


def test_without_git_there_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / ".git").write_text("this names no folder")
    look = stops_of(lambda: index_lock(tmp_path / "jobs.d"), tmp_path / "state")
    assert (look().paused, look().lock) == (False, None)


def test_another_commit_is_noticed_where_it_is_asked_for(repository: Path, tmp_path: Path) -> None:
    state, at = tmp_path / "state", [head(repository)]
    look, blind = stops_of(lambda: None, state, commit=lambda: at[0]), stops_of(lambda: None, state)
    before = look(), blind()
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "another")
    at[0] = head(repository)
    assert (look() == before[0], blind() == before[1]) == (False, True)
