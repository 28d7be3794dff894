"""Checks the manifests and scripts given by the user or a hook, without calls, credentials or state.

`shjobs check` calls it. The whole tree around the given paths is read, so that clashing names are found; whatever has
not changed since an earlier run is taken from the cache.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any, Protocol

from controller.analysis.ignores import Ignore, needless
from controller.manifest.validate import ValidManifest
from controller.model.errors import DEFECT, Problem, UsageError
from controller.model.files import FileRecord
from controller.model.job import Appraisal
from controller.operations.check.cache import CheckCache
from controller.tree.change import Change
from controller.tree.declared.ownership import TWO_JOBS, Declared
from controller.tree.files import printable_name
from controller.tree.ignore.lists import UNREADABLE_LIST
from controller.tree.tree import Tree

_FORM = "3"  # cache format version; raise it when the format changes


class Examine(Protocol):
    """What `check` calls of the examiner."""

    def prepare(self, items: Sequence[ValidManifest]) -> None:
        """Announce the documents that will be appraised next."""

    def __call__(self, item: ValidManifest) -> tuple[Appraisal, bool]:
        """The appraisal of a document, and whether the next run may reuse it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFolder:
    """A folder that is read as a whole, and the requested paths in it ("" is all of it)."""

    folder: Path
    named: frozenset[str]

    def has(self, path: str) -> bool:
        """Whether a file is requested, by itself or through a folder above it."""
        return bool(self.named & {"", *_reached(path)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Counts of what was requested, and every problem: file by file the errors, then the warnings.

    `approvals` are the files that hold one, among those requested.
    `foreign` files were requested, but turned out to be no manifests. `unused` paths are neither a manifest nor a
    script of one either.
    """

    files: int
    jobs: int
    problems: tuple[Problem, ...]
    foreign: tuple[str, ...]
    unused: tuple[str, ...]
    approvals: tuple[str, ...] = ()


def checked_folders(paths: Collection[Path], jobs: Path) -> list[CheckedFolder]:
    """The folders to read for these paths: the jobs folder for paths inside it, else the given folder or the parent.

    A manifest may use scripts from anywhere in the jobs folder, so a part of it cannot be read alone.
    """
    targets = [_plain(path) for path in paths or (jobs,)]
    folders = {_home(each, _plain(jobs)) for each in targets}
    found: dict[Path, set[str]] = {each: set() for each in sorted(folders) if not folders & set(each.parents)}
    for target in targets:
        folder = next(each for each in found if target.is_relative_to(each))
        path = target.relative_to(folder).as_posix()
        found[folder].add("" if path == "." else path)
    return [CheckedFolder(folder=folder, named=frozenset(named)) for folder, named in found.items()]


def check(ground: CheckedFolder, examine: Examine, now: datetime, cache: CheckCache, stamp: str) -> Checked:
    """Every error and warning of the requested paths. Raises `UsageError` when the folder cannot be read.

    `stamp` identifies everything else that a result depends on besides the files themselves.
    """
    passing: set[str] = set()

    def appraise(item: ValidManifest) -> Appraisal:
        answer, lasts = examine(item)
        if not lasts:
            passing.add(item.path)
        return answer

    tree = Tree(ground.folder, appraise, examine.prepare)
    key = sha256(f"{_FORM}\n{stamp}\n{os.path.realpath(ground.folder)}".encode("utf-8", "surrogateescape")).hexdigest()
    _recall(tree, cache.read(key))
    change = tree.refresh({}, now)
    if not change.ready:
        raise UsageError(change.reason)
    if change.clean or change.unclean or change.gone:
        cache.write(key, _kept(tree, passing))
    return _checked(ground, tree, change)


def _plain(path: Path) -> Path:
    return Path(normpath(path.absolute()))


def _home(target: Path, jobs: Path) -> Path:
    if target.is_relative_to(jobs):
        return jobs
    return target if target.is_dir() else target.parent


def _reached(path: str) -> Iterator[str]:
    """A path and every folder above it."""
    yield path
    yield from map(str, PurePosixPath(path).parents)


def _checked(ground: CheckedFolder, tree: Tree, change: Change) -> Checked:
    documents = {path: tree.documents(path) for path in sorted(tree.paths())}
    scripts = {path: tree.uses(path) for path in documents}
    asked = {path for path in documents if ground.has(path) or any(map(ground.has, scripts[path]))}
    named = {printable_name(each) for each in ground.named}
    foreign = tuple(filter(ground.has, change.foreign))
    # A list that cannot be read hides what was asked for.
    reported = [
        each for each in change.problems if ground.has(each.path) or each.path in named or each.code == UNREADABLE_LIST
    ]
    reported += [each for path in asked for item in documents[path] for each in (*item.problems, *item.warnings)]
    reported += _clashes(asked, documents)
    reported += [each for each in _needless(documents, scripts) if ground.has(each.path) or each.path in asked]
    approvals = tuple(sorted(filter(ground.has, tree.approvals.paths())))
    known = {*documents, *approvals, *foreign, *(each.path for each in reported)}.union(*scripts.values())
    return Checked(
        files=len(asked.union(approvals)),
        jobs=sum(item.accepted for path in asked for item in documents[path])
        + sum(len(each.cells) for each in tree.sets.values() if each.path in asked),
        problems=tuple(_in_order(reported)),
        foreign=foreign,
        unused=tuple(sorted(named - {"", *(each for path in known for each in _reached(path))})),
        approvals=approvals,
    )


def _clashes(asked: Collection[str], documents: Mapping[str, Sequence[Declared]]) -> Iterator[Problem]:
    """Clashes of other documents that declare a requested job."""
    names = {item.name for path in asked for item in documents[path] if item.name}
    for path in documents.keys() - asked:
        for item in documents[path]:
            if item.name in names:
                yield from (each for each in item.problems if each.code == TWO_JOBS)


def _needless(documents: Mapping[str, Sequence[Declared]], scripts: Mapping[str, tuple[str, ...]]) -> list[Problem]:
    broken = [path for path, found in documents.items() if not all(item.accepted for item in found)]
    doubtful = {each for path in broken for each in (path, *scripts[path])}
    found = [item for each in documents.values() for item in each]
    used = [each for item in found for each in item.used]
    return needless(used, (each for item in found for each in item.idle), doubtful)


def _in_order(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Without duplicates: by file, errors before warnings, in text order."""
    once = {(each, each.code): each for each in problems}.values()
    return iter(sorted(once, key=lambda each: (each.path, each.is_warning, each)))


# --- what the cache keeps of a tree ---


def _kept(tree: Tree, passing: Collection[str]) -> dict[str, Any]:
    files, documents = tree.found()
    # What explains why a script is missing, a file of almost its name, may come and go.
    missing = {each.path for each in files if each.size < 0}
    passing = {*passing, *tree.approvals.paths(), *(each.path for each in files if not missing.isdisjoint(each.uses))}
    passing |= {each.path for each in documents for problem in each.problems if problem.code == DEFECT}
    return {
        "files": [asdict(each) for each in files if each.path not in passing],
        "documents": [asdict(each) for each in documents if each.path not in passing],
    }


def _recall(tree: Tree, kept: Any) -> None:
    """Restore the cached records of an earlier run into the tree; anything malformed is ignored."""
    try:
        files = [FileRecord(**{**each, "uses": tuple(each["uses"])}) for each in kept["files"]]
        documents = [_declared(each) for each in kept["documents"]]
    except (TypeError, KeyError):
        return
    tree.recall(files, documents)


def _declared(kept: dict[str, Any]) -> Declared:
    reported = {name: tuple(Problem(**each) for each in kept[name]) for name in ("problems", "warnings")}
    silent = {name: tuple(Ignore(**each) for each in kept[name]) for name in ("used", "idle")}
    return Declared(**{**kept, **reported, **silent})
