"""The vital signs of a running controller: what the web page of the daemon, its probes and its metrics tell.

Pure. The loop draws up one `Vitals` after each turn; whoever reads it, from any thread, sees one consistent moment.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.ledger.ledger import Book
from controller.limits.budget import Spending
from controller.limits.gate import Limits
from controller.model.reasons import Phase, Reason
from controller.reconcile.queue import Agenda
from controller.reconcile.reporter import Teller
from controller.reconcile.scanner import Lookout

STALE_SCANS = 3  # so many scans in a row must have been missed
SILENT = 120.0  # seconds without a sign of life of the deciding thread
TROUBLES = {Reason.ACCOUNT_REFUSED: "CredentialsRefused", Reason.BREAKER_OPEN: "BreakerOpen"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """One moment of a controller. Times are UTC, amounts processing units.

    `oldest` says since when the first in line waits for a place; `gate` and `message` what keeps submissions back.
    `tree`, `watching`, `status`, `ledger` and `clock` hold a sentence when something is wrong with it.
    """

    at: datetime
    spending: Spending
    phases: Mapping[Phase, int] = field(default_factory=dict)
    running: int = 0
    places: int = 0
    waiting: int = 0
    oldest: datetime | None = None
    gate: Reason | None = None
    message: str = ""
    is_paused: bool = False
    scanned_at: datetime | None = None
    tree: str = ""
    watching: str = ""
    status: str = ""
    ledger: str = ""
    clock: str = ""


def conditions(vitals: Vitals, now: datetime, scan_every: float) -> Iterator[tuple[str, str]]:
    """Why the controller is not ready: one word and a sentence for each reason; nothing when it is.

    `scan_every` is in seconds.
    """
    if vitals.ledger:
        yield "LedgerUnusable", vitals.ledger
    if vitals.scanned_at is None:
        yield "NotScanned", "the tree was not scanned yet"
    elif now > vitals.scanned_at + timedelta(seconds=STALE_SCANS * scan_every):
        yield "ScanStale", f"the tree was last scanned at {vitals.scanned_at:%Y-%m-%dT%H:%M:%SZ}"
    sentences = {"TreeNotReady": vitals.tree, "WatcherDead": vitals.watching, "StatusUnwritten": vitals.status}
    sentences["ClockDoubtful"] = vitals.clock
    yield from ((word, sentence) for word, sentence in sentences.items() if sentence)
    if vitals.gate in TROUBLES:
        yield TROUBLES[vitals.gate], vitals.message


def is_alive(vitals: Vitals, now: datetime) -> bool:
    """Whether the deciding thread gave a sign of life lately."""
    return now <= vitals.at + timedelta(seconds=SILENT)


def health(
    book: Book, agenda: Agenda, lookout: Lookout, teller: Teller, limits: Limits, budget: float | None, now: datetime
) -> Vitals:
    """The vital signs at the time of the last turn."""
    is_shut = limits.opens_at is not None and limits.opens_at > now
    return Vitals(
        at=now,
        spending=book.spending(now, budget),
        phases=dict(teller.phases),
        running=book.running,
        places=book.running + limits.slots,
        waiting=agenda.waiting,
        oldest=agenda.oldest,
        gate=limits.reason if is_shut else None,
        message=limits.message,
        is_paused=limits.paused,
        clock=limits.doubt,
        scanned_at=lookout.scanned_at,
        tree=lookout.unready,
        status=teller.board.trouble,
    )
