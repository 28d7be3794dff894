"""Whatever ends the loop, a POST under way is awaited, and its request id is recorded, or stands in the log."""

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing

import pytest

from controller.model.answers import Accepted, GetAnswer, NotVisible, PostAnswer, Unconfirmed
from controller.model.clock import Clock
from controller.model.errors import StateError
from controller.model.submission import Submission
from controller.reconcile.calls.remote import Remote
from controller.reconcile.calls.unrecorded import Unrecorded
from controller.reconcile.calls.work_queue import WorkQueue
from controller.reconcile.calls.workers import CallOutcome, Post, Posted, Workers
from controller.reconcile.loop import Loop
from controller.reconcile.runner import Beat, Flags, turn, turn_to_rest
from controller.reconcile.wiring import Inbox, controller
from controller.sandbox.faults.faults import Fault
from tests.conftest import Workspace, ndvi
from tests.reconcile.test_workers import ACCEPTED_DIGEST, BODY, Bucket
from tests.support.factories import REQUEST_ID, submission
from tests.support.patience import LONGEST

pytestmark = pytest.mark.slow

ROLE = "arn:aws:iam::123456789012:role/writer"


def until(holds: Callable[[], object], what: str) -> None:
    ends_at = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < ends_at, f"never: {what}"
        time.sleep(0.01)


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if "was accepted for" in each.getMessage()]


def turned(workspace: Workspace, beat: Callable[[Loop, Inbox], float], unrecorded: Unrecorded | None = None) -> None:
    """The real parts, turned until `beat` ends it."""
    inbox: Inbox = queue.SimpleQueue()
    with controller(workspace.settings(), lambda _news: None, inbox) as (assembly, workers):
        bound: Beat = lambda: beat(assembly.loop, inbox)  # noqa: E731
        turn(assembly.loop, inbox, workers, Clock(), Flags(inbox), beat=bound, unrecorded=unrecorded)


def answers_slowly(workspace: Workspace, seconds: float = 1) -> None:
    """One job is there, and the answer to its POST takes so long."""
    workspace.sandbox.faults.add(Fault(name="slow-answer", parameters={"seconds": seconds}))
    workspace.write("ndvi.yaml", ndvi())


def rows(workspace: Workspace) -> list[tuple[str, str | None]]:
    with closing(sqlite3.connect(workspace.state / "shjobs.db")) as ledger:
        return ledger.execute("select coalesce(answer, ''), request_id from submission").fetchall()


def accepted_id(workspace: Workspace) -> str:
    [entry] = [entry for entry in workspace.sandbox.ledger.entries() if entry.event == "accepted"]
    return entry.id


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        pytest.param(KeyError("a bug"), KeyError, id="a bug"),
        pytest.param(MemoryError(), MemoryError, id="no memory"),
        pytest.param(RuntimeError("can't start new thread"), RuntimeError, id="no thread"),
        pytest.param(OSError(24, "Too many open files"), OSError, id="no descriptor"),
        pytest.param(sqlite3.OperationalError("disk I/O error"), StateError, id="a read that fails"),
        pytest.param(sqlite3.DatabaseError("database disk image is malformed"), StateError, id="a damaged ledger"),
        pytest.param(StateError("the ledger cannot be used"), StateError, id="an error of the state"),
    ],
)
def test_an_error_in_the_deciding_thread_dropped_the_post_under_way(
    workspace: Workspace, error: Exception, raised: type[Exception]
) -> None:
    """The row said afterwards that the controller had stopped; whether it was paid for, only the bucket knew."""

    def fail(_loop: Loop, _inbox: Inbox) -> float:
        if workspace.posts():
            raise error
        return 0.01

    answers_slowly(workspace)
    with pytest.raises(raised):
        turned(workspace, fail)
    assert rows(workspace) == [("accepted", accepted_id(workspace))]
    assert workspace.posts() == 1


def test_a_read_that_failed_outside_a_transaction_ended_with_a_traceback(workspace: Workspace) -> None:
    """The inbox of commands is looked at between two turns."""

    def damage(_loop: Loop, _inbox: Inbox) -> float:
        if workspace.posts():
            with closing(sqlite3.connect(workspace.state / "shjobs.db")) as other:
                other.execute("drop table if exists inbox")
        return 0.01

    answers_slowly(workspace)
    with pytest.raises(StateError, match="no such table: inbox"):
        turned(workspace, damage)
    assert rows(workspace) == [("accepted", accepted_id(workspace))]


