"""Which commits must be verified, and whether they are: the newest alone, or all since the last that was.

The second follows parents as `git rev-list head ^last` does, merged branches included. Called by the fetcher.
"""

from collections.abc import Callable
from heapq import heappop, heappush

from controller.source.signature.commit import CommitObject, MalformedCommitError, parse_commit
from controller.source.signature.verifier import Verifier

MOST_COMMITS = 10_000  # that are looked at for one answer
_NEW, _OLD = 1, 2  # reachable from the head, from the last that was verified


class MissingCommit(Exception):  # noqa: N818  (a fact of the repository, not a fault)
    """The commit is not in the repository, and cannot be fetched; raised by what reads commits."""


class _UnreadableError(Exception):
    """The commits to verify cannot be read or named; the message is the whole sentence."""


def unverified(head: str, last: str | None, read: Callable[[str], bytes], verifier: Verifier) -> str:
    """Why `head` does not count, as a sentence; "" when it does.

    With `last`, the last commit that was verified, so must every commit since then, and `head` again if it is this one,
    since other keys may count now; with None only `head` is looked at.
    `read` answers the bytes of a commit object, or raises `MissingCommit`.
    """
    try:
        new = [head] if last is None or last == head else _Walk(read).between(head, last)
        return next(filter(None, (verifier.problem(_commit(name, read)[0]) for name in new)), "")
    except _UnreadableError as error:
        return str(error)


def _commit(name: str, read: Callable[[str], bytes]) -> tuple[bytes, CommitObject]:
    """A commit, and its bytes. Raises `_UnreadableError` when they are missing, or are those of another."""
    try:
        raw = read(name)
        commit = parse_commit(raw)
    except MissingCommit as error:
        raise _UnreadableError(f"commit {name[:12]} is not in the repository, so it cannot be verified") from error
    except MalformedCommitError as error:
        raise _UnreadableError(f"commit {name[:12]} {error}") from error
    if commit.hash != name:
        raise _UnreadableError(f"commit {name[:12]} cannot be verified: what was read is {commit.hash[:12]}")
    return raw, commit


class _Walk:
    """Both ends are followed at once, newest first, until nothing is left that only the head reaches.

    So what was merged from before `last` is not followed to its root. Times only decide how far is read: a wrong one
    can make an old commit be verified once more, never a new one be left out.
    """

    def __init__(self, read: Callable[[str], bytes]) -> None:
        self._read = read
        self._parents: dict[str, tuple[str, ...]] = {}
        self._ends: dict[str, int] = {}
        self._queue: list[tuple[int, str]] = []
        self._times: dict[str, int] = {}
        self._open: set[str] = set()
        """What is in the queue and only the head reaches."""

    def between(self, head: str, last: str) -> list[str]:
        """What is reachable from `head` and not from `last`, `head` first. Raises `_UnreadableError`."""
        self._reach(head, _NEW)
        self._reach(last, _OLD)
        while self._open:
            name = heappop(self._queue)[1]
            self._open.discard(name)
            for parent in self._parents[name]:
                self._reach(parent, self._ends[name])
        if not self._ends[last] & _NEW:
            raise _UnreadableError(
                f"the history was rewritten: commit {last[:12]}, the last that was verified, is no ancestor of "
                f'{head[:12]}; push one that contains it, or set git.verify = "head" until {head[:12]} is in force'
            )
        return [name for name, ends in self._ends.items() if ends == _NEW]

    def _reach(self, name: str, ends: int) -> None:
        """Queue a commit, unless it was already reached from these ends."""
        before = self._ends.get(name, 0)
        if before | ends == before:
            return
        self._ends[name] = before | ends
        if not before:
            self._look(name)
        if self._ends[name] & _OLD:
            self._open.discard(name)
        else:
            self._open.add(name)
        heappush(self._queue, (-self._times[name], name))

    def _look(self, name: str) -> None:
        if len(self._parents) >= MOST_COMMITS:
            raise _UnreadableError(
                f"more than {MOST_COMMITS:,} commits would have to be verified; "
                'set git.verify = "head" until they are in force'
            )
        try:
            commit = _commit(name, self._read)[1]
            self._parents[name], self._times[name] = commit.parents, commit.committed_at
        except _UnreadableError:
            if not self._ends[name] & _OLD:
                raise
            self._parents[name], self._times[name] = (), 0  # it need not be verified, nor what is before it
