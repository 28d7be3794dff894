"""Settling: nothing is paid for until the whole tree stands still and no git command is at work on it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from controller.limits.settling import IndexLock, Settling, Stillness
from tests.support.factories import NOW, TIMING, at

CALM = Stillness(settle=5.0)
LOCK = IndexLock(path=".git/index.lock", since=at(0))
WAITING = "the files changed just now; will be submitted when they have been still for 5 s"


def changed(seconds: float, tree: Stillness = CALM) -> Stillness:
    return tree.scanned(at(seconds), changed=True)


def same(seconds: float, tree: Stillness) -> Stillness:
    return tree.scanned(at(seconds), changed=False)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        pytest.param(CALM, Settling(message=WAITING, until=at(9)), id="nobody has looked yet"),
        pytest.param(same(0, CALM), None, id="nothing has changed since the start"),
        pytest.param(changed(9), Settling(message=WAITING, until=at(14)), id="it changed now"),
        pytest.param(changed(5), Settling(message=WAITING, until=at(10)), id="it changed four seconds ago"),
        pytest.param(changed(1), Settling(message=WAITING, until=at(9)), id="long enough ago, but nobody looked since"),
        pytest.param(same(6, changed(1)), None, id="long enough ago, and a look saw no further change"),
        pytest.param(
            same(8, changed(5, same(3, changed(1)))), Settling(message=WAITING, until=at(10)), id="it goes on changing"
        ),
    ],
)
def test_the_tree_must_stand_still(tree: Stillness, expected: Settling | None) -> None:
    assert tree.settling(at(9), TIMING) == expected


def test_without_a_settling_time_one_look_is_enough() -> None:
    assert changed(0, replace(CALM, settle=0.0)).settling(at(0), TIMING) is None


def test_a_git_command_at_work_is_waited_for() -> None:
    locked = same(9, CALM).locked_by(LOCK)
    message = "a git command is at work; will be submitted when its lock .git/index.lock is gone"
    assert locked.settling(at(10), TIMING) == Settling(message=message, until=at(11))


def test_what_was_written_under_the_lock_is_looked_at_once_more() -> None:
    released = same(9, CALM).locked_by(LOCK).locked_by(None)
    assert released.settling(at(10), TIMING) is not None
    assert same(10, released).settling(at(10), TIMING) is None


def test_a_lock_that_somebody_left_behind_needs_a_person() -> None:
    locked = same(9, CALM).locked_by(LOCK)
    settling = locked.settling(at(TIMING.lock_stale), TIMING)
    assert settling == Settling(
        message="git's index lock .git/index.lock is older than 60 s; if no git command is at work, remove that file",
        until=None,
    )


def test_a_lock_from_the_last_minute_of_the_calendar_is_not_stale() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    assert not IndexLock(path="index.lock", since=last).is_stale(NOW, TIMING)
