"""Which files of the tree, as they were last read, are in the commit that is checked out: for `source = "committed"`.

What was read counts, not what lies there by now: an edit that was read and then taken back is no less an edit. What
was hashed once is not read again, so a commit, which changes no file, costs one listing of it.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import TYPE_CHECKING

from controller.model.files import FOREIGN, FileRecord
from controller.tree.files import LARGEST_AREA, Known
from controller.tree.git.info import blob_hash
from controller.tree.ignore.lists import IGNORE_FILE
from controller.tree.regular_files import read_regular, resolve_below

if TYPE_CHECKING:
    from controller.tree.git.info import Checkout

UNSEEN = "nothing was compared with the commit that is checked out yet"
NO_REPOSITORY = "the jobs folder is in no git repository with a commit: commit it, or set source to tree"
NO_ANSWER = "git cannot be asked what is committed: `shjobs doctor` says what is missing"
NEW, EDITED = "is in no commit yet: commit it", "differs from the commit that is checked out: commit it, or restore it"
DELETED = "was deleted, but not in the commit that is checked out: commit that, or restore it"
UNREAD = "could not be compared with the commit that is checked out"

Entry = tuple[str, tuple[str, ...]]
"""A file or link below the jobs folder, and the hashes of it that count: a file with CRLF may be held with LF."""


class Committed:
    """What `commit`, the one compared last, says of every file; `problem` says why nothing counts.

    `checkout` looks at git.
    """

    def __init__(self, checkout: "Callable[[], Checkout | None]") -> None:
        self._checkout = checkout
        self.problem = UNSEEN
        self.commit = ""
        self._root = ""
        self._entries: dict[str, tuple[Entry, ...]] = {}
        self._flaws: dict[str, str] = {}
        self._lists: dict[str, str] = {}
        """The ignore lists as they were read, hashed: they decide which files count at all."""

    def look(self, commit: str, files: Known, changed: Set[str]) -> Set[str] | None:
        """Compare what was read anew with the commit, and all of it when that is another `commit` than before.

        Returns the files of which something else is said than before; None: of all of them.
        """
        lists = dict(_lists(files))
        again = {path for path, words in self._flaws.items() if words == UNREAD}
        changed = changed | again | {path for path, _ in lists.items() ^ self._lists.items()}
        is_other = commit != self.commit or bool(self.problem)
        if not is_other and not changed:
            return frozenset()
        found, before, flaws = self._checkout(), self.problem, dict(self._flaws)
        self.problem = NO_REPOSITORY if found is None else NO_ANSWER if found.held is None else ""
        if found is None or found.held is None:
            return None if self.problem != before else frozenset()
        self._forget(None if found.root != self._root else changed)
        self.commit, self._root, self._lists = found.commit, found.root, lists
        paths = _paths(files, lists) if is_other else changed
        compared = dict(self._compared(found.root, found.held, files, paths))
        self._flaws = compared if is_other else {**self._flaws, **compared}
        differing = {path for path, _ in flaws.items() ^ self._flaws.items()}
        return None if before or any(map(_is_list, differing)) else differing

    def flaw(self, paths: Iterable[str]) -> str:
        """Why one of these files does not count, as a sentence; "" when all of them do."""
        return self.problem or next(filter(None, map(self._flaw, paths)), "")

    def _flaw(self, path: str) -> str:
        if path in self._flaws:
            return f"{path} {self._flaws[path]}"
        if path not in self._entries:
            return f"{path} {UNREAD}"
        around = (f"{folder}/{IGNORE_FILE}".removeprefix("./") for folder in map(str, Path(path).parents))
        return next((f"{each} {self._flaws[each]}" for each in around if each in self._flaws), "")

    def _forget(self, paths: Iterable[str] | None) -> None:
        """These were read anew, or are gone; None: all, since the folder is another one."""
        for path in list(self._entries if paths is None else paths):
            self._entries.pop(path, None)
            self._flaws.pop(path, None)

    def _compared(
        self, root: str, held: Mapping[str, str], files: Known, paths: Iterable[str]
    ) -> Iterator[tuple[str, str]]:
        """Those of these files that do not count, with what is wrong with them."""
        digits = len(self.commit)
        for path in paths:
            sha256 = self._lists.get(path) or _hash_of(files.get(path))
            if path not in self._entries and sha256 and (entries := _entries(root, path, sha256, digits)):
                self._entries[path] = entries
            if path not in self._entries:
                if sha256:
                    yield path, UNREAD
            elif any(held.get(place) not in hashes for place, hashes in self._entries[path]):
                yield path, EDITED if all(place in held for place, _ in self._entries[path]) else NEW
        yield from ((path, DELETED) for path in held if _is_list(path) and path not in self._lists)


def _hash_of(record: FileRecord | None) -> str:
    return record.sha256 if record and record.kind != FOREIGN else ""


def _is_list(path: str) -> bool:
    return path.rpartition("/")[2] == IGNORE_FILE


def _lists(files: Known) -> Iterator[tuple[str, str]]:
    for folder, found in files.ignored.items():
        if found.own:
            yield folder + IGNORE_FILE, hashlib.sha256(found.own.content).hexdigest()


def _paths(files: Known, lists: Iterable[str]) -> Iterator[str]:
    yield from (record.path for record in files)
    yield from lists


def _entries(root: str, path: str, sha256: str, digits: int) -> tuple[Entry, ...]:
    """What a commit must hold so that it holds this file as it was read, links included; () when it is not as read."""
    links: list[str] = []
    try:
        full = resolve_below(root, path, links)
        content, _ = read_regular(full, LARGEST_AREA) if full else (b"", None)
        aims = [(link, str(Path(link).readlink()).encode()) for link in links]
    except (OSError, ValueError):
        return ()
    if full is None or hashlib.sha256(content).hexdigest() != sha256:
        return ()
    contents = {content, content.replace(b"\r\n", b"\n")}
    found = [(full, tuple(blob_hash(each, digits) for each in contents))]
    found += [(link, (blob_hash(aim, digits),)) for link, aim in aims]
    return tuple((place[len(root) + 1 :], hashes) for place, hashes in found)
