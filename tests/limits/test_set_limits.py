"""The money rules of sets as tables: who goes first, who waits, what needs a yes, and what is too much for a window."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from controller.limits.guard import Due
from controller.limits.set_limits import (
    SetRuling,
    batch_of_set,
    cause_in_set,
    held_words,
    rule_on_set,
    yes_label,
    yes_words,
)
from controller.model.job import SetCell
from controller.model.job_set import Cost, JobSet
from controller.model.reasons import Reason

CELLS = ("farm-1-a", "farm-1-b", "farm-2-a", "farm-2-b")
FINITE = JobSet(name="farm", path="farm.yaml", index=0, cells=CELLS, recipes=frozenset({"a", "b"}))
TRIED = replace(FINITE, trial=1)
ENDLESS = replace(FINITE, is_endless=True, monthly=Cost(jobs=4, expected=20, upper=31))
BOTH = replace(ENDLESS, trial=1)
LARGE, TRIAL, YES, WINDOW = "free", "Trial", "yes", "WindowLimit"


def agreed(*recipes: str, is_endless: bool = False) -> set[str]:
    return {yes_label("farm", recipe, is_endless=is_endless) for recipe in recipes}


def ruled(
    found: JobSet,
    accepted: set[str] | None = None,
    succeeded: dict[str, int] | None = None,
    failed: tuple[str, ...] = (),
    ran: Collection[str] = (),
) -> SetRuling:
    """The ruling on a set whose cells `ran`; without those, the first ones of a recipe are those that succeeded."""
    counts = succeeded or {}
    runs = ran or {name for recipe in "ab" for name in _of_recipe(found, recipe)[: counts.get(recipe, 0)]}
    return rule_on_set(
        found, accepted or set(), lambda recipe: counts.get(recipe, 0), failed, _recipe, runs.__contains__
    )


def _of_recipe(found: JobSet, recipe: str) -> list[str]:
    return [name for name in found.cells if _recipe(name) == recipe]


def _recipe(name: str) -> str:
    return name[-1]


def fate(ruling: SetRuling, name: str) -> str:
    """What becomes of one cell: held for a reason, asked for, or left to the ordinary guard."""
    cell = SetCell(set_name="farm", recipe=_recipe(name), window=name[5])
    return str(ruling.hold_reason(name, cell) or (YES if ruling.needs_yes(name, cell) else LARGE))


@pytest.mark.parametrize(
    ("found", "accepted", "succeeded", "expected"),
    [
        pytest.param(FINITE, set(), {}, [LARGE] * 4, id="a finite set without trial is under the ordinary guard"),
        pytest.param(TRIED, set(), {}, [LARGE, TRIAL, TRIAL, TRIAL], id="one goes first and needs no yes"),
        pytest.param(replace(FINITE, trial=3), set(), {"a": 2}, [LARGE] * 3 + [TRIAL], id="two of three succeeded"),
        pytest.param(replace(FINITE, trial=3), set(), {"a": 2, "b": 1}, [LARGE] * 3 + [YES], id="three of three did"),
        pytest.param(replace(FINITE, trial=9), set(), {}, [LARGE] * 4, id="a trial of more cells than there are"),
        pytest.param(TRIED, set(), {"a": 1}, [LARGE, YES, YES, YES], id="when it succeeded the others need a yes"),
        pytest.param(TRIED, agreed("a", "b"), {}, [LARGE] * 4, id="what was agreed to is not tried again"),
        pytest.param(TRIED, agreed("a"), {"a": 2}, [LARGE, LARGE, LARGE, TRIAL], id="only the new recipe is tried"),
        pytest.param(TRIED, agreed("a"), {"b": 1}, [LARGE, LARGE, LARGE, YES], id="and then only it needs a yes"),
        pytest.param(ENDLESS, set(), {}, [YES] * 4, id="a set without end needs a yes at first"),
        pytest.param(ENDLESS, agreed("a", "b", is_endless=True), {}, [LARGE] * 4, id="and then none any more"),
        pytest.param(ENDLESS, agreed("a", is_endless=True), {}, [LARGE, YES] * 2, id="a new recipe of it needs one"),
        pytest.param(
            ENDLESS, agreed("a", "b"), {}, [YES] * 4, id="a yes to a set that ended says nothing of one without"
        ),
        pytest.param(FINITE, agreed("a", is_endless=True), {}, [LARGE] * 4, id="one that got an end needs none"),
        pytest.param(
            TRIED, agreed("a", "b", is_endless=True), {}, [LARGE] * 4, id="a yes without end covers one with an end"
        ),
        pytest.param(BOTH, set(), {}, [LARGE, TRIAL, TRIAL, TRIAL], id="a trial comes before the yes without end"),
        pytest.param(BOTH, set(), {"a": 1}, [LARGE, YES, YES, YES], id="and one yes is for both"),
    ],
)
def test_what_becomes_of_each_cell(
    found: JobSet, accepted: set[str], succeeded: dict[str, int], expected: list[str]
) -> None:
    ruling = ruled(found, accepted, succeeded)
    assert [fate(ruling, name) for name in CELLS] == expected


@pytest.mark.parametrize(
    ("trial", "ran", "succeeded", "expected"),
    [
        pytest.param(
            1, "farm-2-a", {"a": 1}, [YES, YES, LARGE, YES], id="when the trial is over, none takes its place"
        ),
        pytest.param(1, "farm-2-a", {}, [TRIAL, TRIAL, LARGE, TRIAL], id="nor while it runs"),
        pytest.param(2, "farm-2-a", {"a": 1}, [LARGE, TRIAL, LARGE, TRIAL], id="unless there were too few for it"),
        pytest.param(1, "farm-2-a farm-1-b", {"a": 1}, [YES, LARGE, YES, YES], id="more ran than the trial has"),
    ],
)
@pytest.mark.parametrize("found", [FINITE, ENDLESS], ids=["finite", "endless"])
def test_a_cell_that_sorts_in_front_of_a_trial_is_no_cell_of_it(
    found: JobSet, trial: int, ran: str, succeeded: dict[str, int], expected: list[str]
) -> None:
    """A set whose first axis is not the calendar paid for one more cell each month, without any yes."""
    ruling = ruled(replace(found, trial=trial), succeeded=succeeded, ran=ran.split())
    assert [fate(ruling, name) for name in CELLS] == expected


@pytest.mark.parametrize(
    ("most", "needed", "expected"),
    [
        pytest.param(None, 900.0, LARGE, id="there is no limit"),
        pytest.param(600.0, 600.0, LARGE, id="exactly as much as may"),
        pytest.param(600.0, 600.1, WINDOW, id="a little more than may"),
        pytest.param(600.0, None, WINDOW, id="a cost without an upper end is above every limit"),
    ],
)
def test_a_window_above_its_limit_is_held_and_no_other(most: float | None, needed: float | None, expected: str) -> None:
    windows = {"1": Cost(jobs=2, expected=10, upper=needed), "2": Cost(jobs=2, expected=10, upper=10)}
    ruling = ruled(replace(FINITE, per_window=most, windows=windows))
    assert [fate(ruling, name) for name in CELLS] == [expected, expected, LARGE, LARGE]


def test_a_yes_agrees_to_every_recipe_of_the_set() -> None:
    assert set(ruled(ENDLESS).yes_labels()) == agreed("a", "b", is_endless=True)
    assert set(ruled(TRIED, agreed("a"), {"b": 1}).yes_labels()) == agreed("a", "b")


def test_a_yes_while_a_trial_runs_agrees_to_nothing_that_waits_for_the_trial() -> None:
    """The recipe `a` was agreed to when the set had an end; what is new in it is `b`."""
    assert set(ruled(BOTH, agreed("a")).yes_labels()) == agreed("a", is_endless=True)


DUE = [Due(key=f"{name}/x", units=10.0, cause="new") for name in CELLS[:3]]


def test_the_hash_of_a_set_is_none_of_the_same_jobs_without_it_and_says_whether_it_ends() -> None:
    hashes = {batch_of_set(DUE, ruled(found)).hash for found in (TRIED, ENDLESS, replace(ENDLESS, name="other"))}
    assert len(hashes) == 3
    assert batch_of_set(DUE, ruled(ENDLESS)) == batch_of_set(DUE[::-1], ruled(ENDLESS, agreed("a")))


@pytest.mark.parametrize(
    ("ruling", "expected"),
    [
        pytest.param(
            ruled(TRIED, succeeded={"a": 1}),
            "the trial of farm succeeded; now 3 other cells, up to 30.00 PU, need a yes: ",
            id="after a trial",
        ),
        pytest.param(
            ruled(ENDLESS),
            "farm goes on for ever: about 31.00 PU a month; now 3 cells, up to 30.00 PU, need a yes: ",
            id="without end",
        ),
        pytest.param(
            ruled(BOTH, succeeded={"a": 1}),
            "the trial of farm succeeded, and it goes on for ever: about 31.00 PU a month; now 3 other cells, ",
            id="both",
        ),
        pytest.param(
            ruled(BOTH, agreed("a")),
            "farm goes on for ever: about 31.00 PU a month; now 3 cells, up to 30.00 PU, need a yes: ",
            id="what was tried before, while the trial of another value runs",
        ),
    ],
)
def test_what_a_yes_is_asked_for(ruling: SetRuling, expected: str) -> None:
    batch = batch_of_set(DUE, ruling)
    words = yes_words(batch, ruling)
    assert words.startswith(expected)
    assert f"`shjobs accept {batch.hash}`, or a committed Approval of it, is that yes" in words
    following = ", and later windows need no other, unless one is a large change by itself"
    assert words.endswith(f", is that yes{following if ruling.is_endless else ''}")


def test_a_yes_says_when_the_set_will_have_too_many_cells() -> None:
    ruling = ruled(replace(ENDLESS, full_at=datetime(2027, 3, 6, tzinfo=UTC)))
    assert yes_words(batch_of_set(DUE, ruling), ruling).endswith(
        "a large change by itself; about 2027-03 it has too many cells for a set, and stops until it has a later `from`"
    )


@pytest.mark.parametrize(
    ("ruling", "window", "reason", "expected"),
    [
        pytest.param(
            ruled(TRIED), "1", Reason.TRIAL,
            "the first cell of the set farm goes first (trial); when that succeeded, the others are "
            "shown for a yes",
            id="a trial that runs",
        ),
        pytest.param(
            ruled(replace(FINITE, trial=2), failed=("farm-2-b", "farm-1-b")), "1", Reason.TRIAL,
            "the first 2 cells of the set farm go first (trial), and farm-1-b did not succeed: `shjobs why farm-1-b` "
            "says why; mend the template, raise its rerun, or choose another trial",
            id="a trial that failed; what failed beyond it does not matter",
        ),
        pytest.param(
            ruled(replace(FINITE, per_window=600.0, windows={"2024-06": Cost(jobs=9, expected=1, upper=811.5)})),
            "2024-06", Reason.WINDOW_LIMIT,
            "the cells of 2024-06 may need up to 811.50 PU, above limits.perWindow of 600 in farm; write perWindow: "
            "812 to pay for all of them, or make the cells cheaper",
            id="a window that is too dear",
        ),
        pytest.param(
            ruled(replace(FINITE, per_window=600.0, windows={"": Cost(jobs=9, expected=1, upper=None)})),
            "", Reason.WINDOW_LIMIT,
            "the cells may need processing units without an upper end, above limits.perWindow of 600 in farm; write "
            "spec.template.maxProcessingUnits, the most that a cell may cost",
            id="a set without windows, whose cost has no upper end",
        ),
    ],
)  # fmt: skip
def test_what_a_held_cell_says(ruling: SetRuling, window: str, reason: Reason, expected: str) -> None:
    assert held_words(reason, ruling, window) == expected


def test_the_cause_of_a_large_change_names_the_set_and_its_month() -> None:
    assert cause_in_set("ndvi.js changed", ruled(FINITE)) == "ndvi.js changed in the set farm"
    assert cause_in_set("new", ruled(ENDLESS)) == "new in the set farm, about 31.00 PU a month"
