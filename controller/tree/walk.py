"""The walk over the folders below the root: every manifest there, compared by its stat with what is known.

`scan` makes one `Walk` for every scan. Links are followed as long as they stay below the root, each folder behind
them once; hidden names, status files and what an ignore list names are skipped; what cannot be walked is a Problem.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain, filterfalse
from pathlib import Path

from controller.model.errors import Problem
from controller.model.files import FileRecord
from controller.tree.entries import Entries, Same
from controller.tree.files import (
    SUFFIXES,
    Identity,
    Known,
    identities_of,
    identity_of,
    is_folder,
    is_link,
    is_text,
    printable_name,
    read_file,
    stat_below,
)
from controller.tree.ignore.lists import IGNORE_FILE, NOTHING_IGNORED, FolderIgnores, IgnoreLists
from controller.tree.regular_files import resolve_below

MOST_NAMES = 1_000_000  # files and folders in a tree; a scan of so many takes some seconds
_STATUS = ".status.yaml"
_RARE = SUFFIXES[1:]  # how the name of a manifest may end that does not end in `.yaml`
_DEEPEST = 64  # folders
_PORTION = 4096  # names between two pulses
_CAPITALS = f"is not read: let its name end in {', '.join(SUFFIXES)} in small letters, or list it in {IGNORE_FILE}"
_OUTSIDE = "is a link that leads out of the jobs folder and is not followed: copy what it leads to into the folder"
Around = frozenset[Identity] | set[Identity]
"""The folders around a folder; behind links, a set of all that were entered, which grows."""


class Walk:
    """A tree compared with what is known of it. Manifests are suspects when their stat differs from the known one.

    `missing` were known in a folder that was walked and are not there, `vanished` were there and could not be read
    afterwards, `broken_links` lead to nothing that may be read; `modified` are status files that differ from what was
    written: none without `statuses`. Everything else that is known is unchanged. `links` are the links that stay below
    the root; `astray` are warnings: the other links, and names that are almost a manifest's. Of what is below a folder
    in `hidden` nothing can be concluded. `pulse` is called repeatedly; what it raises ends the walk.
    """

    def __init__(
        self, root: Path, known: Known, statuses: Known | None = None, pulse: Callable[[], None] = lambda: None
    ) -> None:
        self.root, self.known, self.statuses = root, known, statuses or Known()
        self.real = os.path.realpath(root)
        self._identity: Identity | None = None
        self._has_statuses = statuses is not None
        self._pulse = pulse
        self.suspects: set[str] = set()
        self.missing: set[str] = set()
        self.vanished: set[str] = set()
        self.modified: set[str] = set()
        self.broken_links: set[str] = set()
        self.clashes: dict[str, tuple[str, ...]] = {}
        self.problems: list[Problem] = []
        self.hidden: dict[str, Problem] = {}
        self.astray: list[Problem] = []
        self.links: list[str] = []
        self._names = 0
        self._pulses_at = 0  # names
        self._walked: list[str] = []
        self._same = Same()
        self._changed: set[str] = set()
        self._rare: dict[str, set[str]] = {}
        self._linked: list[str] = []
        self._is_mirror = False
        self._lists = IgnoreLists(self.real, known.ignored)
        self._entries = Entries(known, self.statuses, self._is_known_link, self._count, has_digests=self._has_statuses)

    @property
    def folders(self) -> int:
        """How many folders were walked."""
        return len(self._walked)

    @property
    def ignored(self) -> Mapping[str, FolderIgnores]:
        """What the next walk may know of the ignore lists, once it is known what this one found."""
        return self._lists.found

    def is_unchanged(self, path: str) -> bool:
        """Whether a manifest is unchanged by its stat, or in a folder that could not be read."""
        return path in self.known and path not in self.suspects and path not in self.missing

    def is_hidden(self, path: str) -> bool:
        """Whether it is below a folder that could not be read."""
        return any(map(path.startswith, self.hidden))

    def run(self, *, is_mirror: bool = False) -> str:
        """Walks; returns why the root is not ready, or "". A mirror holds no manifests."""
        self._is_mirror = is_mirror
        self._entries.has_digests = self._has_statuses and not is_mirror
        try:
            self._identity = identity = identity_of(self.real)
            same, others = self._entries.compare(self.real, "")
        except FileNotFoundError:
            return f"{self.root} does not exist"
        except OSError as error:
            return f"{self.root} cannot be read: {error.strerror}"
        names = chain(same.paths(), (entry.name for entry in others))
        if not is_mirror and all(name[0] == "." or name.endswith(_STATUS) for name in names):
            return f"{self.root} is empty"
        folders = self._folders_in(same, others, "")
        is_all_ignored = self._is_all_ignored(same, others)
        others.clear()
        self._enter_each(folders, self.real, "", frozenset({identity}))
        entered: set[Identity] = set()  # needed only where links lead to folders
        for link in self._links_to_folders():
            entered = entered or identities_of(os.path.join(self.real, folder) for folder in self._walked)
            self._enter(resolve_below(self.real, link) or "", f"{link}/", entered)
        self._miss_the_others()
        self._remember_clashes()
        self.astray += self._lists.problems
        return f"{IGNORE_FILE} ignores everything in {self.root}" if is_all_ignored else ""

    def is_replaced(self) -> bool:
        """Whether the root is another folder by now, as when git-sync swaps its link: then nothing is missing in it."""
        try:
            return os.path.realpath(self.root) != self.real or identity_of(self.real) != self._identity
        except OSError:
            return True

    def _count(self, names: int) -> None:
        """Count names that were listed, and pulse after a portion of them: a folder may hold one, or all."""
        self._names += names
        if self._names > MOST_NAMES:
            raise OSError(errno.E2BIG, f"the tree holds more than {MOST_NAMES:,} names")
        if self._names >= self._pulses_at:
            self._pulses_at = self._names + _PORTION
            self._pulse()

    def _folders_in(self, same: Same, others: Sequence[os.DirEntry[str]], relative: str) -> Sequence[str]:
        """Take in what of a folder is the `same` as known, and its `others`; returns the folders to enter, sorted."""
        self._walked.append(relative)
        ignores = self._enter_lists(others, relative) if others or self._lists.found else NOTHING_IGNORED
        if isinstance(ignores, Problem):
            self.problems.append(ignores)
            self.hidden[relative] = ignores
            return ()
        self._same.add(same)
        files, statuses = self.known.files, self.statuses.files
        changed = {path for entry in others if (path := relative + entry.name) in files or path in statuses}
        self._changed |= changed
        if ignores is not NOTHING_IGNORED:
            others = [entry for entry in others if not self._is_ignored(entry, relative, ignores)]
            if not ignores.is_same:
                self._miss_ignored(changed.union(same.paths()), len(relative), ignores)
        rare: Set[str] = self.known.rare.get(relative, frozenset())
        if not others and not rare:
            return ()
        folders = [entry.name for entry in others if self._is_folder(entry, relative)]
        if names := {*rare, *(entry.name for entry in others if entry.name.endswith(_RARE))}:
            self._rare[relative] = names
        return sorted(folders)

    def _enter_each(self, names: Iterable[str], full: str, relative: str, around: Around) -> None:
        for name in names:
            self._enter(f"{full}/{name}", f"{relative}{name}/", around)

    def _miss_ignored(self, paths: Iterable[str], place: int, ignores: FolderIgnores) -> None:
        """Mark what is known in a folder and ignored by now; its names begin at this place of the paths."""
        known = filter(self.known.files.__contains__, paths)
        self.missing.update(path for path in known if ignores.rules.ignores(path[place:], is_folder=False))

    def _enter_lists(self, entries: Iterable[os.DirEntry[str]], relative: str) -> FolderIgnores | Problem:
        if self._is_mirror:
            return NOTHING_IGNORED
        own = next((entry for entry in entries if entry.name == IGNORE_FILE), None)
        if own and is_link(own) and self._is_inside(relative + IGNORE_FILE):
            self.links.append(relative + IGNORE_FILE)
        return self._lists.enter(relative, has_list=own is not None)

    def _is_ignored(self, entry: os.DirEntry[str], relative: str, ignores: FolderIgnores) -> bool:
        """Whether a list names it; status files are ours, and nothing is said of other files anyway."""
        name, linked = entry.name, is_link(entry)
        if name[0] == "." or name.endswith(_STATUS):
            return False
        is_dir = self._is_linked_folder(relative + name) if linked else is_folder(entry)
        if is_dir or linked or not name.isascii() or name.lower().endswith(SUFFIXES):
            return ignores.ignores(name, is_folder=is_dir)
        return False

    def _is_linked_folder(self, link: str) -> bool:
        found = stat_below(self.real, link)
        return found is not None and stat.S_ISDIR(found.st_mode)

    def _is_all_ignored(self, same: Same, others: Iterable[os.DirEntry[str]]) -> bool:
        """Whether the list of the root leaves nothing of it: as if it were empty."""
        ignores = self._lists.found.get("")
        names = dict.fromkeys(same.paths(), False) | {
            entry.name: is_folder(entry) or self._is_linked_folder(entry.name) for entry in (others if ignores else ())
        }
        return ignores is not None and all(
            name[0] == "." or name.endswith(_STATUS) or ignores.rules.ignores(name, is_folder=is_dir)
            for name, is_dir in names.items()
        )

    def _is_known_link(self, link: str, record: FileRecord) -> bool:
        """Whether a link leads to what is known; a status file that is a link was not written by us."""
        if link.endswith(_STATUS) or not record.has(stat_below(self.real, link)):
            return False
        if self._is_inside(link):
            self.links.append(link)
        return True

    def _is_inside(self, link: str) -> bool:
        try:
            return resolve_below(self.real, link) is not None
        except OSError:  # a link to itself
            return False

    def _is_folder(self, entry: os.DirEntry[str], relative: str) -> bool:
        """Whether a changed entry is a folder to enter now; a folder behind a link is entered later."""
        name = entry.name
        if name[0] == ".":
            return False
        if not name.isascii() and not is_text(name):
            words = "has a name that is not UTF-8: rename it"
            self.problems.append(Problem(path=printable_name(relative + name), message=words, code="E192"))
            return False
        linked, is_dir = is_link(entry), is_folder(entry)
        if linked and self._leads_to_folder(relative + name):
            self._linked.append(relative + name)
        elif not is_dir:
            self._compare(relative + name, linked=linked)
            return False
        if relative + name in self.known.files:
            self.missing.add(relative + name)
        return is_dir

    def _leads_to_folder(self, link: str) -> bool:
        """Note a link, and say whether a folder is behind it; one that leaves the tree has nothing behind it."""
        try:
            is_inside = resolve_below(self.real, link) is not None
        except OSError:  # a link to itself
            return False
        if is_inside:
            self.links.append(link)
            return self._is_linked_folder(link)
        if not link.endswith(SUFFIXES):  # a manifest is reported where it is read
            self.astray.append(Problem(path=link, message=_OUTSIDE, code="W200"))
        return False

    def _compare(self, path: str, *, linked: bool) -> None:
        if path.endswith(_STATUS):
            if self._has_statuses:
                self.modified.add(path)
        elif path.endswith(SUFFIXES):
            self.suspects.add(path)
            if linked and stat_below(self.real, path) is None:
                self.broken_links.add(path)
        elif path.lower().endswith(SUFFIXES):
            self.astray.append(Problem(path=path, message=_CAPITALS, code="W201"))

    def _miss_the_others(self) -> None:
        """Mark what is known and was not seen, but not below unreadable folders."""
        known, statuses = self.known.files, self.statuses.files
        if len(self._same) + len(self._changed) == len(known) + len(statuses):
            return
        seen = self._changed.union(self._same.paths())
        for files, lost in ((known, self.missing), (statuses, self.modified)):
            lost.update(filterfalse(self.is_hidden, files.keys() - seen))

    def _links_to_folders(self) -> Iterator[str]:
        """In order, including those found behind other links, after everything else was walked."""
        while self._linked:
            links, self._linked = sorted(self._linked), []
            yield from links

    def _enter(self, full: str, relative: str, around: Around) -> None:
        """Enter a folder; one behind a link only if it has no other name, so that links make no endless tree."""
        try:
            identity = identity_of(full) if isinstance(around, set) else None
            if identity in around:
                return
            same, others = self._entries.compare(full, relative)
            # One without folders is not around itself, and most are such: there is no need to ask who they are.
            if others and not identity and any(map(is_folder, others)):
                identity = identity_of(full)
                if identity in around:
                    return
        except FileNotFoundError:
            return
        except OSError as error:
            self._refuse(relative, f"cannot be read: {error.strerror}")
            return
        if relative.count("/") > _DEEPEST:
            self._refuse(relative, f"is more than {_DEEPEST} folders deep")
            return
        if identity:
            around |= {identity}
        folders = self._folders_in(same, others, relative)
        if folders:
            others.clear()  # an entry takes much memory, and the folders below may be many
            self._enter_each(folders, full, relative, around)

    def _refuse(self, folder: str, message: str) -> None:
        problem = self.hidden[folder] = Problem(path=folder.rstrip("/"), message=message, code="E193")
        self.problems.append(problem)

    def _remember_clashes(self) -> None:
        """Of two files that differ only in their suffix, one is not a `.yaml`."""
        for path in (folder + name for folder, names in self._rare.items() for name in names):
            stem = path[: path.rindex(".")]
            family = {each for each in (stem + suffix for suffix in SUFFIXES) if self._is_there(each)}
            if len(family) > 1:
                self.clashes |= {each: tuple(sorted(family - {each})) for each in family}

    def _is_there(self, path: str) -> bool:
        return path in self.suspects or (path in self.known and path not in self.missing)


def is_unchanged(root: Path, known: Known) -> bool:
    """Whether all files are as known; only those whose stat differs, or was too fresh, are read.

    While something cannot be read, they are not: there may be more.
    """
    walk = Walk(root, known)
    if walk.run() or walk.missing or not all(each.is_warning for each in (*walk.problems, *walk.astray)):
        return False
    altered = [path for path, record in known.scripts.items() if not record.has(stat_below(walk.real, path))]
    return all(_has_same_bytes(walk.real, known.get(path)) for path in [*walk.suspects, *altered])


def _has_same_bytes(root: str, record: FileRecord | None) -> bool:
    return record is not None and read_file(root, record.path, record.kind)[1].sha256 == record.sha256 != ""


def find_modified_statuses(root: Path, statuses: Known, pulse: Callable[[], None] = lambda: None) -> frozenset[str]:
    """The status files below `root`, a mirror of the tree, that differ from what was written."""
    walk = Walk(root, Known(), statuses, pulse)
    walk.run(is_mirror=True)
    return frozenset(walk.modified)
