"""What became due and is not ruled on yet. That all of it is listed is known without a walk over it."""

from collections.abc import Collection

from controller.lifecycle.next_step import is_asked
from controller.limits.budget import reservation
from controller.limits.guard import RETRY, Due
from controller.limits.set_limits import SetRuling, cause_in_set
from controller.model.job import NEW, Job, Wanted


class NewlyDue:
    """By the name of the job."""

    def __init__(self) -> None:
        self._due: dict[str, Due] = {}
        self._unlisted: set[str] = set()

    def __len__(self) -> int:
        return len(self._due)

    @property
    def is_listed(self) -> bool:
        """Whether the bucket of each was listed."""
        return not self._unlisted

    def put(self, name: str, due: Due) -> None:
        """This job became due."""
        self._due[name] = due
        (self._unlisted.discard if due.is_listed else self._unlisted.add)(name)

    def drop(self, name: str) -> None:
        """It is due no more, or is ruled on."""
        self._due.pop(name, None)
        self._unlisted.discard(name)

    def values(self) -> Collection[Due]:
        """Each of them, in the order in which they became due."""
        return self._due.values()

    def take_all(self) -> dict[str, Due]:
        """All of them, which are ruled on now."""
        found, self._due = self._due, {}
        self._unlisted.clear()
        return found


def due_of(job: Job, key: str, ruling: SetRuling | None = None) -> Due:
    """The submission of this key, as the guard counts it; `ruling` is that of the job's set."""
    assert job.wanted is not None, "a removed job wants nothing"
    cause = (job.wanted.cause or NEW) if key.endswith("-a0") else RETRY
    is_named, units = cause != RETRY and _covers(job.wanted), reservation(job.wanted) or 0.0
    words = cause_in_set(cause, ruling) if ruling else cause
    return Due(key=key, units=units, cause=words, is_listed=is_asked(job), is_named=is_named)


def _covers(wanted: Wanted) -> bool:
    """Whether the manifest names a ceiling that is no less than what it may cost."""
    upper = wanted.estimate.upper if wanted.estimate else None
    return wanted.max_processing_units is not None and wanted.max_processing_units >= (upper or 0.0)
