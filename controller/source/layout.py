"""The folder `<state>/source`: which tree is in force, which are whole, and how another one takes its place.

current -> trees/<name>   the tree in force; swapped by a rename
trees/<name>/             the files of one commit; `name` is its hash, with a number after it when it was rebuilt
trees/<name>.complete     what the tree holds; written once it is on the disk, so a tree without it may be broken
worktrees/<commit>/       what the `.git` of a tree names, so that git facts of the tree are those of the commit
repository/               the objects; see `mirror`
incoming-…/               a fetch under way; git writes nowhere else
verified                  the commit verified last, and the rules by which it was
withheld                  the tree that is in force no more, since the settings changed, and why; without `current`
lock
"""

import ctypes
import fcntl
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from controller.settings.git import CURRENT
from controller.source.refusal import SourceError
from controller.tree.git.objects import TreeFile

_NAME = re.compile(r"(?P<commit>[0-9a-f]{40}(?:[0-9a-f]{24})?)(?:\.\d+)?")
_MARKER = ".complete"
_NEW = ".new-"
_HALF = ".half-"
_GONE = "gone-"
INCOMING = "incoming-"
LOCK_PATIENCE = 20.0  # seconds; a fetch without news takes less
_PAUSE = 0.05  # seconds between two tries


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeTree:
    """A tree that is completely on the disk. `path` is the folder of the repository that it was made for.

    `url` is the repository, "" for a tree of an earlier version;
    `files` are by path; `completed_ns` is when it was finished: a file that changed later is not ours.
    """

    name: str
    commit: str
    path: str
    url: str = ""
    completed_ns: int = 0
    files: Mapping[str, TreeFile] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The last commit whose signature was accepted, by these `rules`, and the one that was in force then."""

    commit: str
    rules: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A tree that was in force, by its name, and why it is not now."""

    name: str
    why: str