def test_an_id_was_dropped_when_the_ledger_refused_it(
    workspace: Workspace, gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    """And it is recorded by the next one in the same process that can."""

    def forbid(_loop: Loop, _inbox: Inbox) -> float:
        if workspace.posts():
            with closing(sqlite3.connect(workspace.state / "shjobs.db")) as other:
                other.execute(
                    "create trigger if not exists refuse before update on submission "
                    "begin select raise(fail, 'no room'); end"
                )
            gate.set()
        return 0.01

    workspace.write("ndvi.yaml", ndvi())
    unrecorded = Unrecorded()
    with pytest.raises(sqlite3.IntegrityError):  # what a trigger raises
        turned(workspace, forbid, unrecorded)
    id = accepted_id(workspace)
    [line] = warned(caplog)
    assert line.startswith(f"job ndvi: request {id} was accepted for s3://my-bucket/rasters/ndvi/")
    assert "no room" in line
    assert rows(workspace) == [("", None)]
    with closing(sqlite3.connect(workspace.state / "shjobs.db")) as other:
        other.execute("drop trigger refuse")
    with pytest.raises(ZeroDivisionError):
        turned(workspace, lambda _loop, _inbox: 1 / 0, unrecorded)  # after the first turn
    assert rows(workspace) == [("accepted", id)]
    assert (workspace.posts(), unrecorded.take_all()) == (1, [])


def test_an_id_was_dropped_by_the_second_signal(
    workspace: Workspace, gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    def leave(_loop: Loop, inbox: Inbox) -> float:
        if workspace.posts():
            gate.set()
            until(lambda: not inbox.empty(), "the answer is there, and nobody has taken it")
            raise SystemExit(143)
        return 0.01

    workspace.write("ndvi.yaml", ndvi())
    with pytest.raises(SystemExit):
        turned(workspace, leave)
    assert accepted_id(workspace) in warned(caplog)[0]


class Service:
    """Answers when the test lets it."""

    def __init__(self, answer: PostAnswer) -> None:
        self._answer = answer
        self.began, self.may_answer = threading.Event(), threading.Event()

    def submit(self, payload: Mapping[str, object]) -> PostAnswer:
        self.began.set()
        self.may_answer.wait(LONGEST)
        return self._answer

    def status(self, request_id: str) -> GetAnswer:
        return NotVisible()


def post(sent: Submission) -> Post:
    return Post(submission=sent, body=BODY, role_arn=ROLE)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(Accepted(request_id=REQUEST_ID), f"request {REQUEST_ID} was accepted", id="accepted"),
        pytest.param(Unconfirmed(message="no answer"), "may have been accepted", id="without an answer"),
    ],
)
def test_an_answer_after_the_last_wait_went_to_an_inbox_that_nobody_read(
    answer: PostAnswer, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    service, inbox, unrecorded = Service(answer), queue.SimpleQueue[CallOutcome | None](), Unrecorded()
    with Workers(Remote(service, Bucket(), {}), inbox, 1, late=unrecorded.add) as workers:
        workers.enqueue(post(submission(digest=ACCEPTED_DIGEST)))
        assert service.began.wait(LONGEST)
        workers.stop(0)
    service.may_answer.set()
    until(lambda: caplog.records, "it is logged")
    assert words in caplog.records[0].getMessage()
    until(
        lambda: unrecorded.take_all() == [Posted(call=post(submission(digest=ACCEPTED_DIGEST)), answer=answer)],
        "it is kept",
    )
    assert inbox.empty()


def test_what_is_found_again_and_again_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    unrecorded = Unrecorded()
    for _ in range(3):
        unrecorded.add(Posted(call=post(submission(digest=ACCEPTED_DIGEST)), answer=Accepted(request_id=REQUEST_ID)))
    assert len(warned(caplog)) == 1


class NoThreads:
    """The system starts no thread of this name, so many times."""

    def __init__(self, name: str, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = times
        start = threading.Thread.start

        def refuse(thread: threading.Thread) -> None:
            if thread.name == name and self.left:
                self.left -= 1
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", refuse)


def test_a_thread_that_the_system_refused_lost_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    lane = WorkQueue("lane", 2, done.append)
    NoThreads("lane", 3, monkeypatch)
    lane.put(1)
    lane.put(2)
    assert lane.is_stuck()
    assert not lane.is_stuck()
    lane.close(LONGEST)
    assert done == [1, 2]


def test_without_a_thread_for_a_post_the_intent_stayed_and_the_loop_ended(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refused = NoThreads("submissions", 2, monkeypatch)
    workspace.write("ndvi.yaml", ndvi())
    inbox: Inbox = queue.SimpleQueue()
    with controller(workspace.settings(), lambda _news: None, inbox) as (assembly, workers):
        turn_to_rest(assembly.loop, inbox, workers, Clock(), Flags(inbox))
    assert (workspace.posts(), refused.left) == (1, 0)
    assert rows(workspace) == [("accepted", accepted_id(workspace))]
    assert [each.levelno for each in caplog.records] == [logging.WARNING] * 2
