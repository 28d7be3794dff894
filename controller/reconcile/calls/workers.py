"""Carries out calls for the deciding thread, and puts each outcome into its inbox.

A turn never waits for a call; `remote` carries it out.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol, Self, TypeGuard

from controller.bucket.claims import Claimer
from controller.lifecycle.claim import PATIENCE, Claim
from controller.model.answers import BucketAnswer, GetAnswer, PostAnswer, Refusal, Refused
from controller.model.errors import ShjobsError, StateError
from controller.model.job import bucket_in
from controller.model.step import List
from controller.model.submission import Submission
from controller.reconcile.calls.work_queue import WorkQueue
from controller.wire.deadlines import Watchdog

log = logging.getLogger(__name__)
DEADLINES = Watchdog()


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Send a stored intent, once, as soon as it is claimed. `body` is JSON without secrets.

    `role_arn` replaces a key pair; `claim` None: it is sent without one.
    """

    submission: Submission
    body: str
    role_arn: str | None
    claim: Claim | None = None

    @property
    def job(self) -> str:
        return self.submission.job


@dataclass(frozen=True, slots=True, kw_only=True)
class Get:
    """Get the status of a request."""

    submission: Submission

    @property
    def job(self) -> str:
        return self.submission.job


@dataclass(frozen=True, slots=True, kw_only=True)
class ListObjects:
    """Read the bucket as a `List` step says; `digest` is what the job wanted at that time."""

    job: str
    digest: str
    step: List


Call = Post | Get | ListObjects


def is_history(call: Call) -> TypeGuard[ListObjects]:
    """Whether it looks for earlier paid results, so that a submission can follow."""
    return isinstance(call, ListObjects) and call.step.submission is None


POSTS = "submissions"
BRIEFLY = 2.0  # seconds: how long to wait at the end for a call that costs nothing
NOT_SENT = Refused(why=Refusal.UNSENT, message="the controller stopped before the request was sent")
TOO_LATE = Refused(
    why=Refusal.CLAIMED, message=f"nothing was sent: the bucket did not take the claim within {PATIENCE:.0f} s"
)


@dataclass(slots=True, kw_only=True, eq=False)
class _Claiming:
    """A POST that must be claimed first. It is settled once: sent, or reported as not sent."""

    call: Post
    claim: Claim
    is_settled: bool = False


