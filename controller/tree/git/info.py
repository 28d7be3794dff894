"""The state of the manifest tree in git: commit, branch, author, and which of its files differ from the commit.

Called by the tree when a scan found a new digest, by `doctor`, and by `ledger/pause` for git's index lock. Commit and
branch are read from the repository's own files, the commit's content through git; the files are compared here, so that
git needs no work tree. Where git cannot list the commit, as without its program, every file counts as one that differs.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from controller.limits.settling import IndexLock
from controller.model.errors import truncate
from controller.model.job import DIRTY
from controller.tree.git.command import GitError, open_git
from controller.tree.git.repository import Repository, real, repository_of, small_text
from controller.tree.regular_files import LARGEST, read_regular, resolve_below

INDEX_LOCK = "index.lock"
LONGEST_CHAIN = 5  # symbolic refs, as git itself allows
MOST_REFS = 64 * 1024 * 1024  # bytes of packed-refs
_HASH = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_BRANCH = "refs/heads/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """What is checked out in the real folder `root`. `branch` is empty when HEAD is detached, as it is for git-sync.

    `held` maps every file of the commit below the folder to its blob; None: unknown.
    """

    commit: str
    branch: str = ""
    root: str = ""
    held: Mapping[str, str] | None = field(default=None, repr=False)

    def revision_of(self, *paths: str) -> str:
        """The commit, marked dirty when any of these paths differs from it, or may."""
        return f"{self.commit}{DIRTY}" if self.differing(filter(None, paths)) else self.commit

    def differing(self, paths: Iterable[str]) -> set[str]:
        """Those of these files that differ from the commit; all of them while it is unknown what it holds."""
        return set(paths) if self.held is None else {path for path in paths if not self._holds(path)}

    def signature_of(self, path: str) -> str:
        """The commit that last changed a path, and its author: `commit 1a2b… of Ann <a@x>`.

        When git cannot say, as in a shallow clone, the commit that is checked out: `as of commit 1a2b…`.
        """
        commit, name = last_change(Path(self.root), path)
        if not commit:
            return f"as of commit {self.commit[:10]}"
        return f"commit {commit[:10]}" + (f" of {name}" if name else "")

    def _holds(self, path: str) -> bool:
        """Whether a file, and every link on the way to it, is the same in the commit."""
        links: list[str] = []
        try:
            full = resolve_below(self.root, path, links)
            if full is None or not all(self._has(link, [str(Path(link).readlink()).encode()]) for link in links):
                return False
            content, _ = read_regular(full, LARGEST)
        except (OSError, ValueError):
            return False
        return self._has(full, [content, content.replace(b"\r\n", b"\n")])  # git may be configured to write CRLF

    def _has(self, full: str, contents: Iterable[bytes]) -> bool:
        blob = (self.held or {}).get(full[len(self.root) + 1 :])
        return blob is not None and any(blob_hash(content, len(blob)) == blob for content in contents)


def checkout(jobs: Path) -> Checkout | None:
    """The checkout that contains the folder `jobs`; None: it is in no repository, or there is no commit yet."""
    repository = repository_of(jobs)
    if repository is None:
        return None
    commit, branch = _head(repository) or _head_by_git(repository)
    if not commit:
        return None
    return Checkout(commit=commit, branch=branch, root=str(real(jobs)), held=_held(jobs, repository, commit))


def head(jobs: Path) -> str:
    """The commit that is checked out; "" when there is none. A few small files are read for it."""
    repository = repository_of(jobs)
    return (_head(repository) or _head_by_git(repository))[0] if repository else ""


def author(jobs: Path) -> str:
    """The author of the commit that is checked out, as `Name <address>`; empty when git fails."""
    repository = repository_of(jobs)
    return _author(repository, "HEAD") if repository else ""


def last_change(jobs: Path, path: str) -> tuple[str, str]:
    """The commit that last changed a path below `jobs`, and its author; ("", "") when git cannot say.

    In a shallow clone its oldest commit seems to have changed every path.
    """
    repository = repository_of(jobs)
    try:
        below = (real(jobs) / path).relative_to(repository.top).as_posix() if repository else ""
    except ValueError:
        return "", ""
    if repository is None:
        return "", ""
    commit = _asked(repository, "rev-list", "-1", "HEAD", "--", f":(literal){below}").strip()
    if not _HASH.fullmatch(commit) or commit in _oldest(repository):
        return "", ""
    return commit, _shown(_author(repository, commit))


def _oldest(repository: Repository) -> frozenset[str]:
    """The commits at which a shallow clone ends; none in a whole one."""
    return frozenset(small_text(repository.common / "shallow").split())


def _shown(name: str) -> str:
    """An author as it may be shown: what someone else wrote, on one line, cut short."""
    return truncate("".join(each if each.isprintable() else "?" for each in name), 100)


def _author(repository: Repository, commit: str) -> str:
    lines = _asked(repository, "cat-file", "commit", commit).split("\n\n")[0].split("\n")
    line = next((line for line in lines if line.startswith("author ")), "")
    return line.removeprefix("author ").rpartition("> ")[0] + ">" if "> " in line else ""


def git_directory(jobs: Path) -> Path | None:
    """The git directory of the repository or worktree that contains `jobs`, links followed; None: there is none."""
    repository = repository_of(jobs)
    return repository.directory if repository else None


def index_lock(jobs: Path) -> IndexLock | None:
    """Git's lock on the index around `jobs`: it is writing files there. None: there is no lock, or no repository."""
    directory = git_directory(jobs)
    if directory is None:
        return None
    path = directory / INDEX_LOCK
    try:
        return IndexLock(path=str(path), since=datetime.fromtimestamp(path.stat().st_mtime, UTC))
    except (OSError, OverflowError, ValueError):
        return None


