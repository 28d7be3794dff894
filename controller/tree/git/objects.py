"""The files of a commit, read from git's objects without a work tree: for `plan --against` and for fetched commits.

Git's own checkout would apply attributes, filters and hooks. The content is asked for in portions, since a commit may
hold more than the memory should.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from controller.tree.git.command import Git, TooMuchError

PATIENCE = 60.0  # seconds
LONGEST_HEADER = 200  # bytes
MOST_LISTED = 128 * 1024 * 1024  # bytes of a list of files
LINK, FILE, FOREIGN_REPOSITORY = "120000", "100", "160000"
_PORTION = 32 * 1024 * 1024, 10_000  # bytes and files that are read at once


class MissingObjectError(Exception):
    """Git has no such object here; the message is the path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeFile:
    """One file or link of a commit. `size` is in bytes; `path` begins at the top of the repository."""

    mode: str
    blob: str
    path: str
    size: int

    @property
    def is_link(self) -> bool:
        return self.mode == LINK


def files_of(
    git: Git, commit: str, below: str, patience: float = PATIENCE, most: int | None = None
) -> list[TreeFile]:  # fmt: skip
    """Every file and link of a commit below a folder (`.`: all), links last; other repositories are left out.

    Raises `GitError`, of which `TooMuchError` is for more than `most` files and folders, and `MissingObjectError` for a
    file that is not here, as in a partial clone. A few trees that name each other make a list without an end, even
    without a file: it is counted first.
    """
    where = f":(literal){below}" if below != "." else "."
    asked = ("ls-tree", "-r", "-t", "-z", "-l", "--full-tree", commit, "--", where)
    listed = git.ask(*asked, patience=patience, most=MOST_LISTED)
    if most is not None and (number := listed.count(b"\0")) > most:
        raise TooMuchError(f"{number:,} files and folders are listed")
    files = []
    for line in filter(None, listed.decode(errors="surrogateescape").split("\0")):
        facts, _, path = line.partition("\t")
        mode, _kind, blob, size = facts.split()
        if mode == LINK or mode.startswith(FILE):
            if not size.isdecimal():
                raise MissingObjectError(path)
            files.append(TreeFile(mode=mode, blob=blob, path=path, size=int(size)))
    return sorted(files, key=lambda file: file.is_link)


def contents(git: Git, files: Iterable[TreeFile], patience: float = PATIENCE) -> Iterator[tuple[TreeFile, bytes]]:
    """Each of these files with its content. Raises `GitError`, and `MissingObjectError` for one that is not here."""
    portion: list[TreeFile] = []
    size = 0
    for file in files:
        if portion and (size + file.size > _PORTION[0] or len(portion) == _PORTION[1]):
            yield from _read(git, portion, patience)
            portion, size = [], 0
        portion.append(file)
        size += file.size
    if portion:
        yield from _read(git, portion, patience)


def _read(git: Git, files: list[TreeFile], patience: float) -> Iterator[tuple[TreeFile, bytes]]:
    asked = "".join(f"{file.blob}\n" for file in files).encode()
    most = sum(file.size + LONGEST_HEADER for file in files)
    answered = git.ask("cat-file", "--batch", given=asked, patience=patience, most=most)
    place = 0
    for file in files:
        header, _, _ = answered[place : place + LONGEST_HEADER].partition(b"\n")
        _blob, kind, *size = header.decode(errors="replace").split()
        if kind != "blob" or not size:
            raise MissingObjectError(file.path)
        begin = place + len(header) + 1
        place = begin + int(size[0]) + 1
        yield file, answered[begin : place - 1]
