"""The loop: one deciding thread, one inbox, turns that never wait for a call (DESIGN §7).

`sync` turns it until nothing is left to wait for, `run` for ever, `plan` once on a copy. A turn records outcomes,
rescans if asked, decides for the dirty and the due, stores all intents in one transaction, hands out the calls and
tells what changed.
"""

import heapq
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from controller.answers import Accepted, BucketAnswer, Listing, PostAnswer, Unconfirmed
from controller.book import Book
from controller.errors import Problem
from controller.evidence import request_ids
from controller.gate import Limits, narrowed
from controller.history import adopted, intent, shown
from controller.inbox import Command, FirstRun, carried_out
from controller.job import History, Job
from controller.next_step import Ask, List, Step, Submit, Wait, is_at_rest, next_step
from controller.standing import Reason
from controller.telling import Teller
from controller.transitions import after_listing, after_post, after_status, interrupted
from controller.tree import Tree
from controller.workers import Call, CallOutcome, Get, Got, Look, Looked, Post, Posted

log = logging.getLogger(__name__)

QUEUING = frozenset({Reason.QUEUED, Reason.BACKING_OFF, Reason.ACCOUNT_REFUSED, Reason.BREAKER_OPEN})


class Loop:
    """The state between two turns: who is dirty, due, queued, or has a call under way."""

    def __init__(self, book: Book, tree: Tree, free: Limits, hand: Callable[[Call], None], teller: Teller) -> None:
        self._book = book
        self._tree = tree
        self._free = free
        self._hand = hand
        self._teller = teller
        self._timing = free.timing
        self._dirty: set[str] = set()
        self._due: list[tuple[datetime, str]] = []
        self._queued: set[str] = set()
        self._underway: dict[str, Call] = {}
        self._waits: dict[str, Wait] = {}
        self._gate = Reason.QUEUED
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
        self._dirty |= self._book.jobs.keys()
        self._scan_at = now

    def rescan(self) -> None:
        """Look at the files again in the next turn."""
        self._scan_at = None

    def turn(self, outcomes: Sequence[CallOutcome], now: datetime) -> None:
        """One round; `outcomes` are the calls that ended since the last one."""
        self.record(outcomes, now)
        if self._scan_at is None or self._scan_at <= now:
            self._scan(now)
        self._obey(now)
        limits = self.limits()
        steps = self._decide(limits, now)
        self._send(steps, now)
        self._teller.tell(self._tree, self._book, limits, now)

    def record(self, outcomes: Sequence[CallOutcome], now: datetime) -> None:
        """Record what calls answered, and decide nothing."""
        if outcomes:
            with self._book.transaction():
                for outcome in outcomes:
                    self._record(outcome, now)

    def wakes_at(self, now: datetime) -> datetime | None:
        """When the next turn is due if nothing is heard before; None: only when something is heard."""
        opens_at = self.limits().opens_at if self._queued else None
        times = [
            self._scan_at,
            self._due[0][0] if self._due else None,
            opens_at if opens_at and opens_at > now else None,
        ]
        return min((time for time in times if time), default=None)

    def limits(self) -> Limits:
        """What the gate allows after everything recorded so far."""
        preparing = sum(isinstance(call, Look) and call.step.submission is None for call in self._underway.values())
        free = replace(
            self._free,
            slots=self._free.policy.max_running - self._book.running - preparing,
            history_known=self._book.history_known,
        )
        return narrowed(free, self._book.newest())

    def check_told(self) -> None:
        """Raise `StateError` when a status file could not be written yet."""
        self._teller.check_written()

    def is_busy(self) -> bool:
        """Whether a call is under way or a job waits to be decided."""
        return bool(self._underway or self._dirty)

    def is_at_rest(self, now: datetime) -> bool:
        """Whether nothing further will happen soon: what ends `sync`. A queued job waits for the gate as it is now."""
        if self.is_busy():
            return False
        opens_at = self.limits().opens_at
        return all(
            is_at_rest(
                replace(wait, until=wait.until or opens_at) if name in self._queued else wait,
                self._book.of(name),
                now,
                self._timing,
            )
            for name, wait in self._waits.items()
        )

    # recording

    def _record(self, outcome: CallOutcome, now: datetime) -> None:
        match outcome:
            case Posted(call=call, answer=answer):
                name = call.submission.job
                self._book.save(after_post(self._book.current(call.submission), self._own(answer), now, self._timing))
            case Got(call=call, answer=status):
                name = call.submission.job
                self._book.save(after_status(self._book.current(call.submission), status, now, self._timing))
            case Looked(call=look):
                name = look.job
                self._looked(outcome, now)
        self._underway.pop(name, None)
        self._dirty.add(name)

    def _looked(self, outcome: Looked, now: datetime) -> None:
        look, answer = outcome.call, outcome.answer
        if look.step.submission is not None:
            current = self._book.current(look.step.submission)
            self._book.save(after_listing(current, answer, now, self._timing, self._taken(answer)))
            return
        job = self._book.jobs[look.job]
        if job.wanted is None or job.wanted.digest != look.digest:
            return
        if isinstance(answer, Listing):
            known, taken = self._book.of(job.name), self._taken(answer)
            for submission in adopted(job, job.wanted, answer.objects, known, now, taken):
                stored, _ = self._book.add(submission)
                self._book.tell(now, "Adopted", f"found in the bucket at {stored.prefix}", job.name, stored.id)
            for submission in shown(answer.objects, known, now):
                self._book.save(submission)
            history = History(digest=look.digest, at=now, readable=True)
        else:
            history = History(digest=look.digest, at=now, readable=False, message=answer.message)
        self._book.recall(replace(job, history=history))

    def _own(self, answer: PostAnswer) -> PostAnswer:
        """The answer to a POST; nobody knows what it means when a person gave its request id to another submission."""
        holder = self._book.holder(answer.request_id) if isinstance(answer, Accepted) else None
        if isinstance(answer, Accepted) and holder:
            return Unconfirmed(message=f"the service named {answer.request_id}, which {holder.job} has ({holder.id})")
        return answer

    def _taken(self, answer: BucketAnswer) -> frozenset[str]:
        """The request ids of a listing that a submission has already: found elsewhere, they are somebody's copies."""
        ids = request_ids(item.key for item in answer.objects) if isinstance(answer, Listing) else ()
        return frozenset(each for each in ids if self._book.holder(each))

    # obeying

    def _obey(self, now: datetime) -> None:
        """Carry out what people asked for; what cannot be done is told as an event."""
        commands = self._book.commands()
        if not commands:
            return
        with self._book.transaction():
            for number, command in commands:
                self._book.done(number, now)
                job = "" if isinstance(command, FirstRun) else command.job
                self._book.tell(now, "Asked", self._carry_out(command, now), job)
                self._dirty |= {job} & self._book.jobs.keys() if job else self._book.jobs.keys()

    def _carry_out(self, command: Command, now: datetime) -> str:
        """Do it; answers the sentence for the event."""
        if isinstance(command, FirstRun):
            self._book.begin_history()
            return "a person said that nothing was submitted before"
        job, holder = self._book.jobs.get(command.job), self._book.holder(command.request_id)
        answer = carried_out(command, job, self._book.of(command.job), holder, now)
        if isinstance(answer, str):
            return answer
        if answer.number:
            self._book.save(answer)
        else:
            self._book.add(answer)
        return f"a person resolved {answer.id}: {answer.answer}"

    # scanning

    def _scan(self, now: datetime) -> None:
        change = self._tree.refresh(self._book.jobs, now)
        self._scan_at = now + timedelta(seconds=self._timing.scan_every)
        if not change.ready:
            self._warn([Problem(path=change.reason, message="nothing is changed until it can be read")])
            return
        if change.jobs or change.clean or change.unclean or change.gone:
            with self._book.transaction():
                for job, body in change.jobs:
                    self._book.put_job(job, body)
                self._book.note_files(change.clean, [*change.unclean, *change.gone])
        self._dirty |= {job.name for job, _ in change.jobs}
        self._teller.touch(change.paths, change.gone)
        self._warn(change.problems)

    def _warn(self, problems: Iterable[Problem]) -> None:
        """Log what belongs to no manifest, and so to no status file, unless the last scan found it too."""
        for problem in problems:
            if problem not in self._problems:
                log.warning("%s", problem)
        self._problems = frozenset(problems)

    # deciding

    def _decide(self, limits: Limits, now: datetime) -> list[tuple[Job, Step]]:
        while self._due and self._due[0][0] <= now:
            self._dirty.add(heapq.heappop(self._due)[1])
        self._dirty.update(self._next_in_queue(limits, now))
        ready = [self._book.jobs[name] for name in self._dirty if name not in self._underway]
        self._dirty.clear()
        steps: list[tuple[Job, Step]] = []
        for job in sorted(ready, key=_order):
            step = next_step(job, self._book.of(job.name), limits, now)
            if isinstance(step, Submit) or (isinstance(step, List) and step.submission is None):
                limits = limits.taken()
            steps.append((job, step))
            self._teller.touch_job(job.name)
        return steps

    def _next_in_queue(self, limits: Limits, now: datetime) -> Iterable[str]:
        """The queued jobs whose turn it may be; all of them when the reason they wait for has changed."""
        if limits.reason is not self._gate:
            self._gate = limits.reason
            return list(self._queued)
        if limits.slots <= 0 or (limits.opens_at and limits.opens_at > now):
            return ()
        return heapq.nsmallest(limits.slots, self._queued, key=lambda name: _order(self._book.jobs[name]))

    # acting

    def _send(self, steps: Sequence[tuple[Job, Step]], now: datetime) -> None:
        submits = [(job, step) for job, step in steps if isinstance(step, Submit)]
        calls: list[tuple[str, Call]] = []
        if submits:
            with self._book.transaction():
                calls = [(job.name, self._intend(job, step, now)) for job, step in submits]
        for job, step in steps:
            self._queued.discard(job.name)
            match step:
                case Ask(submission=submission):
                    calls.append((job.name, Get(submission=submission)))
                case List():
                    digest = job.wanted.digest if job.wanted else ""
                    calls.append((job.name, Look(job=job.name, digest=digest, step=step)))
                case Wait():
                    self._wait(job.name, step)
        for name, call in calls:
            self._underway[name] = call
            self._hand(call)

    def _intend(self, job: Job, step: Submit, now: datetime) -> Post:
        assert job.wanted is not None, "only a wanted job is submitted"
        stored, body = self._book.add(intent(job, job.wanted, step.rerun, step.attempt, now))
        return Post(submission=stored, body=body, role_arn=job.wanted.role_arn)

    def _wait(self, name: str, wait: Wait) -> None:
        self._waits[name] = wait
        if wait.reason in QUEUING:
            self._queued.add(name)
        if wait.until is not None:
            heapq.heappush(self._due, (wait.until, name))


def _order(job: Job) -> tuple[int, str]:
    """Who goes first: the higher priority, then by name."""
    return -(job.wanted.priority if job.wanted else 0), job.name
