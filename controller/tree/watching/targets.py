"""What to watch so that no change of a tree goes unseen: its folders, and every link on the way to its files.

A watch follows the folder it was made for, not the name, so each link is watched by its name in the folder that
holds it. Source: DEPENDENCIES.md, "watchdog (inotify)".
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

MOST_LINKS = 40  # the kernel's limit too


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchTarget:
    """A folder to watch: with everything below it that is not hidden, or (`names`) only these entries of it.

    `identity` tells folders apart: one that replaces another under the same name is a different target.
    """

    folder: str
    names: frozenset[str] | None = None
    identity: tuple[int, int]


def targets(root: Path, links: Iterable[Path]) -> Iterator[WatchTarget]:
    """The targets for a tree whose symbolic links are these; a link may lead anywhere, or nowhere."""
    here = Path(os.path.realpath(root))
    aims = (os.path.realpath(link) for link in links)
    deep = {here, *(Path(there) for there in aims if os.path.isdir(there))}  # noqa: PTH112  (Path raises for long names)
    deep = {folder for folder in deep if not any(_is_seen(folder, each) for each in deep.intersection(folder.parents))}
    for folder in deep:
        yield from _target(folder)
    for folder, names in _named([root, *links]).items():
        if not any(_is_seen(folder, each) for each in deep):
            yield from _target(folder, frozenset(names))


def is_hidden(name: str) -> bool:
    """Whether no manifest can have it in its path; names with two dots belong to the links that Kubernetes swaps."""
    return name.startswith(".") and not name.startswith("..")


def _is_seen(folder: Path, deep: Path) -> bool:
    """Whether the deep watch of another folder covers everything in this one."""
    return folder.is_relative_to(deep) and not any(map(is_hidden, folder.relative_to(deep).parts))


def _target(folder: Path, names: frozenset[str] | None = None) -> Iterator[WatchTarget]:
    try:
        found = folder.stat()
    except OSError:
        return
    yield WatchTarget(folder=str(folder), names=names, identity=(found.st_dev, found.st_ino))


def _named(paths: Iterable[Path]) -> Mapping[Path, set[str]]:
    """The names that lead to these paths, by the folder that holds them."""
    found: dict[Path, set[str]] = {}
    for path in paths:
        for folder, name in _steps(path):
            found.setdefault(folder, set()).add(name)
    return found


def _steps(path: Path) -> Iterator[tuple[Path, str]]:
    """Folder and name of each link on the way to a path, and of its end."""
    ahead, folder, followed = list(path.absolute().parts[1:]), Path("/"), 0
    while ahead and followed <= MOST_LINKS:
        name = ahead.pop(0)
        aim = _aim(folder / name)
        if aim is not None or not ahead:
            yield folder, name
        if aim is None:
            folder = folder.parent if name == ".." else folder / name
            continue
        followed += 1
        folder = Path("/") if aim.is_absolute() else folder
        ahead = [part for part in aim.parts if part != "/"] + ahead


def _aim(path: Path) -> Path | None:
    """The target of a link; None: not a link."""
    try:
        return path.readlink()
    except OSError:
        return None
