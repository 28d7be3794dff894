"""Time ranges that begin or end in the future: what was found because of today's date is looked at again on the day."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller.model.job import Appraisal
from tests.support.set_loops import PLAIN, Running, running
from tests.support.small_set import farm

HOLD = 'holdOn = ["W111"]'
WHEN = "timeRange: {from: 2022-06-20T00:00:00Z, to: 2022-06-30T23:59:59Z}"


def day(number: int, hour: int = 12) -> datetime:
    return datetime(2026, 6, number, hour, tzinfo=UTC)


def lasting(begin: int, end: int, text: str = PLAIN) -> str:
    """A manifest about these days of June 2026."""
    assert WHEN in text
    return text.replace(WHEN, f"timeRange: {{from: 2026-06-{begin:02}T00:00:00Z, to: 2026-06-{end:02}T00:00:00Z}}")


def write(root: Path, text: str) -> None:
    (root / "jobs.d").mkdir(exist_ok=True)
    (root / "jobs.d" / "plain.yaml").write_text(text)


def codes(it: Running) -> list[str]:
    return [each.code for item in it.tree.documents("plain.yaml") for each in (*item.problems, *item.warnings)]


@contextmanager
def counting(it: Running) -> Iterator[list[str]]:
    """The names of what is appraised meanwhile."""
    asked, appraise = list[str](), it.tree._sets._appraise

    def counted(item: object) -> Appraisal:
        asked.append(item.name)  # type: ignore[attr-defined]
        return appraise(item)  # type: ignore[arg-type]

    it.tree._appraise = it.tree._sets._appraise = counted
    yield asked
    it.tree._appraise = it.tree._sets._appraise = appraise


def test_a_range_that_was_to_begin_is_accepted_by_the_same_process_on_the_day_on_which_it_begins(
    tmp_path: Path,
) -> None:
    write(tmp_path, lasting(20, 22))
    with running(tmp_path, day(11)) as it:
        assert (it.rest(), codes(it), it.tree.changes_at) == ({}, ["E218"], day(20, 0))
        with counting(it) as asked:
            assert (it.rest(day(19, 23)), asked) == ({}, [])
            assert (it.rest(day(20, 0)), it.posted) == ({"plain": "Delivered"}, {"plain": 1})
            assert (codes(it), it.tree.changes_at, asked) == (["W111"], day(21, 0), ["plain"])
            assert (it.rest(day(21)), codes(it), it.posted) == ({"plain": "Delivered"}, [], {"plain": 1})
            assert (it.tree.changes_at, asked) == (None, ["plain"] * 2)
        assert it.ledger.jobs["plain"].generation == 1


@pytest.mark.parametrize("is_restarted", [pytest.param(False, id="same process"), pytest.param(True, id="restart")])
def test_what_is_held_since_its_range_is_to_end_goes_ahead_when_it_has_ended(
    tmp_path: Path, is_restarted: bool
) -> None:
    write(tmp_path, lasting(10, 20))
    with running(tmp_path, day(11), HOLD) as it:
        assert it.rest() == {"plain": "Warned"}
        if not is_restarted:
            assert (it.rest(day(19)), it.posted) == ({"plain": "Delivered"}, {"plain": 1})
            return
    with running(tmp_path, day(19), HOLD) as it:
        assert (it.rest(), it.posted) == ({"plain": "Delivered"}, {"plain": 1})


def test_a_restart_before_the_day_reads_nothing_until_the_day(tmp_path: Path) -> None:
    write(tmp_path, lasting(10, 20))
    with running(tmp_path, day(11), HOLD) as it:
        it.rest()
    with running(tmp_path, day(12), HOLD) as it, counting(it) as asked:
        assert (it.rest(), it.rest(day(18)), asked) == ({"plain": "Warned"}, {"plain": "Warned"}, [])
        assert (it.tree.changes_at, it.rest(day(19)), asked) == (day(19, 0), {"plain": "Delivered"}, ["plain"])
        assert it.posted == {"plain": 1}


def test_reading_again_what_was_paid_changes_nothing_but_the_warning(tmp_path: Path) -> None:
    write(tmp_path, lasting(10, 20))
    with running(tmp_path, day(11)) as it:
        assert (it.rest(), it.posted) == ({"plain": "Delivered"}, {"plain": 1})
        before = it.ledger.jobs["plain"]
        assert (it.rest(day(19)), it.posted) == ({"plain": "Delivered"}, {"plain": 1})
        after = it.ledger.jobs["plain"]
    assert before.wanted is not None
    assert ([each.code for each in before.wanted.warnings], before.wanted.until) == (["W111"], day(19).date())
    assert after == replace(before, wanted=replace(before.wanted, warnings=(), until=None))


def test_the_cells_of_a_set_are_appraised_again_on_that_day_alone(tmp_path: Path) -> None:
    write(tmp_path, lasting(14, 16, farm(fields=3)))
    with running(tmp_path, day(11), HOLD) as it, counting(it) as asked:
        assert (it.rest(), codes(it)) == ({}, ["E218"])
        assert (it.rest(day(13)), len(asked)) == ({}, 3)
        assert (set(it.rest(day(14)).values()), len(asked)) == ({"Warned"}, 6)
        assert (set(it.rest(day(14, 20)).values()), len(asked), it.posted) == ({"Warned"}, 6, {})
    with running(tmp_path, day(14), HOLD) as it, counting(it) as asked:
        assert (set(it.rest().values()), asked, it.tree.changes_at) == ({"Warned"}, [], day(15, 0))
        assert (it.rest(day(15))["farm-f0"], len(asked)) == ("Delivered", 3)
        assert (it.rest(day(16))["farm-f0"], len(asked)) == ("Delivered", 3)
        assert it.posted == {"farm-f0": 1, "farm-f1": 1, "farm-f2": 1}
