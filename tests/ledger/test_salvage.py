"""A row of which one cell cannot be read keeps all the others: what is forgotten may be paid for again."""

import sqlite3
from contextlib import closing
from dataclasses import asdict, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.ledger.location import FILE_NAME
from controller.ledger.rows.submissions import COLUMNS, row_of, submission_of
from controller.lifecycle.commands import Resolve
from controller.model.answers import Refusal, Refused, StoredObject, Unconfirmed
from controller.model.reasons import Reason
from controller.model.submission import Answer, Evidence, Outcome, Submission
from tests.support.factories import NOW, accepted
from tests.support.set_loops import PLAIN, running, settings_of

FULL = replace(
    accepted(revision="abc", approved_by="Ada in approvals.yaml"),
    claims=("one", "two"),
    message="said",
    missing_at=NOW + timedelta(seconds=2),
    gone_at=NOW + timedelta(seconds=3),
    outcome=Outcome.FAILED,
    reason=Reason.ERROR_REPORTED.value,
    finished_at=NOW + timedelta(seconds=4),
    refused=Refused(why=Refusal.BODY, message="why"),
    evidence=Evidence(
        at=NOW, since=NOW, readable=True, error="broken", spent=500.0,
        objects=(StoredObject(key="a.tif", bytes=3, etag="e", modified=NOW),),
    ),
    look_at=None,
    said_by_operator=True,
)  # fmt: skip
"""Every cell of its row is filled, most of them though they could not be together."""
IDENTITY = {"number", "job", "digest", "rerun", "attempt", "prefix"}
FIELDS = {"reserved_pu": {"reserved"}, "answer_detail": {"refused"}, "verdict": {"outcome", "reason", "look_at"}}
"""The fields that depend on a column, where it is not the field of its name."""


@pytest.mark.parametrize("column", sorted(set(COLUMNS) - IDENTITY - {"id", "adopted", "said_by_operator", "spent_pu"}))
def test_all_but_the_cell_that_cannot_be_read_is_kept(column: str) -> None:
    found, is_whole = submission_of({**row_of(FULL), column: b"\xff"})
    assert not is_whole
    free = FIELDS.get(column, {column})
    assert {name: value for name, value in shown(found).items() if name not in free} == {
        name: value for name, value in shown(FULL).items() if name not in free
    }


def shown(submission: Submission) -> dict[str, Any]:
    return {each.name: getattr(submission, each.name) for each in fields(submission)}


def test_evidence_of_a_newer_version_leaves_what_the_run_cost() -> None:
    row = row_of(FULL)
    found, is_whole = submission_of({**row, "evidence": str(row["evidence"]).replace("{", '{"newer": 1, ', 1)})
    assert (is_whole, found.spent) == (False, 500.0)
    assert asdict(replace(found, evidence=None)) == asdict(replace(FULL, evidence=None))


def test_evidence_without_a_cost_leaves_nothing() -> None:
    found, _ = submission_of({**row_of(FULL), "evidence": "?", "spent_pu": None})
    assert found.evidence is None


@pytest.mark.slow
def test_a_run_that_an_operator_resolved_gets_no_paid_retry_after_its_reason_cannot_be_read(tmp_path: Path) -> None:
    settings_of(tmp_path)
    (tmp_path / "jobs.d" / "plain.yaml").write_text(PLAIN.replace("spec:\n", "spec:\n  retries: 1\n", 1))
    with running(tmp_path, NOW) as it:
        it.failing, it.answers = {"plain"}, {"plain": Unconfirmed(message="lost")}
        it.turns(4)
        with it.store.transaction():
            command = Resolve(job="plain", request_id="6fd0b4e5-0000-4000-8000-000000000001")
            it.store.add_command(it.now, command.model_dump_json())
        it.answers = {}
        it.rest(NOW + timedelta(minutes=1))
        (run,) = it.ledger.of("plain")
        assert (run.outcome, run.answer, run.said_by_operator) == (Outcome.FAILED, Answer.ACCEPTED, True)
        later = it.now + timedelta(days=1)
    with closing(sqlite3.connect(next(tmp_path.rglob(FILE_NAME)))) as db, db:
        db.execute("update submission set reason = 'ErrorReportedLater'")
    with running(tmp_path, later) as it:
        it.failing = {"plain"}
        it.rest()
        assert it.posted == {}
