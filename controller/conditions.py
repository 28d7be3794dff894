"""Conditions as Kubernetes has them, derived from a job's phase: for `wait`, and beside each job in `get -o json`.

Pure. `Ready`: every declared output is there. `Reconciling`: something is under way. `Stalled`: nothing will happen
until a person, a commit, or late evidence changes it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.model.errors import UsageError
from controller.model.reasons import Phase, Reason

READY, RECONCILING, STALLED = "Ready", "Reconciling", "Stalled"
TYPES = (READY, RECONCILING, STALLED)
_UNDER_WAY = frozenset({Phase.PENDING, Phase.SUBMITTING, Phase.RUNNING, Phase.VERIFYING})
_AT_REST = frozenset({Phase.INVALID, Phase.HELD, Phase.FAILED, Phase.UNKNOWN})
_NOT_KNOWN = frozenset({Phase.UNKNOWN, Phase.UNCONFIRMED})

Document = Mapping[str, Any]


def conditions(document: Document) -> list[dict[str, object]]:
    """The three conditions of a status document, each with its reason and message."""
    phase, reason = Phase(document["phase"]), Reason(document["reason"])
    statuses = {
        READY: "True" if phase is Phase.SUCCEEDED else "Unknown" if phase in _NOT_KNOWN else "False",
        RECONCILING: str(phase in _UNDER_WAY or reason is Reason.SEARCHING),
        STALLED: str(phase in _AT_REST or reason is Reason.NEEDS_PERSON),
    }
    about = {"reason": document["reason"], "message": document["message"]}
    seen = {"observedGeneration": document["generation"]} if "generation" in document else {}
    return [{"type": kind, "status": status, **about, **seen} for kind, status in statuses.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is waited for: a phase, or a condition with a status."""

    phase: Phase | None = None
    condition: str = ""
    status: str = "True"

    def is_met(self, document: Document) -> bool:
        """Whether the job stands there."""
        if self.phase is not None:
            return bool(document["phase"] == self.phase)
        return any(each["type"] == self.condition and each["status"] == self.status for each in conditions(document))

    def is_hopeless(self, document: Document) -> bool:
        """Whether it was success that is waited for, and the job came to rest without it."""
        for_success = self.phase is Phase.SUCCEEDED or (self.condition, self.status) == (READY, "True")
        is_held = document["phase"] == Phase.HELD  # a person may say yes at any moment
        return for_success and not is_held and Target(condition=STALLED).is_met(document)


def target(text: str) -> Target:
    """`Succeeded`, `Ready`, `condition=Ready` or `condition=Ready=False`, in any case; UsageError for anything else."""
    kind, _, rest = text.partition("=")
    name, _, status = rest.partition("=") if kind.lower() == "condition" else (kind, "", rest)
    condition, value = _named(name, TYPES), _named(status or "True", ("True", "False", "Unknown"))
    phase = _named(name, tuple(Phase))
    if condition and value:
        return Target(condition=condition, status=value)
    if phase and not status and kind.lower() != "condition":
        return Target(phase=Phase(phase))
    phases = ", ".join(each for each in Phase if each is not Phase.REMOVED)
    raise UsageError(f"--for: {text!r} is neither a phase ({phases}) nor a condition ({', '.join(TYPES)})")


def _named(text: str, known: Iterable[str]) -> str:
    return next((each for each in known if each.lower() == text.lower()), "")
