"""What a sink's thread calls: `messages` for messages, `hosts` for the status of commits; `worker` runs it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Sender(Protocol):
    """The sending side of one sink. It belongs to one thread, which creates, runs and closes it."""

    def run_once(self, now: datetime) -> datetime | None:
        """Send what is due; returns when something is due next by itself, None when nothing is.

        It is called again then, when it is woken, and every few seconds, so it must cost little when nothing is due.
        Raises `StateError` while the ledger cannot be used.
        """
        ...

    def close(self) -> None:
        """Close its connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The other side took the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """It did not, as far as is known. `message` is a sentence for the user that holds no secret and no address."""

    message: str
    retry_after: float | None = None
    """Seconds that the other side asked to wait."""
    is_refused: bool = False
    """Whether it refused this message: others may still go, and trying this one again soon cannot help."""
    is_partial: bool = False
    """Whether some of its addresses took this message: others may still go."""

    @property
    def concerns_all(self) -> bool:
        """Whether no other message would be taken now."""
        return not self.is_refused and not self.is_partial


SendOutcome = Sent | NotSent
