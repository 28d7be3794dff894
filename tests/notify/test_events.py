"""Which states of a job are events, as a table, and when two events are the same."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from controller.limits.budget import Spending, overspent_hash
from controller.model.job import Job, SetCell
from controller.model.notices.event import Event, Topic
from controller.model.reasons import JobState, Reason
from controller.model.submission import SharedRun, Submission
from controller.notify.events import (
    begun_event,
    budget_events,
    completed_event,
    ended_event,
    job_event,
    rejected_event,
    topic_of,
)
from tests.support.factories import NOW, OTHER_DIGEST, at, failed, job, submission, succeeded, wanted

HASH, OTHER_HASH = "0123456789ab", "ba9876543210"
LARGE = (
    f"60 submissions became due at once; `shjobs plan` shows them, and `shjobs accept {HASH}` releases exactly these"
)


def found(
    reason: Reason, message: str = "so it is", of: Job | None = None, run: Submission | None = None, set_name: str = "",
    shared: SharedRun | None = None, instance: str = "0a1b2c3d",
) -> Event | None:  # fmt: skip
    job_state = JobState(reason=reason, message=message, shared=shared)
    return job_event(instance, NOW, of or job(), job_state, run, set_name)


def event_of(*given: Any, **more: Any) -> Event:
    event = found(*given, **more)
    assert event is not None
    return event


HEARD = {
    Topic.FAILED: {Reason.ERROR_REPORTED, Reason.REFUSED},
    Topic.UNKNOWN: {Reason.NOTHING_DELIVERED, Reason.PARTLY_DELIVERED, Reason.BUCKET_UNREADABLE},
    Topic.UNCONFIRMED: {Reason.NEEDS_PERSON},
    Topic.HELD: {
        *(Reason.APPROVAL_NEEDED, Reason.CREDENTIAL_MISSING, Reason.COST_UNKNOWN, Reason.WARNED),
        *(Reason.HISTORY_UNKNOWN, Reason.TRIAL, Reason.WINDOW_LIMIT, Reason.LARGE_CHANGE),
        *(Reason.BUDGET_EXCEEDED, Reason.OVERSPENT),
    },
    Topic.SUCCEEDED: {Reason.DELIVERED, Reason.REUSED},
}


@pytest.mark.parametrize("reason", [pytest.param(each, id=f"{each} is heard as it should be") for each in Reason])
def test_the_topic_of_every_reason(reason: Reason) -> None:
    expected = next((topic for topic, reasons in HEARD.items() if reason in reasons), None)
    assert topic_of(reason) is expected
    event = found(reason)
    assert (event and event.topic) is expected


def test_a_large_change_carries_its_hash_its_units_and_its_command() -> None:
    of = job(wanted=wanted(labels=(("team", "agri"),), revision="0a1b2c", cell=SetCell(set_name="alps", recipe="r")))
    assert found(Reason.LARGE_CHANGE, LARGE, of, set_name="alps") == Event(
        id=event_of(Reason.LARGE_CHANGE, LARGE, of).id,
        at=NOW,
        topic=Topic.HELD,
        message=LARGE,
        subject="ndvi",
        set_name="alps",
        labels={"team": "agri"},
        revision="0a1b2c",
        phase="Held",
        reason="LargeChange",
        processing_units=20,
        command=f"shjobs accept {HASH}",
    )


@pytest.mark.parametrize(
    ("reason", "message", "command"),
    [
        pytest.param(Reason.APPROVAL_NEEDED, "set a ceiling", "", id="what the manifest must say has no command"),
        pytest.param(Reason.OVERSPENT, f"`shjobs accept {HASH}` goes on", f"shjobs accept {HASH}", id="overspending"),
        pytest.param(Reason.WARNED, "E123", "shjobs check", id="a warning is shown by check"),
        pytest.param(Reason.ERROR_REPORTED, "boo", "shjobs retry ndvi", id="what failed may be retried"),
        pytest.param(
            Reason.NEEDS_PERSON, "no answer", "shjobs resolve ndvi --request-id ID", id="the unconfirmed is resolved"
        ),
        pytest.param(Reason.DELIVERED, "all there", "", id="a success needs nothing"),
    ],
)
def test_the_command_to_type(reason: Reason, message: str, command: str) -> None:
    assert event_of(reason, message).command == command


@pytest.mark.parametrize(
    ("reason", "run", "shared", "units"),
    [
        pytest.param(Reason.DELIVERED, succeeded(), None, 18.5, id="a success: what was spent"),
        pytest.param(Reason.ERROR_REPORTED, failed(), None, 0.0, id="a failure that cost nothing: 0"),
        pytest.param(Reason.REFUSED, None, None, None, id="what was refused: nothing is known"),
        pytest.param(Reason.APPROVAL_NEEDED, None, None, 20, id="a hold: what it may cost"),
        pytest.param(
            Reason.REUSED, None, SharedRun(owner="other", run=succeeded(job="other")), 0.0, id="another's run: 0"
        ),
    ],
)
def test_the_processing_units(
    reason: Reason, run: Submission | None, shared: SharedRun | None, units: float | None
) -> None:
    assert event_of(reason, run=run, shared=shared).processing_units == units


EDITED = job(wanted=wanted(digest=OTHER_DIGEST))
RERUN = job(wanted=wanted(rerun=1))


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        pytest.param({"run": failed()}, {"run": failed()}, True, id="the same failure is the same event"),
        pytest.param({"message": "a"}, {"message": "b"}, True, id="in other words it is the same"),
        pytest.param({"run": failed()}, {"run": failed(attempt=1)}, False, id="the next attempt's failure is another"),
        pytest.param({}, {"reason": Reason.NOTHING_DELIVERED}, False, id="another phase is another"),
        pytest.param({}, {"of": job(name="other")}, False, id="another job's is another"),
        pytest.param({}, {"instance": "ffffffff"}, False, id="another ledger's is another"),
        pytest.param({"reason": Reason.REFUSED}, {"reason": Reason.REFUSED, "of": EDITED}, False, id="edited: another"),
        pytest.param({"reason": Reason.REFUSED}, {"reason": Reason.REFUSED, "of": RERUN}, False, id="rerun: another"),
        pytest.param(
            {"reason": Reason.LARGE_CHANGE, "message": LARGE},
            {"reason": Reason.LARGE_CHANGE, "message": LARGE.replace(HASH, OTHER_HASH)},
            False,
            id="a hold that needs another yes is another",
        ),
        pytest.param(
            {"reason": Reason.BUDGET_EXCEEDED, "message": "12 PU are left"},
            {"reason": Reason.BUDGET_EXCEEDED, "message": "11 PU are left"},
            True,
            id="a hold whose amounts move is the same",
        ),
        pytest.param(
            {"reason": Reason.APPROVAL_NEEDED}, {"reason": Reason.COST_UNKNOWN}, False, id="another hold is another"
        ),
    ],
)
def test_when_two_events_are_the_same(first: dict[str, Any], second: dict[str, Any], *, same: bool) -> None:
    plain = {"reason": Reason.ERROR_REPORTED}
    assert (event_of(**(plain | first)).id == event_of(**(plain | second)).id) is same


def cell(number: int, recipe: str = "r") -> Job:
    digest = f"1:{number:064}"
    return job(name=f"alps-{number}", wanted=wanted(digest=digest, cell=SetCell(set_name="alps", recipe=recipe)))


def test_what_all_cells_of_a_set_wait_for_is_one_event_of_the_set() -> None:
    first, second = (event_of(Reason.TRIAL, "the first go first", cell(number), set_name="alps") for number in (1, 2))
    assert first == second
    assert (first.subject, first.processing_units) == ("set/alps", None)
    stuck = event_of(Reason.TRIAL, "alps-1 did not succeed", cell(1), set_name="alps")
    changed = event_of(Reason.TRIAL, "the first go first", cell(1, "other"), set_name="alps")
    assert len({first.id, stuck.id, changed.id}) == 3


def test_a_set_may_become_complete_again() -> None:
    first, second = (completed_event("i", moment, "alps", "480/480 Succeeded") for moment in (NOW, at(3600)))
    assert (first.topic, first.subject, first.set_name) == (Topic.SET_COMPLETE, "set/alps", "alps")
    assert first.id != second.id


def test_a_rejected_manifest_is_a_failure_of_its_job_or_else_of_its_file() -> None:
    named = rejected_event("i", NOW, "ndvi.yaml", "ndvi", "line 3: no")
    unnamed = rejected_event("i", NOW, "ndvi.yaml", "", "line 3: no")
    assert (named.topic, named.subject, named.reason, named.command) == ("failed", "ndvi", "Rejected", "shjobs check")
    assert unnamed.subject == "ndvi.yaml"


def spending(spent: float, reserved: float = 0.0, budget: float | None = 1_000.0) -> Spending:
    return Spending(month="2026-03", budget=budget, spent=spent, reserved=reserved)


@pytest.mark.parametrize(
    ("spent", "is_holding", "reasons"),
    [
        pytest.param(spending(799.0), False, [], id="below 80 % nothing is said"),
        pytest.param(spending(500.0, 300.0), False, ["Budget80"], id="what is reserved counts"),
        pytest.param(spending(1_000.0), False, ["Budget80", "Budget100"], id="used up"),
        pytest.param(spending(10.0), True, ["Budget100"], id="less is left than a job may cost: used up"),
        pytest.param(spending(5_000.0, budget=None), True, [], id="without a budget there is no level"),
        pytest.param(spending(0.0, budget=0.0), False, [], id="a budget of nothing has no part"),
        pytest.param(None, False, [], id="spending that is not known"),
    ],
)
def test_the_levels_of_a_budget(spent: Spending | None, reasons: Sequence[str], *, is_holding: bool) -> None:
    events = list(budget_events("i", NOW, spent, None, is_holding=is_holding))
    assert [each.reason for each in events] == reasons
    assert {each.topic for each in events} <= {Topic.BUDGET}


def test_a_level_is_one_event_a_month() -> None:
    march, later, april = (
        next(budget_events("i", moment, spent, None, is_holding=False))
        for moment, spent in (
            (NOW, spending(810.0)),
            (at(60), spending(850.0)),
            (at(60), replace(spending(850.0), month="2026-04")),
        )
    )
    assert march.id == later.id != april.id
    assert march.message == (
        "80 % of monthlyBudget (1,000 PU) are spent or reserved in 2026-03 (UTC): "
        "810.00 spent, 0.00 reserved, 190.00 left"
    )


def test_each_submission_that_cost_more_than_was_reserved_is_an_event_with_the_yes_to_it() -> None:
    first, second = submission(attempt=0), submission(attempt=1)
    [one], [two] = (budget_events("i", NOW, None, each, is_holding=False) for each in (first, second))
    assert one.id != two.id
    assert one.command == f"shjobs accept {overspent_hash(first)}"
    assert one.command in one.message


def test_the_same_trouble_next_week_is_another_event_and_its_end_one_more() -> None:
    begun, again = (begun_event("i", moment, "BreakerOpen", "no answer") for moment in (NOW, at(7 * 86_400)))
    ended = ended_event("i", at(60), "BreakerOpen", NOW.isoformat())
    assert len({begun.id, again.id, ended.id}) == 3
    assert ended.message == "is well again: BreakerOpen is over, which began at 2026-03-01T12:00:00Z"
