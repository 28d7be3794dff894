"""The fetching thread: when it fetches, what it logs, how it ends, and what it tells of the source."""

import logging
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from controller.daemon.metrics import Metrics
from controller.daemon.source import BETWEEN, Fetch, SourceThread, pause_after
from controller.limits.budget import Spending
from controller.model.clock import Clock
from controller.reconcile.health import Health
from controller.settings.git import GitSource
from controller.source.facts import OUTCOMES, after, facts_before
from controller.source.outcome import Fetched, SourceStale, SourceUnverified, Swapped, Unchanged
from tests.daemon.test_daemon import until
from tests.support.factories import NOW
from tests.support.folder_source import FolderSource
from tests.support.patience import LONGEST

GIT = GitSource(url="https://git.example/jobs", every=3600.0)
FILES = {"one.yaml": "1"}


@contextmanager
def started(fetch: Fetch, state: Path, git: GitSource = GIT) -> Iterator[tuple[SourceThread, threading.Event]]:
    """The thread, and what it sets when it wakes the loop."""
    woken = threading.Event()
    source = SourceThread(git, state, woken.set, Clock().now, fetch)
    source.start()
    try:
        yield source, woken
    finally:
        source.stop()


@pytest.mark.parametrize(
    ("failures", "every", "expected"),
    [
        pytest.param(0, 60.0, 60.0, id="nothing is wrong"),
        pytest.param(1, 60.0, 10.0, id="a first failure is tried again soon"),
        pytest.param(2, 60.0, 20.0, id="then later"),
        pytest.param(6, 60.0, 300.0, id="then rarely"),
        pytest.param(10_000, 60.0, 300.0, id="and no more rarely than that"),
        pytest.param(1, 2.0, 2.0, id="never later than without a failure"),
        pytest.param(30, 3600.0, 3600.0, id="what is rarely asked is asked no more often"),
    ],
)
def test_the_pause_grows_with_the_failures(failures: int, every: float, expected: float) -> None:
    assert pause_after(failures, every) == expected


def test_it_fetches_at_the_start_and_wakes_the_loop_for_a_new_commit_only(tmp_path: Path) -> None:
    pushed = FolderSource(tmp_path)
    commit = pushed.push(FILES)
    with started(pushed, tmp_path) as (source, woken):
        assert woken.wait(LONGEST)
        assert (source.facts.commit, source.facts.problem) == (commit, "")
        woken.clear()
        source.hint()
        until(lambda: source.facts.fetches == {"swapped": 1, "unchanged": 1}, "the hint is followed")
        assert not woken.is_set()


def test_it_fetches_every_so_often(tmp_path: Path) -> None:
    pushed = FolderSource(tmp_path)
    pushed.push(FILES)
    with started(pushed, tmp_path, GitSource(url=GIT.url, every=0.1)) as (source, _):
        until(lambda: source.facts.fetches.get("unchanged"), "it asks again")
        new = pushed.push({"two.yaml": "2"})
        until(lambda: source.facts.commit == new, "what is pushed comes")


def test_a_thousand_hints_are_one_fetch_and_not_at_once(tmp_path: Path) -> None:
    pushed = FolderSource(tmp_path)
    pushed.push(FILES)
    began = time.monotonic()
    with started(pushed, tmp_path) as (source, woken):
        assert woken.wait(LONGEST)
        for _ in range(1000):
            source.hint()
        until(lambda: pushed.fetched == 2, "the hints are followed")
        assert time.monotonic() - began > BETWEEN / 2
        assert pushed.fetched == 2


def test_a_hint_during_a_fetch_is_followed_by_another_fetch(tmp_path: Path) -> None:
    pushed = FolderSource(tmp_path)
    pushed.push(FILES)
    pushed.free.clear()
    with started(pushed, tmp_path) as (source, _):
        assert pushed.begun.wait(LONGEST)
        source.hint()
        pushed.free.set()
        until(lambda: pushed.fetched == 2, "what came meanwhile is fetched")


def test_with_another_token_what_failed_is_tried_at_once(tmp_path: Path) -> None:
    pushed = FolderSource(tmp_path)
    pushed.push(FILES)
    pushed.problem = SourceStale(message="the token is refused")
    fresh = GitSource(url=GIT.url, every=3600.0, token=SecretStr("new"))
    with started(pushed, tmp_path) as (source, _):
        until(lambda: source.facts.stale, "the token is refused")
        pushed.problem = None
        source.renew(GIT)
        source.renew(fresh)
        until(lambda: source.facts.commit, "it is fetched")
        assert pushed.sources == [GIT, fresh]


