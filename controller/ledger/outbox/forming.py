"""Which events become which messages of a sink. Pure: `Outbox` reads the events and stores the messages."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from controller.limits.selection import is_selected
from controller.model.notices.event import DIGESTED, Event, Topic
from controller.model.reasons import Reason
from controller.settings.sinks import Sink

FEW = 5
"""Events of a topic that become a message each; more of them, found in one look, become one."""

_YES = "shjobs accept "
Numbered = tuple[int, Event]
"""An event with its number in the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message to be: its events with their numbers, all of one topic, oldest first."""

    topic: Topic
    events: tuple[Numbered, ...]

    @property
    def id(self) -> str:
        """That of the event, when it is a single one; else derived from all of theirs."""
        ids = [event.id for _, event in self.events]
        return ids[0] if len(ids) == 1 else hashlib.sha256("\n".join(ids).encode()).hexdigest()[:32]

    @property
    def processing_units(self) -> float:
        return sum(event.processing_units or 0.0 for _, event in self.events)


def drafts_of(found: Iterable[Numbered], sink: Sink) -> list[Draft]:
    """The messages made of these events for a sink, in the order of their first events.

    What is collected becomes one message a topic. Of the others each becomes one, but for those that the same yes
    releases, and for more than a few of one topic.
    """
    topics: dict[Topic, list[Numbered]] = {}
    for item in found:
        if is_for(item[1], sink):
            topics.setdefault(item[1].topic, []).append(item)
    drafts = [draft for topic, events in topics.items() for draft in _drafts(topic, events)]
    return sorted(drafts, key=lambda draft: draft.events[0][0])


def is_for(event: Event, sink: Sink) -> bool:
    """Whether the sink is to hear of the event.

    Labels and sets choose among jobs: what concerns all of them, and a new manifest whose labels cannot be read, is
    heard of by every sink that wants its topic.
    """
    if sink.events and event.topic not in sink.events:
        return False
    is_unread = event.reason == Reason.REJECTED and not event.labels
    is_labelled = not sink.labels or any(is_selected(event.labels.items(), (each,)) for each in sink.labels)
    is_of_set = not sink.sets or event.set_name in sink.sets
    return not event.subject or ((is_labelled or is_unread) and (is_of_set or (is_unread and not event.set_name)))


def _yes_to(event: Event) -> str:
    """The command that releases it together with others; "" when it stands alone."""
    return event.command if event.command.startswith(_YES) else ""


def _drafts(topic: Topic, events: Sequence[Numbered]) -> Iterator[Draft]:
    if topic in DIGESTED or len(events) > FEW:
        yield Draft(topic=topic, events=tuple(events))
        return
    groups: dict[str, list[Numbered]] = {}
    for item in events:
        groups.setdefault(_yes_to(item[1]) or item[1].id, []).append(item)
    for group in groups.values():
        yield Draft(topic=topic, events=tuple(group))
