"""What became of one fetch, as a value: the daemon shows it in health, metrics and on the page, and notifies of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """The repository still names the commit whose tree is in force."""

    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Swapped:
    """The tree of `commit` is in force now; `before` is the one it replaced, None when there was none."""

    commit: str
    before: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStale:
    """Nothing could be fetched, or nothing that may be in force; the tree stays as it was.

    `message` is one sentence without secrets.
    """

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceUnverified:
    """`commit` is new and its signature, or that of a commit before it, does not count; the tree stays as it was.

    `message` is one sentence.
    """

    commit: str
    message: str


Fetched = Unchanged | Swapped | SourceStale | SourceUnverified
