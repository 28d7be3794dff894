"""Which repository a jobs folder belongs to, found here because git's own search can be misled by a commit's content.

The rule: a repository is named by an entry `.git`, in the jobs folder or one of its parents, links followed. Git
allows no entry of that name in a commit, while any commit may hold `HEAD`, `config`, `objects` and `refs`, which
git's own search would take for a bare repository. Nothing below the jobs folder is considered.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from controller.tree.regular_files import read_regular


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """`top` holds `.git`; `directory` is the git directory it names; `common` is that of the main worktree."""

    top: Path
    directory: Path
    common: Path


def repository_of(jobs: Path) -> Repository | None:
    """The repository around a folder; None: there is none. In a worktree or submodule, `.git` is a file that names it.

    A malformed `.git` ends the search, as in git itself.
    """
    here = real(jobs)
    for top in (here, *here.parents):
        found = top / ".git"
        try:
            if found.is_dir():
                return _repository(top, found)
            if found.is_file():
                named = small_text(found).partition("gitdir:")[2].strip()
                return _repository(top, real(top / named)) if named else None
        except (OSError, ValueError):
            return None
    return None


def real(path: Path) -> Path:
    """The path without links; unlike `resolve`, it tolerates circular links."""
    return Path(os.path.realpath(path))


def small_text(file: Path, most: int = 1_000_000) -> str:
    """The text of a small regular file, empty when there is none."""
    try:
        return read_regular(file, most, follow=True)[0].decode("utf-8", "replace").strip()
    except (OSError, ValueError):
        return ""


def _repository(top: Path, directory: Path) -> Repository:
    return Repository(
        top=top, directory=directory, common=real(directory / (small_text(directory / "commondir") or "."))
    )
