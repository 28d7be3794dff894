"""Examines scripts for their facts and rehearsals: while the caller waits, or in the background.

`Patient` blocks until the answer is there, for `sync`, `plan` and `get`. `Beside` serves the daemon: a question without
an answer raises `NotYet`, two threads work on it, and the tree reads the file again when it is answered.
"""

import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from hashlib import sha256
from threading import Condition, Thread
from typing import Self, TypeVar

from controller.evalscript import cache as scripts
from controller.evalscript.engine import Engine
from controller.evalscript.slow_scripts import SlowScripts
from controller.model.script import FailureKind, Rehearsal, ScriptFacts, ScriptFailure, Stage

log = logging.getLogger(__name__)

FIRST_TRY = 0.1  # seconds: most scripts take a few milliseconds
LATER_TRIES = (0.5, 2.0)
SECONDS = 5.0  # at the most
PATIENCE = 20.0  # seconds lost to scripts that do not end, until each of the others gets SHORT
SHORT = 1.0
AGAIN = 0.05  # seconds
REMEMBERED = 4096  # answers
PASSING = 60.0  # seconds before an engine that crashed is asked the same again
_LASTING = (FailureKind.SYNTAX, FailureKind.SETUP, FailureKind.RUNTIME, FailureKind.TIMEOUT)

Answer = ScriptFacts | Rehearsal | ScriptFailure
Asked = TypeVar("Asked", ScriptFacts, Rehearsal)


