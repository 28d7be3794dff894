"""A small world for histories: machines with the real loop, book, store and tree rules, and the model cloud between.

Nothing here waits: time is a number that `World.wait` moves from event to event. A machine can be killed before and
after every write and commit of its ledger and every call it hands out; whatever was not committed is then lost.
"""

import heapq
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlite_utils import Database

from controller.analysis.terms import threshold_of
from controller.ledger.ledger import Ledger
from controller.ledger.migrations import migrations
from controller.ledger.reads.traffic import INSTANCE
from controller.ledger.store import Store
from controller.lifecycle.claim import PATIENCE, Instance, Pause, Put, Result, claiming, marker_for, withdrawal
from controller.limits.gate import Limits
from controller.model.answers import Refusal, Refused
from controller.model.files import STATUS
from controller.model.skew import TOLERANCE
from controller.model.submission import Submission
from controller.model.timing import Timing
from controller.reconcile.calls.workers import TOO_LATE, Call, CallOutcome, Get, Got, Listed, ListObjects, Post, Posted
from controller.reconcile.loop import Loop
from controller.reconcile.reporter import Reporter
from controller.reconcile.reports.changes import StatusChange
from controller.reconcile.submit import Submitter
from controller.reconcile.timekeeper import Timekeeper
from controller.reconcile.wiring import Nowhere
from controller.settings.file import Policy
from controller.tree.status_cache import StatusCache
from controller.tree.tree import Tree
from tests.proofs.cloud import Cloud, PostFate, Sent, answer_of
from tests.proofs.drafts import Files, digest_of, jobs_in
from tests.proofs.shelf import Shelf

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
# As in production, but the two that only repeat themselves for days are slower: edits are hinted at anyway.
TIMING = Timing(scan_every=6 * 3600, history_retry=600)
CALL, GIVEN_UP, SLOW, STALLED = 1.0, 120.0, 100.0, 200.0
"""Seconds: a plain call, a POST without an answer, a slow answer, and when a stalled POST is processed after all."""
SAME_INSTANT = 200
"""More turns than this at one instant are a loop that burns the processor."""


Agreed = tuple[str, str, bool]
"""What an operator said yes to: the name of a set, its recipe, and whether it goes on for ever."""
SKEWED = Refused(why=Refusal.UNSENT, message="the clocks are apart")


class Killed(BaseException):
    """The process died here."""


class PromiseError(AssertionError):
    """A promise was broken."""


class MortalDatabase(Database):
    """A database in memory whose process dies when the fuse has burnt down: at a write, or at a commit."""

    fuse: int | None = None

    def burn(self) -> None:
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                self.fuse = None
                raise Killed

    def execute(self, sql: str, parameters: Sequence[object] | Mapping[str, object] | None = None) -> sqlite3.Cursor:
        if not sql.startswith("select"):
            self.burn()
        return super().execute(sql, parameters)  # type: ignore[arg-type]


class MortalStore(Store):
    """The real store, which may die before and after every commit."""

    def __init__(self, db: MortalDatabase) -> None:
        super().__init__(db)
        self._mortal = db

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with super().transaction():
            yield
            self._mortal.burn()
        self._mortal.burn()


class Disk:
    """One database from its making to its loss; it remembers what a person said to it and what it was asked for."""

    def __init__(self, name: str) -> None:
        self.db = MortalDatabase(memory=True)
        _TEMPLATE.conn.backup(self.db.conn)
        self.store = MortalStore(self.db)
        self.store.set_fact(INSTANCE, name)
        self.denied: set[tuple[str, str, int, int]] = set()
        self.asked: set[tuple[str, str, int]] = set()
        self.named: set[tuple[str, str]] = set()
        """Jobs and runs that a retry named, whatever the job wanted then: it may come back to what was run."""
        self.agreed: set[Agreed] = set()
        self.is_first_run = False
        self.lineage: frozenset[Disk] = frozenset({self})

    @contextmanager
    def spared(self) -> Iterator[MortalStore]:
        """A transaction in which the process does not die."""
        fuse, self.db.fuse = self.db.fuse, None
        with self.store.transaction():
            yield self.store
        self.db.fuse = fuse

    def copy(self) -> "Disk":
        """A backup of it, or what is restored from one."""
        other = Disk("")
        self.db.conn.backup(other.db.conn)
        other.denied, other.asked = set(self.denied), set(self.asked)
        other.named, other.agreed = set(self.named), set(self.agreed)
        other.is_first_run, other.lineage = self.is_first_run, self.lineage | {other}
        return other


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the last listing of a job's history told a process."""

    at: datetime
    readable: bool
    folders: frozenset[str]


