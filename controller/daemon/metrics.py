"""Metrics for Prometheus: the health as gauges, and how long calls, scans and turns took.

Created by the daemon only; the library is imported here and nowhere else.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from controller import __version__
from controller.model.reasons import Phase, Reason
from controller.notify.tally import Tally
from controller.reconcile.calls.workers import CallOutcome, Got, Listed, Posted
from controller.reconcile.health import Health, unready_conditions
from controller.reconcile.rejections import RejectionKind
from controller.source.facts import OUTCOMES, SourceFacts

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
CONDITIONS = (
    *("LedgerUnusable", "NotScanned", "ScanStale", "SourceUnverified", "SourceStale", "TreeNotReady", "WatcherDead"),
    *("StatusUnwritten", "ClockDoubtful", "CredentialsRefused", "BreakerOpen"),
)
NO_SINKS = Tally(())
CALL_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
SCAN_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The measured durations, and the health at the moment of the request. Safe to use from any thread."""

    def __init__(
        self, health: Callable[[], Health], now: Callable[[], datetime], deployment: str, scan_every: float,
        notices: Tally = NO_SINKS,
    ) -> None:  # fmt: skip
        self._registry = CollectorRegistry()
        self._registry.register(_HealthCollector(health, now, deployment, scan_every))
        self._registry.register(_NoticeCollector(notices, now))
        self._calls = Histogram(
            "shjobs_call_seconds", "How long calls took, by kind and answer.", ["call", "answer"],
            buckets=CALL_BUCKETS, registry=self._registry,
        )  # fmt: skip
        self._scans = Histogram(
            "shjobs_scan_seconds", "How long scans of the tree took.",
            buckets=SCAN_BUCKETS, registry=self._registry,
        )  # fmt: skip

    def called(self, outcome: CallOutcome, seconds: float) -> None:
        """A call ended after `seconds`."""
        kind = {Posted: "submit", Got: "status", Listed: "list"}[type(outcome)]
        self._calls.labels(kind, type(outcome.answer).__name__).observe(seconds)

    def scanned(self, seconds: float) -> None:
        """A scan of the tree took `seconds`."""
        self._scans.observe(seconds)

    def page(self) -> bytes:
        """Everything in Prometheus format, except the times at which the counters started."""
        lines = generate_latest(self._registry).splitlines(keepends=True)
        return b"".join(line for line in lines if b"_created" not in line)


class _HealthCollector(Collector):
    """Reads the health on every request."""

    def __init__(
        self, health: Callable[[], Health], now: Callable[[], datetime], deployment: str, scan_every: float
    ) -> None:
        self._health = health
        self._now = now
        self._deployment = deployment
        self._scan_every = scan_every

    def describe(self) -> list[Metric]:
        """Nothing is read while the registry is created."""
        return []

    def collect(self) -> Iterator[Metric]:
        health, now = self._health(), self._now()
        program: dict[tuple[str, ...], float] = {(__version__, self._deployment): 1}
        yield _labelled("build_info", "The program.", ["version", "deployment"], program)
        phases: dict[tuple[str, ...], float] = {
            (str(phase),): health.phases.get(phase, 0) for phase in Phase if phase is not Phase.REMOVED
        }
        yield _labelled("jobs", "Jobs by phase.", ["phase"], phases)
        held: dict[tuple[str, ...], float] = {
            (str(reason),): health.held.get(reason, 0) for reason in Reason if reason.phase is Phase.HELD
        }
        yield _labelled("held_jobs", "Held jobs by reason.", ["reason"], held)
        rejected: dict[tuple[str, ...], float] = {(str(kind),): health.rejected.get(kind, 0) for kind in RejectionKind}
        yield _labelled("rejected", "Manifests without effect, by kind of problem.", ["kind"], rejected)
        found = {word for word, _ in unready_conditions(health, now, self._scan_every)}
        yield _labelled("not_ready", "Why it is not ready.", ["condition"], {(c,): c in found for c in CONDITIONS})
        yield _plain("ready", "Whether it is ready.", not found)
        yield _plain("paused", "Whether submissions are paused.", health.is_paused)
        yield from _money(health)
        yield _plain("running", "Requests of ours that run at the service.", health.running)
        yield _plain("places", "Requests that may run at once now.", health.slots)
        yield _plain("queue_jobs", "Jobs queued for a slot.", health.waiting)
        oldest = (now - health.oldest).total_seconds() if health.oldest else 0.0
        yield _plain("queue_oldest_seconds", "How long the first queued job has waited.", oldest)
        yield _plain("turn_timestamp_seconds", "When the loop last turned.", health.at.timestamp())
        if health.scanned_at:
            yield _plain("scan_timestamp_seconds", "When the tree was last scanned.", health.scanned_at.timestamp())
        if health.source:
            yield from _source(health.source)


class _NoticeCollector(Collector):
    """Reads what became of the messages; nothing without a sink."""

    def __init__(self, notices: Tally, now: Callable[[], datetime]) -> None:
        self._notices = notices
        self._now = now

    def describe(self) -> list[Metric]:
        """Nothing is read while the registry is created."""
        return []

    def collect(self) -> Iterator[Metric]:
        if not self._notices.sinks:
            return
        tries = CounterMetricFamily(
            "shjobs_notifications_total", "Messages and statuses of commits since the start, by what became of a try.",
            labels=["sink", "result"],
        )  # fmt: skip
        for (sink, result), number in self._notices.results().items():
            tries.add_metric([sink, str(result)], number)
        yield tries
        backlogs, now = self._notices.backlogs(), self._now()
        pending: dict[tuple[str, ...], float] = {(sink,): each.pending for sink, each in backlogs.items()}
        yield _labelled("notifications_pending", "What is not delivered yet, by sink.", ["sink"], pending)
        oldest: dict[tuple[str, ...], float] = {
            (sink,): max(0.0, (now - each.oldest_at).total_seconds()) if each.oldest_at else 0.0
            for sink, each in backlogs.items()
        }
        yield _labelled("notification_oldest_seconds", "How long the oldest of them has waited.", ["sink"], oldest)


def _money(health: Health) -> Iterator[Metric]:
    """Processing units of the month; a budget that is not set has no metric."""
    spending = health.spending
    yield _plain("processing_units_spent", "Spent in this UTC month.", spending.spent)
    yield _plain("processing_units_reserved", "Reserved in this UTC month.", spending.reserved)
    if spending.budget is not None:
        yield _plain("processing_units_budget", "monthlyBudget.", spending.budget)
        yield _plain("processing_units_left", "What may still be reserved in this UTC month.", spending.left or 0.0)


def _source(facts: SourceFacts) -> Iterator[Metric]:
    """Where the tree is fetched from; what has not happened yet has no metric."""
    fetches = CounterMetricFamily("shjobs_source_fetches_total", "Fetches by what they came to.", labels=["outcome"])
    for outcome in OUTCOMES:
        fetches.add_metric([outcome], facts.fetches.get(outcome, 0))
    yield fetches
    if facts.commit:
        yield _labelled("source_commit_info", "The commit in force.", ["commit"], {(facts.commit,): 1})
    if facts.good_at:
        words = "When the repository last named the commit in force."
        yield _plain("source_fetch_timestamp_seconds", words, facts.good_at.timestamp())


def _plain(name: str, description: str, value: float) -> Metric:
    return GaugeMetricFamily(f"shjobs_{name}", description, value=float(value))


def _labelled(name: str, description: str, labels: list[str], values: Mapping[tuple[str, ...], float]) -> Metric:
    family = GaugeMetricFamily(f"shjobs_{name}", description, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), float(value))
    return family
