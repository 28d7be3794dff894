"""Which files are in the commit that is checked out, as they were last read."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.tree.git.committed import DELETED, EDITED, NEW, NO_REPOSITORY, UNREAD, UNSEEN, Committed
from controller.tree.git.info import Checkout, checkout, head
from controller.tree.tree import Tree
from tests.conftest import ndvi
from tests.operations.test_plan_revision import commit, git
from tests.support.factories import NOW
from tests.tree.test_tree import appraise


class Looked:
    """A tree with its answers of git, which are counted."""

    def __init__(self, jobs: Path) -> None:
        self.jobs, self.asked = jobs, 0
        self.tree = Tree(jobs, appraise, head=lambda: head(jobs))
        self.committed = Committed(self.ask)

    def ask(self) -> Checkout | None:
        self.asked += 1
        return checkout(self.jobs)

    def scan(self) -> list[str] | None:
        """Scan and look; the files of which something else is said, None: all."""
        change = self.tree.refresh({}, NOW)
        return self.look(change.commit, {each.path for each in (*change.clean, *change.unclean)} | {*change.gone})

    def look(self, at: str, read: set[str]) -> list[str] | None:
        found = self.committed.look(at, self.tree.files, read)
        return None if found is None else sorted(found)


@pytest.fixture
def looked(tmp_path: Path) -> Looked:
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    commit(tmp_path, {"jobs.d/a.yaml": ndvi("a"), "jobs.d/b.yaml": ndvi("b")})
    found = Looked(tmp_path / "jobs.d")
    assert (found.committed.flaw(["a.yaml"]), found.scan(), found.asked) == (UNSEEN, None, 1)
    assert found.committed.flaw(["a.yaml", "b.yaml"]) == ""
    return found


def write(looked: Looked, path: str, text: str) -> None:
    (looked.jobs / path).parent.mkdir(exist_ok=True)
    (looked.jobs / path).write_text(text)


def test_git_is_asked_only_when_a_file_or_the_commit_is_another_one(looked: Looked) -> None:
    assert [looked.scan(), looked.scan(), looked.asked] == [[], [], 1]
    write(looked, "a.yaml", ndvi("a", 14.42))
    assert (looked.scan(), looked.asked) == (["a.yaml"], 2)
    assert looked.committed.flaw(["b.yaml", "a.yaml"]) == f"a.yaml {EDITED}"
    commit(looked.jobs.parent, {})
    assert (looked.scan(), looked.asked, looked.committed.flaw(["a.yaml"])) == (["a.yaml"], 3, "")


def test_a_commit_is_noticed_without_reading_a_file(looked: Looked) -> None:
    write(looked, "new.yaml", ndvi("new"))
    looked.scan()
    assert looked.committed.flaw(["new.yaml"]) == f"new.yaml {NEW}"
    commit(looked.jobs.parent, {})
    kept = (looked.jobs / "new.yaml").read_text()
    (looked.jobs / "new.yaml").write_text("gone meanwhile")
    assert looked.look(head(looked.jobs), set()) == ["new.yaml"]
    assert (looked.committed.flaw(["new.yaml"]), "new.yaml" in looked.tree.files) == ("", True)
    (looked.jobs / "new.yaml").write_text(kept)


def test_what_was_read_counts_not_what_was_restored_since(looked: Looked) -> None:
    """Between the scan and the look at git the edit is taken back: what was read would be paid for."""
    write(looked, "a.yaml", ndvi("a", 14.42))
    change = looked.tree.refresh({}, NOW)
    git(looked.jobs.parent, "checkout", "--quiet", ".")
    assert looked.look(change.commit, {"a.yaml"}) == ["a.yaml"]
    assert looked.committed.flaw(["a.yaml"]) == f"a.yaml {UNREAD}"
    assert (looked.scan(), looked.committed.flaw(["a.yaml"])) == (["a.yaml"], "")


def test_a_restored_file_is_said_to_differ_no_more(looked: Looked) -> None:
    write(looked, "a.yaml", f"# edited\n{ndvi('a')}")
    assert looked.scan() == ["a.yaml"]
    git(looked.jobs.parent, "checkout", "--quiet", ".")
    assert (looked.scan(), looked.committed.flaw(["a.yaml"])) == (["a.yaml"], "")


def test_a_file_with_carriage_returns_is_the_one_that_git_holds_without(looked: Looked) -> None:
    (looked.jobs / "a.yaml").write_bytes(ndvi("a").replace("\n", "\r\n").encode())
    assert (looked.scan(), looked.committed.flaw(["a.yaml"])) == ([], "")


def test_a_file_that_no_scan_has_read_does_not_count(looked: Looked) -> None:
    assert looked.committed.flaw(["a.yaml", "never.yaml"]) == f"never.yaml {UNREAD}"


@pytest.mark.parametrize(
    ("folder", "path", "is_held"),
    [
        pytest.param("", "a.yaml", True, id="the list of the root is about every file"),
        pytest.param("deep/", "a.yaml", False, id="that of a folder is not about those outside of it"),
        pytest.param("deep/", "deep/c.yaml", True, id="but about those in it"),
    ],
)
def test_an_ignore_list_that_is_not_committed(looked: Looked, folder: str, path: str, *, is_held: bool) -> None:
    write(looked, "deep/c.yaml", ndvi("c"))
    commit(looked.jobs.parent, {})
    looked.scan()
    write(looked, f"{folder}.shjobsignore", "other.yaml\n")
    assert looked.scan() is None
    assert looked.committed.flaw([path]) == (f"{folder}.shjobsignore {NEW}" if is_held else "")
    commit(looked.jobs.parent, {})
    assert (looked.scan(), looked.committed.flaw([path])) == (None, "")
    (looked.jobs / folder / ".shjobsignore").unlink()
    assert looked.scan() is None
    assert looked.committed.flaw([path]) == (f"{folder}.shjobsignore {DELETED}" if is_held else "")


def test_a_repository_that_goes_and_comes_back(looked: Looked) -> None:
    (looked.jobs.parent / ".git").rename(looked.jobs.parent / "was")
    assert (looked.scan(), looked.committed.flaw(["a.yaml"])) == (None, NO_REPOSITORY)
    assert looked.scan() == []
    (looked.jobs.parent / "was").rename(looked.jobs.parent / ".git")
    assert (looked.scan(), looked.committed.flaw(["a.yaml"])) == (None, "")


def _worktree(top: Path) -> Path:
    git(top, "worktree", "add", "--quiet", "--detach", str(top / "beside"))
    return top / "beside" / "jobs.d"


def _packed(top: Path) -> Path:
    git(top, "gc", "--quiet")
    git(top, "pack-refs", "--all")
    return top / "jobs.d"


def _shallow(top: Path) -> Path:
    git(top, "clone", "--quiet", "--depth", "1", f"file://{top}", str(top / "clone"))
    return top / "clone" / "jobs.d"


@pytest.mark.parametrize("place", [_worktree, _packed, _shallow], ids=["a worktree", "packed refs", "a shallow clone"])
def test_other_forms_of_a_repository(looked: Looked, place: object) -> None:
    found = Looked(place(looked.jobs.parent))  # type: ignore[operator]
    assert (found.scan(), found.committed.flaw(["a.yaml"])) == (None, "")
    write(found, "a.yaml", ndvi("a", 14.42))
    assert (found.scan(), found.committed.flaw(["a.yaml"])) == (["a.yaml"], f"a.yaml {EDITED}")


@pytest.fixture
def newer(tmp_path: Path) -> Iterator[Path]:
    try:
        git(tmp_path, "init", "--quiet", "--object-format", "sha256")
    except subprocess.CalledProcessError:
        pytest.skip("git knows no SHA-256 here")
    yield tmp_path


def test_a_repository_with_longer_hashes(newer: Path) -> None:
    commit(newer, {"jobs.d/a.yaml": ndvi("a")})
    found = Looked(newer / "jobs.d")
    assert (found.scan(), found.committed.flaw(["a.yaml"])) == (None, "")
