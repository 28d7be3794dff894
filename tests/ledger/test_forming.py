"""Which events become which messages of a sink, as a table."""

from collections.abc import Sequence
from typing import Any

import pytest

from controller.ledger.outbox.forming import drafts_of, is_for
from controller.model.notices.event import Event, Topic
from controller.model.reasons import Reason
from tests.support.notices import event, sink

SAME, OTHER = "shjobs accept 0123456789ab", "shjobs accept ba9876543210"


def several(count: int, topic: Topic = Topic.FAILED, **different: Any) -> list[Event]:
    return [event(number, topic, **different) for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([], [], id="nothing happened: no message"),
        pytest.param(several(1), [[1]], id="what needs a person is a message of its own"),
        pytest.param(several(5), [[1], [2], [3], [4], [5]], id="five of a topic are five messages"),
        pytest.param(several(6), [[1, 2, 3, 4, 5, 6]], id="six of a topic are one message"),
        pytest.param(
            [*several(4), *(event(number, Topic.UNKNOWN) for number in (5, 6))],
            [[1], [2], [3], [4], [5], [6]],
            id="six of two topics are six messages",
        ),
        pytest.param(several(1, Topic.SUCCEEDED), [[1]], id="one success is a message"),
        pytest.param(several(2, Topic.SUCCEEDED), [[1, 2]], id="two successes are one message"),
        pytest.param(
            [event(1, Topic.SUCCEEDED, set_name="alps"), event(2), event(3, Topic.SUCCEEDED, set_name="jura")],
            [[1, 3], [2]],
            id="successes of two sets are one message, beside that of a failure",
        ),
        pytest.param(several(3, Topic.HELD, command=SAME), [[1, 2, 3]], id="what one yes releases is one message"),
        pytest.param(
            [event(1, Topic.HELD, command=SAME), event(2, Topic.HELD, command=OTHER), event(3, Topic.HELD)],
            [[1], [2], [3]],
            id="what needs two yeses is two messages",
        ),
        pytest.param(
            several(2, command="shjobs doctor"), [[1], [2]], id="a command that only looks joins no two failures"
        ),
    ],
)
def test_the_messages_of_events(events: Sequence[Event], expected: list[list[int]]) -> None:
    drafts = drafts_of([(int(each.id), each) for each in events], sink())
    assert [[number for number, _ in draft.events] for draft in drafts] == expected


def test_a_message_of_one_event_has_its_id_and_one_of_several_has_one_of_its_own() -> None:
    [one] = drafts_of([(1, event(1))], sink())
    [many] = drafts_of([(each, event(each)) for each in range(1, 7)], sink())
    [fewer] = drafts_of([(each, event(each)) for each in range(1, 7) if each != 3] + [(7, event(7))], sink())
    [again] = drafts_of([(each + 100, event(each)) for each in range(1, 7)], sink("other"))
    assert one.id == event(1).id
    assert len({one.id, many.id, fewer.id}) == 3
    assert again.id == many.id
    assert len(many.id) == 32


LABELLED = {"team": "agri", "crop": "wheat"}
SERVICE = event(1, Topic.SERVICE, subject="")
UNREAD = event(1, subject="new.yaml", reason=Reason.REJECTED)


@pytest.mark.parametrize(
    ("chosen", "found", "expected"),
    [
        pytest.param({}, event(1), True, id="without a filter everything is heard of"),
        pytest.param({"events": {Topic.HELD}}, event(1), False, id="a topic that is not wanted is not"),
        pytest.param({"events": {Topic.FAILED}}, event(1), True, id="one that is wanted is"),
        pytest.param({"labels": ("team",)}, event(1, labels=LABELLED), True, id="a job with the label is"),
        pytest.param({"labels": ("team=agri",)}, event(1, labels=LABELLED), True, id="one with the value is"),
        pytest.param({"labels": ("team=water",)}, event(1, labels=LABELLED), False, id="one with another value is not"),
        pytest.param({"labels": ("x", "crop")}, event(1, labels=LABELLED), True, id="one of several labels is enough"),
        pytest.param({"labels": ("team",)}, event(1), False, id="a job without labels is not"),
        pytest.param({"sets": ("alps",)}, event(1, set_name="alps"), True, id="a cell of the set is"),
        pytest.param({"sets": ("alps",)}, event(1, set_name="jura"), False, id="a cell of another set is not"),
        pytest.param({"sets": ("alps",)}, event(1), False, id="a job of no set is not"),
        pytest.param(
            {"sets": ("alps",), "labels": ("team=water",)},
            event(1, set_name="alps", labels=LABELLED),
            False,
            id="a cell of the set with another label is not",
        ),
        pytest.param({"labels": ("team",), "sets": ("alps",)}, SERVICE, True, id="what concerns all jobs is"),
        pytest.param({"labels": ("team",)}, UNREAD, True, id="a manifest whose labels cannot be read is"),
        pytest.param({"sets": ("alps",)}, UNREAD, True, id="one whose set cannot be read is"),
        pytest.param({"events": {Topic.HELD}}, UNREAD, False, id="but not where failures are not wanted"),
    ],
)
def test_what_a_sink_hears_of(chosen: dict[str, Any], found: Event, *, expected: bool) -> None:
    assert is_for(found, sink(**chosen)) is expected
