"""The walk over the folders below the root: every manifest there, compared by its stat with what is known.

The loader makes one `Walk` for every scan. Links are followed, hidden names and status files passed by; what cannot
be walked is a Problem.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from controller.errors import Problem
from controller.loader.record import FileRecord, stat_of

SUFFIXES = (".yaml", ".yml", ".json")
_STATUS = ".status.yaml"
_DEEPEST = 64  # folders


class Walk:
    """Every manifest below the root: steady ones have the stat that is known, suspects another or (dangling) none.

    `strays` are status files that do not have the stat that is known, `statuses` those that were left there.
    """

    def __init__(
        self, root: Path, known: Mapping[str, FileRecord], statuses: Mapping[str, FileRecord] | None = None
    ) -> None:
        self.root, self.known, self.statuses = root, known, statuses or {}
        self.strays: set[str] = set()
        self._found = 0
        self.steady: dict[str, FileRecord] = {}
        self.suspects: set[str] = set()
        self.dangling: set[str] = set()
        self.twins: dict[str, tuple[str, ...]] = {}
        self.problems: list[Problem] = []
        self.links: list[str] = []
        self.folders = 1

    def run(self, *, is_mirror: bool = False) -> str:
        """Walks; the sentence that is returned, if any, says why the root is not ready. A mirror holds no manifests."""
        try:
            found, entries = self.root.stat(), _entries(self.root)
        except FileNotFoundError:
            return f"{self.root} does not exist"
        except OSError as error:
            return f"{self.root} cannot be read: {error.strerror}"
        if not is_mirror and all(entry.name[0] == "." or entry.name.endswith(_STATUS) for entry in entries):
            return f"{self.root} is empty"
        self._folder(entries, "", ((found.st_dev, found.st_ino),))
        return ""

    def _folder(self, entries: list[os.DirEntry[str]], relative: str, around: tuple[tuple[int, int], ...]) -> None:
        folders: list[os.DirEntry[str]] = []
        rare: list[str] = []
        for entry in entries:
            name = entry.name
            if name[0] == ".":
                continue
            if not name.isascii() and not _is_text(name):
                self.problems.append(
                    Problem(path=shown(relative + name), message="has a name that is not UTF-8: rename it", code="E192")
                )
                continue
            if entry.is_symlink():
                self.links.append(relative + name)
            try:
                is_folder = entry.is_dir()
            except OSError:  # a link to itself
                is_folder = False
            if is_folder:
                folders.append(entry)
            elif name.endswith(_STATUS):
                self._compare_status(relative + name, entry)
            elif name.endswith(SUFFIXES):
                self._compare(relative + name, entry)
                if not name.endswith(".yaml"):
                    rare.append(relative + name)
        self._remember_twins(rare)
        for entry in sorted(folders, key=lambda each: each.name):
            self._enter(entry, f"{relative}{entry.name}/", around)

    def _compare(self, path: str, entry: os.DirEntry[str]) -> None:
        found = stat_of(entry)
        record = self.known.get(path)
        if record is not None and record.has(found):
            self.steady[path] = record
        else:
            self.suspects.add(path)
        if found is None:
            self.dangling.add(path)

    def _compare_status(self, path: str, entry: os.DirEntry[str]) -> None:
        record = self.statuses.get(path)
        if record is not None and record.has(stat_of(entry)):
            self._found += 1
        else:
            self.strays.add(path)

    def missing(self) -> set[str]:
        """The status files that were left there and are gone; nothing is walked a second time to know."""
        if self._found == len(self.statuses):
            return set()
        return {path for path in self.statuses if not (self.root / path).exists()}

    def _enter(self, entry: os.DirEntry[str], relative: str, around: tuple[tuple[int, int], ...]) -> None:
        try:
            found, entries = entry.stat(), _entries(entry)
        except FileNotFoundError:
            return
        except OSError as error:
            self._refuse(relative, f"cannot be read: {error.strerror}")
            return
        identity = (found.st_dev, found.st_ino)
        if identity in around:  # a link that leads back to a folder around it
            return
        if len(around) > _DEEPEST:
            self._refuse(relative, f"is more than {_DEEPEST} folders deep")
            return
        self.folders += 1
        self._folder(entries, relative, (*around, identity))

    def _refuse(self, folder: str, message: str) -> None:
        self.problems.append(Problem(path=folder.rstrip("/"), message=message, code="E193"))

    def _remember_twins(self, rare: list[str]) -> None:
        """Of two files that differ in the ending only, one is not a `.yaml`."""
        for path in rare:
            stem = path[: path.rindex(".")]
            names = {stem + suffix for suffix in SUFFIXES}
            family = {each for each in names if each in self.steady or each in self.suspects}
            if len(family) > 1:
                self.twins |= {each: tuple(sorted(family - {each})) for each in family}


def _entries(folder: os.DirEntry[str] | Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return list(entries)


def _is_text(name: str) -> bool:
    """Whether a name can be stored and printed; one that is not UTF-8 cannot."""
    return not any("\ud800" <= each <= "\udfff" for each in name)


def shown(name: str) -> str:
    """A name as it can be printed: what is not UTF-8 in it is spelled out."""
    return name.encode("utf-8", "backslashreplace").decode()
