"""The tree of manifests at a git revision, extracted to a temporary folder: for `plan --against`.

Only read-only git commands are used, on the repository around the jobs folder; nothing in it changes. Every git
failure becomes a `UsageError` with a sentence.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from controller.model.errors import UsageError, truncate
from controller.tree.git.command import Git, GitError, is_installed, open_git
from controller.tree.git.repository import real, repository_of
from controller.tree.regular_files import LARGEST

PATIENCE = 60.0  # seconds
MOST_BYTES = 512 * 1024 * 1024
LONGEST_HEADER = 200  # bytes
LINK, FILE = "120000", "100"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTree:
    """The jobs folder as it was: `root` is missing when there was none; `commit` is the full hash."""

    root: Path
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One file or link of a git tree."""

    mode: str
    blob: str
    path: str
    size: int


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
        _write(git, _entries(git, commit, below), Path(folder))
        yield PastTree(root=Path(folder) / below, commit=commit)


@contextmanager
def _plain_errors(top: Path) -> Iterator[None]:
    """Turns git failures into a `UsageError` with a sentence."""
    try:
        yield
    except GitError as error:
        raise UsageError(f"--against: git says of {top}: {truncate(str(error))}") from None


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


def _entries(git: Git, commit: str, below: str) -> list[_Entry]:
    """Every file and link below a folder, links last."""
    where = f":(literal){below}" if below != "." else "."
    listed = git.ask("ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--", where, patience=PATIENCE)
    entries = []
    for line in filter(None, listed.decode(errors="surrogateescape").split("\0")):
        facts, _, path = line.partition("\t")
        mode, _kind, blob, size = facts.split()
        if mode == LINK or mode.startswith(FILE):  # anything else is another repository
            if not size.isdecimal():
                raise UsageError(f"--against: git lacks {path} of that commit; fetch it first")
            entries.append(_Entry(mode=mode, blob=blob, path=path, size=int(size)))
    return sorted(entries, key=lambda entry: entry.mode == LINK)


def _write(git: Git, entries: Sequence[_Entry], folder: Path) -> None:
    """Write every entry below `folder`; a file that is too large to be read gets only its size."""
    small = [entry for entry in entries if entry.size <= LARGEST]
    asked = "".join(f"{entry.blob}\n" for entry in small).encode()
    most = sum(entry.size + LONGEST_HEADER for entry in small)
    if most > MOST_BYTES:
        raise UsageError(f"--against: the jobs folder of that commit holds more than {MOST_BYTES:,} bytes")
    answered = git.ask("cat-file", "--batch", given=asked, patience=PATIENCE, most=most)
    place = 0
    for entry in entries:
        content = b""
        if entry.size <= LARGEST:
            header, _, _ = answered[place : place + LONGEST_HEADER].partition(b"\n")
            _blob, kind, *size = header.decode().split()
            if kind != "blob" or not size:
                raise UsageError(f"--against: git lacks {entry.path} of that commit; fetch it first")
            begin = place + len(header) + 1
            place = begin + int(size[0]) + 1
            content = answered[begin : place - 1]
        try:
            _write_one(folder, entry, content)
        except OSError as error:
            raise UsageError(f"--against: {entry.path} cannot be put into {folder}: {error.strerror}") from None


def _write_one(folder: Path, entry: _Entry, content: bytes) -> None:
    """Write one file or link; a tree crafted to escape its folder is not followed there."""
    path = folder / entry.path
    if not path.parent.resolve().is_relative_to(folder.resolve()) or path.is_symlink() or path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if entry.mode == LINK:
        path.symlink_to(os.fsdecode(content))
    else:
        path.write_bytes(content)
        os.truncate(path, entry.size)
