"""Whether the signatures of a commit, and with `since` of those before it, count; the rules are in `signature`."""

from collections.abc import Callable

from controller.settings.git import GitSource
from controller.source.layout import Layout
from controller.source.mirror import Mirror
from controller.source.remote import Named, RemoteRepository
from controller.source.signature.since import MissingCommit, unverified
from controller.source.signature.verifier import Verifier
from controller.tree.git.command import GitError
from controller.tree.git.objects import PATIENCE

DEPTHS = (50, 500, 2_000, 10_000)
"""How many commits are fetched, step by step, when one before the head is asked for and is not here."""
_LARGEST = 1_000_000  # bytes of a commit object


def signature_problem(source: GitSource, layout: Layout, mirror: Mirror, remote: RemoteRepository, named: Named) -> str:
    """Why this commit may not be in force; empty when its signatures count, which is then noted.

    Raises `SourceError` when older commits cannot be fetched, and `OSError`.
    """
    last = layout.verified(source.url) if source.verify == "since" else None
    problem = unverified(named.commit, last, _reader(mirror, remote, named), Verifier(source))
    if not problem:
        layout.note_verified(source.url, named.commit)
    return problem


def _reader(mirror: Mirror, remote: RemoteRepository, named: Named) -> Callable[[str], bytes]:
    """Reads the bytes of a commit object, and fetches older commits when they are needed."""
    depths = iter(DEPTHS)

    def read(commit: str) -> bytes:
        while True:
            try:
                with mirror.read() as git:
                    return git.ask("cat-file", "commit", commit, patience=PATIENCE, most=_LARGEST)
            except GitError as error:
                depth = next(depths, None)
                if depth is None:
                    raise MissingCommit(commit) from error
                remote.bring(named, depth)

    return read
