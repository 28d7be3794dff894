"""Requests that others pay for too: two names for one request, or a job that was renamed after it was paid for.

Pure. A job is known by its name, so each name pays. `check`, `plan` and the log say so before they do.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `check` starts faster without it
    from controller.model.submission import Submission

NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SameRequest:
    """The other jobs with the same request, and the `former` names, no longer declared, that have paid for it."""

    declared: tuple[str, ...] = ()
    former: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.former, *self.declared)

    def __str__(self) -> str:
        others = _quoted(self.declared)
        both = f"the jobs {others} have" if len(self.declared) > 1 else f"the job {others} has"
        sentences = [
            f"it was paid for as {_quoted(self.former)}, which is no longer declared: under another name it is paid "
            "for again"
            if self.former
            else "",
            f"{both} the same request, but each job is paid for" if self.declared else "",
        ]
        return "; ".join(filter(None, sentences))


def same_requests(wanted: Mapping[str, str], paid: Iterable[tuple[str, str]]) -> dict[str, SameRequest]:
    """What to say of each declared job that is not paid for yet, where there is something to say.

    `wanted` is the digest by the name of each declared job, `paid` a name and a digest for each that was paid for.
    """
    declared, former = defaultdict(list), defaultdict(set)
    for name in sorted(wanted):
        declared[wanted[name]].append(name)
    known = set(paid)
    for name, digest in known:
        if name not in wanted:
            former[digest].add(name)
    return {
        name: SameRequest(
            declared=tuple(other for other in declared[digest] if other != name),
            former=tuple(sorted(former.get(digest, ()))),
        )
        for name, digest in wanted.items()
        if (name, digest) not in known and (len(declared[digest]) > 1 or digest in former)
    }


def paid_requests(submissions: Iterable["Submission"]) -> Iterable[tuple[str, str]]:
    """The name and the digest of each submission that was, or may have been, paid for."""
    for item in submissions:
        if item.is_paid:
            yield item.job, item.digest


def _quoted(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(map(repr, names[:NAMED])) + more
