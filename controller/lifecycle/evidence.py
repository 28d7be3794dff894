"""Read a bucket listing as evidence for one submission; called by the loop when a listing has arrived.

The service writes `<request id>/<output>` below the delivery prefix, and somewhere a copy of the request that
later contains its cost. Name, location and cost key of the copy and the body of error.json are not documented;
every assumption about them is in this module (reference page "Open questions" A 1-5, 9, 10).
"""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeGuard

from controller.model.answers import BucketAnswer, Listing, StoredObject, Unreadable, read_received
from controller.model.errors import truncate
from controller.model.job import MOST_UNITS, ExpectedOutput
from controller.model.submission import REQUEST_ID, Evidence

ERROR_NAME = "error.json"
BODY = frozenset({"input", "output", "evalscript"})
"""The parts of a request, which are the user's own words."""
COST_KEY = re.compile(r"cost|processing.?units|\bpu\b", re.IGNORECASE)


def observe(
    answer: BucketAnswer, previous: Evidence | None, request_id: str | None, outputs: Sequence[ExpectedOutput],
    now: datetime,
) -> Evidence:  # fmt: skip
    """The evidence after one more listing; `since` moves only when the objects differ from the one before.

    A cost once known is kept, even when the bucket can no longer be read.
    """
    spent_before = previous.spent if previous else None
    if isinstance(answer, Unreadable):
        objects = previous.objects if previous else ()
        return Evidence(at=now, since=now, readable=False, objects=objects, spent=spent_before, message=answer.message)
    own = tuple(item for item in answer.objects if _belongs(item.key, request_id))
    unchanged = previous is not None and previous.readable and previous.objects == own
    spent = _spent(answer.documents, own, {output.identifier for output in outputs})
    return Evidence(
        at=now,
        since=previous.since if previous and unchanged else now,
        readable=True,
        objects=own,
        error=_error_words(answer, own),
        spent=spent_before if spent is None else spent,
    )


def delivered_object(evidence: Evidence, output: ExpectedOutput) -> StoredObject | None:
    """The object that is this output: matching stem, an extension of its format or none, and not empty."""
    names = {output.identifier, *(f"{output.identifier}.{extension}" for extension in output.extensions)}
    for item in evidence.objects:
        folder, _, name = item.key.rpartition("/")
        if folder and name in names and item.bytes > 0:
            return item
    return None


def request_ids(keys: Iterable[str]) -> tuple[str, ...]:
    """Every request id in the keys, in order of first appearance."""
    return tuple(dict.fromkeys(found.lower() for key in keys for found in REQUEST_ID.findall(key)))


def _belongs(key: str, request_id: str | None) -> bool:
    """Whether an object below the delivery prefix belongs to this request: in its folder, or directly in the prefix."""
    if request_id is None:
        return True
    folder, _, inside = key.partition("/")
    if inside:
        return folder.lower() == request_id.lower()
    return request_id.lower() in (request_ids([key]) or [request_id.lower()])


def _error_words(listing: Listing, own: Sequence[StoredObject]) -> str | None:
    for item in own:
        if item.key.rpartition("/")[2] == ERROR_NAME:
            return _message_of(listing.documents.get(item.key, ""))
    return None


def _message_of(text: str) -> str:
    """The message of an error.json in any of the known shapes; never empty."""
    document = _parsed(text)
    if isinstance(document, Mapping):
        inner = document.get("error")
        candidates = [document.get("message"), inner.get("message") if isinstance(inner, Mapping) else inner]
        text = next((word for word in candidates if isinstance(word, str) and word.strip()), text)
    return truncate(text, 2048) or "error.json is there, but holds no message"


def _spent(documents: Mapping[str, str], own: Sequence[StoredObject], outputs: set[str]) -> float | None:
    keys = {item.key for item in own}
    copies = request_copies({key: text for key, text in documents.items() if key in keys}, outputs)
    return next((cost[1] for document in copies.values() if (cost := cost_in(document))), None)


def request_copies(documents: Mapping[str, str], outputs: Container[str]) -> dict[str, Mapping[str, object]]:
    """The copies of a request among the documents of a listing, by key; `outputs` are the names of its outputs."""
    found: dict[str, Mapping[str, object]] = {}
    for key, text in sorted(documents.items()):
        name = key.rpartition("/")[2]
        document = _parsed(text) if name != ERROR_NAME and name.removesuffix(".json") not in outputs else None
        if isinstance(document, Mapping) and _is_request_copy(document):
            found[key] = document
    return found


def _is_request_copy(document: Mapping[str, object]) -> bool:
    inner = document.get("request")
    return any("input" in body and "output" in body for body in (document, inner) if isinstance(body, Mapping))


def cost_in(document: object) -> tuple[str, float] | None:
    """The first number, outermost first, whose key mentions cost or processing units, with that key.

    What the user wrote is not looked at: a copy repeats the request, and any key may be in it.
    """
    level = [document]
    while level:
        named = [pair for value in level if isinstance(value, Mapping) for pair in value.items() if pair[0] not in BODY]
        for key, value in named:
            if COST_KEY.search(str(key)) and _is_amount(value):
                return str(key), float(value)
        listed = [item for value in level if isinstance(value, list) for item in value]
        level = [value for _, value in named] + listed
    return None


def _is_amount(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST_UNITS


def _parsed(text: str) -> object:
    try:
        return read_received(text)
    except (ValueError, RecursionError):
        return None
