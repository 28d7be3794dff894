"""What people read: one line that says what happened, then each event with what to type."""

from collections.abc import Mapping

import pytest

from controller.model.notices.event import EventGroup, Message, Topic
from controller.notify.sinks.words import link_to, text, title
from tests.support.receiver import event, message

DONE = event("a", Topic.SUCCEEDED, message="", command="", processing_units=100.0)
OTHER = event("b", Topic.SUCCEEDED, message="", command="", processing_units=148.0)

TITLES: Mapping[str, tuple[Message, str]] = {
    "one failure names the job": (message(), "shjobs: ndvi failed, 12.50 PU"),
    "an unknown outcome": (
        message(event(topic=Topic.UNKNOWN, processing_units=None)), "shjobs: the outcome of ndvi is unknown",
    ),
    "one that waits for a yes says what it would cost": (
        message(event(topic=Topic.HELD, processing_units=1200.0)), "shjobs: ndvi waits for a yes, 1,200 PU",
    ),
    "successes are counted and added up": (message(DONE, OTHER), "shjobs: 2 jobs delivered, 248 PU"),
    "more than are listed are counted, too": (
        message(DONE, OTHER, count=10_000, processing_units=99.5), "shjobs: 10,000 jobs delivered, 99.50 PU",
    ),
    "a complete set": (
        message(event("set/alps", Topic.SET_COMPLETE, processing_units=310.0)),
        "shjobs: set/alps is complete, 310 PU",
    ),
    "the budget says which limit": (
        message(event("", Topic.BUDGET, reason="BudgetNearlySpent")), "shjobs: budget, BudgetNearlySpent",
    ),
    "the service says what ails it": (
        message(event("", Topic.SERVICE, reason="BreakerOpen")), "shjobs: service, BreakerOpen",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), TITLES.values(), ids=TITLES)
def test_the_title(given: Message, expected: str) -> None:
    assert title(given) == expected


def test_every_topic_has_a_title_for_one_and_for_many() -> None:
    for topic in Topic:
        assert title(message(event(topic=topic))).startswith("shjobs: ")
        assert "2" in title(message(event("a", topic), event("b", topic)))


TEXTS: Mapping[str, tuple[Message, list[str]]] = {
    "a failure has its sentence and what to type": (message(), ["the service said no", "    shjobs retry ndvi"]),
    "several failures are named": (
        message(event("a"), event("b", command="")),
        ["a: the service said no", "    shjobs retry a", "b: the service said no"],
    ),
    "successes are a line each": (message(DONE, OTHER), ["a (100 PU, 1a2b3c4)", "b (148 PU, 1a2b3c4)"]),
    "what is not listed is counted": (message(DONE, count=51), ["a (100 PU, 1a2b3c4)", "and 50 more"]),
    "sets and commits are counted first, when there are several": (
        message(
            DONE, OTHER, groups=(
                EventGroup(name="set/alps", count=8, processing_units=100.0), EventGroup(name="1a2b3c4", count=3),
                EventGroup(name="", count=1),
            ),
        ),
        ["set/alps: 8, 100 PU", "commit 1a2b3c4: 3", "others: 1", "a (100 PU, 1a2b3c4)", "b (148 PU, 1a2b3c4)"],
    ),
    "one set is not counted": (
        message(DONE, groups=(EventGroup(name="set/alps", count=1),)), ["a (100 PU, 1a2b3c4)"],
    ),
    "an event without a subject is about the controller": (
        message(event("", Topic.SERVICE, command=""), event("", Topic.SERVICE, command="")),
        ["the controller: the service said no"] * 2,
    ),
    "a sentence of many lines becomes one, cut short": (
        message(event(message="x\n" * 900, command="")), [("x " * 250)[:499] + "…"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), TEXTS.values(), ids=TEXTS)
def test_the_text(given: Message, expected: list[str]) -> None:
    assert text(given).splitlines() == expected


def test_at_most_fifty_events_are_listed() -> None:
    lines = text(message(*(event(f"job-{number}", command="") for number in range(80)))).splitlines()
    assert len(lines) == 51
    assert lines[-1] == "and 30 more"


LINKS: Mapping[str, tuple[list[str], str, str]] = {
    "a job has its page": (["ndvi"], "", "https://p/sh/jobs/ndvi"),
    "a name is written as an address needs it": (["a b?"], "", "https://p/sh/jobs/a%20b%3F"),
    "a set has its page": (["set/alps"], "", "https://p/sh/sets/alps"),
    "cells of one set lead to it": (["alps-1", "alps-2"], "alps", "https://p/sh/sets/alps"),
    "several jobs lead to the events": (["a", "b"], "", "https://p/sh/events"),
    "the controller leads to the first page": ([""], "", "https://p/sh/"),
}


@pytest.mark.parametrize(("subjects", "set_name", "expected"), LINKS.values(), ids=LINKS)
def test_where_the_link_leads(subjects: list[str], set_name: str, expected: str) -> None:
    events = [event(each, set_name=set_name) for each in subjects]
    assert link_to(events, "https://p/sh") == expected
    assert link_to(events, "") == ""
