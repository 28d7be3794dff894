"""The tree of manifests as of a git revision, put into a temporary folder: for `plan --against`.

Only reading git commands are used, on the repository around the jobs folder; nothing in it changes. Everything git
cannot do becomes a `UsageError` in a sentence.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from controller.environment import for_git
from controller.errors import UsageError, cut

PATIENCE = 120.0  # seconds; a partial clone fetches what it lacks
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


@contextmanager
def tree_at(jobs: Path, ref: str) -> Iterator[PastTree]:
    """The tree of the folder `jobs` at `ref`, gone when left.

    Raises `UsageError` when `jobs` is in no git repository, or `ref` names no commit that is here.
    """
    around = _nearest_folder(jobs)
    top, inside = _place(around)
    below = (inside / jobs.absolute().relative_to(around.absolute())).as_posix()
    commit = _commit(top, ref)
    entries = _entries(top, commit, below)
    if any(entry.mode == LINK for entry in entries):
        entries = _entries(top, commit, ".")  # a link may lead to any file of the repository
    with tempfile.TemporaryDirectory(prefix="shjobs-plan-") as folder:
        _write(top, entries, Path(folder))
        yield PastTree(root=Path(folder) / below, commit=commit)


def _nearest_folder(jobs: Path) -> Path:
    """The jobs folder, or the nearest one above it that exists."""
    folder = jobs.absolute()
    while not folder.is_dir():
        folder = folder.parent
    return folder


def _place(folder: Path) -> tuple[Path, Path]:
    """The top of the working tree, and where `folder` lies below it."""
    lines = _git(folder, "rev-parse", "--show-toplevel", "--show-prefix").decode(errors="surrogateescape").split("\n")
    if not lines[0]:
        raise UsageError(f"{folder} is in a git repository without a working tree: --against compares with one")
    return Path(lines[0]), Path(lines[1])


def _commit(top: Path, ref: str) -> str:
    found = _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", fails=True)
    if not found:
        raise UsageError(
            f"--against: {ref!r} names no commit of {top}; write a branch, tag or commit that is here, "
            "or fetch it first (a shallow clone holds only the newest commits)"
        )
    return found.decode().strip()


def _entries(top: Path, commit: str, below: str) -> list[_Entry]:
    listed = _git(
        top, "ls-tree", "-r", "-z", "--full-tree", commit, "--", f":(literal){below}" if below != "." else "."
    )
    entries = []
    for line in filter(None, listed.decode(errors="surrogateescape").split("\0")):
        facts, _, path = line.partition("\t")
        mode, _kind, blob = facts.split()
        if mode == LINK or mode.startswith(FILE):  # anything else is another repository
            entries.append(_Entry(mode=mode, blob=blob, path=path))
    return sorted(entries, key=lambda entry: entry.mode == LINK)


def _write(top: Path, entries: Sequence[_Entry], folder: Path) -> None:
    """Every entry below `folder`."""
    asked = "".join(f"{entry.blob}\n" for entry in entries).encode()
    answered = _git(top, "cat-file", "--batch", given=asked)
    place = 0
    for entry in entries:
        header, _, _ = answered[place : place + 200].partition(b"\n")
        _blob, kind, *size = header.decode().split()
        if kind != "blob" or not size:
            raise UsageError(f"--against: git lacks {entry.path} of that commit; fetch it first")
        begin = place + len(header) + 1
        place = begin + int(size[0]) + 1
        try:
            _write_one(folder, entry, answered[begin : place - 1])
        except OSError as error:
            raise UsageError(f"--against: {entry.path} cannot be put into {folder}: {error.strerror}") from None


def _write_one(folder: Path, entry: _Entry, content: bytes) -> None:
    """One file or link; a tree made to lead out of its folder is not followed there."""
    path = folder / entry.path
    if not path.parent.resolve().is_relative_to(folder.resolve()) or path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if entry.mode == LINK:
        path.symlink_to(os.fsdecode(content))
    else:
        path.write_bytes(content)


def _git(folder: Path, *arguments: str, given: bytes = b"", fails: bool = False) -> bytes:
    """What git answers; empty when it `fails` and may. UsageError with git's own words when it may not."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            env=for_git(os.environ), input=given, capture_output=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise UsageError("--against needs git, which is not installed here") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"--against: git {arguments[0]} did not end within {PATIENCE:.0f} s") from None
    if done.returncode == 0:
        return done.stdout
    if fails:
        return b""
    raise UsageError(f"--against: git says of {folder}: {cut(done.stderr.decode(errors='replace'))}")
