"""Reports what changed: status files beside the manifests, events in the ledger, lines for the caller's `watch`.

Called at the end of a turn, for only the jobs touched by turns since the last call. Status files are written in
portions, so that ten thousand of them delay no submission.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, islice

from controller.ledger.ledger import Ledger
from controller.lifecycle.attempts import in_force
from controller.lifecycle.phase import phase
from controller.lifecycle.set_status import progress_of
from controller.lifecycle.status import PASSING, news_of
from controller.limits.gate import Limits
from controller.model.job import Job
from controller.model.job_set import set_reference
from controller.model.reasons import JobState, Phase, Reason
from controller.model.submission import Submission
from controller.model.timing import Timing
from controller.notify.events import COMPLETE
from controller.reconcile.reports.announcer import Announcer
from controller.reconcile.reports.changes import StatusChange, Watch, joined
from controller.reconcile.reports.documents import status_documents
from controller.reconcile.reports.spacing import News, Spacing
from controller.reconcile.reports.touched import Touched
from controller.reconcile.sets.set_tally import SetTally
from controller.tree.status_cache import StatusCache
from controller.tree.tree import Tree

log = logging.getLogger(__name__)

MOST_WRITTEN, MOST_COMPARED = 100, 1_000
"""Status files of one report: it takes less than a tenth of a second."""
WRITTEN = 3
"""A file takes as long to write as this many statuses take that only the ledger keeps for now."""
MOST_IN_HASTE = 5  # reports at a stop

EXAMINED_SOON = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Notice:
    """The content of a status file, as documents and as JSON; `is_due`: the file is written now, not in a while.

    `is_recorded`: the ledger has it already.
    """

    path: str
    documents: list[dict[str, object]]
    text: str
    news: News
    is_due: bool
    is_recorded: bool


class Reporter:
    """Remembers what it reported, so that nothing is reported twice."""

    def __init__(
        self, status_cache: StatusCache, deployment: str, watch: Watch, announcer: Announcer | None = None,
        touched: Touched | None = None,
    ) -> None:  # fmt: skip
        self.status_cache = status_cache
        self.announcer = announcer or Announcer()
        self._deployment = deployment
        self._watch = watch
        self._touched = touched or Touched()
        self._job_states: dict[str, JobState] = {}
        self._reported: dict[str, tuple[Job, JobState, Sequence[Submission]]] = {}  # of those on their way
        self.phases: Counter[Phase] = Counter()
        self.reasons: Counter[Reason] = Counter()
        self._names: set[str] = set()
        self._paths: dict[str, None] = {}  # in the order in which they are written
        self._gone: set[str] = set()
        self._tally = SetTally()
        self._spacing = Spacing()
        self._recorded: dict[str, int] = {}  # what the ledger has of the files that wait, as a hash
        self._last_event_at = datetime.min.replace(tzinfo=UTC)
        self._held_until: datetime | None = None

    def reports_at(self, now: datetime, timing: Timing, *, gives_way: bool = False) -> datetime | None:
        """When what was touched is to be reported; None: nothing was. `gives_way`: submissions are on their way."""
        self._last_event_at = min(self._last_event_at, now)  # the clock may have been ahead
        reports_at = self._last_event_at + timedelta(seconds=timing.gather)
        if not (self._names or self._paths or self._gone):
            ripe_at = self._spacing.next_at(now, timing, gives_way=gives_way)
            return max(reports_at, ripe_at) if ripe_at else None
        return max(reports_at, self._held_until) if self._held_until else reports_at

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

    def touch_jobs(self, names: Iterable[str]) -> None:
        self._names.update(names)

    def report(
        self, tree: Tree, ledger: Ledger, limits: Limits, now: datetime, *, is_last: bool = False,
        gives_way: bool = False,
    ) -> None:  # fmt: skip
        """Report everything touched since the last time, except for the status files written later.

        With `is_last` no file waits until it may be written again; `gives_way`: submissions are on their way.
        """
        self._last_event_at = now
        names, self._names = self._names, set()
        ordered = [ledger.jobs[name] for name in sorted(names)]
        changes = [item for job in ordered if (item := self._change(job, ledger, limits, now))]
        self._paths |= dict.fromkeys(job.path for job in ordered if self._is_different(job, ledger))
        self._paths |= dict.fromkeys(self._spacing.ripe(None if is_last else now, limits.timing, gives_way=gives_way))
        gone, self._gone = {path for path in self._gone if path not in tree.paths()}, set()
        states = {name: self._job_states[name] for name in names}
        notices = self._notices(tree, ledger, limits, now, states, is_last=is_last, gives_way=gives_way)
        changed = [item for item in changes if item.changed]
        completed = self._completed(changed, tree)
        recorded = {notice.path: notice.text for notice in notices if not notice.is_recorded}
        revisions = self._touched.revisions(ordered, (item.job for item in changed))
        if changed or recorded or gone or completed or revisions:
            with ledger.transaction():
                _note(changed, ledger, now)
                self.announcer.note_changes(changed, completed, tree.sets, now)
                self._touched.record(revisions, now)
                for name, words in completed.items():
                    ledger.add_event(now, COMPLETE, words, set_reference(name))
                ledger.keep_statuses(recorded, gone)
        for item in joined(changes):
            self._watch(item)
        for name, words in completed.items():
            log.info("%s", words, extra={"context": {"job": set_reference(name), "reason": COMPLETE}})
        self._write(notices, now, limits.timing)
        for path in gone:
            self._forget(path)
            self.status_cache.remove(path, tree.paths())

    def _write(self, notices: Iterable[_Notice], now: datetime, timing: Timing) -> None:
        """Write the status files that are due; what the ledger has of the others is remembered."""
        for notice in notices:
            if notice.is_due:
                self._recorded.pop(notice.path, None)
                self.status_cache.post(notice.path, notice.documents, notice.text)
                self._spacing.note(notice.path, notice.news, now, timing)
            else:
                self._recorded[notice.path] = hash(notice.text)

    def _forget(self, path: str) -> None:
        """This file is up to date, or gone."""
        self._spacing.drop(path)
        self._recorded.pop(path, None)

    def report_last(
        self, tree: Tree, ledger: Ledger, limits: Limits, now: datetime, *, in_haste: bool = False
    ) -> None:  # fmt: skip
        """Report everything touched since the last time; `in_haste`: only a few portions of status files."""
        for portion in count(1):
            self.report(tree, ledger, limits, now, is_last=True)
            if not self._paths or (in_haste and portion == MOST_IN_HASTE):
                return

    def _completed(self, changed: Iterable[StatusChange], tree: Tree) -> dict[str, str]:
        """The sets that became complete, each with a sentence."""
        found = self._tally.completed(tree.sets, {item.set_name for item in changed})
        return {name: f"every cell of {name} that is due: {progress_of(counts)}" for name, counts in found}

    def _notices(
        self, tree: Tree, ledger: Ledger, limits: Limits, now: datetime, states: Mapping[str, JobState], *,
        is_last: bool, gives_way: bool,
    ) -> list[_Notice]:  # fmt: skip
        """One portion: of what was touched, whatever is not up to date."""
        found: list[_Notice] = []
        left = WRITTEN * MOST_WRITTEN
        for path in list(islice(self._paths, MOST_COMPARED)):
            if left <= 0:
                break
            del self._paths[path]
            documents = status_documents(path, tree, ledger, limits, now, self._deployment, self._tally, states)
            if notice := self._notice(path, documents, now, limits.timing, is_last=is_last, gives_way=gives_way):
                found.append(notice)
                left -= WRITTEN if notice.is_due else 1
            else:
                self._forget(path)
        return found

    def _notice(
        self, path: str, documents: list[dict[str, object]], now: datetime, timing: Timing, *,
        is_last: bool, gives_way: bool,
    ) -> _Notice | None:  # fmt: skip
        """What to write to the status file; None when it is up to date, or there is to be none."""
        text, recorded = json.dumps(documents, ensure_ascii=False, default=str), self._recorded.get(path)
        is_new, is_recorded = self.status_cache.is_new(path, text), recorded == hash(text)
        if not documents or not (is_new or (recorded is not None and not is_recorded)):
            return None
        news = news_of(documents)
        is_due = is_new and (is_last or not self._spacing.puts_off(path, news, now, timing, gives_way=gives_way))
        return _Notice(path, documents, text, news, is_due, is_recorded)

    def _is_different(self, job: Job, ledger: Ledger) -> bool:
        """Whether a status file may say something else of a job than when this was last asked.

        Most jobs are looked at several times between two states, while nothing is recorded of them.
        """
        job_state = self._job_states[job.name]
        if job_state.reason not in PASSING or job_state.shared:
            self._reported.pop(job.name, None)
            return True
        now = (job, job_state, ledger.of(job.name))
        before, self._reported[job.name] = self._reported.get(job.name), now
        return before != now

    def _change(self, job: Job, ledger: Ledger, limits: Limits, now: datetime) -> StatusChange | None:
        job_state = phase(job, ledger.of(job.name), limits, now)
        set_name = self._tally.put(job, ledger.of(job.name), job_state)
        before, self._job_states[job.name] = self._job_states.get(job.name), job_state
        if before == job_state:
            return None
        self.phases[job_state.phase] += 1
        self.reasons[job_state.reason] += 1
        if before:
            self.phases[before.phase] -= 1
            self.reasons[before.reason] -= 1
        current = in_force(job.wanted, ledger.of(job.name)) if job.wanted else None
        changed = ledger.reported(job.name) != _formatted(job_state)
        return StatusChange(job=job, job_state=job_state, submission=current, changed=changed, set_name=set_name)


def _note(changes: Sequence[StatusChange], ledger: Ledger, now: datetime) -> None:
    """Add an event for each change; a rejection has one already, which says what is wrong."""
    for item in (each for each in changes if each.job_state.reason is not Reason.REJECTED):
        submission = item.submission.id if item.submission else ""
        ledger.add_event(now, item.job_state.reason, item.job_state.message, item.job.name, submission)
    ledger.mark_reported({item.job.name: _formatted(item.job_state) for item in changes}, now)


def _formatted(job_state: JobState) -> str:
    return f"{job_state.reason}: {job_state.message}"
