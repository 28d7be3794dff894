"""In which order jobs are listed: what needs an operator, what failed, what is on its way, then what is done.

Within each of these the latest change comes first, and of one time the names in order.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from controller.model.errors import UsageError
from controller.model.reasons import Phase, Reason


class Urgency(IntEnum):
    """How soon a reader of the list should see a job."""

    NEEDS_OPERATOR = 0
    FAILED = 1
    ON_ITS_WAY = 2
    DONE = 3
    REMOVED = 4


_OF_PHASE = {
    Phase.INVALID: Urgency.NEEDS_OPERATOR,
    Phase.HELD: Urgency.NEEDS_OPERATOR,
    Phase.FAILED: Urgency.FAILED,
    Phase.UNKNOWN: Urgency.FAILED,
    Phase.SUCCEEDED: Urgency.DONE,
    Phase.REMOVED: Urgency.REMOVED,
}
_NEED_OPERATOR = frozenset({Reason.NEEDS_PERSON, Reason.ACCOUNT_REFUSED})
_KNOWN = frozenset(map(str, Reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a row is in the list: what follows it is the next page, also when rows before it have changed."""

    urgency: Urgency
    changed_at: str
    """As the ledger has it; "" when it is not known."""
    key: str
    """The name of a job; for a document without a job also its path and its number."""

    def __str__(self) -> str:
        return f"{self.urgency:d} {self.changed_at or '-'} {self.key}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The position that `str` wrote, as in the address of a page. Raises `UsageError` when it is none."""
        urgency, _, rest = text.partition(" ")
        changed_at, separator, key = rest.partition(" ")
        if urgency not in {str(int(each)) for each in Urgency} or not separator:
            raise UsageError("this is not a position in a list of jobs")
        return cls(urgency=Urgency(int(urgency)), changed_at="" if changed_at == "-" else changed_at, key=key)


def phase_of(word: str) -> Phase:
    """The phase of a recorded reason; a job of which nothing was recorded that can be read is Pending."""
    return Reason(word).phase if word in _KNOWN else Phase.PENDING


def urgency_of(word: str) -> Urgency:
    """The urgency of a recorded reason."""
    if word in _NEED_OPERATOR:
        return Urgency.NEEDS_OPERATOR
    return _OF_PHASE.get(phase_of(word), Urgency.ON_ITS_WAY)


def by_urgency(words: Iterable[str], phases: Collection[Phase]) -> dict[Urgency, list[str]]:
    """The recorded reasons of these phases, or of all, in the order in which their jobs are listed."""
    found: dict[Urgency, list[str]] = {each: [] for each in Urgency}
    for word in words:
        if not phases or phase_of(word) in phases:
            found[urgency_of(word)].append(word)
    return found
