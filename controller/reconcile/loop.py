"""The loop: one deciding thread, one inbox, turns that never wait for a call (DESIGN §7).

`sync` runs turns until nothing is left to wait for, `run` for ever, `plan` one on a copy. A turn records outcomes,
rescans if requested, decides for the dirty and the due, stores all intents in one transaction, enqueues the calls and
reports what changed, unless the last report was only just before.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from controller.ledger.ledger import Ledger
from controller.ledger.pause import Stops
from controller.lifecycle.next_step import next_step
from controller.lifecycle.transitions import interrupt
from controller.limits.budget import reservation
from controller.limits.gate import Limits
from controller.model.errors import Problem, StateError
from controller.model.files import BROKEN, READ, STATUS
from controller.model.job import Job, bucket_in
from controller.model.step import Ask, List, Step, Submit, Wait
from controller.model.submission import Submission
from controller.reconcile.admission import Admission
from controller.reconcile.calls.workers import Call, CallOutcome, Get, ListObjects, Posted, is_history
from controller.reconcile.guarding.committed_only import CommittedOnly
from controller.reconcile.health import Health, health_of, with_rejections
from controller.reconcile.pace import Pace
from controller.reconcile.queue import JobQueue
from controller.reconcile.recorder import Recorder, carry_out, jobs_of_command, subject_of_command
from controller.reconcile.rejections import Rejections
from controller.reconcile.reporter import Reporter
from controller.reconcile.scanner import Scanner
from controller.reconcile.sets.rules import SetRules
from controller.reconcile.submit import Submitter
from controller.reconcile.timekeeper import Timekeeper
from controller.reconcile.turns.gate_keeper import GateKeeper
from controller.reconcile.turns.rest import are_at_rest
from controller.tree.change import Change
from controller.tree.foreign import foreign_note
from controller.tree.git.committed import Committed
from controller.tree.tree import Tree

log = logging.getLogger(__name__)

UNREAD = "was not read since the controller started"


class Loop:
    """The state between two turns: the jobs on the agenda, and those with a call under way."""

    def __init__(
        self, ledger: Ledger, tree: Tree, free: Limits, enqueue: Callable[[Call], None], reporter: Reporter,
        scanner: Scanner | None = None, submitter: Submitter | None = None, timekeeper: Timekeeper | None = None,
        rejections: Rejections | None = None, committed: Committed | None = None,
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._tree = tree
        self._committed_only = CommittedOnly(tree, ledger, committed)
        self._free = free = replace(free, uncommitted=self._committed_only.flaw)
        self._enqueue = enqueue
        self._reporter = reporter
        self._timing = free.timing
        self._scanner = scanner or Scanner(tree, free.timing, Stops, settle=0.0)
        self._submitter = submitter or Submitter(ledger, None)
        self._timekeeper = timekeeper or Timekeeper(ledger, free.timing)
        self.rejections = rejections or Rejections()
        self._recorder = Recorder(
            ledger, free.timing, free.policy.requests_per_minute, lambda: self._timekeeper.is_sure
        )
        self._admission = Admission(ledger, free.policy)
        self._set_rules = SetRules(ledger, lambda: tree.sets)
        self._queue = JobQueue(ledger.jobs.__getitem__, self._admission.is_unlisted)
        self._pace = Pace(free.policy.requests_per_minute)
        self._gate = GateKeeper(
            free, ledger, self._scanner, self._timekeeper, self._admission, self._set_rules, self._pace
        )
        self._underway: dict[str, Call] = {}
        self._now = datetime.min.replace(tzinfo=UTC)
        self._problems: frozenset[str] = frozenset()

    def start(self, now: datetime, *, takes_over: bool = True) -> None:
        """Start from the ledger. With `takes_over`, the POSTs of a process that ended count as unconfirmed.

        A read-only caller, while another process holds the lock, leaves that one's POSTs under way.
        """
        if takes_over:
            with self._ledger.transaction():
                for submission in list(self._ledger.everything()):
                    if submission.answer is None:
                        self._ledger.save(interrupt(submission, now, self._timing))
        files = list(self._ledger.files())
        self._ledger.report_unreadable(now)
        self._tree.remember([each for each in files if each.kind in READ], self._ledger.jobs.values())
        for job in [self._ledger.jobs[name] for name in self._tree.unsettled]:
            self._ledger.recall(replace(job, problems=(Problem(path=job.path, message=UNREAD),)))
        self._reporter.status_cache.remember(each for each in files if each.kind == STATUS)
        self._queue.mark(self._ledger.jobs.keys())
        self._now = now

    def agree_to_sets(self) -> None:
        """Every yes to a set counts as given, and every trial as over: for a plan of what would follow."""
        self._set_rules.is_agreed = True

    def rescan(self, at: datetime | None = None) -> None:
        """Scan again in the next turn after `at`; None: in the next turn."""
        self._scanner.rescan(at)

    def turn(self, outcomes: Sequence[CallOutcome], now: datetime) -> None:
        """One round; `outcomes` are the calls that ended since the last one."""
        self._now = now
        if self._timekeeper.look(now):
            self._queue.mark(self._ledger.jobs.keys())
        self.record(outcomes, now)
        if self._ledger.has_commands():
            self._scanner.rescan()  # they are about the files as they are now
        change = self._scanner.look(self._ledger.jobs, now)
        self._committed_only.compare(change)
        with self._ledger.transaction():
            self._take_in(change)
            self._run_commands(now)
            if self._admission.settle_overspent(now):
                self._queue.mark(self._ledger.jobs.keys())
            calls = [(job.name, self._call(job, step, now)) for job, step in self._decide(now)]
        for name, call in calls:
            self._underway[name] = call
            self._gate.begin(call)
            self._enqueue(call)
        if (reports_at := self._reports_at(now)) and reports_at <= now:
            gives_way = self._gate.is_submitting()
            self._reporter.report(self._tree, self._ledger, self.limits(), now, gives_way=gives_way)
        held = self._queue.is_held_by_budget
        self._reporter.announcer.look(self.limits, self._reporter.reasons, now, is_holding=held)

    def record(self, outcomes: Sequence[CallOutcome], now: datetime) -> None:
        """Record the outcomes of calls, and decide nothing."""
        if outcomes:
            with self._ledger.transaction():
                for outcome in outcomes:
                    self._recorder.record(outcome, now)
                    name = outcome.call.job
                    if self._underway.get(name) == outcome.call:  # not a late one of an earlier loop
                        self._gate.end(self._underway.pop(name))
                    if name in self._ledger.jobs:
                        self._queue.mark([name])
                        self._reporter.touch_job(name)
            self._note_peers()
            self._pace.receive(outcomes, now)

    def wakes_at(self, now: datetime) -> datetime | None:
        """When the next turn is due if nothing is received before; None: only when something is received."""
        limits = self.limits()
        settles_at = limits.settling.until if limits.settling else None
        reports_at = self._reports_at(now)
        asks_at = self._timekeeper.wakes_at()
        times = [self._scanner.scan_at, self._queue.wakes_at(limits, now), settles_at, reports_at, asks_at]
        return min((time for time in times if time), default=None)

    def _reports_at(self, now: datetime) -> datetime | None:
        return self._reporter.reports_at(now, self._timing, gives_way=self._gate.is_submitting())

    def patience(self, outcomes: Iterable[CallOutcome]) -> float:
        """How many seconds to wait for more outcomes: none, when a submission waits for one of these.

        None waits for a listing while as many POSTs are out as may be: one of them ends first.
        """
        may_post = not self._gate.is_full()
        is_urgent = any(isinstance(each, Posted) or (may_post and is_history(each.call)) for each in outcomes)
        return 0.0 if is_urgent else self._timing.gather

    def limits(self) -> Limits:
        """What may be submitted after everything recorded so far, at the time of the last turn."""
        return self._gate.limits(self._now)

    def check_status_files(self) -> None:
        """Raise `StateError` when a status file could not be written yet."""
        if self._reporter.status_cache.problem:
            raise StateError(self._reporter.status_cache.problem)

    def report(self, now: datetime, *, in_haste: bool = False) -> None:
        """Report what was recorded since the last turn; `in_haste`: at most one portion of status files."""
        self._reporter.report_last(self._tree, self._ledger, self.limits(), now, in_haste=in_haste)
        with self._ledger.transaction():
            self._keep(Change())

    def unsettled(self) -> list[Submission]:
        """The submissions that were, or may have been, accepted and are not known to have ended."""
        return [item for item in self._ledger.everything() if item.outcome is None and not item.is_refused]

    def is_woken(self) -> bool:
        """Whether something outside needs a turn: a command in the inbox, a pause, a lock of git."""
        return self._scanner.is_woken() or self._ledger.has_commands() or self._timekeeper.is_new()

    def health(self) -> Health:
        """The health after the last turn."""
        budget = self._free.policy.monthly_budget
        found = health_of(self._ledger, self._queue, self._scanner, self._reporter, self.limits(), budget, self._now)
        return with_rejections(found, self.rejections)

    def is_busy(self) -> bool:
        """Whether a call is under way or a job is to be decided."""
        return bool(self._underway) or not self._queue.is_empty() or self._timekeeper.is_asking

    def is_at_rest(self, now: datetime) -> bool:
        """Whether nothing more will happen soon: what ends `sync`. A queued job waits for the gate as it is now."""
        if self.is_busy():
            return False
        return are_at_rest(self._queue, self._ledger, self.limits(), now)

    def _take_in(self, change: Change | None) -> None:
        if change is None:
            return
        if not change.ready:
            self._warn([f"{change.reason}; nothing is changed until it can be read"])
            return
        self._keep(change)
        self.rejections.take_in(change, self._tree, self._ledger, self._now, self._reporter.announcer)
        self._admission.is_partial = change.undecided > 0
        if not (change.undecided or self._tree.unsettled):
            self._ledger.observed.note(change.commit, self._now)
        differing = self._committed_only.take_changed()
        self._admission.approve(self._committed_only.counting(change.approvals), self._tree.signature)
        self._reporter.hold(self._now, is_partial=change.undecided > 0)
        names = {job.name for job, _ in change.jobs} | differing
        self._queue.mark(names)
        self._reporter.touch_jobs(names)  # also those with a call under way
        again = self._reporter.status_cache.touched(change.modified, self._tree.paths())
        self._reporter.touch([*change.paths, *again], change.gone)
        self._admission.releases.say(change.unapproved)
        self._warn(filter(None, [*map(str, change.problems), foreign_note(change.foreign)]))

    def _keep(self, change: Change) -> None:
        written, forgotten = self._reporter.status_cache.unsaved()
        broken = [replace(record, kind=BROKEN) for record in change.unclean]
        seen, forgotten = [*change.clean, *broken, *written], [*change.gone, *forgotten]
        if change.jobs or seen or forgotten:
            for job, body in change.jobs:
                self._ledger.put_job(job, body and body())
            self._ledger.note_files(seen, forgotten)

    def _warn(self, problems: Iterable[str]) -> None:
        """Log problems that belong to no manifest, and so to no status file, unless the last scan found them too."""
        found = dict.fromkeys(problems)
        for problem in found:
            if problem not in self._problems:
                log.warning("%s", problem)
        self._problems = frozenset(found)

    def _run_commands(self, now: datetime) -> None:
        """Carry out commands; one that cannot be carried out is recorded as an event."""
        for number, command in self._ledger.commands():
            self._ledger.mark_done(number, now)
            names = jobs_of_command(command)
            words = carry_out(command, self._ledger, self._admission, now)
            self._ledger.add_event(now, "Asked", words, subject_of_command(command))
            self._queue.mark(names & self._ledger.jobs.keys() if names else self._ledger.jobs.keys())

    def _decide(self, now: datetime) -> list[tuple[Job, Step]]:
        limits = self.limits()
        self._note_peers()
        names = self._queue.take_due(limits, now)
        ruled = self._set_rules.look(names)
        names |= ruled | self._ledger.peers.alike(ruled)
        names |= self._admission.rule(names, limits, now)
        closed = limits.without_slots()  # a job that would pay is queued first
        steps = [self._step(self._ledger.jobs[name], closed, now) for name in sorted(names - self._underway.keys())]
        for job, step in steps:
            self._put(job, step, now)
        served = list(self._serve(limits, now))
        paced = self._pace.admit([each for each in (*steps, *served) if not isinstance(each[1], Wait)], now)
        for job, step in paced:
            if isinstance(step, Wait):
                self._put(job, step, now)
        return [each for each in paced if not isinstance(each[1], Wait)]

    def _note_peers(self) -> None:
        """What changed for one name changes what the others with the same request wait for."""
        names = self._ledger.peers.take_changed()
        self._queue.mark(names)
        for name in names:
            self._reporter.touch_job(name)

    def _step(self, job: Job, limits: Limits, now: datetime) -> tuple[Job, Step]:
        self._reporter.touch_job(job.name)
        return job, next_step(job, self._ledger.of(job.name), limits, now)

    def _put(self, job: Job, step: Step, now: datetime) -> None:
        if isinstance(step, Wait):
            self._queue.wait(job.name, step, now)
        else:
            self._queue.begin(job.name, submits=isinstance(step, Submit))

    def _serve(self, limits: Limits, now: datetime) -> Iterator[tuple[Job, Step]]:
        """Start queued jobs as far as the limits allow; those that cannot start after all are queued again."""
        back: list[tuple[Job, Step]] = []
        paid: dict[str, str] = {}  # by request, the job that pays for it in this turn
        while job := self._queue.next_queued(limits, now):
            _, step = self._step(job, limits, now)
            match step:
                case Wait():
                    back.append((job, step))
                    continue
                case Submit():
                    if job.wanted and paid.setdefault(job.wanted.digest, job.name) != job.name:
                        self._queue.mark([job.name])  # once the other's intent is stored, this one may not have to pay
                        continue
                    limits = limits.after_submit(reservation(job.wanted) if job.wanted else None)
                case List(submission=None, prefix=prefix):
                    limits = limits.after_listing(bucket_in(prefix))
            self._put(job, step, now)
            yield job, step
        for job, step in back:
            self._put(job, step, now)

    def _call(self, job: Job, step: Step, now: datetime) -> Call:
        """The call to enqueue for a step that does not wait; an intent is stored with it."""
        match step:
            case Submit():
                return self._submitter.post(job, step, now, self._admission.approved_by(job.name))
            case Ask(submission=submission):
                return Get(submission=submission)
            case List():
                return ListObjects(job=job.name, digest=job.wanted.digest if job.wanted else "", step=step)
        raise AssertionError(f"{step} is no call")
