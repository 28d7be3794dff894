"""Compares the tree with the known records and reads what changed: manifests, and the scripts and areas they name.

A file whose stat did not change is not opened, and one whose bytes did not change is not parsed. A bad file is a
Broken beside the others.
"""

import gc
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from controller.manifest.validate import Broken, Script
from controller.model.errors import Problem
from controller.model.files import FOREIGN, USED, FileRecord
from controller.tree.contents import LoadedFile, contents_of, is_foreign
from controller.tree.files import (
    LARGEST_FILE,
    MISSING,
    Known,
    collector_paused,
    freeze_if_many,
    named_path,
    read_file,
    stat_below,
)
from controller.tree.foreign import or_list_it
from controller.tree.ignore.lists import IGNORE_FILE, FolderIgnores
from controller.tree.lookalike import Lookalikes
from controller.tree.walk import Walk

if TYPE_CHECKING:
    pass

_PORTION = 500  # parsed manifests held in memory at once
_FRESH_NS = 2_000_000_000  # the coarsest clock of a file system still in use


Take = Callable[[Sequence[LoadedFile]], None]
"""Is given the files that are new or changed, in order and in portions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a scan of the tree found. Paths are relative to the root, with '/'.

    When not `ready`, the root is missing, empty or unreadable, `reason` says so, and nothing may be concluded.
    `records` holds the new and altered records; those of `gone` (manifests, and unused scripts) can be dropped.
    `problems` belong to no manifest. Files known below the `hidden` folders, which cannot be read, count as unchanged.
    `links` are the symbolic links that stay in the tree, `folders` is the number of folders. `modified` are status
    files that differ from what was written: changed, unknown or gone. `ignored` is for `Known`, with the records.
    """

    ready: bool
    reason: str = ""
    gone: Set[str] = frozenset()
    records: Mapping[str, FileRecord]
    problems: tuple[Problem, ...] = ()
    hidden: Mapping[str, Problem] = field(default_factory=dict)
    ignored: Mapping[str, FolderIgnores] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    folders: int = 0
    modified: frozenset[str] = frozenset()


def scan(
    root: Path, known: Known, take: Take, now: datetime | None = None, statuses: Known | None = None,
    pulse: Callable[[], None] = lambda: None, again: Set[str] = frozenset(),
) -> Scan:  # fmt: skip
    """Compares the tree below `root` with `known` and reads what changed; `statuses` are our status files there.

    Those of `again` are read though they did not change. Sets are read as of `now`, and without it not at all.

    What changed goes to `take` only: ten thousand parsed manifests would fill the memory. With `now`, a file changed
    less than two seconds before is read again by the next scan: a second change within one tick of the file system's
    clock would not show in its stat. `pulse` is called repeatedly while the tree is walked.
    """
    with collector_paused():
        walk = Walk(root, known, statuses, pulse)
        reason = walk.run()
    if not reason and walk.missing and walk.is_replaced():
        reason = f"{root} was replaced while it was read"
    if reason:
        return Scan(ready=False, reason=reason, records={})
    return _Comparison(walk, known, now, again).scan(take)


def load(root: Path) -> list[LoadedFile]:
    """Every manifest file below a folder, which may be missing."""
    found: list[LoadedFile] = []
    scan(root, Known(), found.extend)
    return found


