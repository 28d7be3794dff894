"""A commit whose jobs changed: what became of them, and what a host was sent about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SentStatus:
    """What a sink was sent last of one commit. `state` is "" while nothing was; `times` is how often it was sent.

    `jobs` is how many the commit had then; after a failure `tries` counts, and it is tried again at `next_at`.
    """

    state: str = ""
    description: str = ""
    jobs: int = 0
    times: int = 0
    sent_at: datetime | None = None
    tries: int = 0
    next_at: datetime | None = None
    given_up_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedCommit:
    """A commit by its full hash, with what one sink was sent. `touched_at` changes whenever one of its jobs does."""

    revision: str
    touched_at: str
    sent: SentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitCounts:
    """The jobs of a commit by reason, and the processing units that its submissions have cost.

    `command` is what an operator types to release what is held. `newest` is the latest commit of all; `rejected` counts
    the files that cannot be accepted now, which are those of the newest. `is_whole`: the whole tree of the commit was
    read, so no further jobs of it are to come.
    """

    revision: str
    newest: str
    reasons: Mapping[str, int]
    spent: float = 0.0
    command: str = ""
    rejected: int = 0
    is_whole: bool = True

    @property
    def jobs(self) -> int:
        return sum(self.reasons.values())