class Machine:
    """One clone of the repository with its own ledger, and the process that turns the loop, while there is one."""

    def __init__(self, world: "World", files: Files) -> None:
        self._world = world
        self.files: Files = files
        self.disk = Disk(world.drawn())
        self.backup: Disk | None = None
        self.back_at: datetime | None = None
        self.skew, self.was_skewed = timedelta(), False
        self.start()

    @property
    def is_up(self) -> bool:
        return self.back_at is None

    @property
    def now(self) -> datetime:
        """What its clock says."""
        return self._world.now + self.skew

    def set_clock(self, ahead: float) -> None:
        """Its clock is so many seconds ahead from now on, which the next process takes for the truth."""
        self.skew = timedelta(seconds=ahead)
        self.was_skewed = self.was_skewed or bool(ahead)

    def _ahead(self) -> float | None:
        return -self.skew.total_seconds() if self.hears_service else None

    def _ask_time(self, answered: Callable[[], None]) -> None:
        """Ask the service for its time."""
        process = self.process

        def arrive() -> None:
            if self.is_up and self.process is process:
                self.hears_service = self._is_nudged = True
                answered()

        self._world._at(CALL, arrive)

    def start(self) -> None:
        """A new process."""
        self.back_at = None
        self.process = object()
        self.seen: dict[tuple[str, str], Seen] = {}
        self._handed: list[Call] = []
        self._outcomes: list[CallOutcome] = []
        self._turned_at, self._turns = START, 0
        self._is_nudged = True
        with self.disk.spared() as store:
            store.renew(self._world.terms, threshold_of(self._world.policy), kept=STATUS)
        self.ledger = Ledger(self.disk.store)
        self.shelf = self.opened_tree()
        free = Limits(policy=self._world.policy, timing=TIMING, slots=3)
        reporter = Reporter(StatusCache(Nowhere()), "sandbox", lambda news: self._world.judge.reported(self, news))
        instance = Instance(deployment="sandbox", account="us", name=self.disk.store.fact(INSTANCE) or "")
        submitter = Submitter(self.ledger, instance, self._world.drawn)
        self.hears_service, self.timekeeper = False, Timekeeper(self.ledger, TIMING, self._ahead, self._ask_time)
        self.loop = Loop(
            self.ledger, self.shelf, free, self._enqueue, reporter, submitter=submitter, timekeeper=self.timekeeper
        )
        with self._until_killed():
            self.loop.start(self.now)
        self.notice()

    def opened_tree(self) -> Tree:
        """What this process reads the manifests with."""
        return Shelf()

    def notice(self) -> None:
        """The watcher hints that files changed."""
        if isinstance(self.shelf, Shelf):
            self.shelf.shown = self.files
        drafts = [draft for draft in jobs_in(self.files) if not draft.is_broken]
        self.disk.asked |= {(draft.job, digest_of(draft.text), draft.rerun) for draft in drafts}
        self._world.judge.noticed(self)
        self.loop.rescan()
        self._is_nudged = True

    def die(self, down: float, *, arrives: bool) -> None:
        """The process ends now; `arrives`: what it was sending reaches the service all the same."""
        self.disk.db.fuse = None
        self._world.abandon(self.process, arrives=arrives)
        self.back_at = self._world.now + timedelta(seconds=down)

    def lose_database(self) -> None:
        self.disk.db.close()
        self.disk = Disk(self._world.drawn())

    def keep_backup(self) -> None:
        """A copy of the database as it is at this moment, however much is under way."""
        if self.backup:
            self.backup.db.close()
        self.backup = self.disk.copy()

    def restore_backup(self) -> bool:
        """The database is as it was when it was last kept; False: it never was."""
        if self.backup is None:
            return False
        self.disk.db.close()
        self.disk = self.backup.copy()
        return True

    def ask(self, command: str) -> None:
        """A person appends a command to the inbox; the loop takes it in its next turn."""
        with self.disk.spared() as store:
            store.add_command(self.now, command)
        self._is_nudged = True

    def receive(self, outcome: CallOutcome) -> None:
        self.hears_service = self.hears_service or isinstance(outcome, Posted | Got)
        self._outcomes.append(outcome)

    def wakes_at(self) -> datetime | None:
        """When something is to be done here."""
        if self.back_at is not None:
            return self.back_at
        if self._outcomes or self._is_nudged:
            return self._world.now
        wakes_at = self.loop.wakes_at(self.now)
        return wakes_at - self.skew if wakes_at else None

    def act(self) -> None:
        """Come back, or turn the loop once and carry out its calls."""
        if not self.is_up:
            self.start()
            return
        self._count()
        outcomes, self._outcomes, self._is_nudged = self._outcomes, [], False
        with self._until_killed():
            self.loop.turn(outcomes, self.now)
            self._world.note_heard(self.process, outcomes)
            self._work()

    def rows(self) -> list[Submission]:
        return list(self.ledger.everything()) if self.is_up else []

    def _work(self) -> None:
        handed, self._handed = self._handed, []
        for call in handed:
            self._world.carry_out(self, call)

    def _enqueue(self, call: Call) -> None:
        self.disk.db.burn()
        if isinstance(call, Post):
            self._world.judge.decided(self, call.submission)
        self._handed.append(call)

    @contextmanager
    def _until_killed(self) -> Iterator[None]:
        try:
            yield
        except Killed:
            self._work()  # what was handed out, a worker took at once
            self._world.crashes += 1
            self.die(self._world.down, arrives=self._world.arrives)

    def _count(self) -> None:
        self._turns = self._turns + 1 if self._turned_at == self._world.now else 1
        self._turned_at = self._world.now
        if self._turns > SAME_INSTANT:
            raise PromiseError(f"{self._turns} turns at one instant: the loop never sleeps")