class _Comparison:
    """One comparison of a walk with what is known."""

    def __init__(self, walk: Walk, known: Known, now: datetime | None, again: Set[str]) -> None:
        self.walk, self.known, self.now, self.again = walk, known, now, again
        self.trusted_until = int(now.timestamp() * 1e9) - _FRESH_NS if now else None
        self.records: dict[str, FileRecord] = {}
        self.scripts: dict[str, tuple[FileRecord, Script]] = {}
        self.lost: set[str] = set()
        self.lookalikes = Lookalikes(walk.real)
        self.same: dict[tuple[str, ...], bool] = {(): True}
        self.clashes = dict(self.find_clashes())

    def scan(self, take: Take) -> Scan:
        walk = self.walk
        altered = {path for uses in self.known.users if not self.uses_the_same(uses) for path in self.known.users[uses]}
        altered = {path for path in altered if walk.is_unchanged(path) and not walk.is_hidden(path)}
        again = {path for path in self.again if path in self.known and not walk.is_hidden(path)}
        suspects = walk.suspects | altered | self.clashes.keys() | (again - walk.missing)
        changed = (each for each in map(self.load, sorted(suspects)) if each)
        freeze_if_many(_in_portions(changed, take))
        gone = walk.missing | {path for path in walk.suspects & walk.vanished if path in self.known}
        ignored = walk.ignored
        if gone and walk.is_replaced():
            gone, ignored = set(), self.known.ignored  # the next scan sees what is really gone
        return Scan(
            ready=True,
            gone=gone | self.unused_scripts(gone),
            records=self.records,
            problems=(*walk.problems, *walk.astray),
            hidden=walk.hidden,
            ignored=ignored,
            links=tuple(walk.links),
            folders=walk.folders,
            modified=frozenset(walk.modified),
        )

    def find_clashes(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The manifests that would share a status file; a foreign file has none."""
        ours = {path for path in self.walk.clashes if not self.is_foreign(path)}
        for path in ours:
            if others := tuple(each for each in self.walk.clashes[path] if each in ours):
                yield path, others

    def is_foreign(self, path: str) -> bool:
        before = self.known.get(path)
        if before and self.walk.is_unchanged(path):
            return before.kind == FOREIGN
        content, record, error = read_file(self.walk.real, path, "manifest")
        return not error and record.size >= 0 and is_foreign(content, path)

    def uses_the_same(self, uses: tuple[str, ...]) -> bool:
        """Whether the files a manifest depends on, its scripts or its clashes, are those it was read with."""
        if uses not in self.same:
            self.same[uses] = all(map(self.is_same, uses))
        return self.same[uses]

    def is_same(self, path: str) -> bool:
        record = self.known.get(path)
        if record is None:
            return False
        if record.kind not in USED:
            return self.walk.is_unchanged(path)
        is_known = record.has(stat_below(self.walk.real, path))
        return is_known or self.script(path, record.kind)[0].sha256 == record.sha256 != ""

    def depends_on_the_same(self, record: FileRecord, clashes: tuple[str, ...]) -> bool:
        return record.uses == clashes if clashes else self.uses_the_same(record.uses)

    def unused_scripts(self, gone: Set[str]) -> set[str]:
        """The scripts that no manifest uses any more."""
        read = self.records.keys() | gone
        used = {path for uses, users in self.known.users.items() if not users <= read for path in uses}
        used.update(path for record in self.records.values() for path in record.uses)
        return self.known.scripts.keys() - used

    def load(self, path: str) -> LoadedFile | None:
        """The documents of a file; None when it turns out unchanged, or vanished in the meantime."""
        content, record, error = read_file(self.walk.real, path, "manifest")
        if record.size < 0 and path not in self.walk.broken_links:
            self.walk.vanished.add(path)
            return None
        before, clashes = self.known.get(path), self.clashes.get(path, ())
        is_same = bool(before and before.sha256 == record.sha256 != "" and self.depends_on_the_same(before, clashes))
        if before and is_same and (path not in self.again or clashes):
            self.remember(replace(record, kind=before.kind), before.uses)
            return None
        if clashes:
            names = ", ".join(map(posixpath.basename, clashes))
            error = f"shares its status file with {names}: rename one, or list what is no manifest in {IGNORE_FILE}"
        if error:
            error = or_list_it(error) if record.size > LARGEST_FILE else error
            self.remember(record, clashes)
            problem = Problem(path=path, message=error, code="E191" if clashes else "E190")
            return LoadedFile(path=path, documents=(Broken(path=path, index=0, name=None, problems=(problem,)),))
        loaded = self.parse(content, record)
        uses = (self.records.get(path) or before or record).uses
        if not self.lost.isdisjoint(uses) and self.walk.is_replaced():
            for each in (path, *self.lost):
                self.records.pop(each, None)
            return None
        return replace(loaded, is_same=True) if is_same else loaded

    def parse(self, content: str, record: FileRecord) -> LoadedFile:
        path = record.path
        found = contents_of(content, path, lambda written, kind: self.used(written, path, kind), self.now)
        self.remember(replace(record, kind=found.kind) if found.kind else record, found.uses)
        return found

    def remember(self, record: FileRecord, uses: tuple[str, ...] = ()) -> None:
        """Keeps a record; one whose stat is too fresh to trust is kept as never seen."""
        is_fresh = self.trusted_until is not None and max(record.mtime_ns, record.ctime_ns) > self.trusted_until
        kept = replace(record, uses=uses, ctime_ns=0) if is_fresh else replace(record, uses=uses) if uses else record
        if self.known.get(record.path) != kept:
            self.records[record.path] = kept

    def used(self, written: str, manifest: str, kind: str) -> Script:
        """What a manifest names, read."""
        path, problem = named_path(written, posixpath.dirname(manifest), kind)
        return Script(path="", problem=problem) if problem else self.script(path, kind)[1]

    def script(self, path: str, kind: str) -> tuple[FileRecord, Script]:
        """A script, or an area, of the tree, read once in a scan."""
        if path not in self.scripts:
            self.scripts[path] = self.read_script(path, kind)
            self.remember(self.scripts[path][0])
        return self.scripts[path]

    def read_script(self, path: str, kind: str) -> tuple[FileRecord, Script]:
        content, record, error = read_file(self.walk.real, path, kind)
        if error == MISSING:
            error += self.lookalikes.explain(path)
            self.lost.add(path)
        return record, Script(path=path, text=content, problem=f"{path} {error}" if error else "")


def _in_portions(changed: Iterator[LoadedFile], take: Take) -> int:
    """Passes them on in portions; returns how many there were.

    Garbage is searched for among what a portion left behind alone: what earlier ones left is still in use.
    """
    count = 0
    with collector_paused():
        while portion := tuple(islice(changed, _PORTION)):
            count += len(portion)
            take(portion)
            del portion
            gc.collect(0)
    return count
