"""`holdOn`: which warnings hold a job, and what the job then says."""

from collections.abc import Sequence

import pytest

from controller.limits.warned import held_message, holding_warnings
from controller.model.errors import Problem

UNUSED = Problem(path="ndvi.js", line=3, column=9, message="is read but not requested", code="W004")
SEASON = Problem(path="ndvi.yaml", line=8, message="is one season", code="W012")
BARE = Problem(path="ndvi.yaml", message="gives no reason", code="W903")


@pytest.mark.parametrize(
    ("hold_on", "holding"),
    [
        pytest.param([], [], id="without the setting nothing is held"),
        pytest.param(["warning"], [UNUSED, SEASON, BARE], id="warning: everything holds"),
        pytest.param(["W004"], [UNUSED], id="one code: only that"),
        pytest.param(["W012", "W903"], [SEASON, BARE], id="two codes, one about the comments themselves"),
        pytest.param(["W005"], [], id="another code"),
        pytest.param(["W005", "warning"], [UNUSED, SEASON, BARE], id="warning beside a code: everything holds"),
    ],
)
def test_what_holds(hold_on: Sequence[str], holding: list[Problem]) -> None:
    assert list(holding_warnings((UNUSED, SEASON, BARE), hold_on)) == holding


@pytest.mark.parametrize(
    ("holding", "message"),
    [
        pytest.param(
            [UNUSED],
            "holdOn holds it: W004: is read but not requested; `shjobs check` shows where; fix it, "
            "or accept it with a reason: `shjobs: ignore W004 why it is meant`",
            id="one",
        ),
        pytest.param(
            [UNUSED, SEASON],
            "holdOn holds it: W004: is read but not requested (and 1 more); `shjobs check` shows where; fix it, "
            "or accept it with a reason: `shjobs: ignore W004 why it is meant`",
            id="the first of several",
        ),
        pytest.param(
            [BARE],
            "holdOn holds it: W903: gives no reason; `shjobs check` shows where; fix it",
            id="a comment that nothing can silence",
        ),
    ],
)
def test_what_it_says(holding: list[Problem], message: str) -> None:
    assert held_message(holding) == message