class World:
    """Machines, the cloud and time. `judge` is told of every POST, charge and standing."""

    def __init__(self, judge: "Judge") -> None:
        self.now = START
        self.cloud = Cloud()
        self.policy = Policy()
        self.terms = "terms"
        self.judge = judge
        self.machines: list[Machine] = []
        self.crashes = 0
        self.down, self.arrives = 60.0, True
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._number = 0
        self._drawn = 0
        self._dropped: set[object] = set()

    def drawn(self) -> str:
        """Eight digits that were never drawn before."""
        self._drawn += 1
        return f"{self._drawn:08x}"

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + timedelta(seconds=seconds)
        while (time := self._next()) is not None and time <= end:
            self.now = max(self.now, time)
            while self._events and self._events[0][0] <= self.now:
                heapq.heappop(self._events)[2]()
            for machine in self.machines:
                wakes_at = machine.wakes_at()
                if wakes_at is not None and wakes_at <= self.now:
                    machine.act()
        self.now = end

    def abandon(self, process: object, *, arrives: bool) -> None:
        """Nobody waits any more for what this process asked; what was not yet read may never be."""
        if not arrives:
            self._dropped.add(process)
            for sent in self.cloud.sent:
                if sent.process is process and not sent.charged:
                    sent.is_dropped = True

    def note_heard(self, process: object, outcomes: Sequence[CallOutcome]) -> None:
        """These answers are recorded."""
        prefixes = {outcome.call.submission.prefix for outcome in outcomes if isinstance(outcome, Posted)}
        for sent in self.cloud.sent if prefixes else ():
            if sent.process is process and sent.prefix in prefixes:
                sent.is_heard = True

    def carry_out(self, machine: Machine, call: Call) -> None:
        """What a worker does with a call."""
        match call:
            case Post(claim=None):
                self._post(machine, call)
            case Post():
                _Claiming(self, machine, call).go_on(None)
            case Get():
                status = self.cloud.status
                self._answer(
                    machine, CALL, lambda: Got(call=call, answer=status(call.submission.request_id or "", self.now))
                )
            case ListObjects():
                self._at(CALL, partial(self._look, machine, machine.process, call))

    def close(self) -> None:
        for machine in self.machines:
            machine.disk.db.close()

    def _next(self) -> datetime | None:
        times = [machine.wakes_at() for machine in self.machines]
        return min([time for time in (*times, self._events[0][0] if self._events else None) if time], default=None)

    def _post(self, machine: Machine, call: Post) -> None:
        if abs(machine.skew.total_seconds()) > TOLERANCE:  # the service's last word before the request is sent
            self._answer(machine, CALL, lambda: Posted(call=call, answer=SKEWED))
            return
        row = call.submission
        sent = Sent(
            job=row.job,
            digest=row.digest,
            rerun=row.rerun,
            attempt=row.attempt,
            prefix=row.prefix,
            outputs=row.outputs,
            disk=machine.disk,
            process=machine.process,
            at=self.now,
            fate=self.cloud.next_fate(self.now),
            reserved=row.reserved or 0.0,
            weather=self.cloud.weather,
            claim=call.claim.name if call.claim else "",
        )
        self.judge.posted(machine, sent, call.body)
        self.cloud.sent.append(sent)
        if sent.fate in (PostFate.ACCEPTED, PostFate.SLOW, PostFate.LOST, PostFate.STALLED):
            self._at(STALLED if sent.fate is PostFate.STALLED else CALL / 2, lambda: self._arrive(sent))
        silent = sent.fate in (PostFate.LOST, PostFate.STALLED)
        pause = SLOW if sent.fate is PostFate.SLOW else GIVEN_UP if silent else CALL
        self._answer(machine, pause, lambda: self._posted(machine, call, sent))

    def _posted(self, machine: Machine, call: Post, sent: Sent) -> CallOutcome:
        answer = answer_of(sent)
        if isinstance(answer, Refused) and call.claim:
            self.put(machine.process, withdrawal(call.claim), lambda _: None)
        return Posted(call=call, answer=answer)

    def put(self, process: object, request: Put, after: Callable[[Result], None]) -> None:
        """It arrives after half a call, unless it is dropped with its process; its answer comes after a whole one."""
        results: list[Result] = []

        def land() -> None:
            if process not in self._dropped:
                results.append(self.cloud.take(request.url, request.content, self.now))

        self._at(CALL / 2, land)
        self._at(CALL, lambda: after(results[0] if results else None))

    def _arrive(self, sent: Sent) -> None:
        if not sent.is_dropped:
            self.cloud.charge(sent, self.now)
            self.judge.charged(sent)

    def _look(self, machine: Machine, process: object, call: ListObjects, *, is_marked: bool = False) -> None:
        """A listing is seen, by the process that asked for it if it lives; a marker is put first where one is due."""
        if not machine.is_up or machine.process is not process:
            return
        seen = self._read(machine, call)
        marker = None if is_marked else marker_for(call.step, seen.answer)
        if marker is None:
            machine.receive(seen)
            return

        def put(failure: Result) -> None:
            if failure is None:
                self._at(CALL, partial(self._look, machine, process, call, is_marked=True))
            elif machine.is_up and machine.process is process:
                machine.receive(seen)

        self.put(process, marker, put)

    def _read(self, machine: Machine, call: ListObjects) -> Listed:
        step = call.step
        if step.submission is None:
            folders = self.cloud.folders(step.prefix, step.only, self.now)
            readable, shows = self.cloud.weather.readable, not self.cloud.weather.lies
            seen = Seen(at=self.now, readable=readable, folders=folders if readable and shows else frozenset())
            machine.seen[call.job, call.digest] = seen
        return Listed(call=call, answer=self.cloud.read(step.prefix, step.only, self.now))

    def _answer(self, machine: Machine, seconds: float, outcome: Callable[[], CallOutcome]) -> None:
        """The answer comes after a while, if the process that asked still lives then."""
        process = machine.process

        def arrive() -> None:
            if machine.is_up and machine.process is process:
                machine.receive(outcome())

        self._at(seconds, arrive)

    def _at(self, seconds: float, event: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._events, (self.now + timedelta(seconds=seconds), self._number, event))


