"""The teller: status files are written in portions, in the order in which they were touched."""

import re
from collections import deque
from cProfile import Profile
from datetime import timedelta
from pathlib import Path

import pytest

from bench.finished import BEGAN, finish, loop_on, manifests, outcome
from controller.ledger.ledger import Ledger
from controller.reconcile.calls.workers import Call
from controller.reconcile.loop import Loop
from controller.reconcile.reporter import MOST_IN_HASTE, MOST_WRITTEN

SECOND, QUARTER = timedelta(seconds=1), timedelta(seconds=0.25)
COUNT = 250


def reported(root: Path) -> int:
    return sum(1 for _ in (root / "jobs.d").rglob("*.status.yaml"))


@pytest.mark.slow
def test_many_status_files_keep_no_submission_waiting(tmp_path: Path) -> None:
    """Those of ten thousand new jobs took twenty seconds, and nothing was sent meanwhile."""
    manifests(tmp_path, COUNT)
    calls = deque[Call]()
    with loop_on(tmp_path, calls) as (loop, ledger):
        now = BEGAN
        loop.start(now)
        loop.turn([], now)
        assert (reported(tmp_path), bool(calls)) == (0, True)
        assert len(list(ledger._store.reader().statuses())) == COUNT
        loop.turn([], now + 4.9 * SECOND)
        assert reported(tmp_path) == 0, "they give way to what is being submitted"
        for portion in range(1, 4):
            loop.turn([], now + 5 * SECOND + portion * QUARTER)
            assert reported(tmp_path) == min(COUNT, portion * MOST_WRITTEN)


def test_once_nothing_is_being_submitted_the_files_that_gave_way_are_written(tmp_path: Path) -> None:
    """Counted from the change, not from the end of the submissions."""
    manifests(tmp_path, 30)
    calls = deque[Call]()
    with loop_on(tmp_path, calls) as (loop, _):
        loop.start(BEGAN)
        loop.turn([], BEGAN)
        now = BEGAN + 1.5 * SECOND
        while calls:
            assert reported(tmp_path) == 0
            loop.turn([outcome(calls.popleft())], now)
        assert loop.wakes_at(now) == now + QUARTER
        loop.turn([], now + QUARTER)
        assert reported(tmp_path) == 30


@pytest.mark.slow
@pytest.mark.parametrize(
    ("in_haste", "count"),
    [
        pytest.param(False, COUNT, id="at the end everything is told"),
        pytest.param(True, 20 * MOST_IN_HASTE, id="who stops is kept by a few portions, and the next start goes on"),
    ],
)
def test_the_last_telling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, in_haste: bool, count: int) -> None:
    monkeypatch.setattr("controller.reconcile.reporter.MOST_WRITTEN", 20)
    manifests(tmp_path, COUNT)
    with loop_on(tmp_path, deque[Call]()) as (loop, _):
        loop.start(BEGAN)
        loop.turn([], BEGAN)
        loop.report(BEGAN, in_haste=in_haste)
        assert reported(tmp_path) == count
    with loop_on(tmp_path, deque[Call]()) as (loop, _):
        loop.start(BEGAN)
        loop.turn([], BEGAN)
        loop.report(BEGAN)
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


class Follower:
    """One job, whose calls are answered one by one, and what its status file and the ledger say of it."""

    def __init__(self, root: Path, loop: Loop, ledger: Ledger, calls: deque[Call]) -> None:
        self.status = root / "jobs.d" / "folder-00" / "job-0.status.yaml"
        self.loop, self.ledger, self.calls, self.now = loop, ledger, calls, BEGAN

    def turn(self, after: timedelta, *, answer: bool = True) -> tuple[str, str]:
        """The phases in the file and in the ledger after a turn, this long after the last one."""
        self.now += after
        self.loop.turn([outcome(self.calls.popleft())] if answer and self.calls else [], self.now)
        [(_, [recorded])] = self.ledger._store.reader().statuses()
        return self.shown(), recorded["phase"]

    def shown(self) -> str:
        found = re.search(r"^phase: (.*)$", self.status.read_text(), re.MULTILINE) if self.status.exists() else None
        return found[1] if found else ""


def test_a_file_is_written_once_for_states_that_a_job_only_passes_through(tmp_path: Path) -> None:
    """What commands read while the daemon runs is no older for it; what has ended is in the file at once."""
    manifests(tmp_path, 1)
    calls = deque[Call]()
    with loop_on(tmp_path, calls) as (loop, ledger):
        loop.start(BEGAN)
        job = Follower(tmp_path, loop, ledger, calls)
        assert job.turn(QUARTER) == ("", "Pending")
        seen = [job.turn(QUARTER) for _ in range(2)]
        assert seen == [("", "Submitting"), ("", "Running")]
        assert job.turn(SECOND) == ("Running", "Running")
        found: list[tuple[str, str]] = []
        written = 0
        before = job.status.stat().st_mtime_ns
        while not found or found[-1][1] != "Succeeded":
            found.append(job.turn(SECOND / 2))
            written, before = written + (before != job.status.stat().st_mtime_ns), job.status.stat().st_mtime_ns
        assert {each[1] for each in found} == {"Running", "Verifying", "Succeeded"}
        assert found[-1] == ("Succeeded", "Succeeded")
        assert written == 2


def test_no_status_is_made_of_a_job_that_is_only_looked_at(tmp_path: Path) -> None:
    """Counted in calls: of a running job most turns learn nothing."""
    manifests(tmp_path, 1)
    calls = deque[Call]()
    with loop_on(tmp_path, calls) as (loop, ledger):
        loop.start(BEGAN)
        job = Follower(tmp_path, loop, ledger, calls)
        while job.turn(SECOND)[0] != "Running":
            pass
        with Profile() as profile:
            while not calls:
                job.turn(SECOND, answer=False)
            job.turn(SECOND, answer=False)
        assert calls_of("_is_different", profile) == 1
        assert calls_of("status_documents", profile) == 0
        with Profile() as profile:
            job.turn(SECOND)
        assert calls_of("status_documents", profile) == 1


def calls_of(name: str, profile: Profile) -> int:
    return sum(each.callcount for each in profile.getstats() if getattr(each.code, "co_name", "") == name)