class Layout:
    """The folder of one state directory. All methods raise `OSError`."""

    def __init__(self, state: Path) -> None:
        self._current = state.absolute() / CURRENT  # git works in a folder of its own
        self.root = self._current.parent
        self.trees = self.root / "trees"
        self.worktrees = self.root / "worktrees"
        self.repository = self.root / "repository"

    @contextmanager
    def lock(self, is_stopped: Callable[[], bool]) -> Iterator[None]:
        """One process at a time; raises `SourceError` when another one keeps it, or ours is ending."""
        for folder in (self.root, self.trees, self.worktrees):
            folder.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("ab", buffering=0) as file:
            deadline = time.monotonic() + LOCK_PATIENCE
            while True:
                with suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                if is_stopped() or time.monotonic() > deadline:
                    raise SourceError(f"another process is fetching into {self.root}")
                time.sleep(_PAUSE)
            yield

    def in_force(self) -> WholeTree | None:
        """The tree that `current` names, without its files; None when there is none, or it may be broken."""
        try:
            name = self._current.readlink().name
        except OSError:
            return None
        return self.there(name)

    def there(self, name: str) -> WholeTree | None:
        """The tree of this name, if it is whole and still there."""
        return self.whole(name) if (self.trees / name).is_dir() else None

    def linked(self) -> WholeTree | None:
        """The tree that `current` names, also one that may be broken: it is read all the same."""
        with suppress(OSError):
            name = self._current.readlink().name
            found = _NAME.fullmatch(name)
            if found and (self.trees / name).is_dir():
                return self.whole(name) or WholeTree(name=name, commit=found["commit"], path="")
        return None

    def withheld(self) -> Withheld | None:
        """What is withheld; None when a tree is in force, or none ever was."""
        try:
            found = json.loads((self.root / "withheld").read_bytes())
            said = Withheld(name=str(found["tree"]), why=str(found["why"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return None if self._current.is_symlink() else said

    def withhold(self, tree: WholeTree, why: str) -> None:
        """Put the tree out of force, also where the reason cannot be written; it stays on the disk."""
        try:
            write_whole(self.root / "withheld", json.dumps({"tree": tree.name, "why": why}).encode())
        finally:
            self._current.unlink(missing_ok=True)
            _sync_folder(self.root)

    def whole(self, name: str, *, with_files: bool = False) -> WholeTree | None:
        """The tree of this name; None when it is not known to be completely on the disk."""
        found = _NAME.fullmatch(name)
        try:
            if found is None:
                return None
            with (self.trees / f"{name}{_MARKER}").open("rb") as file:
                header = json.loads(file.readline())
                path, url = str(header["path"]), str(header.get("url", ""))
                listed = file.read() if with_files else b""
                completed = os.fstat(file.fileno()).st_mtime_ns
            files = {each.path: each for each in map(_listed, filter(None, listed.split(b"\0")))}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        commit = found["commit"]
        return WholeTree(name=name, commit=commit, path=path, url=url, completed_ns=completed, files=files)

    def kept(self, commit: str, path: str, url: str) -> WholeTree | None:
        """A whole tree of this commit, made for this path of this repository, that is still there."""
        trees = (self.whole(each.name) for each in sorted(self.trees.iterdir()) if each.name.startswith(commit))
        return next((tree for tree in trees if tree and tree.path == path and tree.url in ("", url)), None)

    def commits(self) -> frozenset[str]:
        """The commits of all whole trees."""
        trees = (self.whole(each.name) for each in self.trees.iterdir())
        return frozenset(tree.commit for tree in trees if tree)

    @contextmanager
    def new_tree(self) -> Iterator[Path]:
        """An empty folder for a tree that is being made; what is not completed is removed."""
        folder = self.trees / f"{_NEW}{secrets.token_hex(8)}"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def complete(self, folder: Path, commit: str, path: str, url: str, files: Iterable[TreeFile]) -> WholeTree:
        """Name the finished tree in `folder`, and mark it once all of it is on the disk."""
        name = self._free_name(commit)
        write_whole(folder / ".git", f"gitdir: ../../worktrees/{commit}\n".encode())
        self._describe(commit)
        folder.rename(self.trees / name)
        _sync(self.trees)
        header = json.dumps({"path": path, "url": url}).encode() + b"\n"
        write_whole(self.trees / f"{name}{_MARKER}", header + b"".join(map(_line, files)))
        return WholeTree(name=name, commit=commit, path=path, url=url)

    def swap(self, tree: WholeTree) -> None:
        """Put the tree in force: from one moment to the next, also for readers and after a power cut."""
        link = self.root / f"{self._current.name}{_HALF}{secrets.token_hex(8)}"
        link.symlink_to(Path("trees", tree.name))
        link.replace(self._current)
        _sync_folder(self.root)
        (self.root / "withheld").unlink(missing_ok=True)

    def remove_others(self, *names: str) -> None:
        """Remove every tree but these, and what was left by a fetch that was killed."""
        self._remove_halves()
        for marker in self.trees.glob(f"*{_MARKER}"):
            if marker.name.removesuffix(_MARKER) not in names:
                marker.unlink()
        for folder in self.trees.iterdir():
            if folder.is_dir() and folder.name not in names:
                shutil.rmtree(folder)
        commits = {name.partition(".")[0] for name in names}
        for folder in self.worktrees.iterdir():
            if folder.name not in commits:
                shutil.rmtree(folder)

    def tidy(self) -> None:
        """Remove what was left by a process that was killed: all but whole trees and the one that `current` names."""
        names = [each.name for each in self.trees.iterdir() if each.is_dir() and self.whole(each.name)]
        with suppress(OSError):
            names.append(self._current.readlink().name)
        self.remove_others(*names)

    def verified(self, url: str) -> Verified | None:
        """What was verified last of this repository."""
        try:
            found = json.loads((self.root / "verified").read_bytes())
            known = {key: str(found.get(key, "")) for key in ("rules", "before")}
            return Verified(commit=str(found["commit"]), **known) if found["url"] == url else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def note_verified(self, url: str, verified: Verified) -> None:
        write_whole(self.root / "verified", json.dumps({"url": url, **asdict(verified)}).encode())

    def _free_name(self, commit: str) -> str:
        name, number = commit, 1
        while (self.trees / name).exists():
            name, number = f"{commit}.{number}", number + 1
        return name

    def _describe(self, commit: str) -> None:
        """What git calls a worktree: gitrepository-layout(5)."""
        folder = self.worktrees / commit
        folder.mkdir(exist_ok=True)
        write_whole(folder / "HEAD", f"{commit}\n".encode())
        write_whole(folder / "commondir", b"../../repository\n")
        write_whole(folder / "gitdir", f"../../trees/{commit}/.git\n".encode())

    def _remove_incoming(self, folder: Path) -> None:
        """Remove the folder of a fetch whose process was killed: its git may still be writing there.

        Under another name it finds nothing any more; what is left all the same is removed the next time.
        """
        with suppress(FileNotFoundError):
            gone = folder.rename(self.root / f"{_GONE}{secrets.token_hex(8)}")
            shutil.rmtree(gone, ignore_errors=True)

    def _remove_halves(self) -> None:
        for folder in (*self.root.glob(f"{INCOMING}*"), *self.root.glob(f"{_GONE}*")):
            self._remove_incoming(folder)
        for folder in (self.root, self.trees, self.repository, *self.worktrees.iterdir()):
            for half in folder.glob(f"*{_HALF}*"):
                half.unlink()


def _line(file: TreeFile) -> bytes:
    return os.fsencode(f"{file.mode} {file.blob} {file.size}\t{file.path}\0")


def _listed(line: bytes) -> TreeFile:
    facts, _, path = os.fsdecode(line).partition("\t")
    mode, blob, size = facts.split(" ")
    return TreeFile(mode=mode, blob=blob, path=path, size=int(size))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there with all its content or not at all."""
    half = path.with_name(f"{path.name}{_HALF}{secrets.token_hex(8)}")
    try:
        with half.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except OSError:
        half.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync(folder: Path) -> None:
    """Bring all that was written to the file system of this folder to the disk: one call for thousands of files."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        call = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
        if call is None:
            os.sync()
        elif call(descriptor):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(descriptor)


def commit_in_force(state: Path) -> tuple[str, datetime | None]:
    """The commit of the tree in force, as the link to it says, and since when; "" without one."""
    link = state / CURRENT
    with suppress(OSError):
        named, since = _NAME.fullmatch(link.readlink().name), datetime.fromtimestamp(link.lstat().st_mtime, UTC)
        if named:
            return named["commit"], since
    return "", None