class _Claiming:
    """A claim that is carried out in the model, as a worker does it."""

    def __init__(self, world: World, machine: Machine, call: Post) -> None:
        assert call.claim is not None, "there is something to claim"
        self._world, self._machine, self._process = world, machine, machine.process
        self._call, self._claim = call, call.claim
        self._steps = claiming(call.claim)
        self._is_settled = False
        world._at(PATIENCE, self._give_up)

    def go_on(self, result: Result) -> None:
        """Take the next step, if the process still lives."""
        if not self._lives():
            return
        try:
            request = self._steps.send(result)
        except StopIteration as end:
            if not self._settle(end.value) and end.value is None:
                self._world.put(self._process, withdrawal(self._claim), lambda _: None)
            return
        match request:
            case Put():
                self._world.put(self._process, request, self.go_on)
            case Pause(seconds=seconds):
                self._world._at(seconds, lambda: self.go_on(None))
            case _:
                self._world._at(CALL, self._look)

    def _look(self) -> None:
        self.go_on(self._world.cloud.read(self._claim.url, self._claim.digest16, self._world.now))

    def _give_up(self) -> None:
        self._settle(TOO_LATE)

    def _settle(self, refused: Refused | None) -> bool:
        is_first, self._is_settled = not self._is_settled, True
        if is_first and self._lives():
            if refused:
                self._world.judge.unclaimed(self._machine, refused)
                self._machine.receive(Posted(call=self._call, answer=refused))
            else:
                self._world._post(self._machine, self._call)
        return is_first

    def _lives(self) -> bool:
        return self._machine.is_up and self._machine.process is self._process


class Judge:
    """Who watches the money; `court` has the strict one."""

    def noticed(self, machine: Machine) -> None:
        """The files of a machine are others."""

    def decided(self, machine: Machine, row: Submission) -> None:
        """An intent is stored: its claim is put next, and its POST follows seconds later."""

    def posted(self, machine: Machine, sent: Sent, body: str) -> None:
        """A POST leaves."""

    def unclaimed(self, machine: Machine, refused: Refused) -> None:
        """A POST was not sent, since it could not be claimed."""

    def charged(self, sent: Sent) -> None:
        """The service took it."""

    def reported(self, machine: Machine, news: StatusChange) -> None:
        """A machine tells a standing."""


def _template() -> Database:
    db = Database(memory=True)
    migrations.apply(db)
    return db


_TEMPLATE = _template()
