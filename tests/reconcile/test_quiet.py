"""Nothing happens without a reason: polls that bring nothing new leave no trace, finished jobs cost no calls."""

import logging
from collections import Counter, deque
from datetime import timedelta
from pathlib import Path

import pytest

from bench.finished import BEGAN, finish, loop_on, manifests
from controller.model.answers import Accepted, Listing, StillRunning
from controller.reconcile.calls.workers import Call, CallOutcome, Get, Got, Listed, ListObjects, Post, Posted

pytestmark = pytest.mark.slow


EARLIER, POLLS = 400, 1_000  # the earlier ones take the job past its deadline, a day, which is news
ID = "00000001-1111-4111-8111-111111111111"


def still_running(call: Call) -> CallOutcome:
    """What a service answers that has taken the request and works on it for ever."""
    match call:
        case Post():
            return Posted(call=call, answer=Accepted(request_id=ID))
        case Get():
            return Got(call=call, answer=StillRunning())
        case ListObjects():
            return Listed(call=call, answer=Listing())


def written(root: Path) -> dict[Path, tuple[int, bytes]]:
    """Every status file with the moment it was written."""
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in (root / "jobs.d").rglob("*.status.yaml")}


def test_a_thousand_polls_without_news_write_no_status_file_and_no_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    manifests(tmp_path, 1)
    settings = tmp_path / "shjobs.toml"
    settings.write_text('scanEvery = "30d"\n' + settings.read_text())
    calls, made, before = deque[Call](), Counter[str](), dict[Path, tuple[int, bytes]]()
    with loop_on(tmp_path, calls) as (loop, _), caplog.at_level(logging.DEBUG):
        now, outcomes = BEGAN, list[CallOutcome]()
        loop.start(now)
        while made["Get"] < EARLIER + POLLS:
            loop.turn(outcomes, now)
            made.update(type(call).__name__ for call in calls)
            outcomes = [still_running(call) for call in calls]
            calls.clear()
            if not outcomes:
                now = max(loop.wakes_at(now) or now, now + timedelta(seconds=1))
            if made["Get"] == EARLIER and not before:
                before = written(tmp_path)
                caplog.clear()
    assert (made["Post"], len(before)) == (1, 1)
    assert written(tmp_path) == before
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


def test_finished_jobs_cost_no_calls_for_a_month(tmp_path: Path) -> None:
    manifests(tmp_path, 100)
    finish(tmp_path)
    calls, before, turns = deque[Call](), written(tmp_path), 0
    with loop_on(tmp_path, calls) as (loop, _):
        now = BEGAN + timedelta(days=1)
        ends_at = now + timedelta(days=31)
        loop.start(now)
        while now < ends_at:
            loop.turn([], now)
            now, turns = now + timedelta(hours=6), turns + 1
    assert (turns, len(calls), len(before)) == (124, 0, 100)
    assert written(tmp_path) == before
