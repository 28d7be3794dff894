"""Reports what changed: status files beside the manifests, events in the ledger, lines for the caller's `watch`.

Called at the end of a turn, for only the jobs touched by turns since the last call. Status files are written in
portions, so that ten thousand of them delay no submission.
"""

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from controller.ledger.ledger import Ledger
from controller.lifecycle.attempts import in_force
from controller.lifecycle.grouping import common, together
from controller.lifecycle.phase import phase
from controller.lifecycle.status import document, rejected_status
from controller.limits.gate import Limits
from controller.model.job import Job
from controller.model.reasons import JobState, Phase, Reason
from controller.model.submission import Submission
from controller.model.timing import Timing
from controller.tree.declared.ownership import Declared
from controller.tree.status_cache import StatusCache
from controller.tree.tree import Tree

MOST_WRITTEN, MOST_COMPARED = 100, 1_000
"""Status files of one report: it takes about a tenth of a second."""

EXAMINED_SOON = timedelta(seconds=1)


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


Watch = Callable[[StatusChange], None]


@dataclass(frozen=True, slots=True)
class _Notice:
    """The content of a status file, as documents and as JSON."""

    path: str
    documents: list[dict[str, object]]
    text: str


class Reporter:
    """Remembers what it reported, so that nothing is reported twice."""

    def __init__(self, status_cache: StatusCache, deployment: str, watch: Watch) -> None:
        self.status_cache = status_cache
        self._deployment = deployment
        self._watch = watch
        self._job_states: dict[str, JobState] = {}
        self.phases: Counter[Phase] = Counter()
        self.reasons: Counter[Reason] = Counter()
        self._names: set[str] = set()
        self._paths: dict[str, None] = {}  # in the order in which they are written
        self._gone: set[str] = set()
        self._last_event_at = datetime.min.replace(tzinfo=UTC)
        self._held_until: datetime | None = None

    def reports_at(self, now: datetime, timing: Timing) -> datetime | None:
        """When what was touched is to be reported; None: nothing was."""
        if not (self._names or self._paths or self._gone):
            return None
        last_event_at = min(self._last_event_at, now) + timedelta(seconds=timing.gather)
        return max(last_event_at, self._held_until) if self._held_until else last_event_at

    def hold(self, now: datetime, *, is_partial: bool) -> None:
        """Most scripts are examined at once: that some are not yet is not worth a report in the first moment."""
        if not is_partial:
            self._held_until = None
        elif self._held_until is None:
            self._held_until = now + EXAMINED_SOON

    def touch(self, paths: Iterable[str], gone: Iterable[str]) -> None:
        """The tree was scanned, and these files changed, or are gone."""
        self._paths |= dict.fromkeys(sorted({*paths, *self.status_cache.unwritten}))
        self._gone |= {*gone, *self.status_cache.unwritten}

    def touch_job(self, name: str) -> None:
        self._names.add(name)

    def report(self, tree: Tree, ledger: Ledger, limits: Limits, now: datetime) -> None:
        """Report everything touched since the last time, except for the status files written later."""
        self._last_event_at = now
        names, self._names = self._names, set()
        changes = [item for name in sorted(names) if (item := self._change(ledger.jobs[name], ledger, limits, now))]
        self._paths |= dict.fromkeys(ledger.jobs[name].path for name in sorted(names))
        gone, self._gone = self._gone.difference(tree.paths()), set()
        notices = list(islice(self._notices(tree, ledger, limits, now), MOST_WRITTEN))
        changed = [item for item in changes if item.changed]
        if changed or notices or gone:
            with ledger.transaction():
                _note(changed, ledger, now)
                ledger.keep_statuses({notice.path: notice.text for notice in notices}, gone)
        for item in _joined(changes):
            self._watch(item)
        for notice in notices:
            self.status_cache.post(notice.path, notice.documents, notice.text)
        for path in gone:
            self.status_cache.remove(path, tree.paths())

    def report_all(self, tree: Tree, ledger: Ledger, limits: Limits, now: datetime) -> None:
        """Report everything touched since the last time."""
        self.report(tree, ledger, limits, now)
        while self._paths:
            self.report(tree, ledger, limits, now)

    def _notices(self, tree: Tree, ledger: Ledger, limits: Limits, now: datetime) -> Iterator[_Notice]:
        for path in list(islice(self._paths, MOST_COMPARED)):
            del self._paths[path]
            if notice := self._notice(path, tree, ledger, limits, now):
                yield notice

    def _notice(self, path: str, tree: Tree, ledger: Ledger, limits: Limits, now: datetime) -> _Notice | None:
        """What to write to the status file; None when it is up to date, or there is to be none."""
        documents = status_documents(path, tree, ledger, limits, now, self._deployment)
        text = json.dumps(documents, ensure_ascii=False, default=str)
        return _Notice(path, documents, text) if documents and self.status_cache.is_new(path, text) else None

    def _change(self, job: Job, ledger: Ledger, limits: Limits, now: datetime) -> StatusChange | None:
        job_state = phase(job, ledger.of(job.name), limits, now)
        before = self._job_states.get(job.name)
        if before == job_state:
            return None
        self.phases[job_state.phase] += 1
        self.reasons[job_state.reason] += 1
        if before:
            self.phases[before.phase] -= 1
            self.reasons[before.reason] -= 1
        self._job_states[job.name] = job_state
        current = in_force(job.wanted, ledger.of(job.name)) if job.wanted else None
        changed = ledger.reported(job.name) != _formatted(job_state)
        return StatusChange(job=job, job_state=job_state, submission=current, changed=changed)


