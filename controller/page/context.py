"""What a view may read, and how it says that an address is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from controller.ledger.reads.reader import Reader
from controller.model.errors import UsageError
from controller.page.forecast import Forecasts
from controller.page.message import DaemonFacts
from controller.settings.settings import Settings

DIGITS = 12  # of a number in an address


class NotFound(UsageError):  # noqa: N818  (named by the outcome)
    """There is nothing at this address; the text says what there is instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewContext:
    """One request as a view sees it. `store` is None without a ledger; `name` is what follows the page's name in the
    address; `fields` are those of the query; `facts` is None without a daemon, `forecasts` in exported files.
    """

    settings: Settings
    store: Reader | None
    now: datetime
    fields: Mapping[str, str]
    name: str = ""
    facts: DaemonFacts | None = None
    forecasts: Forecasts | None = None

    def number(self, field: str, default: int) -> int:
        """A field as a whole number from 1. Raises `UsageError`."""
        text = self.fields.get(field, "")
        if not text:
            return default
        if len(text) > DIGITS or not (text.isascii() and text.isdigit()) or not int(text):
            raise UsageError(f"{field}: must be a whole number from 1, of {DIGITS} digits at most")
        return int(text)
