"""Which commits may be in force: names that stay below the tree, links that do, real files, and not too many.

Pure. A commit that breaks a rule is refused as a whole, since a tree with holes would look like removed jobs.
"""

import posixpath
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from controller.model.errors import truncate
from controller.source.refusal import RefusedCommitError
from controller.tree.files import LARGEST_AREA, SUFFIXES
from controller.tree.git.objects import TreeFile
from controller.tree.regular_files import MOST_LINKS

MOST_FILES = 200_000
MOST_BYTES = 512 * 1024 * 1024
LONGEST_LINK = 4095  # bytes, as the kernel allows
LARGEST_WRITTEN = LARGEST_AREA
"""Bytes; a larger file is read by no one, and gets only its size."""
_LFS = b"version https://git-lfs.github.com/spec/"
_READ = (*SUFFIXES, ".js", ".geojson")
_LARGEST_POINTER = 1024  # bytes
_BAD_NAME = re.compile(r"[\x00-\x1f\x7f\\]|(?:^|/)(?:\.{0,2}|\.git)(?:/|$)", re.IGNORECASE)
"""Parts that lead elsewhere or are git's own, and letters that a terminal obeys."""


def check_files(files: Iterable[TreeFile], path: str, commit: str) -> None:
    """Check names, numbers and sizes of what the commit holds below `path`; raises `RefusedCommitError`."""
    number, size = 0, 0
    seen: set[str] = set()
    for file in files:
        _check_name(file.path, commit)
        if file.path == path:
            kind = "a link" if file.is_link else "a file"
            raise RefusedCommitError(f"{_short(commit)}: {path} is {kind}, not a folder: check git.path")
        seen.add(file.path)
        number += 1
        size += file.size if file.size <= LARGEST_WRITTEN else 0
    if not number:
        raise RefusedCommitError(f"{_short(commit)} has no file below {path}: check git.path and git.ref")
    if number > MOST_FILES:
        raise RefusedCommitError(f"{_short(commit)} has {number:,} files below {path}; at most {MOST_FILES:,} are read")
    if size > MOST_BYTES:
        raise RefusedCommitError(f"{_short(commit)} has more than {MOST_BYTES:,} bytes below {path}")
    if len(seen) != number:
        raise RefusedCommitError(f"{_short(commit)} names a file of {path} twice")


def too_many(path: str, commit: str) -> str:
    """Why a commit with too many files is refused."""
    return f"{_short(commit)} has more than {MOST_FILES:,} files, or as many folders, below {path}; no more are read"


def check_links(aims: Mapping[str, str], path: str, commit: str) -> None:
    """Check that every link, by its path, stays below `path`; raises `RefusedCommitError` that names one that does not.

    `aims` are the targets as they are written.
    """
    for link, aim in aims.items():
        if len(aim) > LONGEST_LINK or not _stays_below(link, aims, "" if path == "." else path):
            raise RefusedCommitError(f"{_short(commit)}: the link {_shown(link)} leads out of {path}: remove it")


def check_content(file: TreeFile, content: bytes, commit: str) -> None:
    """Raises `RefusedCommitError` when a file that would be read only points to where its content is."""
    is_read = file.path.lower().endswith(_READ) and file.size <= _LARGEST_POINTER
    if is_read and content.startswith(_LFS):
        message = f"{_shown(file.path)} is kept in Git LFS, which is not fetched: commit the file itself"
        raise RefusedCommitError(f"{_short(commit)}: {message}")


def _check_name(path: str, commit: str) -> None:
    if _BAD_NAME.search(path):
        raise RefusedCommitError(f"{_short(commit)} has a file that cannot be named {_shown(path)} here")


def _stays_below(link: str, aims: Mapping[str, str], top: str) -> bool:
    """Whether all steps of a link stay below a folder, followed through the other links of the commit."""
    here, ahead, followed = posixpath.dirname(link), [posixpath.basename(link)], 0
    while ahead:
        part = ahead.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if here == top:
                return False
            here = posixpath.dirname(here)
            continue
        here = posixpath.join(here, part)
        aim = aims.get(here)
        if aim is not None:
            followed += 1
            if aim.startswith("/"):
                return False
            if followed > MOST_LINKS:
                return True  # it leads nowhere
            here = posixpath.dirname(here)
            ahead += aim.split("/")[::-1]
    return not top or PurePosixPath(here).is_relative_to(top)


def _short(commit: str) -> str:
    return f"commit {commit[:10]}"


def _shown(path: str) -> str:
    return repr(truncate(path.encode("utf-8", "backslashreplace").decode(), 200))
