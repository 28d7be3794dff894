"""The tree of manifests at a git revision, extracted to a temporary folder: for `plan --against`.

Only read-only git commands are used, on the repository around the jobs folder; nothing in it changes. Every git
failure becomes a `UsageError` with a sentence.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from controller.model.errors import UsageError, truncate
from controller.tree.files import LARGEST_AREA
from controller.tree.git.command import Git, GitError, is_installed, open_git
from controller.tree.git.objects import PATIENCE, MissingObjectError, TreeFile, contents, files_of
from controller.tree.git.repository import real, repository_of

MOST_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTree:
    """The jobs folder as it was: `root` is missing when there was none; `commit` is the full hash."""

    root: Path
    commit: str


@contextmanager
def tree_at(jobs: Path, ref: str) -> Iterator[PastTree]:
    """The tree of the folder `jobs` at `ref`, removed on exit.

    Raises `UsageError` when `jobs` is in no git repository, or `ref` names no commit that exists here.
    """
    if not is_installed():
        raise UsageError("--against needs git, which is not installed here")
    around = _nearest_folder(jobs)
    repository = repository_of(around)
    if repository is None:
        raise UsageError(f"--against: {around} is in no git repository: neither it nor a folder around it holds .git")
    inside = real(around).relative_to(repository.top)
    below = (inside / jobs.absolute().relative_to(around.absolute())).as_posix()
    with (
        _plain_errors(repository.top),
        open_git(repository) as git,
        tempfile.TemporaryDirectory(prefix="shjobs-plan-") as folder,
    ):
        commit = _commit(git, repository.top, ref)
        _write(git, files_of(git, commit, below), Path(folder))
        yield PastTree(root=Path(folder) / below, commit=commit)


@contextmanager
def _plain_errors(top: Path) -> Iterator[None]:
    """Turns git failures into a `UsageError` with a sentence."""
    try:
        yield
    except GitError as error:
        raise UsageError(f"--against: git says of {top}: {truncate(str(error))}") from None
    except MissingObjectError as error:
        raise UsageError(f"--against: git lacks {error} of that commit; fetch it first") from None


def _nearest_folder(jobs: Path) -> Path:
    """The jobs folder, or the nearest one above it that exists."""
    folder = jobs.absolute()
    while not folder.is_dir():
        folder = folder.parent
    return folder


def _commit(git: Git, top: Path, ref: str) -> str:
    asked = f"{ref}^{{commit}}"
    try:
        found = git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", asked, patience=PATIENCE)
    except GitError:
        found = b""
    if not found:
        raise UsageError(
            f"--against: {ref!r} names no commit of {top}; write a branch, tag or commit that is here, "
            "or fetch it first (a shallow clone holds only the newest commits)"
        )
    return found.decode().strip()


def _write(git: Git, files: Sequence[TreeFile], folder: Path) -> None:
    """Write every file below `folder`; one that is too large to be read gets only its size."""
    small = [file for file in files if file.size <= LARGEST_AREA]
    if sum(file.size for file in small) > MOST_BYTES:
        raise UsageError(f"--against: the jobs folder of that commit holds more than {MOST_BYTES:,} bytes")
    large = ((file, b"") for file in files if file.size > LARGEST_AREA)
    for file, content in chain(large, contents(git, small)):
        try:
            _write_one(folder, file, content)
        except OSError as error:
            raise UsageError(f"--against: {file.path} cannot be put into {folder}: {error.strerror}") from None


def _write_one(folder: Path, entry: TreeFile, content: bytes) -> None:
    """Write one file or link; a tree crafted to escape its folder is not followed there."""
    path = folder / entry.path
    if not path.parent.resolve().is_relative_to(folder.resolve()) or path.is_symlink() or path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if entry.is_link:
        path.symlink_to(os.fsdecode(content))
    else:
        path.write_bytes(content)
        os.truncate(path, entry.size)
