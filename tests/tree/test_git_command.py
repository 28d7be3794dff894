"""Nothing of a commit or of a repository runs a program: every key of git-config(1) that names one, in every place."""

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.model.errors import UsageError
from controller.operations.plan.revision import tree_at
from controller.tree.git.command import GitError, open_git
from controller.tree.git.info import author, checkout
from controller.tree.git.repository import repository_of
from tests.conftest import Workspace, ndvi
from tests.operations.test_plan_revision import commit, git
from tests.support.command import shjobs
from tests.support.paths import ROOT

KEYS = {
    "core.fsmonitor": "{program}",
    "core.hooksPath": "{folder}",
    "core.sshCommand": "{program}",
    "core.pager": "{program}",
    "core.editor": "{program}",
    "core.askPass": "{program}",
    "core.gitProxy": "{program}",
    "core.alternateRefsCommand": "{program}",
    "sequence.editor": "{program}",
    "credential.helper": "!{program}",
    "filter.planted.clean": "{program}",
    "filter.planted.smudge": "{program}",
    "filter.planted.process": "{program}",
    "filter.lfs.process": "{program}",
    "diff.external": "{program}",
    "diff.planted.command": "{program}",
    "diff.planted.textconv": "{program}",
    "difftool.planted.cmd": "{program}",
    "merge.planted.driver": "{program}",
    "mergetool.planted.cmd": "{program}",
    "gpg.program": "{program}",
    "gpg.ssh.program": "{program}",
    "gpg.ssh.defaultKeyCommand": "{program}",
    "gpg.x509.program": "{program}",
    "log.showSignature": "true",
    "alias.ls-tree": "!{program}",
    "alias.status": "!{program}",
    "pager.ls-tree": "{program}",
    "interactive.diffFilter": "{program}",
    "include.path": "{folder}/included",
    "includeIf.gitdir:/.path": "{folder}/included",
    "remote.origin.uploadpack": "{program}",
    "remote.origin.receivepack": "{program}",
    "remote.origin.vcs": "ext",
    "remote.origin.url": "ext::{program} %S",
    "remote.origin.promisor": "true",
    "uploadpack.packObjectsHook": "{program}",
    "trailer.planted.command": "{program}",
    "trailer.planted.cmd": "{program}",
    "hook.planted.command": "{program}",
    "hook.planted.event": "post-index-change",
    "protocol.allow": "always",
    "protocol.ext.allow": "always",
    "core.worktree": "{folder}",
}
ATTRIBUTES = "* filter=planted diff=planted merge=planted\n"
HOOKS = ("post-index-change", "post-checkout", "pre-commit", "reference-transaction", "fsmonitor-watchman")


