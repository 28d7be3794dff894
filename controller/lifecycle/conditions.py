"""The conditions that Kubernetes' tools know, read off a status document, and what `wait` waits for.

Pure, and apart from `status`, which makes the document: `get` shows conditions and starts without the rules of a life.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.model.errors import UsageError
from controller.model.job_set import SET_STATUS
from controller.model.reasons import Phase, Reason

READY, RECONCILING, STALLED, ACCEPTED = "Ready", "Reconciling", "Stalled", "Accepted"
COMPLETE_CONDITION = "Complete"
"""Only of a set: whether every cell that is due is Succeeded."""
TYPES = (READY, RECONCILING, STALLED, ACCEPTED, COMPLETE_CONDITION)
_UNDER_WAY = frozenset({Phase.PENDING, Phase.SUBMITTING, Phase.RUNNING, Phase.VERIFYING})
_AT_REST = frozenset({Phase.INVALID, Phase.HELD, Phase.FAILED, Phase.UNKNOWN})
_LOST = (Phase.INVALID, Phase.FAILED, Phase.UNKNOWN)
_NOT_KNOWN = frozenset({Phase.UNKNOWN, Phase.UNCONFIRMED})

Document = Mapping[str, Any]


def kubernetes_conditions(document: Document, since: str = "") -> list[dict[str, object]]:
    """The conditions of a status document, each with its reason and message; `since` is when the job came to it."""
    phase, reason = Phase(document["phase"]), Reason(document["reason"])
    statuses = {
        READY: "True" if phase is Phase.SUCCEEDED else "Unknown" if phase in _NOT_KNOWN else "False",
        RECONCILING: str(phase in _UNDER_WAY or reason is Reason.SEARCHING),
        STALLED: str(phase in _AT_REST or reason is Reason.NEEDS_PERSON),
    }
    about = {"reason": document["reason"], "message": document["message"]}
    seen = {"observedGeneration": document["generation"]} if "generation" in document else {}
    about |= {"lastTransitionTime": since} if since else {}
    found = [{"type": kind, "status": status, **about, **seen} for kind, status in statuses.items()]
    return [
        *found,
        *({**each, **seen} for each in _completeness(document)),
        {"type": ACCEPTED, **_acceptance(document), **seen},
    ]


def phases_of(document: Document) -> frozenset[Phase]:
    """The phase of a job, or those of all cells of a set."""
    if not is_of_set(document):
        return frozenset({Phase(document["phase"])})
    found = {Phase(key) for key in document.get("cells", {}) if key in set(Phase)}
    return frozenset(found or ({Phase.INVALID} if is_rejected(document) else ()))


def is_of_set(document: Document) -> bool:
    """Whether it is the status document of a set."""
    return document.get("kind") == SET_STATUS


def is_rejected(document: Document) -> bool:
    """Whether the manifest as it is now has no effect, whatever became of an earlier one."""
    return _acceptance(document)["status"] == "False"


def _completeness(document: Document) -> list[dict[str, object]]:
    if not is_of_set(document):
        return []
    cells = document.get("cells", {})
    due, succeeded = cells.get("due", 0), cells.get(Phase.SUCCEEDED, 0)
    is_complete = 0 < due == succeeded
    about = {"reason": document["reason"], "message": f"{succeeded}/{due}"}
    return [{"type": COMPLETE_CONDITION, "status": str(is_complete), **about}]


def _acceptance(document: Document) -> dict[str, object]:
    """Whether the manifest as it is now is the one in force: apart from the phase, which may be an earlier one's."""
    manifest = document.get("manifest") or {"accepted": True}
    if manifest["accepted"]:
        return {"status": "True", "reason": ACCEPTED, "message": "the manifest is the one in force"}
    first, *more = manifest.get("problems") or [document["message"]]
    reason = manifest.get("reason", Reason.REJECTED)
    message = f"{first} (and {len(more):,} more)" if more else first
    return {"status": "Unknown" if reason == Reason.EXAMINING else "False", "reason": str(reason), "message": message}


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitTarget:
    """What is waited for: a phase, or a condition with a status. `share` is how much of a set, in percent."""

    phase: Phase | None = None
    condition: str = ""
    status: str = "True"
    share: float = 100.0

    @property
    def is_completion(self) -> bool:
        """Whether the cells of a set are counted; a job is then like a set with a single cell."""
        return (self.condition, self.status) == (COMPLETE_CONDITION, "True")

    def is_met(self, document: Document) -> bool:
        """Whether the job is in this state."""
        if self.is_completion:
            due, succeeded, _ = _counts(document)
            return due > 0 and 100 * succeeded >= self.share * due and not is_rejected(document)
        if self.phase is not None:
            return bool(document["phase"] == self.phase)
        return any(
            each["type"] == self.condition and each["status"] == self.status for each in kubernetes_conditions(document)
        )

    def is_hopeless(self, document: Document) -> bool:
        """Whether it waits for success, and the job came to rest without it, or too many cells of the set did."""
        if self.is_completion:
            due, _, lost = _counts(document)
            return 100 * (due - lost) < self.share * due or is_rejected(document)
        for_success = self.phase is Phase.SUCCEEDED or (self.condition, self.status) == (READY, "True")
        is_held = document["phase"] == Phase.HELD  # an operator may approve it at any time
        return for_success and not is_held and WaitTarget(condition=STALLED).is_met(document)


def _counts(document: Document) -> tuple[int, int, int]:
    """The cells that are due, that succeeded, and that will not by themselves."""
    if not is_of_set(document):
        stalled = document["phase"] in _LOST or document["reason"] == Reason.NEEDS_PERSON
        return 1, int(document["phase"] == Phase.SUCCEEDED), int(stalled)
    cells, needy = document.get("cells", {}), document.get("reasons", {}).get(Reason.NEEDS_PERSON, 0)
    return cells.get("due", 0), cells.get(Phase.SUCCEEDED, 0), sum(cells.get(each, 0) for each in _LOST) + needy


def target(text: str) -> WaitTarget:
    """`Succeeded`, `Ready`, `condition=Ready=False` or `Complete=95%`, in any case; UsageError for anything else."""
    kind, _, rest = text.partition("=")
    name, _, status = rest.partition("=") if kind.lower() == "condition" else (kind, "", rest)
    condition, value = _named(name, TYPES), _named(status or "True", ("True", "False", "Unknown"))
    phase = _named(name, tuple(Phase))
    if condition == COMPLETE_CONDITION and status.endswith("%"):
        return WaitTarget(condition=condition, share=_share(text, status))
    if condition and value:
        return WaitTarget(condition=condition, status=value)
    if phase and not status and kind.lower() != "condition":
        return WaitTarget(phase=Phase(phase))
    phases = ", ".join(each for each in Phase if each is not Phase.REMOVED)
    raise UsageError(f"--for: {text!r} is neither a phase ({phases}) nor a condition ({', '.join(TYPES)})")


def _share(text: str, percent: str) -> float:
    try:
        share = float(percent.removesuffix("%"))
    except ValueError:
        share = 0.0
    if not 0 < share <= 100:
        raise UsageError(f"--for: {text!r}: write a share of the cells like {COMPLETE_CONDITION}=95%, at most 100%")
    return share


def _named(text: str, known: Iterable[str]) -> str:
    return next((each for each in known if each.lower() == text.lower()), "")
