"""What the sandbox did, line by line: the oracle of every proof about money and delivery.

Appended to by `routes` and `runs`, read by tests and by `GET /sandbox/ledger`. A line never contains a secret;
`accepted` is in the file before the reply is sent.
"""

import fcntl
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from controller.model.errors import UsageError

FINAL_EVENTS = frozenset({"delivered", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line. `prefix` is the delivery URL as posted, `digest` the SHA-256 of the body without credentials.

    Events: `token`, `post` (arrived and read), `refused` (with `status`, `code`, `message`), `accepted`, `running`,
    `charged` (`processing_units`), `delivered` (`keys` written), `failed`, `status` (a GET), `fault` (one took
    effect, named in `message`), and `torn` for a line cut off by a crash. `time` is ISO 8601 in UTC.
    """

    time: str
    event: str
    id: str = ""
    prefix: str = ""
    digest: str = ""
    status: int | None = None
    code: str = ""
    message: str = ""
    processing_units: float | None = None
    keys: tuple[str, ...] = ()

    def as_document(self) -> dict[str, object]:
        """The JSON form, without empty values."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "", ())}

    def as_line(self) -> str:
        """The human-readable form: time, event, request id, prefix and details."""
        facts = (self.status, self.code, self.processing_units and f"{self.processing_units:.2f} PU", self.message)
        said = " ".join(str(fact) for fact in (*facts, *self.keys) if fact not in (None, "", 0))
        return f"{self.time[:19]}  {self.event:<9}  {self.id or '-':<36}  {self.prefix or '-'}  {said}".rstrip()

    @classmethod
    def from_line(cls, line: str) -> Self:
        try:
            document = json.loads(line)
        except ValueError:
            return cls(time="", event="torn", message="a line was cut off")
        return cls(**document | {"keys": tuple(document.get("keys", ()))})


class SandboxLedger:
    """An open ledger. Only one process may hold it; a second one gets UsageError. Close it to release it."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self.path = path
        self._now = now
        self._lock = threading.Lock()
        self._file = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise UsageError(
                f"{path}: another sandbox works in this folder; stop it or choose another folder"
            ) from None
        self._end_torn_line()

    def add(
        self,
        event: str,
        *,
        id: str = "",
        prefix: str = "",
        digest: str = "",
        status: int | None = None,
        code: str = "",
        message: str = "",
        processing_units: float | None = None,
        keys: tuple[str, ...] = (),
    ) -> Entry:
        """Appends one entry, stamped with the current time, and flushes it."""
        with self._lock:
            entry = Entry(
                time=self._now().astimezone(UTC).isoformat(timespec="milliseconds"),
                event=event,
                id=id,
                prefix=prefix,
                digest=digest,
                status=status,
                code=code,
                message=message,
                processing_units=processing_units,
                keys=keys,
            )
            self._file.write(json.dumps(entry.as_document()) + "\n")
            self._file.flush()
            return entry

    def entries(self) -> list[Entry]:
        """Everything so far, including earlier runs of the program."""
        return self.read(self.path)

    def close(self) -> None:
        with self._lock:
            self._file.close()

    @staticmethod
    def read(path: Path) -> list[Entry]:
        """The entries of a ledger file, open or not; none when there is no such file."""
        if not path.exists():
            return []
        return [Entry.from_line(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def _end_torn_line(self) -> None:
        text = self.path.read_bytes()
        if text and not text.endswith(b"\n"):
            self._file.write("\n")
            self._file.flush()


def posts(entries: Iterable[Entry]) -> list[Entry]:
    """Every POST that arrived, whatever the reply."""
    return [entry for entry in entries if entry.event == "post"]


def accepted_entries(entries: Iterable[Entry]) -> list[Entry]:
    """Every request the sandbox accepted, whether or not the client received the reply."""
    return [entry for entry in entries if entry.event == "accepted"]


def charges_by_prefix(entries: Iterable[Entry]) -> dict[str, float]:
    """Processing units charged, summed by delivery URL."""
    charges: dict[str, float] = {}
    for entry in entries:
        if entry.event == "charged":
            charges[entry.prefix] = charges.get(entry.prefix, 0.0) + (entry.processing_units or 0.0)
    return charges


def unfinished(entries: Iterable[Entry]) -> list[Entry]:
    """The `accepted` entries without a final event: what a stopped program left behind."""
    open_requests: dict[str, Entry] = {}
    for entry in entries:
        if entry.event == "accepted":
            open_requests[entry.id] = entry
        elif entry.event in FINAL_EVENTS:
            open_requests.pop(entry.id, None)
    return list(open_requests.values())
