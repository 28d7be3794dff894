"""The submissions of a job with their evidence, newest first, and what changed from one request to the next."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from controller.ledger.reads.reader import Reader
from controller.ledger.reads.single import sent_length
from controller.model.errors import StateError
from controller.model.submission import Submission
from controller.operations.inspect.describe import submission_facts
from controller.operations.plan.diff import difference, format_value
from controller.page.job.cut import cut_text, fitting, texts_in, weight

MOST = 12  # submissions on the page
MOST_OBJECTS = 10  # of one submission
LONGEST_KEY = 240  # bytes of HTML
MOST_DIFFERENCES = 3
DIFFERENCE_MOST = 3_000  # bytes of HTML
LONGEST_REQUEST = 200_000  # characters: comparing longer ones takes longer than a page may
LONGEST_TEXT = 1_000  # bytes of HTML, of one message
LONGEST_LINE = 240  # bytes of HTML, of one line of a difference
AROUND_A_VALUE = 40  # bytes of HTML, for its name and elements
_TEXTS = ("prefix", "requestId", "approvedBy", "revision")
TOO_LONG = "the requests are too long to compare them here"
DAMAGED = "one of the two requests cannot be read"


def shown_submissions(store: Reader, found: Sequence[Submission], most: int) -> list[dict[str, Any]]:
    """The newest of these, in at most so many bytes of HTML; `found` is newest first."""
    facts = [
        {**_bounded(each), **_change(store, before, each, with_lines=index < MOST_DIFFERENCES)}
        for index, (each, before) in enumerate(zip_longest(found[:MOST], found[1 : MOST + 1]))
        if each is not None
    ]
    return fitting(facts, _weight, most) or facts[:1]


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any], most: int) -> dict[str, Any]:
    """What differs between two requests: fields, and lines of the script, in at most so many bytes of HTML."""
    try:
        found = difference(before, after)
    except (KeyError, TypeError, ValueError, AttributeError):
        return {"note": DAMAGED}
    fields = [cut_text(format_value(each), LONGEST_LINE) for each in found.fields]
    lines = [cut_text(line, LONGEST_LINE) for line in found.script]
    shown_fields = fitting(fields, _weight_of_line, most // 2)
    shown_lines = fitting(lines, _weight_of_line, most - sum(map(_weight_of_line, shown_fields)))
    return {
        "fields": shown_fields,
        "moreFields": len(fields) - len(shown_fields) + found.more_fields,
        "script": shown_lines,
        "moreLines": len(lines) - len(shown_lines) + found.more_lines,
    }


def _change(store: Reader, before: Submission | None, after: Submission, *, with_lines: bool) -> dict[str, Any]:
    """What a submission asked for that the one before did not."""
    if before is None:
        return {}
    if before.digest == after.digest:
        return {"changes": {"same": True}}
    if not with_lines:
        return {"changes": {"note": "the request changed"}}
    if max(sent_length(store, each.number) for each in (before, after)) > LONGEST_REQUEST:
        return {"changes": {"note": TOO_LONG}}
    try:
        earlier, later = store.sent_request(before.number), store.sent_request(after.number)
    except StateError:
        return {"changes": {"note": DAMAGED}}
    return {"changes": changes_between(earlier, later, DIFFERENCE_MOST)}


def _bounded(item: Submission) -> dict[str, Any]:
    """A submission as `describe` shows it, with long texts cut and the first of many objects."""
    facts = submission_facts(item)
    for part in (facts, facts.get("evidence", {})):
        part |= {key: cut_text(part[key], LONGEST_TEXT) for key in ("message", "error") if key in part}
    facts |= {key: cut_text(str(facts[key]), 600) for key in _TEXTS if key in facts}
    objects = facts.get("evidence", {}).get("objects", [])
    if objects:
        facts["evidence"]["objects"] = [
            {**each, "key": cut_text(each["key"], LONGEST_KEY)} for each in objects[:MOST_OBJECTS]
        ]
        facts["evidence"]["moreObjects"] = max(0, len(objects) - MOST_OBJECTS)
    facts.pop("outputs", None)  # they are among the objects
    return {**facts, "how": _how(item)}


def _how(item: Submission) -> str:
    """How it came to be, where it was not simply sent."""
    if item.adopted:
        return "found in the bucket, or named by an operator: not sent by this ledger"
    return "retried after a failure" if item.attempt else ""


def _weight(facts: Mapping[str, Any]) -> int:
    return 400 + sum(AROUND_A_VALUE + weight(text) for text in texts_in(facts))


def _weight_of_line(line: str) -> int:
    return weight(line) + 24
