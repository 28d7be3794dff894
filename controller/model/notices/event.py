"""An event that receivers can hear of, and the message that carries one or more of them to one receiver.

Events are recorded in the turn that changes a state; messages are made from them later, by `notify`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Topic(StrEnum):
    """What a receiver can hear of. The values are written in settings, messages and the ledger."""

    FAILED = "failed"
    UNKNOWN = "unknown"
    UNCONFIRMED = "unconfirmed"
    HELD = "held"
    SUCCEEDED = "succeeded"
    SET_COMPLETE = "set.complete"
    BUDGET = "budget"
    SERVICE = "service"


DIGESTED = frozenset({Topic.SUCCEEDED})
"""Topics that are collected for a while; the others are sent at once."""
LISTED = 50
"""Events that a message lists one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened once. `id` is the same however often it is recorded or sent.

    `subject` is the name of a job, `set/<name>`, or "" for the controller as a whole; `message` is a sentence.
    `processing_units` are spent by what ended, and reserved for what is held; `command` is what an operator types.
    """

    id: str
    at: datetime
    topic: Topic
    message: str
    subject: str = ""
    set_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    revision: str = ""
    submission: str = ""
    phase: str = ""
    reason: str = ""
    processing_units: float | None = None
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventGroup:
    """The events of a message that belong together: of a set (`set/<name>`), else of a commit; "" without either."""

    name: str
    count: int
    processing_units: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one sink is sent: a single event, or several of one topic; `id` is the same for every attempt.

    `events` are the first of them, at most `LISTED`; `count` is the number of all, `processing_units` their sum, and
    `groups` how they divide, the largest first, at most `LISTED`. A sink and an id name one message.
    """

    id: str
    sink: str
    topic: Topic
    made_at: datetime
    events: tuple[Event, ...]
    count: int = 1
    processing_units: float = 0.0
    groups: tuple[EventGroup, ...] = ()
    attempts: int = 0
    """How often it was tried before."""


def event_id(instance: str, *parts: str) -> str:
    """The id of an event of this controller: equal parts, equal id. 32 hexadecimal digits."""
    return hashlib.sha256("\0".join((instance, *parts)).encode()).hexdigest()[:32]