def status_documents(
    path: str, tree: Tree, ledger: Ledger, limits: Limits, now: datetime, deployment: str
) -> list[dict[str, object]]:
    """One status for each document of a file; jobs held by a file that is broken now come with its problems."""
    return [
        rejected_status(item.name, item.problems)
        if isinstance(item, Declared)
        else document(item, ledger.of(item.name), phase(item, ledger.of(item.name), limits, now), deployment)
        for item in jobs_of(path, tree, ledger)
    ]


def jobs_of(path: str, tree: Tree, ledger: Ledger) -> list[Job | Declared]:
    """What each document of a file declares: a job, or itself while there is none."""
    declared = tree.documents(path)
    held = iter(_held_by(path, declared, ledger) if any(item.is_unnamed for item in declared) else ())
    found: list[Job | Declared] = []
    for item in declared:
        job = ledger.jobs.get(item.name or "")
        if job and job.wanted and job.path == path and (job.index == item.index or job.problems):
            found.append(job)
        elif item.is_unnamed and not item.is_set and (left := list(held)):
            found += left
        else:
            found.append(item)
    return found


def _joined(changes: Sequence[StatusChange]) -> Iterator[StatusChange]:
    """Joins the reports of jobs stopped for the same reason into one."""
    for group in together(changes, lambda item: _stop_of(item.job_state) if item.changed else None):
        if len(group) == 1:
            yield group[0]
            continue
        yield replace(group[0], alike=tuple(item.job.name for item in group))
        yield from (replace(item, is_said=True) for item in group[1:])


def _stop_of(job_state: JobState) -> Hashable:
    """A key for what stops many jobs alike, or holds them with the same words; None for anything else."""
    is_held = job_state.phase is Phase.HELD
    return common(job_state.reason) or ((job_state.reason, job_state.message) if is_held else None)


def _note(changes: Sequence[StatusChange], ledger: Ledger, now: datetime) -> None:
    """Add an event for each change; a rejection has one already, which says what is wrong."""
    for item in (each for each in changes if each.job_state.reason is not Reason.REJECTED):
        submission = item.submission.id if item.submission else ""
        ledger.add_event(now, item.job_state.reason, item.job_state.message, item.job.name, submission)
    ledger.mark_reported({item.job.name: _formatted(item.job_state) for item in changes})


def _formatted(job_state: JobState) -> str:
    return f"{job_state.reason}: {job_state.message}"


def _held_by(path: str, declared: Sequence[Declared], ledger: Ledger) -> list[Job]:
    """The jobs last accepted from a file that now has an unnamed document, and that no document names; no cells."""
    named = {item.name for item in declared}
    here = [job for job in ledger.jobs.values() if job.path == path and job.name not in named]
    return sorted((job for job in here if job.wanted and not job.wanted.cell), key=lambda job: job.index)
