"""Whether the signatures of a commit, and with `since` of those before it, count; the rules are in `signature`."""

from collections.abc import Callable
from importlib import import_module

from controller.settings.git import GitSource
from controller.source.layout import Layout
from controller.source.mirror import Mirror
from controller.source.refusal import SourceError
from controller.source.remote import Named, RemoteRepository
from controller.tree.git.command import GitError

DEPTHS = (50, 500, 2_000, 10_000)
"""How many commits are fetched, step by step, when one before the head is asked for and is not here."""
_LARGEST = 1_000_000  # bytes of a commit object


class UnreadableCommitError(SourceError):
    """A commit that must be looked at cannot be had."""


def signature_problem(source: GitSource, layout: Layout, mirror: Mirror, remote: RemoteRepository, named: Named) -> str:
    """Why this commit may not be in force; empty when its signatures count, which is then noted.

    Raises `UnreadableCommitError`, `SourceError`, `GitError` and `OSError`.
    """
    room = "controller.source.signature"
    verifier = import_module(f"{room}.verifier").Verifier(source)
    read = _reader(mirror, remote, named)
    last = layout.verified(source.url)
    if source.verify == "since" and last is not None:
        problem = import_module(f"{room}.since").unverified(named.commit, last, read, verifier)
    else:
        problem = verifier.problem(read(named.commit))
    if not problem:
        layout.note_verified(source.url, named.commit)
    return str(problem)


def _reader(mirror: Mirror, remote: RemoteRepository, named: Named) -> Callable[[str], bytes]:
    """Reads the bytes of a commit object, and fetches older commits when they are needed."""
    depths = iter(DEPTHS)

    def read(commit: str) -> bytes:
        while True:
            try:
                with mirror.read() as git:
                    return git.ask("cat-file", "commit", commit, most=_LARGEST)
            except GitError:
                depth = next(depths, None)
                if depth is None:
                    message = f"commit {commit[:10]}, which comes before {named.commit[:10]}, cannot be read"
                    raise UnreadableCommitError(message) from None
                remote.bring(named, depth)

    return read
