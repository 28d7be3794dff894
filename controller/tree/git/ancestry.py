"""Whether one commit contains another, as far as the repository around the jobs folder can tell.

Called by `wait --revision`. A shallow clone knows only a part of the history, so it may not deny it.
"""

from pathlib import Path

from controller.tree.git.command import GitError, open_git
from controller.tree.git.repository import repository_of


def contains(jobs: Path, commit: str, earlier: str) -> bool | None:
    """Whether `commit` is `earlier`, a hash or the beginning of one, or follows it; None: git cannot tell here."""
    repository = repository_of(jobs)
    if repository is None:
        return None
    try:
        with open_git(repository) as git:
            whole = git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{earlier}^{{commit}}")
            beyond = git.ask("rev-list", "--max-count=1", whole.decode().strip(), f"^{commit}", "--")
    except GitError:
        return None
    if not beyond.strip():
        return True
    return None if (repository.common / "shallow").exists() else False
