"""What several pages show of the ledger: a job as a row of a list, and the sets."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from controller.ledger.places.of_set import set_paths
from controller.ledger.reads.listing import Filter, Row
from controller.ledger.reads.reader import Reader
from controller.lifecycle.conditions import is_of_set
from controller.lifecycle.set_status import URGENCY
from controller.lifecycle.status import timestamp
from controller.model.errors import StateError, UsageError
from controller.model.job_set import SET_LABEL
from controller.model.reasons import Phase, Reason
from controller.settings.settings import Settings

Document = dict[str, Any]
Word = TypeVar("Word", Phase, Reason)


def row_facts(row: Row) -> Document:
    """A job of a list. Amounts are processing units, None where they are not known."""
    wanted, submission = (row.job.wanted if row.job else None), row.submission
    estimate = wanted.estimate if wanted else None
    return {
        "name": row.name,
        "path": row.path,
        "phase": str(row.phase),
        "reason": row.reason,
        "message": row.message,
        "rejected": row.rejected,
        "changedAt": timestamp(row.changed_at),
        "set": row.labels.get(SET_LABEL, ""),
        "labels": {name: value for name, value in row.labels.items() if name != SET_LABEL},
        "estimated": estimate.expected if estimate else None,
        "reserved": submission.reserved if submission else None,
        "spent": submission.spent if submission else None,
    }


def recorded_sets(store: Reader) -> list[Document]:
    """The status document of every set, as last reported, with its path; those that need something first."""
    found = [each for path in set_paths(store) for each in documents_at(store, path)]
    return sorted(found, key=lambda each: (URGENCY.index(Phase(each["phase"])), each["name"]))


def documents_at(store: Reader, path: str) -> Iterator[Document]:
    """The status documents of the sets of a file, each with its path; none when they cannot be read."""
    try:
        yield from ({**each, "path": path} for each in store.statuses_of(path) if is_of_set(each) and each.get("name"))
    except StateError:
        return


def filter_fields(fields: Mapping[str, str]) -> dict[str, str]:
    """The fields of a filter as they were asked for, for links that keep them; those that were not are empty."""
    return {name: fields.get(name, "") for name in ("phase", "reason", "label", "set", "text")}


def filter_of(fields: Mapping[str, str]) -> Filter:
    """What the fields `phase`, `reason`, `label`, `set` and `text` of an address ask for. Raises `UsageError`."""
    return Filter(
        phases=tuple(_words(fields.get("phase", ""), Phase, "phase")),
        reasons=tuple(_words(fields.get("reason", ""), Reason, "reason")),
        labels=tuple(filter(None, [fields.get("label", "").strip()])),
        set_name=fields.get("set", "").strip(),
        text=fields.get("text", "").strip(),
    )


def _words(text: str, known: type[Word], field: str) -> Iterator[Word]:
    by_word = {each.lower(): each for each in known}
    for word in filter(None, text.split(",")):
        if word.strip().lower() not in by_word:
            raise UsageError(f"{field}: there is none of this name; write one of {', '.join(known)}")
        yield by_word[word.strip().lower()]


def manifest_path(settings: Settings, path: str) -> str:
    """A manifest as it is named on the command line beside the settings file."""
    manifest = settings.jobs / path
    base = Path(settings.file).parent
    return str(manifest.relative_to(base) if manifest.is_relative_to(base) else manifest)