_Task = Call | _Claiming | Claim
"""Only a claim is withdrawn: its POST was refused, or will not be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    call: Post
    answer: PostAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    call: Get
    answer: GetAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    call: ListObjects
    answer: BucketAnswer


CallOutcome = Posted | Got | Listed
Observe = Callable[[CallOutcome, float], None]
"""Receives how many seconds each call took; any thread may call it."""


class Carrier(Protocol):
    """Carries out one call, and never raises; `lost` says what happened to the state, "" while it is there."""

    lost: Callable[[], str]
    claimer: Claimer

    def outcome(self, call: Call) -> CallOutcome: ...


class Workers:
    """Carries out calls on threads started on demand; `inbox` receives the outcomes.

    Submissions, status requests and each bucket have a work queue of their own with at most `most` threads, so that
    one that hangs blocks no other. Outcomes that come after the workers have ended go to `late`, from any thread.
    """

    def __init__(
        self, remote: Carrier, inbox: "queue.SimpleQueue[CallOutcome | None]", most: int,
        observe: Observe | None = None, late: Callable[[CallOutcome], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._remote = remote
        self._inbox = inbox
        self._most = most
        self._observe = observe
        self._late = late
        self._work_queues: dict[str, WorkQueue[_Task]] = {}
        self._lock = threading.RLock()
        self._claiming: set[_Claiming] = set()
        self._is_stopped = self._is_left = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(0)
        with self._lock:
            self._is_left = True
        with suppress(queue.Empty):
            while True:
                if outcome := self._inbox.get_nowait():
                    self._late(outcome)

    def enqueue(self, call: Call) -> None:
        """Queue a call; returns at once."""
        if isinstance(call, Post) and call.claim:
            self._claiming.add(task := _Claiming(call=call, claim=call.claim))
            self._put(task)
        else:
            self._put(call)

    def stop(self, patience: float) -> None:
        """Start no further call; wait up to `patience` seconds for a POST under way, and briefly for other calls.

        A POST still in the queue has certainly not been sent, and its outcome says so.
        """
        with self._lock:
            self._is_stopped = True
        self._give_back()
        self._close(patience)
        self._give_back()

    def finish(self, patience: float) -> None:
        """Like `stop`, but the POSTs in the queue are still sent: for when their outcomes cannot be recorded.

        What was sent can be found in the bucket later; nothing could show that it was not sent.
        """
        with self._lock:
            self._is_stopped = True
        for name, work_queue in list(self._work_queues.items()):
            for task in work_queue.drain() if name != POSTS else ():
                self._drop(task)
        self._close(patience)
        self._give_back()

    def are_stuck(self) -> bool:
        """Whether calls wait because the system refuses to start a thread; tries again first."""
        return any([work_queue.is_stuck() for work_queue in list(self._work_queues.values())])  # noqa: C419  (every queue must try)

    def lost(self) -> str:
        """What is known to have happened to the state; if anything, no ledger holds what was done here."""
        with suppress(StateError):
            return self._remote.lost()
        return ""

    def _give_back(self) -> None:
        """Report as not sent what was not started or not yet claimed; its claim is withdrawn."""
        with self._lock:
            work_queues = list(self._work_queues.values())
        for found in [found for work_queue in work_queues for found in work_queue.drain()]:
            self._drop(found)
        for task in list(self._claiming):
            self._settle(task, NOT_SENT)

    def _drop(self, task: _Task) -> None:
        match task:
            case Post(claim=claim):
                self._deliver(Posted(call=task, answer=NOT_SENT))
                if claim:
                    self._put(claim)
            case Claim():
                self._put(task)

    def _put(self, task: _Task) -> None:
        name = _queue_of(task)
        with self._lock:
            if name not in self._work_queues:
                self._work_queues[name] = WorkQueue(name, self._most, self._carry_out)
            work_queue = self._work_queues[name]
        work_queue.put(task)

    def _carry_out(self, task: _Task) -> None:
        match task:
            case _Claiming():
                self._claim(task)
            case Claim():
                self._remote.claimer.withdraw(task)
            case _:
                self._call(task)

    def _call(self, call: Call) -> None:
        began = time.monotonic()
        outcome = self._remote.outcome(call)
        self._deliver(outcome)
        if self._observe:
            self._observe(outcome, time.monotonic() - began)
        if isinstance(outcome, Posted) and isinstance(outcome.answer, Refused) and outcome.call.claim:
            self._put(outcome.call.claim)

    def _claim(self, task: _Claiming) -> None:
        """Claim, then queue the POST, unless it took too long: a bucket that hangs takes no slot from the others."""
        try:
            with DEADLINES.watching(PATIENCE, partial(self._settle, task, TOO_LATE)):
                refused = self._remote.claimer.claim(task.claim)
        except Exception as error:  # noqa: BLE001  nothing has been sent yet
            refused = Refused(why=Refusal.UNSENT, message=f"nothing was sent: {unforeseen(error)}")
        if not self._settle(task, refused) and refused is None:
            self._remote.claimer.withdraw(task.claim)

    def _settle(self, task: _Claiming, refused: Refused | None) -> bool:
        """Report it refused, or send it (None), once, and never after the end; returns whether this sends it."""
        with self._lock:
            is_first, task.is_settled = not task.is_settled, True
            self._claiming.discard(task)
            answer = refused or (NOT_SENT if self._is_stopped else None)
            if is_first and answer:
                self._deliver(Posted(call=task.call, answer=answer))
            elif is_first:
                self._put(task.call)
        return is_first and answer is None

    def _deliver(self, outcome: CallOutcome) -> None:
        with self._lock:
            if not self._is_left:
                self._inbox.put(outcome)
                return
        self._late(outcome)

    def _close(self, patience: float) -> None:
        began = time.monotonic()
        for name, work_queue in sorted(self._work_queues.items(), key=lambda each: each[0] != POSTS):
            longest = patience if name == POSTS else min(patience, BRIEFLY)
            work_queue.close(longest - (time.monotonic() - began))


def _queue_of(task: _Task) -> str:
    match task:
        case _Claiming(claim=Claim(url=url)) | Claim(url=url):
            return f"bucket {bucket_in(url)}"
        case Post():
            return POSTS
        case Get():
            return "status"
        case ListObjects(step=step):
            return f"bucket {bucket_in(step.prefix)}"


def unforeseen(error: Exception) -> str:
    """The kind of an unexpected error; its text and traceback may contain secrets and are not shown."""
    words = str(error) if isinstance(error, ShjobsError) else f"unforeseen {type(error).__name__}; please report this"
    log.error("%s", words)
    return words
