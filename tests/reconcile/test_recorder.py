"""Outcomes find the submission they are about by what was sent and when, whatever ledger is open by then."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controller.ledger.ledger import Ledger
from controller.ledger.store import Store
from controller.lifecycle.transitions import interrupt
from controller.model.answers import Accepted, Listing, NotVisible, PostAnswer, Refusal, Refused, Unconfirmed
from controller.model.step import List
from controller.model.submission import Answer, Submission
from controller.reconcile.calls.workers import CallOutcome, Get, Got, Listed, ListObjects, Post, Posted
from controller.reconcile.recorder import Recorder
from tests.support.factories import FOREIGN_ID, NOW, OTHER_DIGEST, REQUEST_ID, TIMING, accepted, at, job, submission


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Store.open(tmp_path, {}) as store:
        made = Ledger(store)
        with made.transaction():
            made.put_job(job(), "{}")
        yield made


def posted(sent: Submission, answer: PostAnswer) -> Posted:
    return Posted(call=Post(submission=sent, body="{}", role_arn=None), answer=answer)


def stored(ledger: Ledger, item: Submission) -> Submission:
    with ledger.transaction():
        return ledger.add(item)[0]


def record(ledger: Ledger, outcome: CallOutcome) -> list[Submission]:
    with ledger.transaction():
        Recorder(ledger, TIMING, 100).record(outcome, at(5))
    return list(ledger.everything())


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


def test_a_late_answer_landed_on_another_submission_of_the_same_number(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    """Rows of a new ledger are numbered from 1 again, and answers were matched by that number."""
    row = stored(ledger, submission(digest=OTHER_DIGEST, intended_at=at(1)))
    assert row.number == submission().number
    assert record(ledger, posted(submission(), Accepted(request_id=REQUEST_ID))) == [row]
    [line] = logged(caplog)
    assert f"job ndvi: request {REQUEST_ID} was accepted for {submission().prefix}" in line
    assert "the ledger has no such submission" in line


def test_a_late_answer_landed_on_a_later_post_of_the_same_submission(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    """A refused submission is sent again under its own id: what tells the two POSTs apart is when they were meant."""
    row = stored(ledger, submission(intended_at=at(3)))
    assert record(ledger, posted(submission(), Accepted(request_id=REQUEST_ID))) == [row]
    assert REQUEST_ID in logged(caplog)[0]


LISTED = List(prefix="s3://my-bucket/rasters", credentials_ref=None, submission=accepted())


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(posted(submission(job="gone"), Accepted(request_id=REQUEST_ID)), id="a POST"),
        pytest.param(posted(submission(job="gone"), Unconfirmed(message="no answer")), id="a POST without an answer"),
        pytest.param(Got(call=Get(submission=accepted(job="gone")), answer=NotVisible()), id="a status"),
        pytest.param(Listed(call=ListObjects(job="gone", digest="", step=LISTED), answer=Listing()), id="a listing"),
        pytest.param(
            Listed(call=ListObjects(job="gone", digest="", step=replace(LISTED, submission=None)), answer=Listing()),
            id="a listing of the past",
        ),
    ],
)
def test_an_outcome_that_matches_nothing_ended_the_daemon(
    ledger: Ledger, outcome: CallOutcome, caplog: pytest.LogCaptureFixture
) -> None:
    row = stored(ledger, submission())
    assert record(ledger, outcome) == [row]
    assert len(logged(caplog)) == isinstance(outcome, Posted)


def test_an_answer_finds_its_row_under_another_number(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    stored(ledger, submission(digest=OTHER_DIGEST))
    stored(ledger, submission(number=2))
    rows = record(ledger, posted(submission(number=7), Accepted(request_id=REQUEST_ID)))
    assert [row.request_id for row in rows] == [None, REQUEST_ID]
    assert logged(caplog) == []


INTERRUPTED = interrupt(submission(), at(2), TIMING)
REFUSED = Refused(why=Refusal.UNSENT, message="not sent")
SETTLED = INTERRUPTED.answered(Accepted(request_id=REQUEST_ID), at(3), at(4))


@pytest.mark.parametrize(
    ("row", "answer", "expected", "lines"),
    [
        pytest.param(INTERRUPTED, Accepted(request_id=REQUEST_ID), (Answer.ACCEPTED, REQUEST_ID), 0, id="accepted"),
        pytest.param(INTERRUPTED, REFUSED, (Answer.REFUSED, None), 0, id="certainly not sent"),
        pytest.param(INTERRUPTED, Unconfirmed(message="x"), (Answer.UNCONFIRMED, None), 0, id="no news"),
        pytest.param(SETTLED, Accepted(request_id=REQUEST_ID), (Answer.ACCEPTED, REQUEST_ID), 0, id="found already"),
        pytest.param(SETTLED, Accepted(request_id=FOREIGN_ID), (Answer.ACCEPTED, REQUEST_ID), 1, id="another id"),
        pytest.param(
            INTERRUPTED.answered(REFUSED, at(3), None), Accepted(request_id=REQUEST_ID), (Answer.REFUSED, None), 1,
            id="an operator said that it was not accepted",
        ),
    ],
)  # fmt: skip
def test_a_late_answer_settles_what_nobody_knew_and_nothing_else(
    ledger: Ledger,
    row: Submission,
    answer: PostAnswer,
    expected: tuple[Answer, str | None],
    lines: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stored(ledger, row)
    [found] = record(ledger, posted(submission(), answer))
    assert (found.answer, found.request_id) == expected
    assert len(logged(caplog)) == lines
    assert found.intended_at == NOW
