"""Which approvals of a tree count, and who signed them: a commit, as git has it, whatever its author wrote."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from controller.manifest.approval import Approval
from controller.tree.git.approvals import MOST_HASHES_HELD, NO_ANSWER, UNCOMMITTED, Approvals
from controller.tree.git.info import checkout, head, last_change
from controller.tree.tree import Tree
from tests.operations.test_plan_revision import commit, git
from tests.support.factories import NOW
from tests.tree.test_tree import appraise

TEXT = "apiVersion: shjobs/v1\nkind: Approval\nspec: {{hashes: ['{}']}}\n"
FIRST, SECOND = "a" * 12, "b" * 12


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    commit(tmp_path, {"jobs.d/yes.yaml": TEXT.format(FIRST)})
    return tmp_path / "jobs.d"


def counting(tree: Tree) -> list[str]:
    return sorted(tree.refresh({}, NOW).approvals)


def test_a_committed_file_counts_an_edited_one_does_not_and_its_commit_makes_it_count(jobs: Path) -> None:
    tree = Tree(jobs, appraise, checkout=lambda: checkout(jobs))
    assert counting(tree) == [FIRST]
    (jobs / "yes.yaml").write_text(TEXT.format(SECOND))
    change = tree.refresh({}, NOW)
    assert (dict(change.approvals), list(change.unapproved)) == (
        {},
        ["yes.yaml: approves nothing: it counts once it is committed to git as it is now"],
    )
    commit(jobs.parent, {})
    assert counting(tree) == [SECOND]
    (jobs / "yes.yaml").unlink()
    assert counting(tree) == []


def test_outside_of_git_nothing_counts(tmp_path: Path) -> None:
    (tmp_path / "yes.yaml").write_text(TEXT.format(FIRST))
    assert counting(Tree(tmp_path, appraise, checkout=lambda: checkout(tmp_path))) == []


def test_while_git_cannot_list_the_commit_nothing_counts_and_it_is_looked_at_again(
    jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was taken as committed: what only lay there released a large change."""
    tree = Tree(jobs, appraise, checkout=lambda: checkout(jobs))
    with monkeypatch.context() as without:
        without.setenv("PATH", "/nowhere")
        change = tree.refresh({}, NOW)
    assert (dict(change.approvals), list(change.unapproved)) == ({}, [f"yes.yaml: approves nothing: {NO_ANSWER}"])
    assert counting(tree) == [FIRST]
    with monkeypatch.context() as full:
        full.setattr(tempfile, "tempdir", "/nowhere")
        assert counting(tree) == [FIRST]
        (jobs / "yes.yaml").write_text(TEXT.format(SECOND))
        assert counting(tree) == []
    assert list(tree.refresh({}, NOW).unapproved) == [f"yes.yaml: approves nothing: {UNCOMMITTED}"]


def test_a_link_to_what_is_not_committed_does_not_count(jobs: Path) -> None:
    (jobs / "other.yaml").write_text(TEXT.format(SECOND))
    (jobs / "link.yaml").symlink_to("other.yaml")
    git(jobs.parent, "add", "jobs.d/link.yaml")
    git(jobs.parent, "commit", "--quiet", "--message", "a link")
    assert counting(Tree(jobs, appraise, checkout=lambda: checkout(jobs))) == [FIRST]


def test_a_broken_approval_counts_with_none_of_its_hashes_and_is_a_problem(jobs: Path) -> None:
    commit(jobs.parent, {"jobs.d/yes.yaml": TEXT.format(f"{FIRST}', 'nonsense")})
    tree = Tree(jobs, appraise, checkout=lambda: checkout(jobs))
    assert counting(tree) == []
    [document] = tree.documents("yes.yaml")
    assert [problem.field for problem in document.problems] == ["spec.hashes[1]"]


def test_the_signature_is_of_the_commit_that_last_changed_the_file(jobs: Path) -> None:
    signed = git(jobs.parent, "rev-parse", "HEAD")
    commit(jobs.parent, {"jobs.d/later.yaml": "{}"})
    assert last_change(jobs, "yes.yaml")[0] == signed
    found = checkout(jobs)
    assert found and found.signature_of("yes.yaml").startswith(f"commit {signed[:10]} of ")


def test_a_shallow_clone_names_no_one_as_the_approver(jobs: Path, tmp_path: Path) -> None:
    """Its oldest commit seems to have changed every path: whoever pushed last was named."""
    commit(jobs.parent, {"jobs.d/later.yaml": "{}"})
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{jobs.parent}", "shallow")
    shallow = tmp_path / "shallow" / jobs.name
    found = checkout(shallow)
    assert found and found.signature_of("yes.yaml") == f"as of commit {found.commit[:10]}"
    commit(shallow.parent, {"jobs.d/yes.yaml": TEXT.format(SECOND)})
    found = checkout(shallow)
    assert found and found.signature_of("yes.yaml").startswith(f"commit {found.commit[:10]} of ")


def test_an_approval_whose_commit_was_taken_back_counts_no_more(jobs: Path) -> None:
    commit(jobs.parent, {"jobs.d/mine.yaml": TEXT.format(SECOND)})
    tree = Tree(jobs, appraise, checkout=lambda: checkout(jobs), head=lambda: head(jobs))
    assert counting(tree) == [FIRST, SECOND]
    git(jobs.parent, "reset", "--quiet", "HEAD~1")
    assert counting(tree) == [FIRST]


def test_an_author_is_shown_on_one_line_and_cut_short(jobs: Path) -> None:
    (jobs / "mine.yaml").write_text(TEXT.format(SECOND))
    git(jobs.parent, "add", "--all")
    name = "Ann\x1b[2J\u202e " + "x" * 500
    variables = {**os.environ, "GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": "a@x", "GIT_COMMITTER_NAME": "c"}
    subprocess.run(
        ["git", "commit", "--quiet", "-m", "x"], cwd=jobs, check=True, env={**variables, "GIT_COMMITTER_EMAIL": "c@x"}
    )
    author = last_change(jobs, "mine.yaml")[1]
    assert author.startswith("Ann?[2J? x")
    assert len(author) <= 100


def test_more_hashes_than_a_tree_may_hold_are_left_out_and_said(jobs: Path) -> None:
    approvals = Approvals(lambda: checkout(jobs))
    labels = tuple(f"{number:012x}" for number in range(MOST_HASHES_HELD + 1))
    approvals.take("yes.yaml", [Approval(path="yes.yaml", index=0, hashes=labels)])
    approvals.look("1")
    assert len(approvals.counting()) == MOST_HASHES_HELD
    assert len(approvals.problems()) == 1
