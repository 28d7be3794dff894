"""The walk over the folders below the root: every manifest there, compared by its stat with what is known.

The loader makes one `Walk` for every scan. Links are followed, hidden names and status files passed by; what cannot
be walked is a Problem.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from controller.errors import Problem
from controller.loader.known import Known
from controller.loader.record import FileRecord, stat_of

SUFFIXES = (".yaml", ".yml", ".json")
_STATUS = ".status.yaml"
_DEEPEST = 64  # folders
_NOTHING: Mapping[str, FileRecord] = {}
_NO_NAMES: frozenset[str] = frozenset()


class Walk:
    """A tree compared with what is known of it. Manifests are suspects when their stat is not the one that is known.

    `missing` were known in a folder that was walked and are not there, `vanished` were there and could not be read
    afterwards, `dangling` are links to nothing; `strays` are status files that are not as they were left: none, unless
    somebody says how they were. Whatever else is known is steady.
    """

    def __init__(self, root: Path, known: Known, statuses: Known | None = None) -> None:
        self.root, self.known, self.statuses = root, known, statuses or Known()
        self._has_statuses = statuses is not None
        self.suspects: set[str] = set()
        self.missing: set[str] = set()
        self.vanished: set[str] = set()
        self.strays: set[str] = set()
        self.dangling: set[str] = set()
        self.twins: dict[str, tuple[str, ...]] = {}
        self.problems: list[Problem] = []
        self.links: list[str] = []
        self.folders = 0
        self._walked: set[str] = set()

    def is_steady(self, path: str) -> bool:
        """Whether a manifest is the one that is known, as far as its stat can tell, or is out of sight."""
        return path in self.known and path not in self.suspects and path not in self.missing

    def is_hidden(self, path: str) -> bool:
        """Whether it lies below a folder that could not be read."""
        return any(path.startswith(f"{problem.path}/") for problem in self.problems)

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
        self._miss_folders()
        return ""

    def _folder(self, entries: list[os.DirEntry[str]], relative: str, around: tuple[tuple[int, int], ...]) -> None:
        self.folders += 1
        self._walked.add(relative)
        here, told = self.known.folders.get(relative, _NOTHING), self.statuses.folders.get(relative, _NOTHING)
        others: list[os.DirEntry[str]] = []
        steady = 0
        for entry in entries:
            name = entry.name
            record = here.get(name) or told.get(name)
            if record is not None and record.has(stat_of(entry)):
                steady += 1
                if entry.is_symlink():
                    self.links.append(relative + name)
            else:
                others.append(entry)
        if steady < len(here) + len(told):
            names = {entry.name for entry in entries}
            self.missing.update(relative + name for name in here.keys() - names)
            self.strays.update(relative + name for name in told.keys() - names)
        folders = [entry for entry in others if self._is_folder(entry, relative)]
        rare = self.known.rare.get(relative, _NO_NAMES)
        self._remember_twins(relative, [*rare, *(e.name for e in others if _is_rare(e.name))])
        for entry in sorted(folders, key=lambda each: each.name):
            self._enter(entry, f"{relative}{entry.name}/", around)

    def _is_folder(self, entry: os.DirEntry[str], relative: str) -> bool:
        """Whether something that is not steady is to be entered; a file is compared."""
        name = entry.name
        if name[0] == ".":
            return False
        if not name.isascii() and not _is_text(name):
            words = "has a name that is not UTF-8: rename it"
            self.problems.append(Problem(path=shown(relative + name), message=words, code="E192"))
            return False
        if entry.is_symlink():
            self.links.append(relative + name)
        try:
            is_folder = entry.is_dir()
        except OSError:  # a link to itself
            is_folder = False
        if not is_folder:
            self._compare(entry, relative + name)
        elif name in self.known.folders.get(relative, _NOTHING):
            self.missing.add(relative + name)
        return is_folder

    def _compare(self, entry: os.DirEntry[str], path: str) -> None:
        if path.endswith(_STATUS):
            if self._has_statuses:
                self.strays.add(path)
        elif path.endswith(SUFFIXES):
            self.suspects.add(path)
            if stat_of(entry) is None:
                self.dangling.add(path)

    def _miss_folders(self) -> None:
        """What is known in folders that are gone, but not below those that could not be read."""
        for known, lost in ((self.known, self.missing), (self.statuses, self.strays)):
            for folder in known.folders.keys() - self._walked:
                if not self.is_hidden(folder):
                    lost.update(folder + name for name in known.folders[folder])

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
        self._folder(entries, relative, (*around, identity))

    def _refuse(self, folder: str, message: str) -> None:
        self.problems.append(Problem(path=folder.rstrip("/"), message=message, code="E193"))

    def _remember_twins(self, relative: str, rare: Iterable[str]) -> None:
        """Of two files that differ in the ending only, one is not a `.yaml`."""
        for name in rare:
            stem = relative + name[: name.rindex(".")]
            family = {each for each in (stem + suffix for suffix in SUFFIXES) if self._is_there(each)}
            if len(family) > 1:
                self.twins |= {each: tuple(sorted(family - {each})) for each in family}

    def _is_there(self, path: str) -> bool:
        return path in self.suspects or (path in self.known and path not in self.missing)


def _is_rare(name: str) -> bool:
    """Whether it may be a manifest that does not end in `.yaml`."""
    return name.endswith(SUFFIXES[1:])


def _entries(folder: os.DirEntry[str] | Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return list(entries)


def _is_text(name: str) -> bool:
    """Whether a name can be stored and printed; one that is not UTF-8 cannot."""
    return not any("\ud800" <= each <= "\udfff" for each in name)


def shown(name: str) -> str:
    """A name as it can be printed: what is not UTF-8 in it is spelled out."""
    return name.encode("utf-8", "backslashreplace").decode()
