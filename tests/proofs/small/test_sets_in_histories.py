"""The court sees what sets may not do: with one rule of theirs switched off, a story breaks a promise; with it, none.

And by name the stories that histories with sets have found.
"""

from collections.abc import Callable

import pytest

from controller.lifecycle import next_step, phase
from controller.limits.set_limits import SetRuling
from controller.reconcile.admission import Admission
from tests.proofs.budgets import Audited
from tests.proofs.cloud import PostFate, PutFate, RunFate
from tests.proofs.histories import Step, outcome_of

pytestmark = pytest.mark.slow
Switch = Callable[[pytest.MonkeyPatch], None]

DECLARED = Step("wait", (20.0,))
TRIAL = [DECLARED, Step("declare_set", ("farm", "plain", 4, 1, False, None)), Step("wait", (90_000.0,))]
ENDLESS = [DECLARED, Step("declare_set", ("farm", "plain", 2, None, True, None)), Step("wait", (600.0,))]
AGREED = [*ENDLESS, Step("agree", (0, 1)), Step("wait", (90_000.0,))]
NARROW = [DECLARED, Step("declare_set", ("farm", "plain", 2, None, False, 12.0)), Step("wait", (600.0,))]
SHARED = [DECLARED, Step("declare_set", ("farm", "plain", 5, None, False, None)), Step("wait", (90_000.0,))]


def nothing_holds(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SetRuling, "hold_reason", lambda *_: None)


def nothing_needs_a_yes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SetRuling, "needs_yes", lambda *_: False)


def everything_needs_a_yes(patch: pytest.MonkeyPatch) -> None:
    """Ordinary jobs are taken for cells of a set that needs a yes."""
    patch.setattr(Admission, "_asking", lambda admission, _: next(iter(admission._sets), ""))


def nothing_is_shared(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(next_step, "shared_run", lambda *_: None)
    patch.setattr(phase, "shared_run", lambda *_: None)


@pytest.mark.parametrize(
    ("story", "switch", "broken"),
    [
        pytest.param(TRIAL, nothing_holds, "a yes to farm is asked for before its trial", id="a trial holds nothing"),
        pytest.param(TRIAL, nothing_needs_a_yes, "nobody said yes", id="what follows a trial needs no yes"),
        pytest.param(ENDLESS, nothing_needs_a_yes, "nobody said yes", id="a set without an end needs no yes"),
        pytest.param(NARROW, nothing_holds, "its window needs 20.0 of 12.0 PU", id="a window has no limit"),
        pytest.param(SHARED, nothing_is_shared, "charged twice", id="nothing is shared"),
        pytest.param(
            [*ENDLESS, Step("edit", ("c", "C")), Step("wait", (600.0,))],
            everything_needs_a_yes, "belongs to no set, but is held by one", id="a set holds an ordinary job",
        ),
    ],
)  # fmt: skip
def test_the_court_reports_a_rule_of_sets_that_is_switched_off(
    story: list[Step], switch: Switch, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert outcome_of(story)[0] == ""
    switch(monkeypatch)
    assert broken in outcome_of(story)[0]


def test_a_yes_pays_for_the_cells_of_a_set_without_an_end() -> None:
    _, court = outcome_of(AGREED)
    assert (court.figures["decided_after_a_yes"], court.figures["posts"]) == (2, 4)


def test_a_run_that_is_retried_twice_by_the_same_command_is_paid_for_once_more() -> None:
    story = [
        *(Step("runs", (RunFate.ERROR, 20.0)), Step("wait", (600.0,)), Step("fair"), Step("retry", (0, False))),
        *(Step("wait", (600.0,)), Step("retry_again", (0,)), Step("retry_again", (0,))),
    ]
    broken, court = outcome_of(story)
    assert (broken, court.figures["retries_by_a_person"], court.figures["posts"]) == ("", 1, 4)


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(
            [
                *(Step("declare_set", ("acre", "plain", 6, None, True, None)), Step("wait", (90_000.0,))),
                Step("edit", ("c", "B")),
            ],
            id="an ordinary job waited for the yes to a set with an equal cell (histories, seed 1)",
        ),
        pytest.param(
            [Step("declare_set", ("acre", "plain", 6, None, True, None)), Step("rerun_set", ("acre", 2, 1))],
            id="a cell with a higher rerun waited for an ordinary job that does not serve it (histories, seed 1)",
        ),
        pytest.param(
            [
                *(Step("declare_set", ("acre", "masked", 1, 1, True, 1000.0)), Step("lies", (True,))),
                *(Step("wait", (600.0,)), Step("rule_set", ("acre", None, True, 35.0))),
            ],
            id="a cell that was admitted for a trial was paid for without one (histories, seed 1)",
        ),
        pytest.param(
            [
                *(Step("wait", (90_000.0,)), Step("clock", (0, 2_851_200.0, 400.0))),
                *(Step("declare_set", ("acre", "masked", 6, None, False, 35.0)), Step("wait", (600.0,))),
            ],
            id="the court took a wrong clock's decision for a submission (histories, seed 2)",
        ),
        pytest.param(
            [
                *(Step("wait", (90_000.0,)), Step("posts", ((PostFate.RATE,),)), Step("edit", ("c", "F"))),
                *(Step("declare_set", ("acre", "plain", 3, None, False, None)), Step("wait", (60.0,))),
                Step("rule_set", ("acre", None, False, 12.0)),
            ],
            id="an ordinary job is decided again when the set of the cell that it waits for is ruled on otherwise",
        ),
        pytest.param(
            [
                *(Step("posts", ((PostFate.ACCEPTED, PostFate.LOST),)), Step("wait", (20.0,))),
                *(Step("kill", (0, 1.0, True)), Step("declare_set", ("acre", "coarse", 6, 2, True, 1000.0))),
                *(Step("lies", (True,)), Step("wait", (30_000.0,))),
            ],
            id="a cell was paid for beside what a job may have sent before it was killed (histories, 1967421554/17)",
        ),
        pytest.param(
            [
                *(Step("puts", (PutFate.PUT_UNSEEN,)), Step("wait", (1.0,)), Step("wait", (1.0,))),
                *(Step("declare_set", ("acre", "masked", 6, None, False, None)), Step("wait", (90_000.0,))),
                *(Step("declare_set", ("acre", "masked", 4, 1, False, None)), Step("break_set", ("acre",))),
                *(Step("wait", (1.0,)), Step("remove", ("a",)), Step("mend_set", ("acre",))),
                Step("declare_set", ("farm", "plain", 2, 1, True, 35.0)),
            ],
            id="a cell that a set had before counted for its trial (histories, 1967421554/1283)",
        ),
        pytest.param(
            [
                *(Step("wait", (1.0,)), Step("clock", (0, 0.0, 1.0)), Step("wait", (1800.0,))),
                *(Step("declare_set", ("farm", "coarse", 4, 1, False, 1000.0)), Step("wait", (20.0,))),
                *(Step("clock", (0, -172_800.0, 100_000.0)), Step("choose", ("resubmit",))),
                *(Step("wait", (90_000.0,)), Step("rerun", ("c", 1))),
            ],
            id="a resubmission was decided in one turn with a rerun of the same request (histories, 1967421554/4481)",
        ),
    ],
)
def test_what_histories_with_sets_have_found(story: list[Step]) -> None:
    assert outcome_of(story)[0] == ""


