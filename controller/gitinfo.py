"""Where the tree of manifests stands in git: commit, branch, author, and which of its files differ from the commit.

The tree asks for it when a scan found a new digest, `doctor` to tell it, `brakes` for the directory. Commit and branch
are read from the repository's own files, so they need no git; what differs needs it, and is not known without.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from controller.environment import for_git

PATIENCE = 30.0  # seconds
DIRTY = "-dirty"
LONGEST_CHAIN = 5  # symbolic refs, as git itself allows
_HASH = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_BRANCH = "refs/heads/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """What is checked out. `branch` is empty when HEAD is detached, as it is for git-sync.

    `changed` holds the paths below the jobs folder that the commit does not hold as they are; None: not known.
    """

    commit: str
    branch: str = ""
    changed: frozenset[str] | None = None

    def revision_of(self, *paths: str) -> str:
        """The commit, marked when it does not hold all of these paths as they are."""
        return f"{self.commit}{DIRTY}" if self.changed and not self.changed.isdisjoint(paths) else self.commit


def checkout(jobs: Path) -> Checkout | None:
    """What is checked out around the folder `jobs`; None: it is in no repository, or there is no commit yet."""
    place = _place(jobs)
    if place is None:
        return None
    top, directory = place
    commit, branch = _head(directory) or _head_by_git(jobs)
    return Checkout(commit=commit, branch=branch, changed=_changed(jobs, top)) if commit else None


def author(jobs: Path) -> str:
    """Who wrote the commit that is checked out, as `Name <address>`; empty when git cannot say."""
    return _git(jobs, "log", "-1", "--no-show-signature", "--format=%an <%ae>").strip()


def git_directory(jobs: Path) -> Path | None:
    """The git directory of the repository or worktree that `jobs` lies in, links followed; None: there is none."""
    place = _place(jobs)
    return place[1] if place else None


def _place(jobs: Path) -> tuple[Path, Path] | None:
    """The folder that holds `.git`, and the directory that is meant: in a worktree, `.git` is a file that names it."""
    here = _real(jobs)
    for top in (here, *here.parents):
        found = top / ".git"
        try:
            if found.is_dir():
                return top, found
            if found.is_file():
                named = _line(found).partition("gitdir:")[2].strip()
                return (top, _real(top / named)) if named else None
        except OSError:
            return None
    return None


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # unlike `resolve`, it bears links that lead in a circle


def _head(directory: Path) -> tuple[str, str] | None:
    """Commit and branch from HEAD, loose and packed refs; None when they are kept in a way not known here."""
    common = directory / (_line(directory / "commondir") or ".")
    named, branch = _line(directory / "HEAD"), ""
    for _ in range(LONGEST_CHAIN):
        if _HASH.fullmatch(named):
            return named, branch
        if not named.startswith("ref:"):
            return None
        ref = named.removeprefix("ref:").strip()
        branch = branch or ref.removeprefix(_BRANCH)
        named = _line(directory / ref) or _line(common / ref) or _packed(common / "packed-refs", ref)
    return None


def _packed(file: Path, ref: str) -> str:
    """The hash of a ref in packed-refs; see gitrepository-layout(5)."""
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            return next((line.split(" ")[0] for line in lines if line.rstrip("\n").endswith(f" {ref}")), "")
    except OSError:
        return ""


def _line(file: Path) -> str:
    """The text of a small file, empty when there is none."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except (OSError, ValueError):
        return ""


def _head_by_git(jobs: Path) -> tuple[str, str]:
    commit = _git(jobs, "rev-parse", "--verify", "--quiet", "HEAD").strip()
    branch = _git(jobs, "symbolic-ref", "--quiet", "--short", "HEAD").strip()
    return (commit, branch) if _HASH.fullmatch(commit) else ("", "")


def _changed(jobs: Path, top: Path) -> frozenset[str] | None:
    """Paths below `jobs` that differ from the commit, also those git does not know; status files do not count."""
    told = _asked(jobs, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--", ".")
    if told is None:
        return None
    prefix = _real(jobs).relative_to(top).as_posix() + "/"
    paths = (entry[3:].removeprefix(prefix) for entry in told.split("\0") if entry)
    return frozenset(path for path in paths if not path.endswith(".status.yaml"))


def _git(jobs: Path, *arguments: str) -> str:
    return _asked(jobs, *arguments) or ""


def _asked(jobs: Path, *arguments: str) -> str | None:
    """What git answers; None when it is not there, takes too long or refuses."""
    try:
        done = subprocess.run(
            ["git", "-C", str(jobs), *arguments],
            env=for_git(os.environ), capture_output=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="surrogateescape") if done.returncode == 0 else None
