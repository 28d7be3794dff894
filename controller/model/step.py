"""What can be done next for a job: submit, poll, list, or wait. `next_step` decides; the loop carries it out."""

from dataclasses import dataclass
from datetime import datetime

from controller.model.reasons import Reason
from controller.model.submission import Submission


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """Store the intent for this rerun and attempt of the wanted digest, then POST it once."""

    rerun: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Ask the service whether the submission still runs."""

    submission: Submission


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """List the bucket below `prefix`: for one submission, or (None) for everything `only` names of a digest."""

    prefix: str
    credentials_ref: str | None
    only: str = ""
    submission: Submission | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to do before `until`; None: until something changes.

    `behind`: where jobs queue, this one goes after all that have a lower number.
    """

    reason: Reason
    until: datetime | None = None
    behind: int = 0


Step = Submit | Ask | List | Wait