def _head(repository: Repository) -> tuple[str, str] | None:
    """Commit and branch from HEAD, loose and packed refs; None when they are stored in an unsupported format."""
    directory, common = repository.directory, repository.common
    named, branch = small_text(directory / "HEAD"), ""
    for _ in range(LONGEST_CHAIN):
        if _HASH.fullmatch(named):
            return named, branch
        if not named.startswith("ref:"):
            return None
        ref = named.removeprefix("ref:").strip()
        branch = branch or ref.removeprefix(_BRANCH)
        named = small_text(directory / ref) or small_text(common / ref) or _packed(common / "packed-refs", ref)
    return None


def _packed(file: Path, ref: str) -> str:
    """The hash of a ref in packed-refs; see gitrepository-layout(5)."""
    lines = small_text(file, MOST_REFS).split("\n")
    return next((line.split(" ")[0] for line in lines if line.endswith(f" {ref}")), "")


def _head_by_git(repository: Repository) -> tuple[str, str]:
    commit = _asked(repository, "rev-parse", "--verify", "--quiet", "HEAD").strip()
    branch = _asked(repository, "symbolic-ref", "--quiet", "--short", "HEAD").strip()
    return (commit, branch) if _HASH.fullmatch(commit) else ("", "")


def _held(jobs: Path, repository: Repository, commit: str) -> dict[str, str] | None:
    """Blob by path below `jobs`, of all files and links that a commit holds there; None when git fails."""
    try:
        below = real(jobs).relative_to(repository.top).as_posix()
        where = "." if below == "." else f":(literal){below}"
        with open_git(repository) as git:
            listed = git.ask("ls-tree", "-r", "-z", "--full-tree", commit, "--", where)
    except (GitError, ValueError):  # the latter: a link to the folder was swapped meanwhile
        return None
    start = 0 if below == "." else len(below) + 1
    entries = (line.partition("\t") for line in listed.decode(errors="surrogateescape").split("\0") if line)
    return {path[start:]: facts.split(" ")[2] for facts, _, path in entries}


def blob_hash(content: bytes, digits: int) -> str:
    """Git's hash of a blob, in as many digits as the repository's hashes have."""
    hashed = hashlib.sha256 if digits == 64 else hashlib.sha1
    return hashed(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _asked(repository: Repository, *arguments: str) -> str:
    """What git prints, empty when it fails."""
    try:
        with open_git(repository) as git:
            return git.ask(*arguments).decode(errors="surrogateescape")
    except GitError:
        return ""
