"""A source without git: each commit is a folder that was given, and a fetch swaps in the last one.

Lays the trees out as `controller.source` does, for tests of what stands on it.
"""

import shutil
import threading
from collections.abc import Mapping
from pathlib import Path

from controller.settings.git import CURRENT, GitSource
from controller.source.layout import commit_in_force
from controller.source.outcome import Fetched, SourceStale, SourceUnverified, Swapped, Unchanged


class FolderSource:
    """What a daemon fetches from. A fetch sets `begun`, waits for `free`, and comes to the `problem`, if one is set."""

    def __init__(self, state: Path, path: str = "jobs.d") -> None:
        self._state = state
        self._path = path
        self._pushed: list[tuple[str, Mapping[str, str]]] = []
        self.problem: SourceStale | SourceUnverified | None = None
        self.fetched = 0
        self.sources: list[GitSource] = []
        self.begun, self.free = threading.Event(), threading.Event()
        self.free.set()

    def __call__(self, source: GitSource, _state: Path) -> "FolderSource":
        """In place of `Fetcher`."""
        self.sources.append(source)
        return self

    def push(self, files: Mapping[str, str]) -> str:
        """A commit with these files below the path; returns its hash."""
        commit = f"{len(self._pushed) + 1:040x}"
        self._pushed.append((commit, files))
        return commit

    def fetch(self) -> Fetched:
        self.begun.set()
        self.free.wait()
        self.fetched += 1
        if self.problem or not self._pushed:
            return self.problem or SourceStale(message="the repository has no commit")
        (commit, files), (before, _) = self._pushed[-1], commit_in_force(self._state)
        if commit == before:
            return Unchanged(commit=commit)
        self._lay_out(commit, files)
        return Swapped(commit=commit, before=before or None)

    def stop(self) -> None:
        self.free.set()

    def _lay_out(self, commit: str, files: Mapping[str, str]) -> None:
        trees, current = self._state / "source" / "trees", self._state / CURRENT
        shutil.rmtree(trees / commit, ignore_errors=True)
        for name, text in files.items():
            file = trees / commit / self._path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        fresh = current.with_name("current.new")
        fresh.symlink_to(f"trees/{commit}")
        fresh.replace(current)
