"""The health of a running controller, as shown by the daemon's page, probes and metrics.

Pure. The loop makes one `Health` after each turn; readers in any thread see one consistent moment.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from controller.ledger.ledger import Ledger
from controller.limits.budget import Spending
from controller.limits.gate import GATE_CONDITIONS, Limits
from controller.model.reasons import Phase, Reason
from controller.reconcile.queue import JobQueue
from controller.reconcile.rejections import RejectionKind, Rejections
from controller.reconcile.reporter import Reporter
from controller.reconcile.scanner import Scanner
from controller.source.facts import SourceFacts, source_conditions

STALE_SCANS = 3  # scans missed in a row
PATIENCE = 60.0  # seconds: a busy machine may miss scans that a time scale made frequent
SILENT = 120.0  # seconds without a heartbeat of the deciding thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One moment of a controller. Times are UTC, amounts processing units.

    `held` are the held jobs by reason. `rejected` counts what is in the tree without effect; `rejection` names it.
    `oldest` says since when the first queued job waits for a slot; `gate` and `message` what holds submissions back.
    `tree`, `watching`, `status`, `ledger` and `clock` hold a sentence when there is a problem with it; `source` is
    where the tree is fetched from, None for a folder that something else writes.
    """

    at: datetime
    spending: Spending
    phases: Mapping[Phase, int] = field(default_factory=dict)
    held: Mapping[Reason, int] = field(default_factory=dict)
    rejected: Mapping[RejectionKind, int] = field(default_factory=dict)
    rejection: str = ""
    running: int = 0
    slots: int = 0
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
    source: SourceFacts | None = None


def unready_conditions(health: Health, now: datetime, scan_every: float) -> Iterator[tuple[str, str]]:
    """Why the controller is not ready: a word and a sentence for each reason; nothing when it is.

    `scan_every` is in seconds.
    """
    if health.ledger:
        yield "LedgerUnusable", health.ledger
    if health.scanned_at is None:
        yield "NotScanned", "the tree was not scanned yet"
    elif now > health.scanned_at + timedelta(seconds=max(STALE_SCANS * scan_every, PATIENCE)):
        yield "ScanStale", f"the tree was last scanned at {health.scanned_at:%Y-%m-%dT%H:%M:%SZ}"
    if health.source:
        yield from source_conditions(health.source, now)
    sentences = {"TreeNotReady": health.tree, "WatcherDead": health.watching, "StatusUnwritten": health.status}
    sentences["ClockDoubtful"] = health.clock
    yield from ((word, sentence) for word, sentence in sentences.items() if sentence)
    if health.gate in GATE_CONDITIONS:
        yield GATE_CONDITIONS[health.gate], health.message


def is_alive(health: Health, now: datetime) -> bool:
    """Whether the deciding thread had a recent heartbeat."""
    return now <= health.at + timedelta(seconds=SILENT)


def health_of(
    ledger: Ledger,
    queue: JobQueue,
    scanner: Scanner,
    reporter: Reporter,
    limits: Limits,
    budget: float | None,
    now: datetime,
) -> Health:  # fmt: skip
    """The health at the time of the last turn."""
    is_shut = limits.opens_at is not None and limits.opens_at > now
    return Health(
        at=now,
        spending=ledger.spending(now, budget),
        phases=dict(reporter.phases),
        held={reason: count for reason, count in reporter.reasons.items() if reason.phase is Phase.HELD},
        running=ledger.running,
        slots=ledger.running + limits.slots,
        waiting=queue.waiting,
        oldest=queue.oldest,
        gate=limits.reason if is_shut else None,
        message=limits.message,
        is_paused=limits.paused,
        clock=limits.doubt,
        scanned_at=scanner.scanned_at,
        tree=scanner.unready,
        status=reporter.status_cache.problem,
    )


def with_rejections(health: Health, rejections: Rejections) -> Health:
    """The health with what has no effect: its documents that are no jobs count as Invalid, as `get` shows them."""
    invalid = health.phases.get(Phase.INVALID, 0) + rejections.without_job()
    return replace(
        health,
        phases={**health.phases, Phase.INVALID: invalid},
        rejected=rejections.kinds(),
        rejection=rejections.sentence(),
    )
