"""The loop: one deciding thread, one inbox, turns that never wait for a call (DESIGN §7).

`sync` turns it until nothing is left to wait for, `run` for ever, `plan` once on a copy. A turn records outcomes,
rescans if asked, decides for the dirty and the due, stores all intents in one transaction, hands out the calls and
tells what changed.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from controller.admission import Admission
from controller.agenda import QUEUING, Agenda
from controller.book import Book
from controller.brakes import Brakes
from controller.brakes import Look as LookAtBrakes
from controller.errands import carry_out, concerned
from controller.errors import Problem
from controller.gate import Limits, narrowed
from controller.history import intent
from controller.job import Job
from controller.next_step import Ask, List, Step, Submit, Wait, is_at_rest, next_step
from controller.recording import Recorder
from controller.spending import reservation
from controller.stillness import Stillness
from controller.telling import Teller
from controller.transitions import interrupted
from controller.tree import Change, Tree
from controller.workers import Call, CallOutcome, Get, Look, Post

log = logging.getLogger(__name__)


class Loop:
    """The state between two turns: who is on the agenda, or has a call under way.

    `brakes` looks at what stops payments from outside. `settle` is in seconds: how long the tree must have been still.
    """

    def __init__(
        self, book: Book, tree: Tree, free: Limits, hand: Callable[[Call], None], teller: Teller, *,
        brakes: LookAtBrakes = Brakes, settle: float = 0.0,
    ) -> None:  # fmt: skip
        self._book = book
        self._tree = tree
        self._free = free
        self._hand = hand
        self._teller = teller
        self._timing = free.timing
        self._look_at_brakes = brakes
        self._brakes = Brakes()
        self._stillness = Stillness(settle=settle)
        self._recorder = Recorder(book, free.timing)
        self._admission = Admission(book, free.policy)
        self._agenda = Agenda(book.jobs.__getitem__)
        self._underway: dict[str, Call] = {}
        self._now = datetime.min.replace(tzinfo=UTC)
        self._scan_at: datetime | None = None
        self._problems: frozenset[Problem] = frozenset()

    def start(self, now: datetime, *, takes_over: bool = True) -> None:
        """Begin with what the ledger knows. Whoever takes over from a dead process finds its POSTs unconfirmed."""
        if takes_over:
            with self._book.transaction():
                for submission in list(self._book.everything()):
                    if submission.answer is None:
                        self._book.save(interrupted(submission, now, self._timing))
        self._tree.remember(self._book.files(), self._book.jobs.values())
        self._agenda.mark(self._book.jobs.keys())
        self._now = self._scan_at = now

    def rescan(self) -> None:
        """Look at the files again in the next turn."""
        self._scan_at = None

    def turn(self, outcomes: Sequence[CallOutcome], now: datetime) -> None:
        """One round; `outcomes` are the calls that ended since the last one."""
        self._now = now
        self.record(outcomes, now)
        self._look_around(now)
        self._obey(now)
        steps = self._decide(now)
        self._send(steps, now)
        self._teller.tell(self._tree, self._book, self.limits(), now)

    def record(self, outcomes: Sequence[CallOutcome], now: datetime) -> None:
        """Record what calls answered, and decide nothing."""
        if outcomes:
            with self._book.transaction():
                for outcome in outcomes:
                    name = self._recorder.record(outcome, now)
                    self._underway.pop(name, None)
                    self._agenda.mark([name])

    def wakes_at(self, now: datetime) -> datetime | None:
        """When the next turn is due if nothing is heard before; None: only when something is heard."""
        limits = self.limits()
        settles_at = limits.settling.until if limits.settling else None
        times = [self._scan_at, self._agenda.wakes_at(limits, now), settles_at]
        return min((time for time in times if time), default=None)

    def limits(self) -> Limits:
        """What may be paid for after everything recorded so far, at the time of the last turn."""
        policy, overspent = self._free.policy, self._book.overspent()
        looks = [name for name, call in self._underway.items() if isinstance(call, Look) and not call.step.submission]
        preparing = sum(self._admission.is_admitted(name) for name in looks)
        free = replace(
            self._free,
            slots=policy.max_running - self._book.running - preparing,
            looks=policy.workers - (len(looks) - preparing),
            history_known=self._book.history_known,
            paused=self._brakes.paused,
            settling=self._stillness.settling(self._now, self._timing),
            spending=self._book.spending(self._now, policy.monthly_budget),
            overspent=overspent[0] if overspent and policy.monthly_budget is not None else None,
            permits=self._admission.permits,
        )
        return narrowed(free, self._book.newest())

    def check_told(self) -> None:
        """Raise `StateError` when a status file could not be written yet."""
        self._teller.check_written()

    def is_busy(self) -> bool:
        """Whether a call is under way or a job waits to be decided."""
        return bool(self._underway) or not self._agenda.is_empty()

    def is_at_rest(self, now: datetime) -> bool:
        """Whether nothing further will happen soon: what ends `sync`. A queued job waits for the gate as it is now."""
        limits = self.limits()
        if self.is_busy() or (limits.settling and limits.settling.until):
            return False
        return all(
            is_at_rest(
                replace(wait, until=wait.until or limits.opens_at) if wait.reason in QUEUING else wait,
                self._book.of(name),
                now,
                self._timing,
            )
            for name, wait in self._agenda.waits()
        )

    # looking around

    def _look_around(self, now: datetime) -> None:
        """Scan the tree if that is due. What was scanned beside a git command at work is scanned again after it."""
        was_locked = self._stillness.lock is not None
        lock = self._look_at_brakes().lock
        self._stillness = self._stillness.locked_by(lock)
        if (was_locked and not lock) or self._scan_at is None or self._scan_at <= now:
            self._scan(now)
        self._brakes = self._look_at_brakes()
        self._stillness = self._stillness.locked_by(self._brakes.lock or lock)

    def _scan(self, now: datetime) -> None:
        change = self._tree.refresh(self._book.jobs, now)
        self._scan_at = now + timedelta(seconds=self._timing.scan_every)
        self._stillness = self._stillness.scanned(now, changed=not change.ready or bool(change.paths or change.gone))
        if self._stillness.still_at and not self._stillness.is_still:
            self._scan_at = min(self._scan_at, self._stillness.still_at)
        if not change.ready:
            self._warn([Problem(path=change.reason, message="nothing is changed until it can be read")])
            return
        self._keep(change)
        self._agenda.mark(job.name for job, _ in change.jobs)
        self._teller.touch(change.paths, change.gone)
        self._warn(change.problems)

    def _keep(self, change: Change) -> None:
        if change.jobs or change.clean or change.unclean or change.gone:
            with self._book.transaction():
                for job, body in change.jobs:
                    self._book.put_job(job, body)
                self._book.note_files(change.clean, [*change.unclean, *change.gone])

    def _warn(self, problems: Iterable[Problem]) -> None:
        """Log what belongs to no manifest, and so to no status file, unless the last scan found it too."""
        for problem in problems:
            if problem not in self._problems:
                log.warning("%s", problem)
        self._problems = frozenset(problems)

    # obeying

    def _obey(self, now: datetime) -> None:
        """Carry out what people asked for; what cannot be done is told as an event."""
        commands = self._book.commands()
        if not commands:
            return
        with self._book.transaction():
            for number, command in commands:
                self._book.done(number, now)
                job = concerned(command)
                self._book.tell(now, "Asked", carry_out(command, self._book, self._admission, now), job)
                self._agenda.mark({job} & self._book.jobs.keys() if job else self._book.jobs.keys())

    # deciding

    def _decide(self, now: datetime) -> list[tuple[Job, Step]]:
        limits = self.limits()
        names = self._agenda.taken(limits, now)
        names |= self._admission.rule(names, limits, now)
        names |= self._agenda.in_line(limits, now, self._admission.unlisted)
        steps: list[tuple[Job, Step]] = []
        decided = set(self._underway)
        while names := names - decided:
            for job in self._agenda.in_order(names):
                step = next_step(job, self._book.of(job.name), limits, now)
                limits = self._after(step, job, limits)
                steps.append((job, step))
            decided |= names
            names = self._agenda.in_line(limits, now, self._admission.unlisted)
        return steps

    def _after(self, step: Step, job: Job, limits: Limits) -> Limits:
        """What a step leaves to the others of the same turn."""
        self._teller.touch_job(job.name)
        match step:
            case Submit():
                self._agenda.begin(job.name)
                return limits.taken(reservation(job.wanted) if job.wanted else None)
            case List(submission=None):
                self._agenda.begin(job.name)
                return limits.taken() if self._admission.is_admitted(job.name) else limits.looked()
            case Wait():
                self._agenda.wait(job.name, step)
            case _:
                self._agenda.begin(job.name)
        return limits

    # acting

    def _send(self, steps: Sequence[tuple[Job, Step]], now: datetime) -> None:
        submits = [(job, step) for job, step in steps if isinstance(step, Submit)]
        calls: list[tuple[str, Call]] = []
        if submits:
            with self._book.transaction():
                calls = [(job.name, self._intend(job, step, now)) for job, step in submits]
        for job, step in steps:
            match step:
                case Ask(submission=submission):
                    calls.append((job.name, Get(submission=submission)))
                case List():
                    digest = job.wanted.digest if job.wanted else ""
                    calls.append((job.name, Look(job=job.name, digest=digest, step=step)))
        for name, call in calls:
            self._underway[name] = call
            self._hand(call)

    def _intend(self, job: Job, step: Submit, now: datetime) -> Post:
        assert job.wanted is not None, "only a wanted job is submitted"
        stored, body = self._book.add(intent(job, job.wanted, step.rerun, step.attempt, now))
        return Post(submission=stored, body=body, role_arn=job.wanted.role_arn)
