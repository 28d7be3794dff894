"""A repository that is pushed to and fetched from: a clone to commit in, and the bare one that a host serves."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from controller.settings.git import CURRENT

NAME = "manifests.git"


def git(folder: Path, *arguments: str, given: bytes | None = None) -> str:
    """Git as a person with a plain configuration uses it."""
    identity = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    people = {f"GIT_{who}_{what}": "somebody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    command = ["git", "-c", "protocol.file.allow=always", *arguments]
    environment = {**os.environ, **identity, **people}
    done = subprocess.run(command, cwd=folder, env=environment, input=given, capture_output=True, check=True)
    return done.stdout.decode(errors="surrogateescape").strip()


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """`work` is where commits are made, `bare` the repository that is served from the folder `hosted`."""

    work: Path
    bare: Path

    @classmethod
    def made(cls, folder: Path, *, format: str = "sha1") -> "Pushed":
        work, hosted = folder / "work", folder / "hosted"
        for each in (work, hosted):
            each.mkdir(parents=True)
        git(work, "init", "--quiet", "--initial-branch", "main", "--object-format", format)
        bare = hosted / NAME
        git(hosted, "init", "--quiet", "--bare", "--initial-branch", "main", "--object-format", format, NAME)
        git(bare, "config", "gc.auto", "0")
        git(work, "remote", "add", "origin", str(bare))
        return cls(work=work, bare=bare)

    @property
    def hosted(self) -> Path:
        return self.bare.parent

    def commit(self, files: dict[str, str | None], *arguments: str) -> str:
        """Commit these files (None: removed) without pushing; answers the hash."""
        for path, text in files.items():
            if text is None:
                (self.work / path).unlink()
            else:
                (self.work / path).parent.mkdir(parents=True, exist_ok=True)
                (self.work / path).write_text(text, encoding="utf-8")
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "--allow-empty", "--message", "a change", *arguments)
        return git(self.work, "rev-parse", "HEAD")

    def push(self, files: dict[str, str | None], *arguments: str) -> str:
        """Commit these files and push them to `main`; answers the hash."""
        commit = self.commit(files, *arguments)
        git(self.work, "push", "--quiet", "--force", "origin", "HEAD:refs/heads/main")
        return commit

    def push_many(self, files: Mapping[str, str]) -> str:
        """A commit on `main` with these files beside those that are there, without a work tree; answers the hash."""
        lines = [b"commit refs/heads/main", b"committer somebody <somebody> 1760000000 +0000", b"data 1", b"x"]
        if git(self.bare, "for-each-ref", "refs/heads/main"):
            lines.append(b"from refs/heads/main^0")
        for path, text in files.items():
            content = text.encode()
            lines += [b"M 100644 inline " + path.encode(), b"data %d" % len(content), content]
        git(self.bare, "fast-import", "--quiet", "--force", given=b"\n".join(lines) + b"\n")
        return git(self.bare, "rev-parse", "main")

    def push_tree(self, listed: bytes, ref: str = "refs/heads/main") -> str:
        """Push a commit of a tree made by `git mktree`, which checks no names; answers the hash."""
        tree = git(self.bare, "mktree", "-z", given=listed)
        commit = git(self.bare, "commit-tree", "-m", "crafted", tree)
        git(self.bare, "update-ref", ref, commit)
        return commit

    def blob(self, content: bytes) -> str:
        return git(self.bare, "hash-object", "-w", "--stdin", given=content)


def tree_in_force(state: Path) -> dict[str, str]:
    """The files that `current` names, with their text; a link is shown as `-> aim`."""
    current = state / CURRENT
    found = {}
    for path in sorted(current.rglob("*")) if current.exists() else ():
        name = str(path.relative_to(current))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file() and name != ".git":
            found[name] = path.read_text(encoding="utf-8")
    return found
