"""A clock that is wrong pays for nothing and gives nothing up; when it is right again, everything is taken up again."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from sqlite_utils import Database

from controller.daemon.daemon import Daemon
from controller.ledger.ledger import Ledger
from controller.ledger.migrations import migrations
from controller.ledger.store import Store
from controller.lifecycle.transitions import interrupt, resume_search, unless_given_up
from controller.model.answers import Refusal
from controller.model.clock import Clock, ServiceClock
from controller.model.skew import TOLERANCE, date_of, doubt, settled_offset
from controller.operations.plan.plan import plan
from controller.reconcile.runner import Flags, turn_to_rest
from controller.reconcile.timekeeper import Timekeeper
from controller.reconcile.wiring import Inbox, controller
from controller.sandbox.faults.faults import Fault
from controller.settings.settings import Settings
from tests.conftest import Workspace, ndvi
from tests.support.command import shjobs
from tests.support.factories import (
    NOW,
    TIMING,
    accepted,
    at,
    evidence,
    failed,
    gone,
    refused,
    submission,
    unconfirmed,
    unknown,
)
from tests.support.patience import LONGEST

DAY = 86400.0
YEAR_1 = datetime.min.replace(tzinfo=UTC)
AHEAD = "this machine's clock is about 2 days ahead of the service's clock; set it (NTP)"


def sync(workspace: Workspace, skew: float = 0.0, settings: Settings | None = None) -> dict[str, dict[str, Any]]:
    """`sync` on a machine whose clock is so many seconds ahead."""
    inbox: Inbox = queue.SimpleQueue()
    clock = Clock(wall=lambda: datetime.now(UTC) + timedelta(seconds=skew))
    with controller(settings or workspace.settings(), lambda _news: None, inbox, clock=clock) as (assembly, workers):
        turn_to_rest(assembly.loop, inbox, workers, clock, Flags(inbox))
        return {str(each.get("name")): each for each in assembly.documents(clock.now())}


# the decision


@pytest.mark.parametrize(
    ("newest", "ahead", "expected"),
    [
        pytest.param(None, None, "", id="an empty ledger, and the service has not spoken"),
        pytest.param(-60, None, "", id="the ledger is older"),
        pytest.param(-(NOW - YEAR_1).total_seconds(), None, "", id="the ledger knows the year 1 alone"),
        pytest.param(TOLERANCE, None, "", id="the ledger is ahead by what a clock may be off"),
        pytest.param(
            TOLERANCE + 60, None,
            "this machine's clock is about 6 minutes behind the newest moment in the ledger; set it (NTP)",
            id="time is behind the ledger",
        ),
        pytest.param(DAY, 2, "", id="the service confirms the machine: the ledger was wrong"),
        pytest.param(None, TOLERANCE, "", id="as far off as a clock may be"),
        pytest.param(None, -2 * DAY - 3, AHEAD, id="two days ahead"),
        pytest.param(None, -2 * DAY + 3000, AHEAD.replace("2 days", "47 hours"), id="not quite"),
        pytest.param(
            None, 7200, "this machine's clock is about 2 hours behind the service's clock; set it (NTP)", id="behind"
        ),
    ],
)  # fmt: skip
def test_when_a_clock_is_in_doubt(newest: float | None, ahead: float | None, expected: str) -> None:
    assert doubt(NOW, None if newest is None else at(newest), ahead) == expected


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        pytest.param([0.4], 0.4, id="one that agrees is believed"),
        pytest.param([-DAY], None, id="one that disagrees is not yet"),
        pytest.param([-DAY, -DAY + 5], -DAY + 5, id="two that disagree are"),
        pytest.param([1, -DAY], 1, id="a single odd one after good ones is not"),
        pytest.param([1, -DAY, 2], 1, id="nor does it spoil the next"),
        pytest.param([1, -DAY, 2, 1], 1, id="and then all is well"),
        pytest.param([-DAY, -2 * DAY], None, id="two that say different things say nothing"),
        pytest.param([-DAY, -DAY, 1], -DAY, id="in doubt, a single good one may be the odd one"),
        pytest.param([-DAY, -DAY, 1, 2], 2, id="two good ones end the doubt"),
        pytest.param([-200, 200], 200, id="both within what a clock may be off"),
    ],
)
def test_two_dates_must_agree(readings: list[float], expected: float | None) -> None:
    held, earlier = None, None
    for reading in readings:
        held, earlier = settled_offset(held, earlier, reading), reading
    assert held == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({"Date": format_datetime(NOW, usegmt=True)}, NOW, id="a date"),
        pytest.param({"Date": format_datetime(NOW, usegmt=True), "Age": "0"}, None, id="from a cache"),
        pytest.param({}, None, id="none"),
        pytest.param({"Date": "yesterday"}, None, id="garbage"),
        pytest.param({"Date": "Sun, 99 Nov 9999999 02:00:00 GMT"}, None, id="no such day"),
        pytest.param({"Date": "Sun, 01 Mar 2026 12:00:00 -0000"}, NOW, id="a date without a zone"),
    ],
)
def test_the_date_of_an_answer(headers: dict[str, str], expected: datetime | None) -> None:
    assert date_of(headers) == expected


def test_what_is_heard_is_compared_with_the_clock_of_that_moment() -> None:
    seconds, wall = [0.0], [NOW]
    clock = Clock(wall=lambda: wall[0], monotonic=lambda: seconds[0])
    heard = ServiceClock(clock)
    heard.receive({"Date": format_datetime(at(1), usegmt=True)})
    assert (heard.ahead, heard.is_off, heard.is_odd, heard.is_unsettled) == (1, False, False, False)
    wall[0] = at(8 * 3600)  # the machine slept: its monotonic clock stood still
    assert heard.is_unsettled
    for _ in range(2):
        heard.receive({"Date": format_datetime(at(8 * 3600), usegmt=True)})
    assert (heard.is_off, heard.is_to_be_set) == (True, True)
    clock.set()
    heard.clear()
    assert (clock.now(), heard.ahead, heard.is_unsettled) == (at(8 * 3600), None, False)


# what is not given up, and what is taken up again


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(
            unconfirmed(), unconfirmed(look_at=None, evidence=evidence(objects=())),
            unconfirmed(look_at=at(60), evidence=evidence(objects=())), id="a search is not over",
        ),
        pytest.param(gone(), unknown(), gone(look_at=at(60), evidence=evidence(objects=())), id="nor is an outcome"),
        pytest.param(
            unknown(look_at=at(1)), unknown(), unknown(look_at=at(60)), id="nor is late evidence too late"
        ),
        pytest.param(unconfirmed(), accepted(), accepted(), id="what is found is found"),
        pytest.param(gone(), failed(), failed(), id="what is reported is reported"),
    ],
)  # fmt: skip
def test_in_doubt_nothing_is_given_up(before: Any, after: Any, expected: Any) -> None:
    assert unless_given_up(before, after, NOW, TIMING) == expected


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        pytest.param(
            unconfirmed(look_at=None, evidence=evidence(at=at(DAY), since=at(DAY), objects=())),
            unconfirmed(look_at=NOW, evidence=evidence(at=NOW, since=NOW, objects=())),
            id="given up tomorrow: searched again now, since its POST",
        ),
        pytest.param(accepted(look_at=at(2 * DAY)), accepted(answered_at=NOW, look_at=NOW), id="not polled for days"),
        pytest.param(
            unknown(gone_at=at(DAY), finished_at=at(DAY), evidence=None),
            unknown(gone_at=NOW, finished_at=NOW, evidence=None, look_at=NOW), id="unknown: looked for again",
        ),
        pytest.param(
            gone(gone_at=at(-2 * DAY), look_at=at(-1)), gone(gone_at=NOW, look_at=NOW), id="gone long ago, it said"
        ),
        pytest.param(
            failed(finished_at=at(DAY), evidence=None), failed(finished_at=NOW, evidence=None), id="a failure stays one"
        ),
    ],
)  # fmt: skip
def test_what_a_wrong_clock_dated_is_taken_up_again(wrong: Any, expected: Any) -> None:
    assert resume_search(wrong, NOW) == expected


def test_what_was_interrupted_is_not_dated_before_its_intent() -> None:
    assert interrupt(submission(), at(-DAY), TIMING).answered_at == NOW


# the loop


@contextmanager
def kept(*rows: Any, ahead: Callable[[], float | None], now: datetime = NOW) -> Iterator[tuple[Ledger, Timekeeper]]:
    db = Database(memory=True)
    migrations.apply(db)
    with Store(db) as store:
        with store.transaction():
            for row in rows:
                store.save(replace(row, number=store.add(replace(row, number=0), "{}")))
        ledger = Ledger(store)
        yield ledger, Timekeeper(ledger, TIMING, ahead)


def test_the_doubt_of_an_earlier_process_holds_until_the_service_speaks() -> None:
    said: list[float | None] = [-2 * DAY]
    with kept(ahead=lambda: said[0]) as (ledger, keeper):
        assert not keeper.look(at(2 * DAY))
        assert keeper.doubt == AHEAD
        said[0] = None
        second = Timekeeper(ledger, TIMING, lambda: said[0])
        second.look(NOW)
        assert (second.doubt, second.is_sure) == (AHEAD, False)
        said[0] = 0.0
        assert second.look(NOW)
        assert (second.doubt, ledger.doubt, second.look(NOW)) == ("", None, False)


def test_a_ledger_from_the_future_is_a_doubt_until_the_service_confirms_the_clock() -> None:
    said: list[float | None] = [None]
    future = refused(Refusal.UNSENT, intended_at=at(DAY), answered_at=at(DAY))
    with kept(future, ahead=lambda: said[0]) as (ledger, keeper):
        keeper.look(NOW)
        assert "behind the newest moment in the ledger" in keeper.doubt
        said[0] = 1.0
        assert keeper.look(NOW)
        assert (keeper.doubt, ledger.newest_moment) == ("", NOW)
        assert [(item.intended_at, item.answered_at) for item in ledger.everything()] == [(at(DAY), NOW)]


# the whole, beside a sandbox


@pytest.mark.slow
def test_two_days_ahead_nothing_is_paid_and_it_is_said(workspace: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.write("other.yaml", ndvi("other", 14.41))
    with caplog.at_level(logging.WARNING):
        for status in (sync(workspace, 2 * DAY), sync(workspace, 2 * DAY)):
            assert {each["reason"] for each in status.values()} == {"ClockDoubtful"}
            assert AHEAD in status["ndvi"]["message"]
    assert workspace.posts() == 0
    assert {each["phase"] for each in sync(workspace).values()} == {"Succeeded"}
    assert workspace.posts() == 2
    reported = [each.getMessage() for each in caplog.records if AHEAD in each.getMessage()]
    assert reported == [f"nothing is paid for: {AHEAD}"] * 2


@pytest.mark.parametrize("choice", ["hold", "resubmit"])
@pytest.mark.parametrize("skew", [pytest.param(2 * DAY, id="ahead"), pytest.param(-2 * DAY, id="behind")])
def test_an_unconfirmed_submission_is_not_given_up_by_a_wrong_clock(
    workspace: Workspace, choice: str, skew: float
) -> None:
    workspace.sandbox.faults.add(Fault(name="refuse-502-before"))
    workspace.write("ndvi.yaml", ndvi())
    settings = workspace.settings(SHJOBS_ON_UNCONFIRMED=choice)
    assert sync(workspace, settings=settings)["ndvi"]["reason"] == "Searching"
    for _ in range(2):
        assert sync(workspace, skew, settings)["ndvi"]["reason"] in ("Searching", "ClockDoubtful")
    assert sync(workspace, 0.0, settings)["ndvi"]["reason"] == "Searching"
    assert workspace.posts() == 1


@pytest.mark.slow
def test_three_days_ahead_the_budget_of_another_month_is_not_spent(workspace: Workspace) -> None:
    workspace.write("first.yaml", ndvi("first", 14.39))
    price = sync(workspace)["first"]["processingUnits"]["spent"]
    settings = workspace.settings(SHJOBS_MONTHLY_BUDGET=str(2.5 * price))
    for number in range(3):
        workspace.write(f"job-{number}.yaml", ndvi(f"job-{number}", 14.40 + number / 100))
    sync(workspace, settings=settings)
    assert workspace.posts() == 2
    status = sync(workspace, 33 * DAY, settings)
    assert workspace.posts() == 2
    assert "ClockDoubtful" in {each["reason"] for each in status.values()}


@pytest.mark.slow
@pytest.mark.parametrize("skew", [-60.0, 0.0, 60.0])
def test_a_clock_within_a_minute_is_never_in_doubt(workspace: Workspace, skew: float) -> None:
    workspace.write("ndvi.yaml", ndvi())
    assert sync(workspace, skew)["ndvi"]["phase"] == "Succeeded"
    assert sync(workspace, -skew)["ndvi"]["phase"] == "Succeeded"
    assert workspace.posts() == 1


@pytest.mark.slow
def test_plan_and_doctor_say_that_the_clock_is_in_doubt(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    sync(workspace, 2 * DAY)
    (job,) = plan(workspace.settings())["jobs"]
    assert (job["action"], job["reason"]) == ("wait", "ClockDoubtful")
    done = shjobs("doctor", cwd=workspace.root, environment=dict(workspace.environment))
    assert "behind the newest moment in the ledger" in done.stdout
    assert sync(workspace)["ndvi"]["phase"] == "Succeeded"
    assert plan(workspace.settings())["jobs"][0]["action"] == "unchanged"


@pytest.mark.slow
def test_a_daemon_with_a_wrong_clock_is_not_ready_and_goes_on_once_it_is_set(workspace: Workspace) -> None:
    skew = [2 * DAY]
    clock = Clock(wall=lambda: datetime.now(UTC) + timedelta(seconds=skew[0]))
    workspace.write("ndvi.yaml", ndvi())
    daemon = Daemon(workspace.settings(SHJOBS_SETTLE="0s"), clock)

    def operate() -> None:
        try:
            wait_for(lambda: ("ClockDoubtful", AHEAD) in daemon.why_not_ready())
            assert workspace.posts() == 0
            skew[0] = 0.0
            wait_for(lambda: "phase: Succeeded" in status_of(workspace))
            wait_for(lambda: "ClockDoubtful" not in dict(daemon.why_not_ready()))
            seen.append(True)
        finally:
            daemon.flags.stopping = True  # `stop` may raise in the thread that calls it
            daemon.flags.inbox.put(None)

    seen: list[bool] = []
    operator = threading.Thread(target=operate)
    operator.start()
    daemon.run()
    operator.join()
    assert (seen, workspace.posts()) == ([True], 1)


def status_of(workspace: Workspace) -> str:
    path = workspace.jobs / "ndvi.status.yaml"
    return path.read_text() if path.exists() else ""


def wait_for(condition: Callable[[], bool], seconds: float = LONGEST) -> None:
    """However slow the machine is: only a fault takes that long."""
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.05)