class Planted:
    """A program that leaves a witness with the variables it was given, and everything that may name it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.witness = folder / "witness"
        folder.mkdir()
        for name in ("program", *HOOKS):
            (folder / name).write_text(f'#!/bin/sh\n(echo "$0 $*"; env) >> "{self.witness}"\n')
            (folder / name).chmod(0o755)
        (folder / "included").write_text(f"[core]\n\tfsmonitor = {folder}/program\n")

    def value(self, key: str) -> str:
        return KEYS[key].format(program=self.folder / "program", folder=self.folder)

    def write(self, config: Path, *keys: str) -> None:
        """Write these keys, all if none is named."""
        for key in keys or KEYS:
            command = ["git", "config", "--file", str(config), key, self.value(key)]
            subprocess.run(command, check=True, cwd="/", env={"PATH": os.environ["PATH"]})

    def lay_hooks(self, directory: Path) -> None:
        (directory / "hooks").mkdir(exist_ok=True)
        for name in HOOKS:
            (directory / "hooks" / name).unlink(missing_ok=True)
            (directory / "hooks" / name).symlink_to(self.folder / name)


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    return Planted(tmp_path / "planted")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits, in the work tree of the last."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder, {"jobs.d/a.yaml": "first", ".gitattributes": ATTRIBUTES})
    commit(folder, {"jobs.d/a.yaml": "second"})
    return folder


def visit(jobs: Path) -> None:
    """Everything that is asked of git, with a file that differs."""
    (jobs / "a.yaml").write_text("third")
    found = checkout(jobs)
    assert found is not None
    assert found.revision_of("a.yaml").endswith("-dirty")
    assert author(jobs) == "somebody <somebody>"
    with tree_at(jobs, "HEAD~1") as past:
        assert (past.root / "a.yaml").read_text() == "first"


@pytest.mark.slow
@pytest.mark.parametrize("key", KEYS)
def test_no_setting_of_a_repository_runs_anything(repository: Path, planted: Planted, key: str) -> None:
    planted.write(repository / ".git" / "config", key)
    planted.lay_hooks(repository / ".git")
    visit(repository / "jobs.d")
    assert not planted.witness.exists()


def a_work_tree(root: Path, planted: Planted) -> None:
    planted.write(root / ".git" / "config")
    planted.lay_hooks(root / ".git")


def a_bare_looking_folder(root: Path, planted: Planted) -> None:
    """What a commit can hold: the jobs folder, and one below it, look like bare repositories."""
    for folder in (root / "jobs.d", root / "jobs.d" / "sub"):
        git(root, "init", "--quiet", "--bare", "model")
        for name in ("HEAD", "config", "objects", "refs"):
            folder.mkdir(exist_ok=True)
            (root / "model" / name).rename(folder / name)
        subprocess.run(["rm", "-r", root / "model"], check=True)
        (folder / "objects" / "kept").touch()
        planted.write(folder / "config", "core.fsmonitor")
        with (folder / "config").open("a") as config:
            config.write("[core]\n\tbare = false\n\tworktree = ..\n")


def a_worktree_file(root: Path, planted: Planted) -> None:
    git(root, "config", "extensions.worktreeConfig", "true")
    planted.write(root / ".git" / "config.worktree")


def a_submodule(root: Path, planted: Planted) -> None:
    """A submodule in the jobs folder, whose own configuration names the program."""
    other = root.parent / "other"
    other.mkdir()
    git(other, "init", "--quiet", "--initial-branch", "main")
    commit(other, {"x.yaml": ndvi("x")})
    git(root, "submodule", "--quiet", "add", str(other), "jobs.d/module")
    git(root, "commit", "--quiet", "--message", "a submodule")
    planted.write(root / ".git" / "modules" / "jobs.d" / "module" / "config")


def a_git_folder_below(root: Path, planted: Planted) -> None:
    """No commit can hold it; another way of delivering a tree can."""
    folder = root / "jobs.d" / "nested"
    folder.mkdir()
    git(folder, "init", "--quiet")
    planted.write(folder / ".git" / "config", "core.fsmonitor")


PLACES = [a_work_tree, a_bare_looking_folder, a_worktree_file, a_submodule, a_git_folder_below]


@pytest.mark.slow
@pytest.mark.parametrize("plant", PLACES, ids=lambda plant: plant.__name__.replace("_", " "))
def test_no_command_runs_anything(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory, plant: Callable[[Path, Planted], None]
) -> None:
    planted = Planted(tmp_path_factory.mktemp("elsewhere") / "planted")
    git(workspace.root, "init", "--quiet", "--initial-branch", "main")
    workspace.write("ndvi.yaml", ndvi())
    commit(workspace.root, {".gitignore": "state/\nsandbox/\n", ".gitattributes": ATTRIBUTES})
    plant(workspace.root, planted)
    workspace.write("ndvi.yaml", ndvi(west=14.3))
    for command in (["plan"], ["plan", "--against", "HEAD"], ["sync"], ["get"], ["doctor"], ["check"]):
        done = shjobs(*command, cwd=workspace.root, environment=workspace.environment)
        assert "Traceback" not in done.stderr
        assert not planted.witness.exists(), (command, planted.witness.read_text())
    assert workspace.posts() >= 1


def test_the_plant_works_where_git_is_called_without_the_door(
    repository: Path, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the tests above can fail: plain git runs the program, and hands it our variables."""
    monkeypatch.setenv("SHJOBS_CLIENT_SECRET", "canary")
    a_bare_looking_folder(repository, planted)
    subprocess.run(["git", "-C", str(repository / "jobs.d"), "status"], capture_output=True, check=False)
    assert "SHJOBS_CLIENT_SECRET=canary" in planted.witness.read_text()


def test_a_blob_that_is_missing_is_not_fetched(repository: Path, planted: Planted) -> None:
    """Of a partial clone; plain git would run the `uploadpack` of its configuration."""
    blob = git(repository, "rev-parse", "HEAD~1:jobs.d/a.yaml")
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    planted.write(repository / ".git" / "config", "remote.origin.uploadpack", "remote.origin.promisor")
    git(repository, "config", "remote.origin.url", str(repository))
    git(repository, "config", "extensions.partialClone", "origin")
    git(repository, "config", "core.repositoryFormatVersion", "1")
    with (
        pytest.raises(UsageError, match=r"git lacks jobs\.d/a\.yaml of that commit; fetch it first"),
        tree_at(repository / "jobs.d", "HEAD~1"),
    ):
        pass
    assert not planted.witness.exists()
    subprocess.run(["git", "-C", str(repository), "cat-file", "-p", blob], capture_output=True, check=False)
    assert planted.witness.exists()


