"""The repository elsewhere, asked through `tree/git/network`: which commit it names, and the transfer of it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from controller.settings.git import GitSource
from controller.source.access import open_access
from controller.source.messages import failure
from controller.source.mirror import ARRIVED, Mirror
from controller.source.refusal import SourceError
from controller.tree.git.command import GitError
from controller.tree.git.network import LARGEST_PACK, Network, PackTooLargeError
from controller.tree.git.program import Stop

POLL = 60.0  # seconds for the question which commit it is
TRANSFER = 600.0  # seconds for a commit to arrive
_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What the repository says: the ref, by its full name, and the commit that it names."""

    ref: str
    commit: str


class RemoteRepository:
    """One repository. What it brings goes into the mirror."""

    def __init__(self, source: GitSource, mirror: Mirror, stop: Stop, largest: int = LARGEST_PACK) -> None:
        self._source = source
        self._mirror = mirror
        self._stop = stop
        self._largest = largest

    def ask(self) -> Named:
        """The commit that counts now; transfers no objects. Raises `SourceError` and `OSError`."""
        ref = self._source.ref
        if ref is not None and _HASH.fullmatch(ref):
            return Named(ref=ref, commit=ref)
        # A tag may be an object of its own, which names the commit.
        names = ["HEAD"] if ref is None else [f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}"]
        with self._network() as (_, network):
            found = network.refs(self._source.url, *names, patience=POLL)
        name = next((name for name in names if name in found), None)
        if name is None:
            what = "no commit on its default branch" if ref is None else f"no branch and no tag {ref!r}"
            raise SourceError(f"{self._source.url} has {what}: check git.ref")
        if not _HASH.fullmatch(found[name]):
            raise SourceError(f"{self._source.url} names no commit for {name}")
        return Named(ref=name.removesuffix("^{}"), commit=found[name])

    def bring(self, named: Named, depth: int = 1) -> str:
        """Transfer what the ref names, which may be a newer commit by now, and answer its hash.

        With a `depth` also so many commits before it. Raises `SourceError` and `OSError`.
        """
        digits = len(named.commit)
        self._mirror.prepare(digits)
        with self._network(digits) as (folder, network):
            network.fetch(self._source.url, named.ref, ARRIVED, depth=depth, patience=TRANSFER)
            commit = network.commit_of(ARRIVED, POLL)
            if not _HASH.fullmatch(commit):
                raise SourceError(f"{self._source.url} sent something else than a commit for {named.ref}")
            self._mirror.adopt(folder)
        return commit

    def repack(self, commits: list[str]) -> None:
        """Put what these commits hold into one pack, without asking the server."""
        with self._network(len(commits[0])) as (folder, network):
            network.pack(commits, TRANSFER)
            self._mirror.replace_packs(folder)

    @contextmanager
    def _network(self, digits: int = 40) -> Iterator[tuple[Path, Network]]:
        with open_access(self._source) as access, self._mirror.incoming(digits) as folder:
            try:
                yield folder, Network(folder, access, self._stop, self._largest)
            except PackTooLargeError as error:
                what = f"its newest commit is too large, with all files of the repository: {error}"
                raise SourceError(f"{self._source.url} could not be fetched: {what}") from error
            except GitError as error:
                raise SourceError(failure(self._source, str(error))) from error