class Broken:
    """A fetch with a mistake of ours in it."""

    def __init__(self, *_: object) -> None:
        pass

    def fetch(self) -> Fetched:
        raise ZeroDivisionError("division by zero")

    def stop(self) -> None:
        pass


def test_a_mistake_of_ours_is_a_problem_and_not_the_end_of_the_thread(tmp_path: Path) -> None:
    with started(Broken, tmp_path) as (source, _):
        until(lambda: source.facts.stale, "it is said")
        assert "ZeroDivisionError: division by zero" in source.facts.stale
        source.hint()
        until(lambda: source.facts.fetches["stale"] == 2, "it goes on")


class Hanging:
    """A fetch whose program does not end by itself."""

    def __init__(self, *_: object) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def fetch(self) -> Fetched:
        self.process = subprocess.Popen(["sleep", "3600"])
        self.process.wait()
        return SourceStale(message="killed")

    def stop(self) -> None:
        if self.process:
            self.process.kill()


def test_a_stop_kills_what_the_fetch_waits_for_and_does_not_take_it_for_news(tmp_path: Path) -> None:
    hanging = Hanging()
    source = SourceThread(GIT, tmp_path, lambda: None, Clock().now, lambda *_: hanging)
    source.start()
    until(lambda: hanging.process, "it waits")
    source.stop()
    assert hanging.process and hanging.process.wait(LONGEST) == -signal.SIGKILL
    until(lambda: "source" not in [each.name for each in threading.enumerate()], "the thread ends")
    assert source.facts.problem == ""


def test_the_log_has_a_line_for_each_change(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "controller.daemon.source")
    pushed = FolderSource(tmp_path)
    first = pushed.push(FILES)
    with started(pushed, tmp_path, GitSource(url=GIT.url, every=0.05)) as (source, _):
        until(lambda: source.facts.commit, "the first")
        pushed.problem = SourceStale(message="no answer")
        until(lambda: source.facts.fetches.get("stale"), "it fails")
        pushed.problem = None
        until(lambda: not source.facts.problem, "it recovers")
        pushed.problem = SourceUnverified(commit="5e" * 20, message="it is not signed")
        until(lambda: source.facts.fetches.get("unverified", 0) > 1, "it is refused, and again")
        second, pushed.problem = pushed.push({"two.yaml": "2"}), None
        until(lambda: source.facts.commit == second, "the second")
        until(lambda: len(caplog.records) == 6, "all is said")
    told = [(each.levelname, each.getMessage()) for each in caplog.records]
    back = f"https://git.example/jobs can be fetched again, and {second[:12]} is in force"
    assert told == [
        ("INFO", f"commit {first[:12]} is in force"),
        ("WARNING", f"no answer; {first[:12]} stays in force"),
        ("INFO", f"https://git.example/jobs can be fetched again, and {first[:12]} is in force"),
        ("ERROR", "it is not signed"),
        ("INFO", f"commit {second[:12]} is in force, before it {first[:12]}"),
        ("INFO", back),
    ]


def test_the_metrics_name_the_commit_and_count_the_fetches() -> None:
    facts = facts_before(GIT, NOW)
    health = Health(at=NOW, scanned_at=NOW, spending=Spending(month="2026-03"), source=facts)
    assert 'shjobs_source_fetches_total{outcome="stale"} 0.0' in _page(health)
    assert "shjobs_source_commit_info" not in _page(health)
    assert "shjobs_source_fetch_timestamp_seconds" not in _page(health)
    outcomes: tuple[Fetched, ...] = (
        Swapped(commit="0d" * 20, before=None), Unchanged(commit="0d" * 20), SourceStale(message="no"),
        SourceUnverified(commit="5e" * 20, message="not signed"),
    )  # fmt: skip
    for minute, outcome in enumerate(outcomes):
        facts = after(facts, outcome, NOW + timedelta(minutes=minute))
    page = _page(Health(at=NOW, scanned_at=NOW, spending=Spending(month="2026-03"), source=facts))
    lines = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    assert {name: float(value) for name, value in lines.items() if name.startswith("shjobs_source")} == {
        f'shjobs_source_commit_info{{commit="{"0d" * 20}"}}': 1.0,
        "shjobs_source_fetch_timestamp_seconds": (NOW + timedelta(minutes=1)).timestamp(),
        **{f'shjobs_source_fetches_total{{outcome="{each}"}}': 1.0 for each in OUTCOMES},
    }
    assert lines['shjobs_not_ready{condition="SourceUnverified"}'] == "1.0"


def _page(health: Health) -> str:
    return Metrics(lambda: health, lambda: NOW, "sandbox", 60.0).page().decode()