def test_a_higher_rerun_that_is_held_hides_no_promise() -> None:
    """The court asked for the run of a job that waits for another name's run, which is held (budgets, seed 4)."""
    story = [
        *(Step("rerun", ("b", 1)), Step("edit", ("a", "B")), Step("edit", ("b", "B")), Step("wait", (90_000.0,))),
        *(Step("edit", ("c", "A")), Step("rerun", ("a", 2)), Step("clone")),
    ]
    assert outcome_of(story, Audited)[0] == ""


def test_a_trial_that_is_added_to_a_set_that_waits_for_its_yes_begins_by_itself() -> None:
    """Its first cell was held as a large change of one submission (histories 1114865580/1162)."""
    story = [
        *(Step("bucket", (False,)), Step("declare_set", ("farm", "masked", 1, None, True, None))),
        *(Step("remove", ("b",)), Step("wait", (20.0,)), Step("rule_set", ("farm", 1, True, None))),
        Step("resize_set", ("farm", 6, False)),
    ]
    assert outcome_of(story)[0] == ""


def test_a_set_that_was_agreed_to_and_then_loses_its_end_is_not_tried_again() -> None:
    """The court asked for the trial of what had its yes with an end (histories 1442568478/4564)."""
    story = [
        *(Step("declare_set", ("acre", "plain", 3, 1, False, 35.0)), Step("move_in", ("a", "acre"))),
        *(Step("wait", (90_000.0,)), Step("agree", (0, 2)), Step("wait", (6.0,))),
        *(Step("rule_set", ("acre", 2, True, None)), Step("wait", (600.0,))),
    ]
    assert outcome_of(story)[0] == ""


def test_a_cell_that_a_broken_file_may_have_takes_no_place_in_a_trial() -> None:
    """The court took it for the first cell of a set in another file (histories 653676249/6842)."""
    story = [
        *(Step("declare_set", ("farm", "masked", 1, None, True, 1000.0)), Step("move_set", ("farm", "sets/acre.yaml"))),
        *(Step("move", ("a", "deep/three.yaml")), Step("wait", (150.0,)), Step("checkout", (3,))),
        *(Step("declare_set", ("acre", "coarse", 1, None, True, None)), Step("break_set", ("acre",))),
        Step("declare_set", ("farm", "plain", 6, 1, False, 1000.0)),
    ]
    assert outcome_of(story)[0] == ""
