"""Steps and rows that the tests of the next step share."""

from controller.model.answers import Refusal
from controller.model.errors import Problem
from controller.model.job import Job
from controller.model.reasons import Reason
from controller.model.step import List, Submit, Wait
from controller.model.submission import Submission
from tests.support.factories import URL, at, evidence, job, limits, refused, stored, unconfirmed, wanted

DAY = 86400.0
BROKEN = (Problem(path="ndvi.yaml", message="this is not YAML"),)
FIRST = Submit(rerun=0, attempt=0)
LOOK_BACK = List(prefix=f"{URL}/ndvi", credentials_ref="my-bucket", only="a" * 16)
RESUBMIT = limits(on_unconfirmed="resubmit")
SEARCHED = evidence(objects=())
FOUND = evidence(objects=(stored("default.tif", folder="strange"),))
SOUGHT = unconfirmed(look_at=None, evidence=SEARCHED)
TRACED = unconfirmed(look_at=None, evidence=FOUND)
NO_KEYS = limits(without_keys=frozenset({"my-bucket"}))


def asks(*problems: Problem, **different: object) -> Job:
    return job(wanted=wanted(**different), problems=problems)


def spurious(attempt: int = 0, **different: object) -> Submission:
    return refused(Refusal.SPURIOUS, attempt=attempt, **different)


def waits(reason: Reason, seconds: float | None = None) -> Wait:
    return Wait(reason=reason, until=None if seconds is None else at(seconds))