class NotYet(Exception):  # noqa: N818  (not an error)
    """A script is still being examined; `key` names the question."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True)
class _Question:
    """What setup() of a script returns, or the result of its rehearsal on a stage; `tries` took too long before."""

    key: str
    text: str
    stage: Stage | None = None
    tries: int = 0


_Queue = deque[_Question]


class Patient:
    """Waits for every answer; once PATIENCE was lost to scripts that do not end, no longer than SHORT for each other.

    One that needs more is refused until the next command, and only one that was given SECONDS is noted as slow.
    """

    def __init__(self, slow: SlowScripts) -> None:
        self._slow = slow
        self._lost = 0.0
        self._cut_short: set[str] = set()

    def facts(self, text: str) -> ScriptFacts | ScriptFailure:
        return self._bounded(_key(text), lambda seconds: scripts.facts(text, seconds=seconds))

    def rehearsal(self, text: str, stage: Stage) -> Rehearsal | ScriptFailure:
        return self._bounded(_key(text, stage), lambda seconds: scripts.rehearsal(text, stage, seconds=seconds))

    def is_pending(self, _key: str) -> bool:
        """Never: every answer is waited for."""
        return False

    def keep_pending(self, keys: Set[str]) -> None:
        """Nothing is pending."""

    def _bounded(self, key: str, ask: Callable[[float], Asked | ScriptFailure]) -> Asked | ScriptFailure:
        if self._slow.has(key):
            return _TOO_LONG
        if key in self._cut_short:
            return _CUT_SHORT
        seconds = SECONDS if self._lost < PATIENCE else SHORT
        answer = ask(seconds)
        if not _is_too_long(answer):
            return answer
        self._lost += seconds
        if seconds < SECONDS:
            self._cut_short.add(key)  # not `_slow`: the next command, to which the others are known, gives it more
            return _CUT_SHORT
        self._slow.note(key)
        return answer


class Beside:
    """Two threads with an engine each, while it is entered; both call `answered` after every answer.

    The first gives each script a short try, the second gives longer and longer ones to what did not end, the shortest
    first: so a script never waits behind those that need longer than it does, but for the one that is under way.
    """

    def __init__(self, slow: SlowScripts, answered: Callable[[], None]) -> None:
        self._slow = slow
        self._answered = answered
        self._changed = Condition()
        self._closing = False
        self._pending: set[str] = set()
        self._answers: OrderedDict[str, tuple[Answer, float]] = OrderedDict()
        self._tries = (FIRST_TRY, *LATER_TRIES, SECONDS)
        self._queues: Sequence[_Queue] = [deque() for _ in self._tries]
        self._workers = (_Worker(self._queues[:1]), _Worker(self._queues[1:]))
        self._threads = [Thread(target=self._work, args=[worker], daemon=True) for worker in self._workers]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        ends_at = time.monotonic() + SECONDS
        for worker, thread in zip(self._workers, self._threads, strict=True):
            while thread.is_alive() and time.monotonic() < ends_at:
                worker.engine.kill()  # repeatedly: one that was just starting survives the first kill
                thread.join(AGAIN)

    def facts(self, text: str) -> ScriptFacts | ScriptFailure:
        answer = self._answer(_Question(_key(text), text))
        assert not isinstance(answer, Rehearsal)
        return answer

    def rehearsal(self, text: str, stage: Stage) -> Rehearsal | ScriptFailure:
        answer = self._answer(_Question(_key(text, stage), text, stage))
        assert not isinstance(answer, ScriptFacts)
        return answer

    def is_pending(self, key: str) -> bool:
        """Whether the answer is still pending."""
        return key in self._pending

    def keep_pending(self, keys: Set[str]) -> None:
        """Drop every question but these: no file waits for the others any more."""
        with self._changed:
            self._pending &= keys
            for queue in self._queues:
                kept = [each for each in queue if each.key in keys]
                queue.clear()
                queue.extend(kept)

    def _answer(self, question: _Question) -> Answer:
        with self._changed:
            answer, until = self._answers.get(question.key, (None, 0.0))
            if answer and until > time.monotonic():
                self._answers.move_to_end(question.key)
                return answer
            if self._slow.has(question.key):
                return _TOO_LONG
            if question.key not in self._pending:
                self._pending.add(question.key)
                self._put(question)
        raise NotYet(question.key)

    def _put(self, question: _Question) -> None:
        self._queues[question.tries].append(question)
        self._changed.notify_all()

    def _work(self, worker: "_Worker") -> None:
        try:
            while question := self._next(worker):
                self._note(question, worker.examined(question, self._tries[question.tries]))
        finally:
            worker.engine.close()

    def _next(self, worker: "_Worker") -> _Question | None:
        """The next question; None: there will be none. The engine for long tries is not kept idle."""
        with self._changed:
            if worker is self._workers[1] and not any(worker.queues):
                worker.engine.close()
            self._changed.wait_for(lambda: any(worker.queues) or self._closing)
            return None if self._closing else next(filter(None, worker.queues)).popleft()

    def _note(self, question: _Question, answer: Answer) -> None:
        with self._changed:
            if self._closing:
                return
            if _is_too_long(answer) and question.tries + 1 < len(self._tries):
                if question.key in self._pending:
                    self._put(replace(question, tries=question.tries + 1))
                return
            self._keep(question.key, answer)
        self._answered()

    def _keep(self, key: str, answer: Answer) -> None:
        if _is_too_long(answer):
            self._slow.note(key)
        lasts = not isinstance(answer, ScriptFailure) or answer.kind in _LASTING
        self._answers[key] = answer, float("inf") if lasts else time.monotonic() + PASSING
        self._pending.discard(key)
        while len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)


class _Worker:
    """An engine and the queues that it serves, the first of them first."""

    def __init__(self, queues: Sequence[_Queue]) -> None:
        self.queues = queues
        self.engine = Engine()

    def examined(self, question: _Question, seconds: float) -> Answer:
        """The answer; an unforeseen error ends the engine, and the thread goes on."""
        self.engine.seconds = seconds
        try:
            answer = self.engine.load(question.text)
            if isinstance(answer, ScriptFailure) or not question.stage:
                return answer
            return self.engine.rehearse(question.stage)
        except Exception as error:  # noqa: BLE001  without this thread no other script would be examined
            self.engine.close()
            log.error("a script could not be examined: unforeseen %s; please report this", type(error).__name__)
            return ScriptFailure(kind=FailureKind.CRASH, message=f"The examination failed: {type(error).__name__}")


_TOO_LONG = ScriptFailure(kind=FailureKind.TIMEOUT, message=f"The script ran longer than {SECONDS:g} s")
_CUT_SHORT = ScriptFailure(
    kind=FailureKind.TIMEOUT,
    message=f"It was stopped after {SHORT:g} s instead of {SECONDS:g}, since other scripts took too long: "
    "mend those, or run `sync` again",
)


def _is_too_long(answer: Answer) -> bool:
    return isinstance(answer, ScriptFailure) and answer.kind is FailureKind.TIMEOUT


def _key(text: str, stage: Stage | None = None) -> str:
    return sha256(f"{stage or ''}\n{text}".encode(errors="surrogatepass")).hexdigest()
