"""A message in words: the title and the plain text that people read. `apprise` sends it, and webhooks carry it too.

Pure. What comes from a manifest or from the service is cut short here, and stays on its own line.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from controller.model.errors import truncate
from controller.model.notices.event import DIGESTED, LISTED, Event, EventGroup, Message, Topic

LONGEST_NAME, LONGEST_SENTENCE = 120, 500  # characters
_ONE = {
    Topic.FAILED: "{} failed",
    Topic.UNKNOWN: "the outcome of {} is unknown",
    Topic.UNCONFIRMED: "{} is unconfirmed",
    Topic.HELD: "{} waits for a yes",
    Topic.SUCCEEDED: "{} delivered",
    Topic.SET_COMPLETE: "{} is complete",
    Topic.BUDGET: "budget",
    Topic.SERVICE: "service",
}
_MANY = {
    Topic.FAILED: "{} jobs failed",
    Topic.UNKNOWN: "{} jobs have an unknown outcome",
    Topic.UNCONFIRMED: "{} jobs are unconfirmed",
    Topic.HELD: "{} jobs wait for a yes",
    Topic.SUCCEEDED: "{} jobs delivered",
    Topic.SET_COMPLETE: "{} sets are complete",
    Topic.BUDGET: "{} messages about the budget",
    Topic.SERVICE: "{} messages about the service",
}
_ABOUT_ALL = frozenset({Topic.BUDGET, Topic.SERVICE})


def title(message: Message) -> str:
    """One line: what happened to what, and the processing units of it."""
    if message.count == 1 and message.events:
        [event] = message.events
        words = _ONE[message.topic].format(_name(event))
    else:
        words = _MANY[message.topic].format(f"{message.count:,}")
    more = _one_reason(message) if message.topic in _ABOUT_ALL else _units(message.processing_units)
    return f"shjobs: {words}{f', {more}' if more else ''}"


def _one_reason(message: Message) -> str:
    reasons = {each.reason for each in message.events}
    return truncate(reasons.pop(), LONGEST_NAME) if len(reasons) == 1 else ""


def text(message: Message, page: str = "") -> str:
    """The same with every event: its sentence, the command to type, the commit, and where to look."""
    lines = list(_groups(message.groups))
    for event in message.events[:LISTED]:
        lines += _lines(event, is_alone=message.count == 1)
    if (rest := message.count - min(len(message.events), LISTED)) > 0:
        lines.append(f"and {rest:,} more")
    if link := link_to(message.events, page):
        lines.append(link)
    return "\n".join(lines)


def _groups(groups: Sequence[EventGroup]) -> Iterator[str]:
    """How many of which set or commit; nothing when they all belong to one."""
    for group in groups if len(groups) > 1 else ():
        kind = "" if group.name.startswith("set/") else "commit "
        name = f"{kind}{truncate(group.name, LONGEST_NAME)}" if group.name else "others"
        yield ", ".join(filter(None, (f"{name}: {group.count:,}", _units(group.processing_units))))


def _lines(event: Event, *, is_alone: bool) -> Iterator[str]:
    """A success is a name and its units; what needs an operator says why, and what to type."""
    if event.topic in DIGESTED:
        details = ", ".join(filter(None, (_units(event.processing_units), event.revision[:7])))
        yield f"{_name(event)}{f' ({details})' if details else ''}"
    else:
        sentence = truncate(event.message, LONGEST_SENTENCE) or event.reason
        yield sentence if is_alone else f"{_name(event)}: {sentence}"
    if event.command:
        yield f"    {truncate(event.command, LONGEST_SENTENCE)}"


def _name(event: Event) -> str:
    return truncate(event.subject, LONGEST_NAME) or "the controller"


def _units(amount: float | None) -> str:
    return f"{f'{amount:,.2f}'.removesuffix('.00')} PU" if amount else ""


def link_to(events: Sequence[Event], page: str) -> str:
    """The address of the page about these events; "" when the settings name no page."""
    if not page:
        return ""
    base, subjects = page.rstrip("/"), {each.subject for each in events}
    if len(subjects) == 1 and (subject := next(iter(subjects))):
        kind, name = ("sets", subject.removeprefix("set/")) if subject.startswith("set/") else ("jobs", subject)
        return f"{base}/{kind}/{quote(name)}"
    sets = {each.set_name for each in events}
    if len(sets) == 1 and (name := next(iter(sets))):
        return f"{base}/sets/{quote(name)}"
    return f"{base}/events" if any(subjects) else f"{base}/"
