"""`source = "committed"`: what holds a job whose files are in no commit."""

import pytest

from controller.limits.holds import hold_reason, is_unable
from controller.model.reasons import Phase, Reason
from tests.support.factories import limits, wanted

EDITED = "ndvi.yaml differs from the commit that is checked out: commit it, or restore it"


def committed(**different: object) -> dict[str, object]:
    return {"source": "committed", "uncommitted": lambda _job: "", **different}


def edited(job: str) -> str:
    return EDITED if job == "ndvi" else ""


@pytest.mark.parametrize(
    ("given", "asked", "held"),
    [
        pytest.param({"uncommitted": edited}, wanted(), None, id="every file counts as it is"),
        pytest.param(committed(), wanted(), None, id="its files are committed"),
        pytest.param(committed(uncommitted=edited), wanted(), Reason.UNCOMMITTED, id="one of them is edited"),
        pytest.param({"source": "committed"}, wanted(), Reason.UNCOMMITTED, id="nothing was compared"),
        pytest.param(
            committed(uncommitted=edited), wanted(hold=True), Reason.UNCOMMITTED, id="what an edit says does not count"
        ),
        pytest.param(committed(), wanted(hold=True), Reason.ON_HOLD, id="a committed manifest holds as ever"),
    ],
)
def test_the_hold_of_what_is_not_committed(given: dict[str, object], asked: object, held: Reason | None) -> None:
    assert hold_reason("ndvi", asked, limits(**given)) is held  # type: ignore[arg-type]
    assert Reason.UNCOMMITTED.phase is Phase.HELD


def test_another_name_with_the_same_request_may_pay_for_it() -> None:
    given = limits(**committed(uncommitted=edited))
    assert (is_unable("ndvi", wanted(), given), is_unable("other", wanted(), given)) == (True, False)
