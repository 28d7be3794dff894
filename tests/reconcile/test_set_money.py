"""The money rules of sets through the real tree, ledger and loop: trial, the first yes, the limit of a window."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller.reconcile.sets.rules import SetRules
from tests.operations.test_plan_revision import commit, git
from tests.support.set_loops import PLAIN, Running, farm, running

pytestmark = pytest.mark.slow

SPRING = datetime(2024, 4, 10, tzinfo=UTC)  # three months are due
MAY = datetime(2024, 5, 10, tzinfo=UTC)
JUNE = datetime(2024, 6, 10, tzinfo=UTC)
THREE = ["farm-2024-01-a", "farm-2024-02-a", "farm-2024-03-a"]
FINITE = "from: 2024-01, to: 2024-03"


def write(root: Path, text: str, name: str = "farm.yaml") -> None:
    (root / "jobs.d").mkdir(exist_ok=True)
    (root / "jobs.d" / name).write_text(text, encoding="utf-8")


def give_yes(daemon: Running) -> str:
    """Accept the one batch that waits."""
    [(label, _, _)] = daemon.waiting()
    daemon.accept(label)
    return label


def test_a_set_without_end_asks_once_and_then_goes_on_through_its_windows(tmp_path: Path) -> None:
    write(tmp_path, farm())
    with running(tmp_path, SPRING) as daemon:
        assert daemon.rest() == dict.fromkeys(THREE, "LargeChange")
        [(label, cells, cause)] = daemon.waiting()
        assert (cells, daemon.posted) == (3, {})
        assert cause.startswith("farm goes on for ever: about ")
        assert f"`shjobs accept {label}`" in daemon.state(THREE[0]).message
        assert "now 3 cells, up to " in daemon.state(THREE[0]).message
        daemon.accept(label)
        assert daemon.rest() == dict.fromkeys(THREE, "Delivered")
        assert set(daemon.rest(MAY).values()) == {"Delivered"}
    with running(tmp_path, JUNE) as daemon:  # a restart asks no more either
        found = daemon.rest()
        assert (len(found), set(found.values()), list(daemon.posted)) == (5, {"Delivered"}, ["farm-2024-05-a"])


def test_other_jobs_of_the_same_turn_are_not_held_with_a_set(tmp_path: Path) -> None:
    write(tmp_path, farm())
    write(tmp_path, PLAIN, "plain.yaml")
    with running(tmp_path, SPRING) as daemon:
        assert daemon.rest() == {**dict.fromkeys(THREE, "LargeChange"), "plain": "Delivered"}
        assert daemon.posted == {"plain": 1}


def test_a_window_that_comes_while_the_yes_is_awaited_joins_the_batch(tmp_path: Path) -> None:
    write(tmp_path, farm())
    with running(tmp_path, SPRING) as daemon:
        daemon.rest()
        [(first, _, _)] = daemon.waiting()
        daemon.rest(MAY)
        [(second, cells, _)] = daemon.waiting()
        assert (cells, first != second) == (4, True)
        daemon.accept(first)  # it was asked of fewer cells, and releases none of these
        assert set(daemon.rest().values()) == {"LargeChange"}
        daemon.accept(second)
        assert set(daemon.rest().values()) == {"Delivered"}


def test_a_changed_recipe_asks_again(tmp_path: Path) -> None:
    write(tmp_path, farm())
    with running(tmp_path, SPRING) as daemon:
        daemon.rest()
        give_yes(daemon)
        daemon.rest()
        write(tmp_path, farm(width=601))
        assert set(daemon.rest().values()) == {"LargeChange"}
        write(tmp_path, farm())
        assert set(daemon.rest().values()) == {"Delivered"}
        assert set(daemon.posted.values()) == {1}


def test_a_yes_to_months_is_none_to_days(tmp_path: Path) -> None:
    write(tmp_path, farm("from: 2024-03"))
    with running(tmp_path, SPRING) as daemon:
        daemon.rest()
        give_yes(daemon)
        daemon.rest()
        write(tmp_path, farm("from: 2024-03-15").replace("every: month", "every: day"))
        found = daemon.rest()
        assert list(daemon.posted) == ["farm-2024-03-a"]
        assert {found[name] for name in found if name.startswith("farm-2024-03-1")} == {"LargeChange"}
        assert daemon.waiting()[0][2].startswith("farm goes on for ever: about ")


def test_what_a_yes_releases_is_no_large_change_a_second_time(tmp_path: Path) -> None:
    write(tmp_path, farm())
    with running(tmp_path, SPRING, "largeChangeJobs = 2") as daemon:
        daemon.rest()
        give_yes(daemon)
        assert set(daemon.rest().values()) == {"Delivered"}


def test_a_yes_to_a_set_covers_no_later_large_change(tmp_path: Path) -> None:
    write(tmp_path, farm())
    with running(tmp_path, SPRING, "largeChangeJobs = 2") as daemon:
        daemon.rest()
        give_yes(daemon)
        daemon.rest()
        daemon.rest(datetime(2024, 8, 10, tzinfo=UTC))  # four windows at once
        [(_, cells, cause)] = daemon.waiting()
        assert cells == 4
        assert cause.startswith("new in the set farm, about ")


def test_a_yes_does_not_say_that_a_window_which_is_a_large_change_needs_no_other(tmp_path: Path) -> None:
    write(tmp_path, farm(values="a: {x: 1}, b: {x: 1}, c: {x: 1}"))
    with running(tmp_path, SPRING, "largeChangeJobs = 2") as daemon:
        daemon.rest()
        message = daemon.state(THREE[0]).message
        assert message.endswith(", and later windows need no other, unless one is a large change by itself")
        give_yes(daemon)
        daemon.rest()
        daemon.rest(MAY)
        assert [cells for _, cells, _ in daemon.waiting()] == [3]


def test_a_finite_set_without_trial_is_an_ordinary_change_that_names_it(tmp_path: Path) -> None:
    write(tmp_path, farm(FINITE))
    with running(tmp_path, SPRING, "largeChangeJobs = 2") as daemon:
        daemon.rest()
        [(_, cells, cause)] = daemon.waiting()
        assert cells == 3
        assert cause.startswith("new in the set farm, about ")
        assert cause.endswith(" PU a month: 3 jobs")


def test_a_small_finite_set_is_simply_paid_for(tmp_path: Path) -> None:
    write(tmp_path, farm(FINITE))
    with running(tmp_path, SPRING) as daemon:
        assert set(daemon.rest().values()) == {"Delivered"}


def test_a_set_that_loses_its_end_asks_although_it_was_paid_for(tmp_path: Path) -> None:
    write(tmp_path, farm(FINITE, "  trial: 1\n"))
    with running(tmp_path, SPRING) as daemon:
        daemon.rest()
        give_yes(daemon)
        assert set(daemon.rest().values()) == {"Delivered"}
        write(tmp_path, farm())
        found = daemon.rest(MAY)
        assert found == {**dict.fromkeys(THREE, "Delivered"), "farm-2024-04-a": "LargeChange"}


def test_a_trial_then_a_yes_then_the_rest(tmp_path: Path) -> None:
    write(tmp_path, farm(FINITE, "  trial: 1\n"))
    with running(tmp_path, SPRING) as daemon:
        daemon.loop.turn([], SPRING)
        assert daemon.state(THREE[1]).reason == "Trial"
        assert daemon.state(THREE[1]).message.startswith("the first cell of the set farm goes first (trial); ")
        assert daemon.rest() == {THREE[0]: "Delivered", THREE[1]: "LargeChange", THREE[2]: "LargeChange"}
        [(label, cells, cause)] = daemon.waiting()
        assert (cells, cause, daemon.posted) == (2, "the trial of farm succeeded", {THREE[0]: 1})
        assert "now 2 other cells, up to " in daemon.state(THREE[1]).message
    with running(tmp_path, SPRING) as daemon:  # a restart changes nothing, and lists nothing again
        assert daemon.rest() == {THREE[0]: "Delivered", THREE[1]: "LargeChange", THREE[2]: "LargeChange"}
        assert daemon.waiting() == [(label, 2, cause)]
        daemon.accept(label)
        assert set(daemon.rest().values()) == {"Delivered"}
        write(tmp_path, farm("from: 2023-10, to: 2024-03", "  trial: 1\n"))
        assert set(daemon.rest().values()) == {"Delivered"}  # more of an accepted recipe
        assert set(daemon.posted) == {THREE[1], THREE[2], *(f"farm-2023-{month}-a" for month in (10, 11, 12))}


def test_a_trial_that_fails_holds_the_rest_until_it_is_mended(tmp_path: Path) -> None:
    write(tmp_path, farm(FINITE, "  trial: 2\n"))
    with running(tmp_path, SPRING) as daemon:
        daemon.failing = {THREE[1]}
        assert daemon.rest() == {THREE[0]: "Delivered", THREE[1]: "ErrorReported", THREE[2]: "Trial"}
        message = daemon.state(THREE[2]).message
        assert f"and {THREE[1]} did not succeed: `shjobs why {THREE[1]}` says why" in message
        assert daemon.waiting() == []
        daemon.failing = set()
        write(tmp_path, farm(FINITE, "  trial: 2\n", width=601))
        assert daemon.rest() == {THREE[0]: "Delivered", THREE[1]: "Delivered", THREE[2]: "LargeChange"}


def test_a_trial_of_a_set_without_end_needs_one_yes_for_both(tmp_path: Path) -> None:
    write(tmp_path, farm(more="  trial: 1\n"))
    with running(tmp_path, SPRING) as daemon:
        daemon.rest()
        [(_, cells, cause)] = daemon.waiting()
        assert cells == 2
        assert cause.startswith("the trial of farm succeeded, and it goes on for ever: about ")
        give_yes(daemon)
        daemon.rest()
        assert set(daemon.rest(MAY).values()) == {"Delivered"}


def values_first(text: str) -> str:
    """The set with its months behind its values, so that a later month is not behind all earlier cells."""
    lines = text.splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.startswith("    month:"))
    return "".join([*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]])


@pytest.mark.parametrize("restarts", [False, True], ids=["in one process", "over a restart"])
def test_a_trial_that_is_added_while_the_yes_is_awaited_begins(tmp_path: Path, restarts: bool) -> None:
    """Its first cell stayed held, as a large change of one submission (histories 1114865580/1162)."""
    write(tmp_path, farm())
    with running(tmp_path, SPRING) as daemon:
        assert set(daemon.rest().values()) == {"LargeChange"}
        write(tmp_path, farm(more="  trial: 1\n"))
        if not restarts:
            daemon.rest()
    with running(tmp_path, SPRING) as again:
        assert again.rest() == {THREE[0]: "Delivered", THREE[1]: "LargeChange", THREE[2]: "LargeChange"}
        [(_, cells, cause)] = again.waiting()
        assert (cells, daemon.posted | again.posted) == (2, {THREE[0]: 1})
        assert cause.startswith("the trial of farm succeeded, ")


@pytest.mark.parametrize("restarts", [False, True], ids=["in one process", "over a restart"])
@pytest.mark.parametrize(
    ("most", "then"), [pytest.param(3, "Delivered", id="a small one"), pytest.param(2, "LargeChange", id="a large one")]
)
def test_a_set_that_is_given_an_end_while_its_yes_is_awaited_is_an_ordinary_change(
    tmp_path: Path, most: int, then: str, restarts: bool
) -> None:
    write(tmp_path, farm())
    settings = f"largeChangeJobs = {most}"
    with running(tmp_path, SPRING, settings) as daemon:
        daemon.rest()
        [(asked, _, _)] = daemon.waiting()
        write(tmp_path, farm(FINITE))
        if not restarts:
            daemon.rest()
    with running(tmp_path, SPRING, settings) as daemon:
        assert daemon.rest() == dict.fromkeys(THREE, then)
        assert [label for label, _, cause in daemon.waiting() if "new in the set farm" in cause] != [asked]
        assert bool(daemon.waiting()) is (then == "LargeChange")


def test_a_large_change_that_waits_stays_one_over_a_restart_though_part_of_it_is_gone(tmp_path: Path) -> None:
    """What is left of it needs its approval, however little that is; only the yes to a set is another question."""
    write(tmp_path, farm(FINITE))
    with running(tmp_path, SPRING, "largeChangeJobs = 2") as daemon:
        daemon.rest()
        write(tmp_path, farm("from: 2024-01, to: 2024-02"))
    with running(tmp_path, SPRING, "largeChangeJobs = 2") as daemon:
        assert {daemon.rest()[name] for name in THREE[:2]} == {"LargeChange"}


def test_no_month_that_comes_while_the_yes_is_awaited_joins_a_trial(tmp_path: Path) -> None:
    write(tmp_path, values_first(farm("from: 2024-01", "  trial: 3\n", "a: {x: 1}, b: {x: 1}, c: {x: 1}, d: {x: 1}")))
    trial = {f"farm-{value}-2024-01": 1 for value in "abc"}
    with running(tmp_path, datetime(2024, 2, 10, tzinfo=UTC)) as daemon:
        daemon.rest()
        daemon.rest(datetime(2024, 3, 10, tzinfo=UTC))
        found = daemon.rest(SPRING)
        assert daemon.posted == trial
        assert {name for name in found if found[name] == "LargeChange"} == found.keys() - trial.keys()
        [(_, cells, cause)] = daemon.waiting()
        assert cells == 9
        assert cause.startswith("the trial of farm succeeded, and it goes on for ever: about ")
    with running(tmp_path, MAY) as daemon:
        daemon.rest()
        assert daemon.posted == {}
        give_yes(daemon)
        assert set(daemon.rest().values()) == {"Delivered"}


def test_a_set_that_grows_at_its_front_pays_for_no_more_than_its_trial_without_a_yes(tmp_path: Path) -> None:
    write(tmp_path, farm("from: 2023-12, to: 2024-01", "  trial: 2\n"))
    with running(tmp_path, SPRING) as daemon:
        daemon.failing = {"farm-2024-01-a"}
        daemon.rest()
        write(tmp_path, farm("from: 2023-10, to: 2024-01", "  trial: 2\n"))
        found = daemon.rest()
        assert [found[f"farm-2023-{month}-a"] for month in (10, 11)] == ["Trial", "Trial"]
        assert list(daemon.posted) == ["farm-2023-12-a", "farm-2024-01-a"]


def test_a_trial_is_under_the_ordinary_guard(tmp_path: Path) -> None:
    write(tmp_path, farm(FINITE, "  trial: 3\n"))
    with running(tmp_path, SPRING, "largeChangeJobs = 2") as daemon:
        assert set(daemon.rest().values()) == {"LargeChange"}
        assert "new in the set farm" in daemon.waiting()[0][2]


def test_a_value_that_is_added_later_is_tried_by_itself(tmp_path: Path) -> None:
    write(tmp_path, farm(FINITE, "  trial: 1\n"))
    with running(tmp_path, SPRING) as daemon:
        daemon.rest()
        give_yes(daemon)
        daemon.rest()
        write(tmp_path, farm(FINITE, "  trial: 1\n", "a: {x: 1}, b: {x: 2}"))
        found = daemon.rest()
        assert {name: found[name] for name in found if name.endswith("-b")} == {
            "farm-2024-01-b": "Delivered", "farm-2024-02-b": "LargeChange", "farm-2024-03-b": "LargeChange",
        }  # fmt: skip


def test_a_window_above_its_limit_is_held_whole_and_what_is_paid_stays(tmp_path: Path) -> None:
    write(tmp_path, farm(FINITE))
    with running(tmp_path, SPRING) as daemon:
        daemon.rest()
        write(tmp_path, farm(FINITE, "  limits: {perWindow: 0.5}\n", "a: {x: 1}, b: {x: 2}"))
        found = daemon.rest()
        assert {name for name in found if found[name] == "Delivered"} == set(THREE)
        assert {found[name] for name in found if name.endswith("-b")} == {"WindowLimit"}
        message = daemon.state("farm-2024-01-b").message
        assert message.startswith("the cells of 2024-01 may need up to ")
        assert ", above limits.perWindow of 0.5 in farm; write perWindow: " in message
        write(tmp_path, farm(FINITE, "  limits: {perWindow: 900}\n", "a: {x: 1}, b: {x: 2}"))
        assert set(daemon.rest().values()) == {"Delivered"}


def test_a_crash_between_the_yes_and_the_turn_pays_once(tmp_path: Path) -> None:
    write(tmp_path, farm())
    with running(tmp_path, SPRING) as daemon:
        daemon.rest()
        give_yes(daemon)
    with running(tmp_path, SPRING) as daemon:
        daemon.loop.turn([], SPRING)
        daemon.loop.turn([daemon._outcome(daemon.calls.popleft()) for _ in range(3)], SPRING)
        assert [type(call).__name__ for call in daemon.calls] == ["Post"] * 3
    with running(tmp_path, SPRING) as daemon:  # every POST was lost with the process
        assert {str(item.answer) for item in daemon.ledger.everything()} == {"unconfirmed"}
        daemon.loop.turn([], SPRING)
        assert (daemon.waiting(), len(list(daemon.ledger.everything()))) == ([], 3)


def test_a_committed_approval_is_a_yes_too(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    write(tmp_path, farm())
    commit(tmp_path, {".gitignore": "state/\n"})
    with running(tmp_path, SPRING) as daemon:
        daemon.rest()
        [(label, _, _)] = daemon.waiting()
        text = f"apiVersion: shjobs/v1\nkind: Approval\nspec:\n  hashes: ['{label}']\n  reason: as agreed\n"
        made = commit(tmp_path, {"jobs.d/yes.yaml": text})
        assert set(daemon.rest().values()) == {"Delivered"}
        assert {by.split(" of ")[0] for by in daemon.ledger.accepted.values()} == {f"commit {made[:10]}"}
        (tmp_path / "jobs.d" / "yes.yaml").unlink()
        commit(tmp_path, {})
        assert set(daemon.rest(MAY).values()) == {"Delivered"}


def test_a_restart_in_the_middle_of_what_a_yes_released_goes_on_without_another(tmp_path: Path) -> None:
    write(tmp_path, farm())
    slowly = "largeChangeJobs = 1\nmaxRunning = 1"
    with running(tmp_path, SPRING, slowly) as daemon:
        daemon.rest()
        give_yes(daemon)
        daemon.turns(2)
        assert daemon.posted == {THREE[0]: 1}
        assert [daemon.state(name).reason for name in THREE[1:]] == ["Queued", "Queued"]
    with running(tmp_path, SPRING, slowly) as daemon:
        assert daemon.rest() == dict.fromkeys(THREE, "Delivered")
        assert (daemon.posted, daemon.waiting()) == ({THREE[1]: 1, THREE[2]: 1}, [])


class Counted(tuple[str, ...]):
    """Names that count how often they are looked through."""

    times = 0

    def __iter__(self) -> Iterator[str]:
        type(self).times += 1
        return super().__iter__()


def test_what_ends_in_an_agreed_recipe_looks_through_no_cells(tmp_path: Path) -> None:
    """A set of ten thousand cells is not looked through whenever one of them succeeds."""
    write(tmp_path, farm("from: 2015-01, to: 2024-03", "  trial: 1\n"))
    with running(tmp_path, SPRING) as daemon:
        daemon.rest()
        give_yes(daemon)
        daemon.loop.turn([], daemon.now)
        found = replace(daemon.tree.sets["farm"], cells=Counted(daemon.tree.sets["farm"].cells))
        rules = SetRules(daemon.ledger, lambda: {"farm": found})
        rules.look(daemon.ledger.jobs)
        Counted.times = 0
        assert set(daemon.rest().values()) == {"Delivered"}
        for name in daemon.ledger.jobs:
            assert rules.look([name]) == set()
        assert (len(daemon.posted), Counted.times) == (111, 0)
