"""The teller: status files are written in portions, in the order in which they were touched."""

from collections import deque
from datetime import timedelta
from pathlib import Path

import pytest

from bench.finished import BEGAN, finish, loop_on, manifests
from controller.reconcile.calls.workers import Call
from controller.reconcile.reporter import MOST_WRITTEN

QUARTER = timedelta(seconds=0.25)
COUNT = 250


def reported(root: Path) -> int:
    return sum(1 for _ in (root / "jobs.d").rglob("*.status.yaml"))


@pytest.mark.slow
def test_many_status_files_keep_no_submission_waiting(tmp_path: Path) -> None:
    """Those of ten thousand new jobs took twenty seconds, and nothing was sent meanwhile."""
    manifests(tmp_path, COUNT)
    calls = deque[Call]()
    with loop_on(tmp_path, calls) as (loop, _):
        now = BEGAN
        loop.start(now)
        loop.turn([], now)
        assert (reported(tmp_path), bool(calls)) == (MOST_WRITTEN, True)
        assert loop.wakes_at(now) == now + QUARTER
        loop.turn([], now + QUARTER)
        assert reported(tmp_path) == 2 * MOST_WRITTEN
        loop.turn([], now + 2 * QUARTER)
        assert reported(tmp_path) == COUNT


@pytest.mark.slow
@pytest.mark.parametrize(
    ("in_haste", "count"),
    [
        pytest.param(False, COUNT, id="at the end everything is told"),
        pytest.param(
            True, 2 * MOST_WRITTEN, id="who stops is kept by no more than a portion, and the next start goes on"
        ),
    ],
)
def test_the_last_telling(tmp_path: Path, *, in_haste: bool, count: int) -> None:
    manifests(tmp_path, COUNT)
    with loop_on(tmp_path, deque[Call]()) as (loop, _):
        loop.start(BEGAN)
        loop.turn([], BEGAN)
        loop.report(BEGAN, in_haste=in_haste)
        assert reported(tmp_path) == count
    with loop_on(tmp_path, deque[Call]()) as (loop, _):
        loop.start(BEGAN)
        loop.turn([], BEGAN)
        assert reported(tmp_path) == COUNT


def test_status_files_are_compared_no_more_often_than_scans_come_by_time(tmp_path: Path) -> None:
    """They are half of the tree: comparing them at every change kept its POST waiting."""
    manifests(tmp_path, 1)
    finish(tmp_path)
    status = tmp_path / "jobs.d" / "folder-00" / "job-0.status.yaml"
    with loop_on(tmp_path, deque[Call]()) as (loop, _):
        now = BEGAN + timedelta(days=1)
        loop.start(now)
        loop.turn([], now)
        status.write_text("edited")
        loop.rescan()
        loop.turn([], now + timedelta(seconds=59))
        assert status.read_text() == "edited"
        assert loop.wakes_at(now) == now + timedelta(seconds=60)
        loop.turn([], now + timedelta(seconds=60))
        assert "phase: Succeeded" in status.read_text()


def test_after_a_restart_they_are_compared_in_portions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparing ten thousand was a third of the time until the daemon was ready."""
    monkeypatch.setattr("controller.reconcile.reporter.MOST_COMPARED", 20)
    manifests(tmp_path, 50)
    finish(tmp_path)
    (tmp_path / "jobs.d" / "folder-45" / "job-45.status.yaml").write_text("edited")
    with loop_on(tmp_path, deque[Call]()) as (loop, _):
        now, turns = BEGAN + timedelta(days=1), 0
        loop.start(now)
        while turns == 0 or loop.wakes_at(now) == now + QUARTER:
            now, turns = now + QUARTER, turns + 1
            loop.turn([], now)
    assert turns == 3
    assert "phase: Succeeded" in (tmp_path / "jobs.d" / "folder-45" / "job-45.status.yaml").read_text()
