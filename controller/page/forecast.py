"""What sets will ask for by themselves this month and next, for the overview: made beside the pages, now and then.

It reads the tree as of later days, which takes far longer than a page, so no page waits for it. Where there are very
many jobs it is left to `shjobs budget`, which may take its time.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from controller.lifecycle.status import timestamp
from controller.model.errors import ShjobsError
from controller.operations.inspect.forecast import forecast
from controller.settings.settings import Settings

log = logging.getLogger(__name__)

EVERY = 900.0  # seconds
MOST_JOBS = 5_000
Document = dict[str, Any]
Make = Callable[[Settings, datetime], list[Document]]


class Forecasts:
    """The forecast of one state directory as last made; asking for it makes it anew in a thread once it is old."""

    def __init__(self, settings: Settings, make: Make = forecast) -> None:
        self._settings, self._make = settings, make
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._made_at = float("-inf")
        self._found: Document = {"state": "pending"}

    def current(self, jobs: int, now: datetime) -> Document:
        """`state` is `known` (with `at` and `sets`), `pending`, `failed` (with `message`), or `left out`."""
        if jobs > MOST_JOBS:
            return {"state": "left out"}
        with self._lock:
            is_due = time.monotonic() - self._made_at >= EVERY
            if is_due and not (self._thread and self._thread.is_alive()):
                self._thread = threading.Thread(target=self._renew, args=(now,), name="forecast", daemon=True)
                self._thread.start()
            return self._found

    def wait(self) -> None:
        """Until what is being made is there."""
        if self._thread:
            self._thread.join()

    def _renew(self, now: datetime) -> None:
        try:
            found: Document = {"state": "known", "at": timestamp(now), "sets": self._make(self._settings, now)}
        except ShjobsError as error:
            found = {"state": "failed", "message": str(error)}
        except Exception:
            log.exception("the forecast cannot be made")
            found = {"state": "failed", "message": "it cannot be made; the log of the daemon says why"}
        with self._lock:
            self._found, self._made_at = found, time.monotonic()
