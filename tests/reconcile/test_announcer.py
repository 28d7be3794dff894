"""What a turn records for receivers: with the change itself, once, and nothing where no one wants to hear."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.finished import BEGAN, finish, loop_on, manifests, outcome, path_of
from controller.ledger.ledger import Ledger
from controller.ledger.outbox.outbox import Outbox
from controller.ledger.outbox.rows import NOTICE, notice_of
from controller.ledger.store import Store
from controller.limits.budget import Spending
from controller.limits.gate import Limits
from controller.model.answers import Listing, Refusal, Refused, StoredObject
from controller.model.job_set import JobSet
from controller.model.notices.event import Event, Topic
from controller.model.reasons import JobState, Reason
from controller.reconcile.calls.workers import Call, CallOutcome, Listed, Post, Posted, is_history
from controller.reconcile.loop import Loop
from controller.reconcile.reports.announcer import OVER, Announcer
from controller.reconcile.reports.changes import StatusChange
from controller.settings.sinks import Sink, SinkKind
from tests.conftest import Workspace, ndvi
from tests.support.factories import NOW, at, job, limits, succeeded
from tests.support.notices import sink

SECOND = timedelta(seconds=1)
TEAM = sink()


def recorded(ledger: Ledger) -> list[Event]:
    rows = ledger._store._db.execute(f"select {', '.join(NOTICE)} from notice order by number").fetchall()
    return [notice_of(row)[1] for row in rows]


def heard(ledger: Ledger) -> list[tuple[str, str]]:
    return [(str(each.topic), each.subject) for each in recorded(ledger)]


def refusing(call: Call) -> CallOutcome:
    """As a service that refuses the body of one job, and delivers those of the others at once."""
    if isinstance(call, Post) and call.job == "job-1":
        return Posted(call=call, answer=Refused(why=Refusal.BODY, message="no such band", status=400))
    return outcome(call)


def work(loop: Loop, calls: deque[Call], now: datetime, answer: Callable[[Call], CallOutcome] = outcome) -> datetime:
    """Turns for at least ten minutes; returns when they end."""
    outcomes, ends_at = list[CallOutcome](), now + timedelta(minutes=10)
    while now < ends_at:
        loop.turn(outcomes, now)
        outcomes = [answer(call) for call in calls]
        calls.clear()
        now = now + SECOND if outcomes else max(loop.wakes_at(now) or now, now + 30 * SECOND)
    loop.report(now)
    return now


def test_a_turn_that_fails_a_job_writes_its_event_and_a_restart_writes_none_again(tmp_path: Path) -> None:
    manifests(tmp_path, 2)
    calls = deque[Call]()
    with loop_on(tmp_path, calls, sinks=[TEAM]) as (loop, ledger):
        loop.start(BEGAN)
        now = work(loop, calls, BEGAN, refusing)
        assert sorted(heard(ledger)) == [("failed", "job-1"), ("succeeded", "job-0")]
        [failure] = [each for each in recorded(ledger) if each.topic is Topic.FAILED]
        assert (failure.reason, failure.labels, failure.command) == ("Refused", {"team": "agri"}, "shjobs check")
        assert "no such band" in failure.message
        before = recorded(ledger)
    with loop_on(tmp_path, calls, sinks=[TEAM]) as (loop, ledger):
        loop.start(now)
        work(loop, calls, now + timedelta(days=1), refusing)
        assert recorded(ledger) == before


def test_a_turn_whose_transaction_is_undone_leaves_no_event_and_the_next_process_records_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifests(tmp_path, 2)
    calls = deque[Call]()
    with monkeypatch.context() as patched, loop_on(tmp_path, calls, sinks=[TEAM]) as (loop, ledger):
        loop.start(BEGAN)
        patched.setattr(ledger, "keep_statuses", _ended)
        with pytest.raises(KeyboardInterrupt):
            work(loop, calls, BEGAN, refusing)
        assert recorded(ledger) == []
    with loop_on(tmp_path, calls, sinks=[TEAM]) as (loop, ledger):
        loop.start(BEGAN)
        work(loop, calls, BEGAN, refusing)
        assert Counter(heard(ledger)) == {("failed", "job-1"): 1, ("succeeded", "job-0"): 1}


def _ended(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "sinks",
    [
        pytest.param([], id="without receivers nothing is recorded"),
        pytest.param([sink(events=frozenset({Topic.HELD}))], id="what no receiver wants is not recorded"),
        pytest.param([sink(kind=SinkKind.GITHUB)], id="the status of commits needs no events"),
    ],
)
def test_what_no_one_hears_is_not_recorded(tmp_path: Path, sinks: list[Sink]) -> None:
    manifests(tmp_path, 1)
    calls = deque[Call]()
    with loop_on(tmp_path, calls, sinks=sinks) as (loop, ledger):
        loop.start(BEGAN)
        work(loop, calls, BEGAN)
        assert recorded(ledger) == []


def test_a_receiver_that_is_configured_later_hears_of_nothing_old(tmp_path: Path) -> None:
    manifests(tmp_path, 3)
    finish(tmp_path)
    calls = deque[Call]()
    with loop_on(tmp_path, calls, sinks=[TEAM]) as (loop, ledger):
        loop.start(BEGAN)
        work(loop, calls, BEGAN + timedelta(hours=1))
        assert recorded(ledger) == []


def paid_before(call: Call) -> CallOutcome:
    """As a service and a bucket that have what an earlier ledger paid for."""
    assert not isinstance(call, Post), "it was paid for"
    if not is_history(call):
        return outcome(call)
    request_id = f"{int(call.job.removeprefix('job-')):08x}-1111-4111-8111-111111111111"
    folder = f"{call.step.only}-r0-a0/{request_id}"
    raster = StoredObject(key=f"{folder}/default.tif", bytes=8000, etag="0" * 32, modified=BEGAN)
    return Listed(call=call, answer=Listing(objects=(raster,)))


def test_after_a_lost_ledger_what_the_bucket_shows_is_told_in_one_message(tmp_path: Path) -> None:
    """It is told again, since no one knows what the lost ledger had told; but not job by job."""
    manifests(tmp_path, 30)
    calls = deque[Call]()
    with loop_on(tmp_path, calls, sinks=[TEAM]) as (loop, ledger), Outbox(ledger._store._path.parent) as outbox:
        loop.start(BEGAN)
        work(loop, calls, BEGAN, paid_before)
        assert {each.adopted for each in ledger.everything()} == {True}
        assert Counter(each.topic for each in recorded(ledger)) == {Topic.SUCCEEDED: 30}
        for minutes in range(120):
            outbox.form(TEAM, BEGAN + timedelta(minutes=minutes))
        [message] = outbox.due("team", BEGAN + timedelta(hours=2))
        assert (message.count, message.processing_units) == (30, 300.0)


def test_a_manifest_that_is_broken_reaches_people_once_and_again_when_it_is_broken_anew(tmp_path: Path) -> None:
    manifests(tmp_path, 2)
    path = tmp_path / "jobs.d" / path_of(0)
    whole, calls = path.read_text(encoding="utf-8"), deque[Call]()
    with loop_on(tmp_path, calls, sinks=[TEAM]) as (loop, ledger):
        loop.start(BEGAN)
        now = work(loop, calls, BEGAN)
        before = len(recorded(ledger))
        for text in ("spec: [", whole, "spec: ["):
            path.write_text(text, encoding="utf-8")
            loop.rescan()
            now += timedelta(minutes=1)
            loop.turn([], now)
            loop.rescan()
            loop.turn([], now)
        rejected = recorded(ledger)[before:]
        assert [(each.topic, each.reason, each.subject) for each in rejected] == [("failed", "Rejected", "job-0")] * 2
        assert {tuple(each.labels.items()) for each in rejected} == {(("team", "agri"),)}
        count = len(recorded(ledger))
    with loop_on(tmp_path, calls, sinks=[TEAM]) as (loop, ledger):
        loop.start(now)
        loop.turn([], now)
        assert len(recorded(ledger)) == count


class Watched:
    """An announcer on a ledger of its own, with what is wrong outside of the loop."""

    def __init__(self, root: Path, sinks: Sequence[Sink] = (TEAM,)) -> None:
        self._root, self._sinks = root, sinks
        self.outside: list[tuple[str, str]] = []
        self.gate: dict[str, Any] = {}
        self.reasons = Counter[Reason]()
        self.start()

    def start(self) -> None:
        """Another process on the same ledger."""
        self.ledger = Ledger(Store.open(self._root, {}))
        self.announcer = Announcer(self.ledger, "0a1b2c3d", self._sinks, lambda: self.outside)

    def look(self, now: datetime) -> list[tuple[str, str]]:
        """The reasons and phases of all events after a look."""
        is_holding = self.reasons[Reason.BUDGET_EXCEEDED] > 0
        self.announcer.look(self._limits, self.reasons, now, is_holding=is_holding)
        return [(each.reason, each.phase) for each in recorded(self.ledger)]

    def _limits(self) -> Limits:
        return limits(**self.gate)


STALE = ("SourceStale", "the repository cannot be reached")
OPEN, REFUSED = {"reason": Reason.BREAKER_OPEN}, {"reason": Reason.ACCOUNT_REFUSED, "message": "401"}


def test_a_condition_begins_once_and_ends_once_whatever_restarts_between(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    assert watched.look(NOW) == []
    watched.outside = [STALE]
    assert watched.look(at(1)) == [("SourceStale", "")]
    assert watched.look(at(2)) == [("SourceStale", "")]
    watched.start()
    assert watched.look(at(3)) == [("SourceStale", "")]
    watched.outside = []
    assert watched.look(at(10)) == [("SourceStale", "")]
    assert watched.look(at(10) + OVER) == [("SourceStale", ""), ("SourceStale", "Ended")]
    watched.start()
    assert len(watched.look(at(3600))) == 2
    watched.outside = [STALE]
    assert watched.look(at(7200))[2:] == [("SourceStale", "")]


def test_a_condition_that_is_gone_for_a_moment_is_not_over(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    for seconds, outside in ((0, [STALE]), (10, []), (50, [STALE]), (100, []), (150, [STALE])):
        watched.outside = outside
        assert watched.look(at(seconds)) == [("SourceStale", "")]


@pytest.mark.parametrize(
    ("gate", "reasons", "expected"),
    [
        pytest.param({}, {}, [], id="an open gate is nothing to hear of"),
        pytest.param(OPEN, {}, ["BreakerOpen"], id="the breaker is open"),
        pytest.param({**OPEN, "opens_at": at(-60)}, {}, ["BreakerOpen"], id="it stays open until a POST was answered"),
        pytest.param(REFUSED, {}, ["CredentialsRefused"], id="the account is refused"),
        pytest.param({"reason": Reason.BACKING_OFF}, {}, [], id="a pause that ends by itself is not"),
        pytest.param({}, {Reason.HISTORY_UNKNOWN: 3}, ["BucketRefused"], id="a bucket cannot be listed"),
        pytest.param(
            {"spending": Spending(month="2026-03", budget=100.0, spent=85.0)}, {}, ["Budget80"], id="80 % of the budget"
        ),
        pytest.param(
            {"spending": Spending(month="2026-03", budget=100.0, spent=10.0)},
            {Reason.BUDGET_EXCEEDED: 1},
            ["Budget100"],
            id="less is left than a job may cost",
        ),
    ],
)
def test_what_concerns_the_controller_is_recorded_once(
    tmp_path: Path, gate: dict[str, Any], reasons: dict[Reason, int], expected: list[str]
) -> None:
    watched = Watched(tmp_path)
    watched.gate, watched.reasons = gate, Counter(reasons)
    for restart in (False, True):
        if restart:
            watched.start()
        for seconds in (0, 1, 2):
            assert [reason for reason, _ in watched.look(at(seconds))] == expected


def test_a_new_month_does_not_begin_with_a_budget_that_is_used_up(tmp_path: Path) -> None:
    """The jobs that the old month held were counted as of the last report; then the real one was never said."""
    manifests(tmp_path, 2)
    settings = tmp_path / "shjobs.toml"
    settings.write_text(f"monthlyBudget = 15\n{settings.read_text()}")
    calls, midnight = deque[Call](), datetime(2026, 4, 1, tzinfo=UTC)
    with loop_on(tmp_path, calls, sinks=[TEAM]) as (loop, ledger):
        loop.start(BEGAN)
        work(loop, calls, BEGAN)
        held = [each.name for each in ledger.jobs.values() if not list(ledger.of(each.name))]
        assert (len(held), [each.reason for each in recorded(ledger) if each.topic is Topic.BUDGET]) == (
            1,
            ["Budget100"],
        )
        loop.turn([], midnight - SECOND)
        loop.report(midnight - SECOND / 10)
        loop.turn([], midnight)
        assert [each.reason for each in recorded(ledger) if each.topic is Topic.BUDGET] == ["Budget100"]


@pytest.mark.slow
def test_a_receiver_that_was_taken_out_of_the_settings_is_forgotten_with_what_waits_for_it(
    workspace: Workspace,
) -> None:
    settings = workspace.root / "shjobs.toml"
    without = settings.read_text()
    workspace.write("ndvi.yaml", ndvi())
    settings.write_text(f'{without}\n[notify.team]\ntype = "webhook"\nurl = "http://127.0.0.1:1/"\n')
    workspace.sync()
    later = datetime.now(UTC) + timedelta(days=1)
    [receiver] = workspace.settings().sinks
    with Outbox(workspace.state) as outbox:
        outbox.form(receiver, later)
        assert outbox.due(receiver.name, later)
    settings.write_text(without)
    workspace.sync()
    settings.write_text(f'{without}\n[notify.team]\ntype = "webhook"\nurl = "http://127.0.0.1:1/"\n')
    workspace.sync()
    with Outbox(workspace.state) as outbox:
        outbox.form(receiver, later)
        assert outbox.due(receiver.name, later) == []


def test_a_gate_that_is_closed_for_another_reason_is_not_well_again(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.gate = OPEN
    watched.look(NOW)
    watched.gate = REFUSED
    for minutes in range(1, 10):
        found = watched.look(at(60 * minutes))
    assert found == [("BreakerOpen", ""), ("CredentialsRefused", "")]


def test_without_receivers_of_it_the_limits_are_not_even_asked_for(tmp_path: Path) -> None:
    ledger = Ledger(Store.open(tmp_path, {}))

    def asked() -> Limits:
        raise AssertionError("it costs something")

    for announcer in (Announcer(), Announcer(ledger, "i", [sink(events=frozenset({Topic.HELD}))])):
        announcer.look(asked, {}, NOW, is_holding=False)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([Topic.SET_COMPLETE], [("set.complete", "set/alps", "0a1b2c")], id="a set that became complete"),
        pytest.param([Topic.FAILED], [], id="of which no receiver wants to hear"),
    ],
)
def test_a_complete_set_is_recorded_with_its_labels_and_its_commit(
    tmp_path: Path, events: list[Topic], expected: list[tuple[str, str, str]]
) -> None:
    watched = Watched(tmp_path, [sink(events=frozenset(events))])
    last = StatusChange(
        job=job(), job_state=JobState(reason=Reason.DELIVERED, message="all there"), changed=True,
        submission=succeeded(revision="0a1b2c"), set_name="alps",
    )  # fmt: skip
    sets = {"alps": JobSet(name="alps", path="alps.yaml", index=0, cells=("ndvi",), labels=(("team", "agri"),))}
    watched.announcer.note_changes([last], {"alps": "1/1 Succeeded"}, sets, NOW)
    found = recorded(watched.ledger)
    assert [(str(each.topic), each.subject, each.revision) for each in found] == expected
    assert all(each.labels == {"team": "agri"} and each.message == "1/1 Succeeded" for each in found)
