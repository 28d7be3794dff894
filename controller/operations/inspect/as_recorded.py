"""Whether single files are still those that the ledger recorded: what a command about one job needs of the tree.

A walk says it of all files, in a time that grows with them. Here only the files named, what they use, and the ignore
lists on their way are looked at. A new file elsewhere is not seen: the name of a job stays with the file that has it.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from controller.analysis.terms import terms_of
from controller.ledger.reads.observed import observed_revision
from controller.ledger.reads.reader import Reader
from controller.model.errors import Problem
from controller.model.files import READ, STATUS, USED, FileRecord
from controller.settings.settings import Settings
from controller.tree.files import SUFFIXES, read_file, stat_below
from controller.tree.ignore.lists import IGNORE_FILE, IgnoreLists

MANIFESTS = frozenset(READ) - frozenset(USED)
"""The kinds of manifests that were accepted as they are."""


def has_same_commit(settings: Settings, store: Reader) -> bool:
    """Whether the commit is the one that was taken in last, where only that counts: a commit changes no file."""
    if settings.source != "committed":
        return True
    from controller.tree.git.info import head  # only where a commit counts

    observed = observed_revision(store)
    return (observed[0] if observed else "") == head(settings.jobs)


class Recorded:
    """The files as recorded, compared with the disk as they are asked for; a file that many use is compared once."""

    def __init__(self, settings: Settings, store: Reader) -> None:
        self._store = store
        self._real = os.path.realpath(settings.jobs)
        self._has_same_terms = store.terms() == terms_of(settings) and has_same_commit(settings, store)
        self._lists = IgnoreLists(self._real, {})
        self._folders: dict[str, bool] = {}
        self._used: dict[str, bool] = {}

    def has_same(self, paths: Iterable[str], kinds: Iterable[str] = ()) -> bool:
        """Whether each of these manifests is the recorded one, of one of these kinds, accepted under today's terms."""
        wanted = frozenset(kinds)
        return self._has_same_terms and all(self._is_same(path, wanted) for path in dict.fromkeys(paths))

    def _is_same(self, path: str, kinds: frozenset[str]) -> bool:
        record = self._store.file(path)
        if record is None or record.kind == STATUS or (kinds and record.kind not in kinds):
            return False
        known = {path, *record.uses}
        return (
            self._has_same_bytes(record)
            and all(map(self._uses_same, record.uses))
            and not any(self._is_there(each) for each in _siblings(path) if each not in known)
            and self._is_read(path)
        )

    def _uses_same(self, path: str) -> bool:
        if path not in self._used:
            record = self._store.file(path)
            self._used[path] = record is not None and self._has_same_bytes(record)
        return self._used[path]

    def _has_same_bytes(self, record: FileRecord) -> bool:
        if record.kind not in USED and record.size == -1:
            return False
        try:
            if record.has(stat_below(self._real, record.path)):
                return True
        except OSError:
            return False
        return read_file(self._real, record.path, record.kind)[1].sha256 == record.sha256 != ""

    def _is_there(self, path: str) -> bool:
        return stat_below(self._real, path) is not None

    def _is_read(self, path: str) -> bool:
        """Whether no ignore list names the file, or a folder that it is in."""
        *folders, name = path.split("/")
        ways = [*_ways(folders)]
        if not all(map(self._is_entered, ways)):
            return False
        steps = zip(ways, [*folders, name], strict=True)
        return not any(self._ignores(way, each, is_folder=each is not name) for way, each in steps)

    def _is_entered(self, folder: str) -> bool:
        """Read the list of a folder; False when it cannot be used."""
        if folder not in self._folders:
            has_list = os.path.lexists(Path(self._real, folder, IGNORE_FILE))
            self._folders[folder] = not isinstance(self._lists.enter(folder, has_list=has_list), Problem)
        return self._folders[folder]

    def _ignores(self, folder: str, name: str, *, is_folder: bool) -> bool:
        found = self._lists.found.get(folder)
        return found is not None and found.ignores(name, is_folder=is_folder)


def _ways(folders: Iterable[str]) -> Iterator[str]:
    """The folders on the way: `""`, `"a/"`, `"a/b/"`."""
    way = ""
    yield way
    for folder in folders:
        way = f"{way}{folder}/"
        yield way


def _siblings(path: str) -> Iterator[str]:
    """The files that would share its status file."""
    stem = path.removesuffix(next((each for each in SUFFIXES if path.endswith(each)), ""))
    return (f"{stem}{each}" for each in SUFFIXES if f"{stem}{each}" != path)
