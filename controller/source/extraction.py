"""Lays the files of one commit into a folder; what the tree before has too is linked, so small changes cost little."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from controller.model.errors import truncate
from controller.source.layout import Layout, WholeTree
from controller.source.refusal import DamagedMirrorError, RefusedCommitError
from controller.source.rules import (
    LARGEST_WRITTEN,
    LONGEST_LINK,
    MOST_FILES,
    check_content,
    check_files,
    check_links,
    too_many,
)
from controller.tree.files import printable_name
from controller.tree.git.command import Git, TooMuchError
from controller.tree.git.objects import TreeFile, contents, files_of

PATIENCE = 120.0  # seconds for each answer of git
_READ_ONLY = 0o444
_NEVER = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ELOOP)


def extract(git: Git, commit: str, path: str, url: str, layout: Layout, before: WholeTree | None) -> WholeTree:
    """The tree of `path` of a commit of the repository at `url`, whole and on the disk.

    `before` is one whose files may be shared.

    Raises `RefusedCommitError`, `GitError`, `DamagedMirrorError`, `MissingObjectError` and `OSError`.
    """
    try:
        files = files_of(git, commit, path, PATIENCE, most=2 * MOST_FILES)  # each may have a folder of its own
    except TooMuchError as error:
        raise RefusedCommitError(too_many(path, commit)) from error
    check_files(files, path, commit)
    aims = _aims(git, [file for file in files if file.is_link], path, commit)
    check_links(aims, path, commit)
    with layout.new_tree() as folder:
        with _named(commit):
            _make_folders(folder, files)
            plain = [file for file in files if not file.is_link]
            shared = _shared(plain, before, layout.trees, folder) if before else set()
            _write_files(git, [file for file in plain if file.path not in shared], folder, commit)
            for link, aim in aims.items():
                (folder / link).symlink_to(aim)
        return layout.complete(folder, commit, path, url, files)


@contextmanager
def _named(commit: str) -> Iterator[None]:
    """Turns what the file system does not allow at all into a refusal of the commit."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NEVER:
            raise
        name = printable_name(Path(str(error.filename)).name)
        message = f"commit {commit[:10]} has a file that this file system cannot hold: {truncate(name, 100)!r}"
        raise RefusedCommitError(f"{message} ({error.strerror})") from error


def _aims(git: Git, links: Sequence[TreeFile], path: str, commit: str) -> Mapping[str, str]:
    """Where each link leads, as written."""
    for link in links:
        if link.size > LONGEST_LINK:
            check_links({link.path: "/" * (LONGEST_LINK + 1)}, path, commit)
    return {link.path: os.fsdecode(_sound(link, content)) for link, content in contents(git, links, PATIENCE)}


def _make_folders(folder: Path, files: Sequence[TreeFile]) -> None:
    for parent in sorted({file.path.rpartition("/")[0] for file in files}):
        (folder / parent).mkdir(parents=True, exist_ok=True)


def _shared(files: Iterable[TreeFile], before: WholeTree, trees: Path, folder: Path) -> set[str]:
    """The paths of those files that could be linked from the tree before."""
    return {file.path for file in files if _is_shared(file, before, trees / before.name, folder)}


def _is_shared(file: TreeFile, before: WholeTree, source: Path, folder: Path) -> bool:
    """Whether the file could be linked from the tree before, where it is still as it was written."""
    old = before.files.get(file.path)
    if old is None or (old.mode, old.blob) != (file.mode, file.blob):
        return False
    place = f"{source}/{file.path}"
    try:
        found = os.lstat(place)
        is_ours = stat.S_ISREG(found.st_mode) and stat.S_IMODE(found.st_mode) == _READ_ONLY
        if not is_ours or found.st_size != file.size or found.st_mtime_ns > before.completed_ns:
            return False
        os.link(place, f"{folder}/{file.path}", follow_symlinks=False)
    except OSError:  # too many links, or a file system that has none
        return False
    return True


def _write_files(git: Git, files: Sequence[TreeFile], folder: Path, commit: str) -> None:
    for file in files:
        if file.size > LARGEST_WRITTEN:
            _write(folder / file.path, b"", file.size)
    small = [file for file in files if file.size <= LARGEST_WRITTEN]
    for file, content in contents(git, small, PATIENCE):
        check_content(file, _sound(file, content), commit)
        _write(folder / file.path, content, file.size)


def _write(path: Path, content: bytes, size: int) -> None:
    with path.open("xb") as written:
        written.write(content)
        if size != len(content):
            written.truncate(size)
        os.fchmod(written.fileno(), _READ_ONLY)


def _sound(file: TreeFile, content: bytes) -> bytes:
    """The content, if it is what the commit names."""
    hashed = hashlib.sha256 if len(file.blob) == 64 else hashlib.sha1
    if hashed(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() != file.blob:
        raise DamagedMirrorError(f"{file.path} differs from what its commit names")
    return content
