"""What the ledger says of the times of jobs and of the commit: for the conditions that `get -o json` shows."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from controller.ledger.reads.observed import observed_revision, transitions
from controller.lifecycle.conditions import is_of_set
from controller.lifecycle.status import timestamp
from controller.model.errors import StateError
from controller.operations.inspect.job_states import open_reader
from controller.operations.inspect.selection import Selection
from controller.settings.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """`commit` is the one that was taken in last, "" without one; `since` by job its reason, and since when."""

    commit: str = ""
    since: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def transition(self, document: Mapping[str, Any]) -> str:
        """Since when a job has the reason that its status document says; "" where that was not recorded."""
        reason, at = self.since.get(str(document.get("name")), ("", ""))
        return at if reason == document["reason"] and not is_of_set(document) else ""


def seen(settings: Settings, wanted: Selection) -> Seen:
    """As the ledger has it for these jobs; nothing where there is none yet."""
    with suppress(StateError), open_reader(settings) as store:
        if store is not None:
            observed = observed_revision(store)
            names = () if wanted.is_of_cells else wanted.names
            since = {name: (reason, timestamp(at) or "") for name, reason, at in transitions(store, names)}
            return Seen(commit=observed[0] if observed else "", since=since)
    return Seen()
