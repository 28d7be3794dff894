"""What a job waits for whose files are in no commit, while a `git pull` may still be at work and after it."""

import pytest

from controller.lifecycle.next_step import next_step
from controller.lifecycle.phase import phase
from controller.limits.settling import Settling
from controller.model.reasons import Phase, Reason
from controller.model.step import Step
from controller.model.submission import Answer, Outcome, Submission
from tests.support.factories import NOW, at, job, limits, submission, wanted
from tests.support.next_steps import FIRST, waits

EDITED = "ndvi.yaml differs from the commit that is checked out: commit it, or restore it"
PULLING = Settling(message="a git command is at work", until=at(5))
ENDED = {"answered_at": NOW, "request_id": "1", "gone_at": NOW, "finished_at": NOW, "reason": Reason.ERROR_REPORTED}
FAILED = submission(answer=Answer.ACCEPTED, outcome=Outcome.FAILED, **ENDED)


@pytest.mark.parametrize(
    ("flaw", "settling", "known", "expected"),
    [
        pytest.param("", None, [], FIRST, id="committed: it is submitted"),
        pytest.param(EDITED, None, [], waits(Reason.UNCOMMITTED), id="edited: it is held"),
        pytest.param(EDITED, PULLING, [], waits(Reason.SETTLING, 5), id="while git is at work nothing is said yet"),
        pytest.param("", PULLING, [], waits(Reason.SETTLING, 5), id="nor of one that is committed"),
        pytest.param(EDITED, None, [submission()], waits(Reason.SUBMITTING), id="a POST under way is followed"),
    ],
)
def test_what_it_waits_for(flaw: str, settling: Settling | None, known: list[Submission], expected: Step) -> None:
    given = limits(source="committed", uncommitted=lambda _job: flaw, settling=settling, history_known=True)
    assert next_step(job(), known, given, NOW) == expected


def test_a_retry_that_is_left_is_held_as_well() -> None:
    given = limits(source="committed", uncommitted=lambda _job: EDITED, history_known=True)
    retried = job(wanted=wanted(retries=1))
    assert next_step(retried, [FAILED], given, at(100_000)) == waits(Reason.UNCOMMITTED)


def test_the_sentence_names_the_file() -> None:
    given = limits(source="committed", uncommitted=lambda _job: EDITED)
    found = phase(job(), [], given, NOW)
    assert (found.phase, found.message) == (Phase.HELD, f"only what is committed is paid for; {EDITED}")
