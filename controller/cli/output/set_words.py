"""What tables say of a set: how far it is, in the room there is, and why cells did not succeed."""

from collections.abc import Iterator, Mapping
from typing import Any

from controller.model.reasons import Phase

Document = Mapping[str, Any]
ALL = 10_000


def progress_words(document: Document, room: int = ALL) -> str:
    """`480/492 Succeeded, 2 Failed, 10 Running`, with less of it when there is less room."""
    forms = list(_forms(document))
    return next((form for form in forms if len(form) <= room), forms[-1])


def reason_lines(document: Document) -> list[str]:
    """`2 ErrorReported: the script threw`: for each reason that cells have, the most urgent first."""
    messages = document.get("messages", {})
    found = [
        f"{count:,} {reason}: {messages[reason]}" if reason in messages else f"{count:,} {reason}"
        for reason, count in document.get("reasons", {}).items()
    ]
    return found or ([] if document["phase"] == Phase.SUCCEEDED else [f"{document['reason']}: {document['message']}"])


def _forms(document: Document) -> Iterator[str]:
    """From the longest to the shortest."""
    cells = document.get("cells", {})
    if not cells.get("due"):
        yield str(document["phase"])
        return
    progress = f"{cells.get(Phase.SUCCEEDED, 0):,}/{cells['due']:,}"
    rest = [f"{cells[each]:,} {each}" for each in cells if each in set(Phase) and each != Phase.SUCCEEDED]
    yield ", ".join([f"{progress} {Phase.SUCCEEDED}", *rest])
    yield ", ".join([f"{progress} {Phase.SUCCEEDED}", *rest[:1]])
    yield ", ".join([progress, *rest[:1]])
    yield progress
