"""What becomes of the messages of one sink, over a real ledger: sent, tried again, given up; never lost."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from controller.ledger.outbox.outbox import Outbox
from controller.model.notices.event import Topic
from controller.notify.sender import NotSent, Sent
from controller.notify.tally import Result
from tests.support.outboxes import SINK, Sending, recorded
from tests.support.receiver import NOW, event

DOWN = NotSent(message="nothing listens there")
REFUSED = NotSent(message="it answered 410 Gone", is_refused=True)
PARTIAL = NotSent(message="address 1 of 2: the service answered 503", is_partial=True)


def results(sending: Sending) -> dict[str, int]:
    return {str(result): number for (_, result), number in sending.tally.results().items() if number}


@pytest.fixture
def sending(tmp_path: Path) -> Sending:
    recorded(tmp_path, [])
    return Sending(tmp_path)


def test_each_event_is_sent_once(sending: Sending) -> None:
    recorded(sending.state, [event("a"), event("b", Topic.HELD)])
    with sending.opened() as sender:
        assert sender.run_once(sending.now) is None
        sender.run_once(sending.after(hours=1))
    with sending.opened() as sender:
        sender.run_once(sending.after(hours=1))
    assert sending.ids == ["id-of-a", "id-of-b"]
    assert results(sending) == {"sent": 2}
    assert sending.tally.backlogs()[SINK.name].pending == 0


def test_a_receiver_that_is_down_is_asked_once_a_pause_whatever_waits(sending: Sending) -> None:
    recorded(sending.state, [event("a"), event("b"), event("c")])
    sending.answers = [DOWN, DOWN]
    with sending.opened() as sender:
        assert sender.run_once(sending.now) == NOW + timedelta(seconds=5)
        assert sender.run_once(sending.after(seconds=4)) == NOW + timedelta(seconds=5)
        assert sending.ids == ["id-of-a"]
        backlog = sending.tally.backlogs()[SINK.name]
        assert (backlog.pending, backlog.oldest_at) == (3, NOW)
        assert sender.run_once(sending.after(seconds=1)) == sending.now + timedelta(seconds=10)
        assert len(sending.ids) == 2
        sender.run_once(sending.after(seconds=10))
        sender.run_once(sending.after(seconds=10))
    assert sorted(set(sending.ids)) == ["id-of-a", "id-of-b", "id-of-c"]
    assert results(sending) == {"sent": 3, "failed": 2}


def test_a_backlog_is_sent_in_one_round(sending: Sending) -> None:
    """Twenty messages were sent, and then it waited."""
    with sending.opened() as sender:
        for number in range(30):
            recorded(sending.state, [event(f"{number}-{each}") for each in range(3)])
            with Outbox(sending.state) as outbox:
                outbox.form(SINK, sending.now)
        sender.run_once(sending.now)
    assert len(sending.ids) == len(set(sending.ids)) == 90


def test_a_refused_message_holds_up_no_other(sending: Sending) -> None:
    recorded(sending.state, [event("a"), event("b")])
    sending.answers = [REFUSED]
    with sending.opened() as sender:
        sender.run_once(sending.now)
        assert sending.ids == ["id-of-a", "id-of-b"]
        sender.run_once(sending.after(minutes=59))
        assert len(sending.ids) == 2
        sender.run_once(sending.after(minutes=2))
    assert sending.ids == ["id-of-a", "id-of-b", "id-of-a"]


def test_a_dead_address_holds_up_no_message_to_the_others_and_is_tried_again(sending: Sending) -> None:
    recorded(sending.state, [event("a"), event("b")])
    sending.answers = [PARTIAL] * 4
    with sending.opened() as sender:
        assert sender.run_once(sending.now) is None
        assert sending.ids == ["id-of-a", "id-of-b"]
        recorded(sending.state, [event("c")])
        sender.run_once(sending.after(seconds=2))
        assert sending.ids[2:] == ["id-of-c"]
        sender.run_once(sending.after(seconds=3))
    assert sending.ids[3:] == ["id-of-a", "id-of-b"]


@pytest.mark.parametrize("earlier", [PARTIAL, REFUSED], ids=["one address", "one message"])
def test_failures_that_concern_not_all_messages_make_no_later_pause_longer(sending: Sending, earlier: NotSent) -> None:
    recorded(sending.state, [event(str(number)) for number in range(5)])
    sending.answers = [*[earlier] * 4, DOWN]
    with sending.opened() as sender:
        assert sender.run_once(sending.now) == NOW + timedelta(seconds=5)


@pytest.mark.parametrize("is_restarted", [False, True], ids=["the same process", "a restart"])
def test_what_was_put_off_by_a_clock_that_was_ahead_is_sent_when_it_is_right(
    sending: Sending, is_restarted: bool
) -> None:
    recorded(sending.state, [event("a")])
    sending.answers = [DOWN]
    with sending.opened() as sender:
        sender.run_once(sending.after(days=30))
        recorded(sending.state, [event("b")])
        sending.after(days=-30)
        if not is_restarted:
            sender.run_once(sending.now)
    with sending.opened() as sender:
        sender.run_once(sending.now)
    assert sending.ids == ["id-of-a", "id-of-a", "id-of-b"]


def test_a_receiver_that_is_gone_for_half_a_day_gets_everything_with_the_same_ids(sending: Sending) -> None:
    recorded(sending.state, [event("a"), event("b")])
    sending.answers = [DOWN] * 17
    while sending.answers:
        with sending.opened() as sender:
            sender.run_once(sending.after(minutes=40))
    with sending.opened() as sender:
        sender.run_once(sending.after(hours=2))
    assert sending.now - NOW < timedelta(days=1)
    assert sorted(sending.ids[-2:]) == ["id-of-a", "id-of-b"]
    assert set(sending.ids) == {"id-of-a", "id-of-b"}


def test_a_receiver_that_is_gone_for_a_day_gets_nothing_old_and_one_line_says_so(
    sending: Sending, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "controller.notify")
    recorded(sending.state, [event(f"job-{number}") for number in range(4)])
    sending.answers = [DOWN] * 1_000
    with sending.opened() as sender:
        for _ in range(60):
            sender.run_once(sending.after(minutes=30))
    tries = len(sending.ids)
    assert 20 < tries < 50, "an hour lies between two tries in the end"
    sending.answers = []
    with sending.opened() as sender:
        sender.run_once(sending.after(hours=2))
        recorded(sending.state, [event("new")])
        sender.run_once(sending.after(seconds=1))
    assert sending.ids[tries:] == ["id-of-new"]
    assert results(sending) == {"failed": tries, "given_up": 4, "sent": 1}
    lines = [each.getMessage() for each in caplog.records]
    assert [each for each in lines if "not delivered" in each] == [
        "notify team: a message was not delivered: nothing listens there; it is tried again"
    ]
    assert sum(int(each.split()[2]) for each in lines if "given up" in each) == 4


def test_what_was_never_tried_is_sent_however_old_it_is(sending: Sending) -> None:
    recorded(sending.state, [event("a")])
    with Outbox(sending.state) as outbox:
        outbox.form(SINK, NOW)  # and then the controller is off for a week
    with sending.opened() as sender:
        sender.run_once(sending.after(days=7))
    assert sending.ids == ["id-of-a"]


def test_the_ledger_says_why_and_when_next(sending: Sending) -> None:
    recorded(sending.state, [event("a")])
    sending.answers = [DOWN]
    with sending.opened() as sender:
        sender.run_once(sending.now)
    with Outbox(sending.state) as outbox:
        [found] = outbox.recent(10)
    assert (found.error, found.attempts, found.next_at) == (DOWN.message, 1, NOW + timedelta(seconds=5))
    with sending.opened() as sender:
        sender.run_once(sending.after(seconds=5))
    with Outbox(sending.state) as outbox:
        [found] = outbox.recent(10)
    assert (found.error, found.attempts, found.sent_at) == ("", 2, sending.now)


def test_ten_thousand_successes_are_one_message_in_a_window(sending: Sending) -> None:
    recorded(sending.state, [event(f"cell-{n}", Topic.SUCCEEDED, processing_units=1.0) for n in range(10_000)])
    with sending.opened() as sender:
        sender.run_once(sending.after(seconds=1))
        assert sending.sent == []
        sender.run_once(sending.after(seconds=SINK.digest))
        sender.run_once(sending.after(seconds=SINK.digest))
    [message] = sending.sent
    assert (message.count, message.processing_units, len(message.events)) == (10_000, 10_000.0, 50)


def test_a_sender_that_is_to_stop_sends_no_further_message(sending: Sending) -> None:
    recorded(sending.state, [event("a"), event("b")])
    with sending.opened(lambda *_: Sent()) as sender:
        sender._is_stopping = lambda: True
        sender.run_once(sending.now)
    assert results(sending) == {}
    with sending.opened() as sender:
        sender.run_once(sending.now)
    assert sending.ids == ["id-of-a", "id-of-b"]
    assert Result.SENT in {result for _, result in sending.tally.results()}
