"""Fetches the repository's commit and puts its tree in force: what the daemon's source thread and `sync` call."""

from pathlib import Path

from controller.settings.git import GitSource
from controller.source.outcome import Fetched


class Fetcher:
    """One repository and one state directory; `fetch` may be called from one thread at a time of any process."""

    def __init__(self, source: GitSource, state: Path) -> None:
        self._source = source
        self._state = state

    def fetch(self) -> Fetched:
        """Ask for a new commit and put its tree in force.

        Never raises for anything that the network, the host, the repository or the disk does.
        """
        raise NotImplementedError

    def in_force(self) -> str | None:
        """The commit of the tree in force; None: none was ever fetched."""
        raise NotImplementedError
