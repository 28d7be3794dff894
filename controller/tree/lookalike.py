"""Finds the file that was meant where a named one does not exist: the same name in other letters.

Names that differ in capitals are one file on macOS and Windows and two on Linux, and an accented letter may be one
character or two. Called by the scan for a script that does not exist.
"""

import os
from itertools import islice
from unicodedata import normalize

from controller.tree.regular_files import resolve_below

_MOST_NAMES = 10_000  # of a folder


class Lookalikes:
    """Below the real folder `root`; each folder is listed once."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._folders: dict[str, dict[str, list[str]]] = {}

    def explain(self, path: str) -> str:
        """Which file was probably meant, to be added to "does not exist"; "" when there is none."""
        found = self._find(path)
        if found is None or found == path:
            return ""
        if normalize("NFC", found) == normalize("NFC", path):
            return f"; a file of that name exists whose accents are encoded in another way: copy its name ({found})"
        return f"; a file of that name in other letter case exists: {found}"

    def _find(self, path: str) -> str | None:
        """The existing path that reads the same, folder by folder."""
        found = ""
        for part in path.split("/"):
            names = self._names(found)
            near = names.get(_folded(part), ())
            if not near:
                return None
            name = part if part in near else near[0]
            found = f"{found}/{name}" if found else name
        return found

    def _names(self, folder: str) -> dict[str, list[str]]:
        if folder not in self._folders:
            names = self._folders[folder] = {}
            for name in sorted(_listed(self._root, folder)):
                names.setdefault(_folded(name), []).append(name)
        return self._folders[folder]


def _listed(root: str, folder: str) -> list[str]:
    try:
        full = resolve_below(root, folder)
        if full is None:
            return []
        with os.scandir(full) as entries:
            return [entry.name for entry in islice(entries, _MOST_NAMES)]
    except OSError:
        return []


def _folded(name: str) -> str:
    return normalize("NFC", normalize("NFC", name).casefold())
