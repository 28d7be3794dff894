"""The requests of the sandbox: visible while they run, dropped afterwards; kept by `runs`, queried by `routes`.

Both API paths share one store. Source: reference pages "Asynchronous Processing API" §§4, 5 and "Open questions:
Async API" 13.
"""

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.sandbox.faults.faults import Fault, Faults


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxRequest:
    """One accepted request; times are seconds of the sandbox's clock. `url` is its delivery URL, as posted.

    `faults` apply until it ends; `own` holds those for its GETs that its script requests.
    """

    id: str
    body: Mapping[str, Any]
    url: str
    accepted_at: float
    visible_at: float
    faults: tuple[Fault, ...] = ()
    own: Faults = field(default_factory=Faults)

    @property
    def delivery(self) -> Mapping[str, Any]:
        """The `s3` object of the body, with its credentials."""
        found: Mapping[str, Any] = self.body["output"]["delivery"]["s3"]
        return found


class Requests:
    """Running requests by id. Safe to use from many threads."""

    def __init__(self) -> None:
        self._running: dict[str, SandboxRequest] = {}
        self._asked: dict[str, int] = {}
        self._waiting: dict[str, tuple[int, Callable[[], None]]] = {}
        self._lock = threading.Lock()

    def add(self, request: SandboxRequest) -> None:
        with self._lock:
            self._running[request.id] = request

    def find(self, id: str) -> SandboxRequest | None:
        """The running request with this id, whether or not GET can see it yet."""
        with self._lock:
            return self._running.get(id)

    def is_visible(self, id: str, now: float) -> bool:
        """Whether a GET made now sees the request; counts as one GET."""
        with self._lock:
            request = self._running.get(id)
            if request is None or now < request.visible_at:
                return False
            asked = self._asked[id] = self._asked.get(id, 0) + 1
            times, then = self._waiting.get(id, (0, None))
            if then is not None and asked >= times:
                del self._waiting[id]
                then()
            flapping = any(fault.name == "flapping-404" for fault in request.faults)
            return not (flapping and asked % 2)

    def when_asked(self, id: str, times: int, then: Callable[[], None]) -> None:
        """Calls `then`, which must return at once, when GET has been made so often: now, or during that GET."""
        with self._lock:
            if self._asked.get(id, 0) < times:
                self._waiting[id] = (times, then)
                return
        then()

    def remove(self, id: str) -> None:
        """Drops the request; from now on GET returns 404."""
        with self._lock:
            self._running.pop(id, None)
            self._asked.pop(id, None)
            self._waiting.pop(id, None)

    def count(self) -> int:
        with self._lock:
            return len(self._running)


def new_id() -> str:
    return str(uuid.uuid4())
