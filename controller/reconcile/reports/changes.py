"""What changed of a job, as the reporter hands it to its watchers; changes that many jobs share are joined."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from controller.lifecycle.grouping import common, together
from controller.model.job import Job
from controller.model.reasons import JobState, Phase
from controller.model.submission import Submission


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """A job's state, with the submission in force; `changed` is False when an earlier process already reported it.

    `is_said`: another one reports it for this job too.
    """

    job: Job
    job_state: JobState
    submission: Submission | None
    changed: bool
    alike: tuple[str, ...] = ()
    """The names of all jobs with the same report, when they are many: only the first reports it."""
    is_said: bool = False
    set_name: str = ""
    """The set whose cell the job is, or was until now."""


Watch = Callable[[StatusChange], None]


def joined(changes: Sequence[StatusChange]) -> Iterator[StatusChange]:
    """Joins the reports of jobs stopped for the same reason, and of cells with the same news, into one."""
    for group in together(changes, lambda item: _alike(item) if item.changed else None):
        if len(group) == 1:
            yield group[0]
            continue
        yield replace(group[0], alike=tuple(item.job.name for item in group))
        yield from (replace(item, is_said=True) for item in group[1:])


def _alike(item: StatusChange) -> Hashable:
    """A key for what stops many jobs alike, holds them or comes to cells of a set with the same words; else None."""
    job_state, is_held = item.job_state, item.job_state.phase is Phase.HELD
    words = (job_state.reason, job_state.message, "" if is_held else item.set_name)
    return common(job_state.reason) or (words if is_held or item.set_name else None)
