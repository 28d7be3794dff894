"""The spend guard: too much becoming due at once needs an operator's approval (DESIGN §8).

Pure; `admission` remembers its rulings. A submission is identified by its key, `<job>/<submission id>`, so an edited
job is a different one.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, auto
from sys import intern

from controller.limits.budget import hash_of
from controller.model.submission import submission_id
from controller.settings.file import Policy

RETRY = "retry"
NAMED_CAUSES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A submission that would be paid for now if there were a slot. `units` is its reservation in PU.

    `is_listed`: the bucket was listed for earlier submissions, whether or not that succeeded. `is_named`: its manifest
    names a ceiling that covers it, and it is no retry.
    """

    key: str
    units: float
    cause: str
    is_listed: bool = True
    is_named: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A large change that waits for approval: how many submissions, how many PU at most, and its cause."""

    hash: str
    jobs: int
    units: float
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """The guard's ruling on one key: admitted, or held with its batch.

    `label` is the hash under which it was approved, `approved_by` by whom; both "" when no approval was needed.
    """

    is_admitted: bool = False
    batch: Batch | None = None
    is_listed: bool = True
    label: str = ""
    approved_by: str = ""


ADMITTED = Permit(is_admitted=True)


class Ruling(Enum):
    """What to do with everything that is newly due."""

    ADMIT = auto()
    LIST_FIRST = auto()
    HOLD = auto()


def ruling(due: Collection[Due], policy: Policy) -> Ruling:
    """Within the limits it is admitted. Beyond them the buckets are listed before approval is requested.

    What was already paid for is then adopted and costs nothing, so a lost database needs no operator.
    """
    if not is_large(due, policy):
        return Ruling.ADMIT
    return Ruling.HOLD if all(each.is_listed for each in due) else Ruling.LIST_FIRST


def is_large(due: Collection[Due], policy: Policy) -> bool:
    """A single job whose manifest names its ceiling is not large for its price: that was its author's yes already."""
    units = sum(each.units for each in due)
    is_named = len(due) == 1 and all(each.is_named for each in due)
    return len(due) > policy.large_change_jobs or (units > policy.large_change_processing_units and not is_named)


def batch_of(due: Collection[Due]) -> Batch:
    """All of it as one batch, whose hash identifies exactly these keys at exactly these prices."""
    return Batch(
        hash=hash_of(f"{each.key} {each.units:.4f}" for each in due),
        jobs=len(due),
        units=sum(each.units for each in due),
        cause=_causes(due),
    )


def key_of(job: str, digest: str, rerun: int, attempt: int) -> str:
    return intern(f"{job}/{submission_id(digest, rerun, attempt)}")


def _causes(due: Collection[Due]) -> str:
    """`ndvi.js changed: 500 jobs, new: 3 jobs`: most frequent first."""
    counts = Counter(each.cause for each in due)
    order = sorted(counts, key=lambda cause: (-counts[cause], cause))
    named = order[:NAMED_CAUSES] if len(order) > NAMED_CAUSES + 1 else order
    rest = sum(counts[cause] for cause in order[len(named) :])
    entries = [(cause, counts[cause]) for cause in named] + ([("others", rest)] if rest else [])
    return ", ".join(f"{cause}: {number} {'job' if number == 1 else 'jobs'}" for cause, number in entries)