def test_git_sees_none_of_our_variables(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Asked of a stand-in that stands first in PATH and writes down what it sees."""
    (tmp_path / "git").write_text(f"#!/bin/sh\nenv > {tmp_path}/seen\ncat > {tmp_path}/stdin\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f".:{tmp_path}:{os.environ['PATH']}")
    for name in ("SHJOBS_CLIENT_SECRET", "AWS_SECRET_ACCESS_KEY", "GIT_SSH_COMMAND", "GIT_CONFIG_COUNT", "LD_PRELOAD"):
        monkeypatch.setenv(name, "canary")
    checkout(repository / "jobs.d")
    seen = (tmp_path / "seen").read_text()
    assert "canary" not in seen
    assert next(line for line in seen.splitlines() if line.startswith("PATH=")).startswith(f"PATH={tmp_path}:")
    assert (tmp_path / "stdin").read_text() == ""


@pytest.mark.parametrize("program", ["sleep 60", "yes", "sleep 60 & sleep 60"])
def test_a_git_that_does_not_end_is_ended(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str
) -> None:
    (tmp_path / "git").write_text(f"#!/bin/sh\n{program}\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = repository_of(repository)
    assert found is not None
    with open_git(found) as door, pytest.raises(GitError, match=r"did not end within|wrote more than"):
        door.ask("ls-tree", "HEAD", patience=0.3, most=10_000)


def test_without_a_place_for_temporary_files_it_is_not_known_what_differs(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container with a file system that is read-only everywhere; the daemon must go on."""
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    found = checkout(repository / "jobs.d")
    assert found is not None
    assert (found.commit, found.held) == (git(repository, "rev-parse", "HEAD"), None)
    assert author(repository / "jobs.d") == ""


def kinds(repository: Path, tmp_path: Path, kind: str) -> Path:
    """A repository of a kind with two commits; answers its top."""
    if kind == "sha256":
        folder = tmp_path / "sha256"
        folder.mkdir()
        git(folder, "init", "--quiet", "--initial-branch", "main", "--object-format", "sha256")
        for text in ("first", "second"):
            commit(folder, {"jobs.d/a.yaml": text})
        return folder
    if kind == "packed":
        git(repository, "gc", "--quiet")
    if kind == "alternates":
        git(tmp_path, "clone", "--quiet", "--shared", str(repository), "other")
    if kind == "a worktree":
        git(repository, "worktree", "add", "--quiet", "--detach", str(tmp_path / "other"))
    if kind == "a partial clone":
        git(tmp_path, "clone", "--quiet", "--filter=blob:limit=1k", f"file://{repository}", "other")
    if kind == "a submodule":
        (tmp_path / "super").mkdir()
        git(tmp_path / "super", "init", "--quiet")
        git(tmp_path / "super", "submodule", "--quiet", "add", str(repository), "other")
        return tmp_path / "super" / "other"
    if kind == "a split index":
        git(repository, "update-index", "--split-index")
    if kind == "sparse":
        git(repository, "sparse-checkout", "set", "--sparse-index", "jobs.d")
    return tmp_path / "other" if (tmp_path / "other").exists() else repository


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        "plain",
        "sha256",
        "packed",
        "alternates",
        "a worktree",
        "a partial clone",
        "a submodule",
        "a split index",
        "sparse",
    ],
)
def test_a_repository_of_every_kind_is_read(repository: Path, tmp_path: Path, kind: str) -> None:
    jobs = kinds(repository, tmp_path, kind) / "jobs.d"
    found = checkout(jobs)
    assert found is not None
    assert found.held is not None
    assert found.differing(["a.yaml"]) == set()
    visit(jobs)


def test_what_was_fetched_and_the_log_of_refs_name_commits_too(repository: Path) -> None:
    git(repository, "fetch", "--quiet", str(repository), "main")
    for ref in ("FETCH_HEAD", "HEAD@{1}", "main@{0}", "main~1"):
        with tree_at(repository / "jobs.d", ref) as past:
            assert past.commit == git(repository, "rev-parse", ref)


def test_the_door_is_the_only_way_to_git() -> None:
    """`subprocess` is used by the door, and by what starts children: scripts, demo, page, pictures, apprise."""
    root = ROOT / "controller"
    users = {str(path.relative_to(root)) for path in root.rglob("*.py") if "import subprocess" in path.read_text()}
    assert users == {
        *("tree/git/program.py", "evalscript/process.py", "cli/demo.py"),
        *("page/renderer.py", "operations/picture/process.py", "notify/sinks/apprise.py"),
    }
