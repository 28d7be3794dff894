"""What `why` and `describe` say of a job on its way, from what a process at work reported, is what a turn would say."""

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from controller.analysis.terms import terms_of, threshold_of
from controller.ledger.lock import submitter_lock
from controller.ledger.reads.reader import Reader
from controller.ledger.store import Store
from controller.model.answers import Refusal, Refused, Unconfirmed
from controller.model.files import STATUS
from controller.model.reasons import Reason
from controller.operations.inspect.describe import _description, _turned_case
from controller.operations.inspect.single.reported import case_reported
from controller.operations.inspect.why import explain
from controller.reconcile.calls.workers import CallOutcome, Post, Posted
from controller.reconcile.wiring import turned_copy
from tests.support.factories import NOW
from tests.support.set_loops import PLAIN, Running, running, settings_of

NAMES = ("plain", "second", "third", "fourth")


@dataclass(frozen=True, kw_only=True)
class OnItsWay:
    """How the service answers each POST, None: it takes it; and what jobs are reported with."""

    text: str = ""
    answer: Refused | Unconfirmed | None = None
    reason: Reason


WAYS = [
    pytest.param(OnItsWay(text="maxRunning = 1", reason=Reason.QUEUED), id="all slots are in use"),
    pytest.param(
        OnItsWay(answer=Refused(why=Refusal.RATE, message="slow down", retry_after=90.0), reason=Reason.QUEUED),
        id="the service asked for a pause",
    ),
    pytest.param(
        OnItsWay(answer=Refused(why=Refusal.CONCURRENCY, message="too many", status=429), reason=Reason.QUEUED),
        id="too many run at the service",
    ),
    pytest.param(
        OnItsWay(answer=Refused(why=Refusal.CREDENTIALS, message="who are you"), reason=Reason.ACCOUNT_REFUSED),
        id="the account is refused",
    ),
    pytest.param(
        OnItsWay(answer=Refused(why=Refusal.UNSENT, message="no route"), reason=Reason.BACKING_OFF),
        id="the service cannot be reached",
    ),
    pytest.param(
        OnItsWay(text="maxRunning = 1", answer=Unconfirmed(message="no answer"), reason=Reason.BREAKER_OPEN),
        id="a POST got no answer",
    ),
]


def live(loop: Running, way: OnItsWay) -> None:
    """Some turns, and a report."""
    outcomes: list[CallOutcome] = []
    for _ in range(8):
        loop.loop.turn(outcomes, loop.now)
        calls = [loop.calls.popleft() for _ in range(len(loop.calls))]
        outcomes = [
            Posted(call=call, answer=way.answer) if isinstance(call, Post) and way.answer else loop._outcome(call)
            for call in calls
        ]
    loop.loop.record(outcomes, loop.now)
    loop.loop.turn([], loop.now)
    loop.loop.report(loop.now)


@pytest.mark.parametrize("way", WAYS)
def test_a_job_on_its_way_is_described_without_the_others(tmp_path: Path, way: OnItsWay) -> None:
    settings, now = settings_of(tmp_path, way.text), NOW + timedelta(seconds=1)
    with Store.open(settings.state, {}) as store, store.transaction():
        store.renew(terms_of(settings), threshold_of(settings), kept=STATUS)
    for number, name in enumerate(NAMES):
        text = PLAIN.replace("name: plain", f"name: {name}").replace("14.50", f"14.5{number}")
        (settings.jobs / f"{name}.yaml").write_text(text, encoding="utf-8")
    with running(tmp_path, NOW, way.text) as loop:
        live(loop, way)
    with ExitStack() as around, turned_copy(settings, now) as assembly:
        reader = Reader.of(settings.state)
        assert reader is not None
        around.enter_context(reader)
        waiting = [name for name in NAMES if reader.reported(name)[0] == way.reason]
        assert waiting
        assert [case_reported(reader, settings, name, now) for name in waiting] == [None] * len(waiting)
        around.enter_context(submitter_lock(settings.state))
        for name in waiting:
            whole, body = _turned_case(assembly, name, now), assembly.ledger.wanted_request(name)
            case = case_reported(reader, settings, name, now)
            assert case is not None
            assert (explain(case, now), _description(settings, case, body)) == (
                explain(whole, now), _description(settings, whole, body)
            )  # fmt: skip
