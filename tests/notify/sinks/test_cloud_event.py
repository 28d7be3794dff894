"""The body of a webhook: what CloudEvents 1.0 demands, the same id each time, and never more than it may hold."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.model.notices.event import Message, Topic
from controller.notify.sinks.cloud_event import LARGEST, cloud_event
from tests.support.receiver import NOW, event, message


def read(given: Message, page: str = "") -> dict[str, Any]:
    document = json.loads(cloud_event(given, "blue-otter", page))
    assert isinstance(document, dict)
    return document


def test_one_event_as_a_whole() -> None:
    at = NOW + timedelta(milliseconds=1500)
    given = message(event("alps-1", at=at, set_name="alps", submission="ce88-r0-a0"), made_at=NOW + timedelta(hours=1))
    assert read(given, "https://p") == {
        "specversion": "1.0",
        "id": "id-of-alps-1",
        "source": "/shjobs/blue-otter",
        "type": "dev.shjobs.failed",
        "time": "2026-06-01T12:00:01.500Z",
        "subject": "alps-1",
        "datacontenttype": "application/json",
        "data": {
            "title": "shjobs: alps-1 failed, 12.50 PU",
            "text": "the service said no\n    shjobs retry alps-1\nhttps://p/jobs/alps-1",
            "count": 1,
            "processingUnits": 12.5,
            "events": [
                {
                    "id": "id-of-alps-1",
                    "time": "2026-06-01T12:00:01.500Z",
                    "job": "alps-1",
                    "set": "alps",
                    "phase": "Failed",
                    "reason": "ServiceError",
                    "message": "the service said no",
                    "revision": "1a2b3c4d" * 5,
                    "submission": "ce88-r0-a0",
                    "processingUnits": 12.5,
                    "labels": {"team": "agri"},
                    "command": "shjobs retry alps-1",
                    "link": "https://p/jobs/alps-1",
                }
            ],
            "more": 0,
        },
    }


def test_several_events_have_the_time_of_the_message_and_no_subject() -> None:
    document = read(message(event("a", Topic.SUCCEEDED), event("b", Topic.SUCCEEDED), id="m", count=7))
    assert (document["id"], document["time"], document.get("subject")) == ("m", "2026-06-01T12:00:00.000Z", None)
    assert (document["data"]["count"], document["data"]["more"]) == (7, 5)


def test_a_set_is_no_job() -> None:
    document = read(message(event("set/alps", Topic.SET_COMPLETE)))
    assert document["subject"] == "set/alps"
    assert "job" not in document["data"]["events"][0]
    assert document["data"]["events"][0]["set"] == "alps"


def test_a_time_of_another_zone_is_written_in_utc() -> None:
    there = datetime.fromisoformat("2026-06-01T14:00:00+02:00")
    assert there.tzinfo is not UTC
    assert read(message(event(at=there)))["time"] == "2026-06-01T12:00:00.000Z"


def test_ten_thousand_long_events_fit_and_are_counted() -> None:
    long: dict[str, Any] = {
        "message": "ü" * 5_000,
        "labels": {f"l{n}": "v" * 5_000 for n in range(500)},
        "command": "c" * 9_000,
    }
    given = message(*(event(f"job-{number}" * 50, **long) for number in range(60)), count=10_000)
    body = cloud_event(given, "blue-otter", "https://p")
    assert len(body) <= LARGEST
    data = json.loads(body)["data"]
    assert data["events"], "at least one is told"
    assert len(data["events"]) + data["more"] == 10_000


def test_half_of_a_character_does_not_keep_a_message_from_being_sent() -> None:
    assert read(message(event(message="half \ud83d of it")))["data"]["events"][0]["message"] == "half ? of it"
