"""Reads objects and refs of any repository with the git program, and applies no setting of it.

Each use makes a git directory of its own, with our config, in which the repository's objects and refs are linked. Git
sees nothing else of the repository: no config, hook, index or attribute, and no work tree. So nothing in a commit or
in the repository can name a program to run. Used by `info`, `operations/plan/revision` and `source`. `network` is
the other caller of git; docs: SECURITY.md.
"""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from controller.tree.git.program import ProgramError, TooMuchOutput, find_program, run_program, search_path
from controller.tree.git.repository import Repository, small_text

PATIENCE = 4.0  # seconds; less than the time allowed for a stop
MOST_OUTPUT = 64 * 1024 * 1024  # bytes
_COPIED = ("FETCH_HEAD", "ORIG_HEAD", "MERGE_HEAD")
_LINKED = ("refs", "packed-refs", "shallow", "reftable")
_SHA256 = re.compile(r"^\s*objectformat\s*=\s*\"?sha256\b", re.IGNORECASE | re.MULTILINE)
# Our config sets none of these, and no other is read. They are turned off explicitly all the same, for future gits.
OFF = {
    "safe.bareRepository": "explicit", "protocol.allow": "never", "core.fsmonitor": "false",
    "core.hooksPath": os.devnull, "core.attributesFile": os.devnull, "core.excludesFile": os.devnull,
    "core.pager": "cat", "core.editor": "false", "core.askPass": "", "core.sshCommand": "false", "core.gitProxy": "",
    "core.alternateRefsCommand": "false", "credential.helper": "", "diff.external": "", "gpg.program": "false",
    "gc.auto": "0", "maintenance.auto": "false", "submodule.recurse": "false",
}  # fmt: skip
VARIABLES = {
    "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_SYSTEM": os.devnull, "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0", "GIT_PAGER": "cat", "GIT_NO_REPLACE_OBJECTS": "1",
}  # fmt: skip


class GitError(Exception):
    """Git failed; the message is its own, or says why it was not run."""


class TooMuchError(GitError):
    """Git answered, and the answer is longer than it may be."""


class Git:
    """A git directory of our own, while it is open."""

    def __init__(self, folder: Path, objects: Path) -> None:
        self._folder = folder
        self._objects = objects

    def ask(
        self, *arguments: str, given: bytes = b"", patience: float | None = None, most: int = MOST_OUTPUT
    ) -> bytes:  # fmt: skip
        """The output of this git command. Raises `GitError` when git fails, takes too long or writes too much.

        `patience` is in seconds; None: PATIENCE.
        """
        path, program = search_path(), find_program("git")
        if program is None:
            raise GitError("git is not installed here")
        off = [word for key, value in OFF.items() for word in ("-c", f"{key}={value}")]
        command = [program, "--no-pager", f"--git-dir={self._folder}", *off, *arguments]
        variables = {**VARIABLES, "PATH": path, "HOME": str(self._folder), "GIT_OBJECT_DIRECTORY": str(self._objects)}
        return _answer(command, self._folder, variables, given, PATIENCE if patience is None else patience, most)


@contextmanager
def open_git(repository: Repository) -> Iterator[Git]:
    """Access to a repository. Raises `GitError` when no folder can be made for it."""
    try:
        made = tempfile.TemporaryDirectory(prefix="shjobs-git-", ignore_cleanup_errors=True)
    except OSError as error:
        raise GitError(f"no temporary folder can be made: {error.strerror}") from error
    with made as name:
        folder = Path(name)
        try:
            _furnish(folder, repository)
        except (OSError, ValueError) as error:
            raise GitError(f"the repository cannot be read: {error}") from error
        yield Git(folder, repository.common / "objects")


def is_installed() -> bool:
    return find_program("git") is not None


def version() -> str:
    """`git 2.39.5`; empty when there is no git."""
    program = find_program("git")
    if program is None:
        return ""
    try:
        said = _answer([program, "--version"], Path("/"), {**VARIABLES, "PATH": search_path()}, b"", PATIENCE, 1000)
    except GitError:
        return ""
    return said.decode(errors="replace").strip().replace("version ", "")


def _furnish(folder: Path, repository: Repository) -> None:
    common = repository.common
    has_tables = (common / "reftable").is_dir()
    extensions = "objectFormat = sha256\n" if _SHA256.search(small_text(common / "config")) else ""
    extensions += "refStorage = reftable\n" if has_tables else ""
    number = 1 if extensions else 0
    config = f"[core]\nrepositoryFormatVersion = {number}\nbare = true\n[extensions]\n{extensions}"
    (folder / "config").write_text(config, encoding="utf-8")
    (folder / "HEAD").write_text(f"{small_text(repository.directory / 'HEAD')}\n", encoding="utf-8")
    for name in _COPIED:
        if text := small_text(repository.directory / name):
            (folder / name).write_text(f"{text}\n", encoding="utf-8")
    for name in _LINKED:
        if (common / name).exists():
            (folder / name).symlink_to(common / name)
    (folder / "logs").mkdir()
    (folder / "logs" / "HEAD").symlink_to(repository.directory / "logs" / "HEAD")
    (folder / "logs" / "refs").symlink_to(common / "logs" / "refs")


def _answer(
    command: list[str], folder: Path, variables: Mapping[str, str], given: bytes, patience: float, most: int
) -> bytes:
    try:
        ended = run_program(command, folder, variables, given, patience, most)
    except ProgramError as error:
        kind = TooMuchError if isinstance(error, TooMuchOutput) else GitError
        raise kind(f"git {_verb(command)} {error}") from error
    if ended.code:
        raise GitError(ended.said)
    return ended.output


def _verb(command: list[str]) -> str:
    return next(
        (word for word in reversed(command) if word in ("ls-tree", "cat-file", "rev-parse", "rev-list")), "command"
    )
