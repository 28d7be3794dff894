"""The outbox on a real ledger: each event is in one message of each sink, whenever the process ends."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from controller.ledger.outbox.history import SinkCounts
from controller.ledger.outbox.outbox import Outbox
from controller.ledger.store import Store
from controller.model.notices.event import LISTED, EventGroup, Topic
from tests.support.factories import NOW, at
from tests.support.notices import event, ledger_and_outbox, record, sink

DIGEST = 300
TEAM, OTHER = sink("team"), sink("other", events=frozenset({Topic.HELD}))


def test_what_needs_a_person_is_due_at_once_and_a_success_when_it_was_collected_for_long_enough(tmp_path: Path) -> None:
    with ledger_and_outbox(tmp_path, "team") as (store, outbox):
        record(store, event(1), event(2, Topic.SUCCEEDED, processing_units=2.5))
        outbox.form(TEAM, at(1))
        assert [each.events for each in outbox.due("team", at(1))] == [(event(1),)]
        record(store, event(3, Topic.SUCCEEDED, at=at(200), processing_units=4.0))
        outbox.form(TEAM, at(DIGEST - 1))
        assert len(outbox.due("team", at(DIGEST - 1))) == 1
        outbox.form(TEAM, at(DIGEST))
        first, digest = outbox.due("team", at(DIGEST))
    assert first.events == (event(1),)
    assert [each.subject for each in digest.events] == ["job-2", "job-3"]
    assert (digest.topic, digest.count, digest.processing_units) == (Topic.SUCCEEDED, 2, 6.5)
    assert digest.made_at == at(DIGEST)


def test_an_event_is_read_back_as_it_was_recorded(tmp_path: Path) -> None:
    whole = event(
        1, Topic.HELD, set_name="alps", labels={"team": "agri", "größe": "ü"}, revision="0a1b", submission="s-r0-a0",
        phase="Held", reason="LargeChange", processing_units=31.25, command="shjobs accept 0123456789ab",
    )  # fmt: skip
    with ledger_and_outbox(tmp_path, "team") as (store, outbox):
        record(store, whole)
        outbox.form(TEAM, at(1))
        [message] = outbox.due("team", at(1))
    assert message.events == (whole,)
    assert message.id == whole.id


def test_a_message_that_a_script_made_endless_is_cut_short(tmp_path: Path) -> None:
    with ledger_and_outbox(tmp_path, "team") as (store, outbox):
        record(store, event(1, message="boo " * 1_000_000))
        outbox.form(TEAM, NOW)
        [message] = outbox.due("team", NOW)
    assert len(message.events[0].message) == 2_000


def test_ten_thousand_successes_are_one_message_that_lists_fifty_and_counts_all(tmp_path: Path) -> None:
    successes = [
        event(number, Topic.SUCCEEDED, set_name="alps" if number % 4 else "", revision="c0ffee", processing_units=0.5)
        for number in range(10_000)
    ]
    with ledger_and_outbox(tmp_path, "team") as (store, outbox):
        record(store, *successes)
        for seconds in range(0, 2 * DIGEST, 10):
            outbox.form(TEAM, at(seconds))
        [message] = outbox.due("team", at(2 * DIGEST))
    assert message.events == tuple(successes[:LISTED])
    assert (message.count, message.processing_units) == (10_000, 5_000.0)
    assert message.groups == (
        EventGroup(name="set/alps", count=7_500, processing_units=3_750.0),
        EventGroup(name="c0ffee", count=2_500, processing_units=1_250.0),
    )


def test_an_event_that_is_recorded_again_is_no_other_event(tmp_path: Path) -> None:
    with ledger_and_outbox(tmp_path, "team") as (store, outbox):
        record(store, event(1))
        outbox.form(TEAM, at(1))
        outbox.sent(outbox.due("team", at(1))[0], at(2))
        record(store, event(1), replace(event(1), message="in other words"))
        outbox.form(TEAM, at(3))
        assert outbox.due("team", at(3)) == []


def test_every_step_is_found_again_by_the_next_process_under_the_same_id(tmp_path: Path) -> None:
    with Store.open(tmp_path, {}) as store:
        with store.transaction():
            store.notices.begin(["team"])
        record(store, *(event(number) for number in range(1, 8)))
        with Outbox(tmp_path) as first:
            first.form(TEAM, at(1))
            [message] = first.due("team", at(1))
        record(store, event(9))  # arrives before the first was sent
        with Outbox(tmp_path) as second:
            second.form(TEAM, at(2))
            again, later = second.due("team", at(2))
            second.failed(again, at(2), "503", at(10))
        with Outbox(tmp_path) as third:
            third.form(TEAM, at(10))
            retried = next(each for each in third.due("team", at(10)) if each.count == 7)
            third.sent(retried, at(10))
        with Outbox(tmp_path) as fourth:
            fourth.form(TEAM, at(20))
            left = fourth.due("team", at(20))
    assert message == again == replace(retried, attempts=0)
    assert retried.attempts == 1
    assert [each.id for each in left] == [later.id] == [event(9).id]


def test_what_is_not_committed_was_never_formed_and_nothing_of_it_is_lost(tmp_path: Path) -> None:
    with ledger_and_outbox(tmp_path, "team") as (store, outbox):
        record(store, event(1))
        with pytest.raises(RuntimeError), outbox._transaction():
            outbox._connection.execute("update sink set seen = 1")
            raise RuntimeError("the process ends here")
        outbox.form(TEAM, at(1))
        assert [each.id for each in outbox.due("team", at(1))] == [event(1).id]


def test_a_failed_message_waits_until_it_is_due_again_and_is_given_up_once(tmp_path: Path) -> None:
    with ledger_and_outbox(tmp_path, "team") as (store, outbox):
        record(store, event(1))
        outbox.form(TEAM, NOW)
        [message] = outbox.due("team", NOW)
        outbox.failed(message, NOW, "connection refused", at(60))
        assert outbox.due("team", at(59)) == []
        assert outbox.next_at("team") == at(60)
        [message] = outbox.due("team", at(60))
        outbox.given_up(message, at(61), "x" * 1_000)
        outbox.given_up(message, at(62))
        outbox.sent(message, at(63))
        [told] = outbox.recent(10)
        assert (told.attempts, told.given_up_at, told.sent_at, told.next_at) == (2, at(61), None, None)
        assert len(told.error) <= 300
        assert outbox.counts() == [SinkCounts(sink="team", failed=1, given_up=1)]


def test_what_a_clock_that_was_ahead_put_off_is_due_when_it_is_right(tmp_path: Path) -> None:
    with ledger_and_outbox(tmp_path, "team") as (store, outbox):
        record(store, event(1), event(2))
        outbox.form(TEAM, NOW)
        first, second = outbox.due("team", NOW)
        outbox.failed(first, at(30 * 86400), "connection refused", at(30 * 86400 + 5))
        outbox.failed(second, NOW, "connection refused", at(3600))
        assert [each.id for each in outbox.due("team", at(1))] == [first.id]


def test_a_success_that_a_clock_that_was_ahead_has_recorded_holds_back_no_digest(tmp_path: Path) -> None:
    with ledger_and_outbox(tmp_path, "team") as (store, outbox):
        record(store, event(1, Topic.SUCCEEDED, at=at(30 * 86400)))
        outbox.form(TEAM, NOW)
        assert [each.id for each in outbox.due("team", NOW)] == [event(1).id]


def test_the_counts_name_every_sink_and_since_when_the_oldest_message_waits(tmp_path: Path) -> None:
    with ledger_and_outbox(tmp_path, "other", "team") as (store, outbox):
        record(store, event(1), event(2, Topic.UNKNOWN))
        for each in (TEAM, OTHER):
            outbox.form(each, at(5))
        outbox.sent(outbox.due("team", at(5))[0], at(6))
        assert outbox.counts() == [
            SinkCounts(sink="other"),
            SinkCounts(sink="team", waiting=1, oldest=at(5), sent=1),
        ]


def test_two_sinks_have_a_message_each_of_the_same_event_under_the_same_id(tmp_path: Path) -> None:
    with ledger_and_outbox(tmp_path, "other", "team") as (store, outbox):
        record(store, event(1, Topic.HELD))
        for each in (TEAM, OTHER):
            outbox.form(each, at(1))
        [first], [second] = outbox.due("team", at(1)), outbox.due("other", at(1))
        outbox.sent(first, at(2))
        assert (first.id, first.sink, second.sink) == (second.id, "team", "other")
        assert (outbox.due("team", at(2)), outbox.due("other", at(2))) == ([], [second])


def test_a_new_sink_hears_of_nothing_that_happened_before(tmp_path: Path) -> None:
    with ledger_and_outbox(tmp_path, "team") as (store, outbox):
        record(store, event(1), event(2, Topic.SUCCEEDED))
        with store.transaction():
            store.notices.begin(["team", "other"])
        record(store, event(3, Topic.HELD))
        outbox.form(replace(OTHER, events=frozenset()), at(DIGEST + 1))
        assert [each.id for each in outbox.due("other", at(DIGEST + 1))] == [event(3).id]


def test_a_sink_that_was_removed_and_comes_back_is_a_new_one(tmp_path: Path) -> None:
    with ledger_and_outbox(tmp_path, "team", "other") as (store, outbox):
        record(store, event(1))
        outbox.form(TEAM, at(1))
        for sinks in (["other"], ["other", "team"]):
            with store.transaction():
                store.notices.begin(sinks)
        record(store, event(2))
        outbox.form(TEAM, at(2))
        assert [each.id for each in outbox.due("team", at(2))] == [event(2).id]


def test_a_restart_with_the_same_sinks_loses_no_event_that_was_recorded_meanwhile(tmp_path: Path) -> None:
    with ledger_and_outbox(tmp_path, "team") as (store, _):
        record(store, event(1))
    with ledger_and_outbox(tmp_path, "team") as (_, outbox):
        outbox.form(TEAM, at(1))
        assert [each.id for each in outbox.due("team", at(1))] == [event(1).id]


def numbers(store: Store) -> list[int]:
    return [number for (number,) in store._db.execute("select number from notice order by number")]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param(at(-1), [1, 2, 3, 4, 5], id="what is young is kept"),
        pytest.param(at(3600), [2, 3, 4, 5], id="what was sent is deleted, what waits and what is new is kept"),
        pytest.param(at(40 * 86400), [3, 4, 5], id="an event of a budget is kept for a month more"),
    ],
)
def test_what_is_pruned(tmp_path: Path, before: datetime, expected: list[int]) -> None:
    """The third waits for its receiver, the others after it have no message yet."""
    with ledger_and_outbox(tmp_path, "team") as (store, outbox):
        record(store, event(1), event(2, Topic.BUDGET))
        outbox.form(TEAM, NOW)
        for message in outbox.due("team", NOW):
            outbox.sent(message, NOW)
        record(store, event(3))
        outbox.form(TEAM, NOW)
        record(store, event(4), event(5, Topic.SUCCEEDED))
        outbox.prune(before)
        assert numbers(store) == expected
        outbox.form(TEAM, at(DIGEST))
        assert [each.id for each in outbox.due("team", at(DIGEST))] == [event(each).id for each in (3, 4, 5)]


def test_the_number_of_an_event_is_never_given_again_though_all_are_old(tmp_path: Path) -> None:
    with ledger_and_outbox(tmp_path, "team") as (store, outbox):
        record(store, *(event(number) for number in range(1, 4)))
        outbox.form(TEAM, NOW)
        for message in outbox.due("team", NOW):
            outbox.sent(message, NOW)
        outbox.prune(NOW + timedelta(days=400))
        record(store, event(9))
        outbox.form(TEAM, at(1))
        assert numbers(store) == [3, 4]
        assert [each.id for each in outbox.due("team", at(1))] == [event(9).id]


def test_more_than_a_portion_is_pruned_in_one_call(tmp_path: Path) -> None:
    with ledger_and_outbox(tmp_path, "team") as (store, outbox):
        record(store, *(event(number) for number in range(2_500)))
        outbox.form(TEAM, NOW)
        outbox.sent(outbox.due("team", NOW)[0], NOW)
        outbox.prune(at(1))
        assert len(numbers(store)) == 1
