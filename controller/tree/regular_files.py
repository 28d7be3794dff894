"""Untrusted files: only regular ones of bounded size are opened, and links are followed inside one folder only.

One rule for manifests, scripts, status files, settings, secrets and git's own files: all code that reads or writes
them calls this module. Nothing outside the folder is touched, not even by a stat, which could hang as well.
"""

import errno
import os
import posixpath
import stat
from pathlib import Path

LARGEST = 1_000_000  # bytes, for anything a user writes by hand
MOST_LINKS = 40  # the kernel's limit too


class UnfitFileError(OSError):
    """The file exists but is not opened, or not read to its end; `found` is its stat."""

    def __init__(self, words: str, found: os.stat_result) -> None:
        super().__init__(errno.EINVAL, words)
        self.found = found


def resolve_below(root: str, path: str, links: list[str] | None = None) -> str | None:
    """The real path of `path` below the real folder `root`; None when a link, or `..`, leads out of it.

    Raises `OSError` for circular links. Does not check that the file exists. The links on the way are added to `links`.
    """
    within = f"{root.rstrip('/')}/"
    here, ahead, followed = root, path.split("/")[::-1], 0
    while ahead:
        name = ahead.pop()
        if name in ("", "."):
            continue
        here = posixpath.dirname(here) if name == ".." else posixpath.join(here, name)
        aim = _aim(here) if name != ".." and here.startswith(within) else None
        if aim is not None:
            followed += 1
            if links is not None:
                links.append(here)
            if followed > MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            here = "/" if aim.startswith("/") else posixpath.dirname(here)
            ahead += aim.split("/")[::-1]
    return here if here == root or here.startswith(within) else None


def read_regular(path: str | Path, most: int = LARGEST, *, follow: bool = False) -> tuple[bytes, os.stat_result]:
    """Content and stat of a regular file up to `most` bytes; a link as its last part is only followed with `follow`.

    Raises `UnfitFileError` for any other kind of file, `OSError` for the rest. Never blocks on a pipe or a device.
    """
    found = os.stat(path, follow_symlinks=follow)  # noqa: PTH116  (for each file of a load)
    _check(found, most)  # opening a device may have side effects
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | (0 if follow else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    try:
        found = os.fstat(descriptor)
        _check(found, most)
        return _content(descriptor, found, most), found
    finally:
        os.close(descriptor)


def _aim(path: str) -> str | None:
    """The target of a link; None: not a link."""
    try:
        return os.readlink(path)  # noqa: PTH115  (for each part of each path)
    except OSError:
        return None


def _check(found: os.stat_result, most: int) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise UnfitFileError(os.strerror(errno.EISDIR), found)
    if not stat.S_ISREG(found.st_mode):
        raise UnfitFileError("not a regular file", found)
    if found.st_size > most:
        raise UnfitFileError(f"larger than {most} bytes", found)


def _content(descriptor: int, found: os.stat_result, most: int) -> bytes:
    """Reads to the end, at most `most` bytes: a file in /proc has no size and may have no end."""
    content = b""
    while part := os.read(descriptor, max(found.st_size + 1 - len(content), 65536)):
        content += part
        if len(content) > most:
            raise UnfitFileError(f"larger than {most} bytes", found)
    return content
