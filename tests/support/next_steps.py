"""Steps and rows that the tests of the next step share."""

from controller.model.answers import Refusal
from controller.model.errors import Problem
from controller.model.step import List, Submit
from controller.model.submission import Submission
from tests.support.factories import URL, evidence, limits, refused, stored

DAY = 86400.0
BROKEN = (Problem(path="ndvi.yaml", message="this is not YAML"),)
FIRST = Submit(rerun=0, attempt=0)
LOOK_BACK = List(prefix=f"{URL}/ndvi", credentials_ref="my-bucket", only="a" * 16)
RESUBMIT = limits(on_unconfirmed="resubmit")
SEARCHED = evidence(objects=())
FOUND = evidence(objects=(stored("default.tif", folder="strange"),))


def spurious(attempt: int = 0, **different: object) -> Submission:
    return refused(Refusal.SPURIOUS, attempt=attempt, **different)
