"""What a disk that refuses to be written stops, and what it must not stop; the proof `disk` does it with a full one."""

import queue
import sqlite3
import threading
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from controller.ledger.location import FILE_NAME
from controller.ledger.store import Store
from controller.model.answers import Accepted, GetAnswer, Listing, NotVisible, PostAnswer
from controller.model.errors import StateError
from controller.reconcile.calls.remote import Remote
from controller.reconcile.calls.workers import NOT_SENT, Call, CallOutcome, Get, Post, Posted, Workers
from tests.conftest import Workspace, ndvi
from tests.reconcile.test_workers import ACCEPTED_DIGEST, BODY
from tests.support.charges import charges_by_prefix
from tests.support.factories import REQUEST_ID, accepted, submission
from tests.support.patience import LONGEST

pytestmark = pytest.mark.slow


def test_a_status_file_that_cannot_be_written_stops_no_job_and_is_told_at_the_end(workspace: Workspace) -> None:
    in_the_way = workspace.jobs / ".ndvi.status.yaml.tmp"
    in_the_way.mkdir()
    workspace.write("ndvi.yaml", ndvi())
    workspace.write("other.yaml", ndvi("other"))
    with pytest.raises(StateError, match=r"1 status files are not up to date; .*ndvi\.status\.yaml: the status cannot"):
        workspace.sync()
    assert workspace.status("other.status.yaml")[0]["phase"] == "Succeeded"
    in_the_way.rmdir()
    assert workspace.sync()["ndvi"]["phase"] == "Succeeded"
    assert workspace.status("ndvi.status.yaml")[0]["phase"] == "Succeeded"
    assert workspace.posts() == len(charges_by_prefix(workspace.sandbox.ledger.entries())) == 2


class Service:
    """Counts the POSTs, and accepts each once the test lets it."""

    def __init__(self) -> None:
        self.posts = 0
        self.asked = 0
        self.began, self.may_answer, self.may_tell = threading.Semaphore(0), threading.Event(), threading.Event()

    def submit(self, payload: Mapping[str, object]) -> PostAnswer:
        self.posts += 1
        self.began.release()
        self.may_answer.wait(LONGEST)
        return Accepted(request_id=REQUEST_ID)

    def status(self, request_id: str) -> GetAnswer:
        self.asked += 1
        self.began.release()
        self.may_tell.wait(LONGEST)
        return NotVisible()


class Bucket:
    def read(self, prefix: str, credentials_ref: str | None, *, only: str = "", texts: bool = True) -> Listing:
        raise AssertionError("nothing was to be listed any more")

    def write(self, url: str, credentials_ref: str | None, content: bytes) -> None:
        raise AssertionError("nothing was to be written any more")


ROLE = "arn:aws:iam::123456789012:role/writer"


@pytest.mark.parametrize(
    ("ending", "sent"),
    [
        pytest.param("stop", 1, id="asked to stop: only the one under way is sent, and the outcomes say so"),
        pytest.param("finish", 3, id="the ledger refuses: every stored intent is still sent, once"),
    ],
)
def test_what_becomes_of_the_posts_in_the_queue(ending: str, sent: int) -> None:
    service, inbox = Service(), queue.SimpleQueue[CallOutcome | None]()
    post = Post(submission=submission(digest=ACCEPTED_DIGEST), body=BODY, role_arn=ROLE)
    calls: list[Call] = [post, Get(submission=accepted()), Get(submission=accepted()), post, post]
    with Workers(Remote(service, Bucket(), {}), inbox, 1) as workers:
        for call in calls:
            workers.enqueue(call)
        assert service.began.acquire(timeout=LONGEST) and service.began.acquire(timeout=LONGEST)
        if ending == "stop":
            workers.stop(0)
        service.may_answer.set()
        getattr(workers, ending)(10)
        outcomes = [inbox.get_nowait() for _ in range(3)]
        assert inbox.empty()
        service.may_tell.set()
    answers = [each.answer for each in outcomes if isinstance(each, Posted)]
    expected = [Accepted(request_id=REQUEST_ID)] * sent + [NOT_SENT] * (3 - sent)
    assert sorted(answers, key=repr) == sorted(expected, key=repr)
    assert (service.posts, service.asked) == (sent, 1)


def test_a_ledger_without_room_is_not_taken_for_a_broken_one(tmp_path: Path) -> None:
    """Told to move it away, a person would lose what only it knows."""
    with Store.open(tmp_path, {}) as store, closing(sqlite3.connect(tmp_path / FILE_NAME)) as other:
        other.execute("begin immediate")
        store._db.execute("pragma busy_timeout = 0")
        with pytest.raises(StateError, match="see that its disk has free space") as reported, store.transaction():
            store.set_fact("history", "known")
    assert "move it away" not in str(reported.value)
