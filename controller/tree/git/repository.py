"""Which repository a jobs folder belongs to, found by ourselves: git's own search takes what a commit holds for one.

The rule: a repository is named by an entry `.git`, in the jobs folder or in a folder around it, links followed. Git
lets no commit contain an entry of that name, while any commit may hold `HEAD`, `config`, `objects` and `refs`, which
git's own search would take for a bare repository. Nothing below the jobs folder is looked at.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from controller.tree.regular_files import read_regular


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """`top` holds `.git`; `directory` is the git directory that is meant; `common` is that of the main worktree."""

    top: Path
    directory: Path
    common: Path


def repository_of(jobs: Path) -> Repository | None:
    """The repository around a folder; None: there is none. In a worktree or submodule, `.git` is a file that names it.

    An ill-formed `.git` ends the search as git's own would.
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
    """The path without links; unlike `resolve`, it bears links that lead in a circle."""
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
