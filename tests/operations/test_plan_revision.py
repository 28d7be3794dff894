"""The tree of manifests at a revision: from real repositories of every kind, and a sentence where there is none."""

import os
import subprocess
from pathlib import Path

import pytest

from controller.model.errors import UsageError
from controller.operations.plan.revision import tree_at
from controller.tree.files import LARGEST_AREA

pytestmark = pytest.mark.slow


def git(folder: Path, *arguments: str) -> str:
    """Git as a person with a plain configuration uses it."""
    identity = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    people = {f"GIT_{who}_{what}": "somebody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    command = ["git", "-c", "protocol.file.allow=always", *arguments]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **identity, **people}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(folder: Path, files: dict[str, str]) -> str:
    """Write these files and commit everything; answers the hash."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "a change")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits: `jobs.d` begins with the first, the second changes it."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder, {"README": "nothing here yet"})
    commit(folder, {"jobs.d/a.yaml": "first", "jobs.d/sub/b c.yaml": "é"})
    commit(folder, {"jobs.d/a.yaml": "second"})
    return folder


def files(jobs: Path, ref: str) -> dict[str, str]:
    with tree_at(jobs, ref) as past:
        found = [path for path in past.root.rglob("*") if path.is_file()]
        return {str(path.relative_to(past.root)): path.read_text(encoding="utf-8") for path in found}


BOTH = {"a.yaml": "first", "sub/b c.yaml": "é"}


def test_the_tree_is_that_of_the_revision_and_the_working_tree_does_not_matter(repository: Path) -> None:
    (repository / "jobs.d" / "a.yaml").write_text("not committed", encoding="utf-8")
    assert files(repository / "jobs.d", "HEAD~1") == BOTH


def test_it_is_gone_when_left_and_the_repository_is_as_it_was(repository: Path) -> None:
    before = git(repository, "status", "--porcelain", "--ignored"), sorted((repository / ".git").iterdir())
    with tree_at(repository / "jobs.d", "main") as past:
        assert past.commit == git(repository, "rev-parse", "main")
    assert not past.root.exists()
    after = git(repository, "status", "--porcelain", "--ignored"), sorted((repository / ".git").iterdir())
    assert after == before


def test_a_jobs_folder_that_did_not_exist_is_empty(repository: Path) -> None:
    assert files(repository / "jobs.d", "HEAD~2") == {}


def test_a_jobs_folder_that_does_not_exist_any_more_is_found(repository: Path) -> None:
    git(repository, "rm", "-r", "--quiet", "jobs.d")
    assert files(repository / "jobs.d", "HEAD~1") == BOTH


def test_a_worktree_of_another_branch(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "--quiet", str(tmp_path / "other"), "-b", "other")
    assert files(tmp_path / "other" / "jobs.d", "main~1") == BOTH


def test_the_root_of_the_repository_as_jobs_folder(repository: Path) -> None:
    assert files(repository, "HEAD~1") == {"README": "nothing here yet", **{f"jobs.d/{k}": v for k, v in BOTH.items()}}


def test_a_folder_whose_name_git_would_read_as_a_pattern(repository: Path) -> None:
    commit(repository, {"*.d/c.yaml": "starred"})
    assert files(repository / "*.d", "HEAD") == {"c.yaml": "starred"}


def test_the_environment_of_a_hook_does_not_lead_away(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", "index.elsewhere")
    assert files(repository / "jobs.d", "main~1") == BOTH


def test_a_link_out_of_the_jobs_folder_leads_nowhere(repository: Path) -> None:
    """As everywhere, it is not followed."""
    (repository / "shared.yaml").write_text("shared", encoding="utf-8")
    (repository / "jobs.d" / "l.yaml").symlink_to("../shared.yaml")
    commit(repository, {})
    assert files(repository / "jobs.d", "HEAD").keys() == {"a.yaml", "sub/b c.yaml"}


def test_a_file_that_is_too_large_to_be_read_keeps_its_size_only(repository: Path) -> None:
    commit(repository, {"jobs.d/large.yaml": "#" * (LARGEST_AREA + 1)})
    assert files(repository / "jobs.d", "HEAD")["large.yaml"] == "\0" * (LARGEST_AREA + 1)


def test_a_tree_that_was_made_to_lead_out_of_its_folder_writes_nothing_there(repository: Path, tmp_path: Path) -> None:
    """A link and a folder of one name, which no checkout can hold, but a pull request can."""
    target = tmp_path / "target"
    target.mkdir()
    link = _object(repository, "blob", str(target).encode())
    evil = _object(repository, "blob", b"written outside")
    inner = _object(repository, "tree", _entry("100644", "evil.yaml", evil))
    jobs = _object(repository, "tree", _entry("120000", "out", link) + _entry("40000", "out", inner))
    root = _object(repository, "tree", _entry("40000", "jobs.d", jobs))
    made = git(repository, "commit-tree", root, "-m", "evil")
    with tree_at(repository / "jobs.d", made):
        assert list(target.iterdir()) == []


def _entry(mode: str, name: str, hash: str) -> bytes:
    return f"{mode} {name}".encode() + b"\0" + bytes.fromhex(hash)


def _object(repository: Path, kind: str, content: bytes) -> str:
    command = ["git", "hash-object", "-t", kind, "-w", "--literally", "--stdin"]
    return (
        subprocess.run(command, cwd=repository, input=content, capture_output=True, check=True).stdout.decode().strip()
    )


@pytest.mark.parametrize("ref", ["nowhere", "", "--help", "main:jobs.d", "HEAD~99"])
def test_what_names_no_commit_is_told_in_a_sentence(repository: Path, ref: str) -> None:
    with pytest.raises(UsageError, match=r"names no commit of .*; write a branch, tag or commit that is here"):
        files(repository / "jobs.d", ref)


def test_a_shallow_clone_says_that_the_commit_must_be_fetched(repository: Path, tmp_path: Path) -> None:
    old = git(repository, "rev-parse", "HEAD~1")
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repository}", "shallow")
    assert files(tmp_path / "shallow" / "jobs.d", "HEAD") == {**BOTH, "a.yaml": "second"}
    with pytest.raises(UsageError, match="or fetch it first"):
        files(tmp_path / "shallow" / "jobs.d", old)


def test_outside_a_repository_git_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"--against: {tmp_path} is in no git repository"):
        files(tmp_path / "jobs.d", "main")


def test_a_repository_without_a_working_tree_is_told(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), "bare")
    with pytest.raises(UsageError, match="--against: "):
        files(tmp_path / "bare" / "jobs.d", "main")


def test_a_machine_without_git_is_told(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match="--against needs git, which is not installed here"):
        files(repository / "jobs.d", "main")
