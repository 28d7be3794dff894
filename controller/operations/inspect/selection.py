"""Which jobs a command is about: by name, by label, by phase. Called by `get` and `fetch`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.limits.selection import is_selected
from controller.model.errors import no_such_jobs
from controller.operations.inspect.job_states import Document, job_states, labels
from controller.settings.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """All of it must fit; what is empty fits everything. A label is `name` or `name=value`."""

    names: Sequence[str] = ()
    labels: Sequence[str] = ()
    phases: Sequence[str] = ()


def selected(settings: Settings, wanted: Selection, now: datetime) -> list[Document]:
    """The status documents that fit. Raises `UsageError` for a name that no job has."""
    found = job_states(settings, now)
    there = {str(document.get("name")) for document in found}
    if missing := set(wanted.names) - there:
        raise no_such_jobs(missing, there)
    known = labels(settings) if wanted.labels else {}
    return [each for each in found if _fits(each, known.get(str(each.get("name")), {}), wanted)]


def _fits(document: Document, labels: Mapping[str, str], wanted: Selection) -> bool:
    if wanted.names and document.get("name") not in wanted.names:
        return False
    if wanted.phases and document["phase"] not in wanted.phases:
        return False
    return is_selected(labels.items(), wanted.labels)
