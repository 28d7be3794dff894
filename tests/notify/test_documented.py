"""docs/notifications.md shows what receivers get, and its check of the signature works."""

import json
import re
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from controller.model.notices.event import Event, Message, Topic
from controller.model.timing import Timing
from controller.notify.sender import Sent
from controller.notify.sinks.cloud_event import cloud_event
from controller.notify.sinks.webhook import post
from controller.settings.sinks import SinkKind
from tests.project.test_docs import blocks, page, rows, section
from tests.support.receiver import Receiver, webhook

AT = datetime(2026, 6, 1, 12, 0, 1, 500_000, tzinfo=UTC)
PAGE = "https://sh.example.com"
EVENT = Event(
    id="0f6c1b1f6c0e4f6d9a5b7c8d9e0f1a2b",
    at=AT,
    topic=Topic.FAILED,
    message="the service wrote: no data in the area; nothing was delivered",
    subject="ndvi-alps-2026-05-r3",
    set_name="ndvi-alps",
    labels={"team": "agri"},
    revision="1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d",
    submission="ce88d6f10e1ff1c5-r0-a0",
    phase="Failed",
    reason="RunFailed",
    processing_units=12.5,
    command="shjobs retry ndvi-alps-2026-05-r3",
)
EXAMPLE = Message(
    id=EVENT.id, sink="pipeline", topic=EVENT.topic, made_at=AT, events=(EVENT,), processing_units=12.5
)  # fmt: skip


def test_the_message_that_is_shown_is_one_that_is_sent() -> None:
    [shown] = blocks(page("notifications"), "json")
    assert json.loads(shown) == json.loads(cloud_event(EXAMPLE, "blue-otter-41", PAGE))


def test_the_check_of_the_signature_accepts_what_is_sent_and_nothing_else() -> None:
    [code] = blocks(page("notifications"), "python")
    given: dict[str, Any] = {}
    exec(code, given)
    with Receiver() as receiver:
        sink = webhook(receiver.url, secret=SecretStr("a key"))
        assert post(sink, EXAMPLE, "blue-otter-41", Timing(), None, AT) == Sent()
    [request] = receiver.received
    assert given["is_ours"](request.body, request.headers["x-signature"], "a key")
    assert not given["is_ours"](request.body + b" ", request.headers["x-signature"], "a key")
    assert not given["is_ours"](request.body, request.headers["x-signature"], "another key")


def test_every_topic_has_its_row() -> None:
    assert [cells[0] for cells in rows(section(page("notifications"), "## What is sent when"))] == list(Topic)


def test_the_pauses_are_those_that_are_kept() -> None:
    text = section(page("notifications"), "## Retries")
    timing = Timing()
    assert f"after {timing.notify_first:g} seconds" in text
    assert timing.notify_longest == 3600 and "to an hour" in text
    assert timing.notify_give_up == 86400 and "tried for a day is given up" in text
    assert f"{timing.connect_timeout:g} seconds for the connection and {timing.notify_answer:g} for everything" in text


def test_every_kind_of_sink_is_named() -> None:
    text = page("notifications")
    assert all(re.search(rf"`{kind}`", text) for kind in SinkKind)
