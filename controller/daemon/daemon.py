"""The daemon: the loop run for ever, with a watcher that wakes it, a port to inspect it, and signals that end it.

`shjobs run` calls `run`. A ledger that cannot be written stops it temporarily: it says so, waits, and starts again
from what is on the disk.
"""

import logging
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial

from controller.daemon.changes import log_change, log_rejections
from controller.daemon.metrics import Metrics
from controller.daemon.notifier import Notifier
from controller.daemon.port import served
from controller.daemon.secrets import Reload, SecretFiles
from controller.daemon.source import Fetch, SourceThread
from controller.ledger.identity import Identity
from controller.limits.budget import Spending, month_of
from controller.model.clock import Clock
from controller.model.errors import StateError, StateLost
from controller.reconcile.calls.unrecorded import Unrecorded, report_unsettled
from controller.reconcile.health import Health, is_alive, unready_conditions
from controller.reconcile.loop import Loop
from controller.reconcile.reports.changes import StatusChange
from controller.reconcile.runner import Flags, handling_signals, turn
from controller.reconcile.wiring import Inbox, controller
from controller.settings.settings import Settings
from controller.source.facts import source_conditions
from controller.source.fetcher import Fetcher
from controller.tree.change import Change
from controller.tree.watching.watcher import Watcher

log = logging.getLogger(__name__)

TICK = 1.0  # seconds between two checks of what sends no events: the inbox, a pause, the lock of git
DEBOUNCE = 0.02  # seconds after a notification: a rename follows the write
SCAN_BACKOFF = 3.0  # the pause after a scan, as a multiple of its duration
LONGEST_BACKOFF = 5.0  # seconds
FIRST_FETCH = 10.0  # seconds that a start without any tree waits for one
FIRST_RETRY, LONGEST_RETRY = 5.0, 60.0  # seconds before retrying a ledger that could not be written


def run(settings: Settings, listen: str, reload: Reload | None = None) -> int:
    """Run the loop until a signal ends it; returns the exit code.

    `reload` reads the settings again when a file with a secret changes.
    Raises `UsageError` for anything that makes a start impossible, including the port `listen` ("" opens none).
    """
    daemon = Daemon(settings, reload=reload)
    hint = daemon.source.hint if daemon.source else None
    with handling_signals(daemon.flags), served(listen, settings, daemon, hint):
        daemon.run()
    return 0


class Daemon:
    """One daemon and its health, which any thread may read."""

    def __init__(
        self, settings: Settings, clock: Clock | None = None, reload: Reload | None = None, fetch: Fetch = Fetcher
    ) -> None:  # fmt: skip
        self._settings = settings
        self._secrets, self._is_renewed = SecretFiles(settings, reload), False
        self._clock = clock or Clock()
        self.flags = Flags(queue.SimpleQueue())
        self._identity, self._unrecorded = Identity(), Unrecorded()
        self._loop: Loop | None = None
        now, git = self._clock.now(), settings.git
        self.source = SourceThread(git, settings.state, self.flags.wake, self._clock.now, fetch) if git else None
        self.health = Health(at=now, spending=Spending(month=month_of(now), budget=settings.monthly_budget))
        self._notifier = Notifier(lambda: self._secrets.settings, self._clock)
        self._note(self.health)
        self.metrics = Metrics(
            lambda: self.health, self._clock.now, settings.deployment.name, settings.timing.scan_every,
            self._notifier.tally,
        )  # fmt: skip
        self._watcher = Watcher(settings.jobs, self.flags.wake) if settings.watch else None
        self._watching = ""
        self._outage = ""  # why the ledger could not be written, until that is recorded for receivers
        self._woken_at: float | None = None
        self._scan_ended, self._scan_took = self._clock.monotonic(), 0.0
        self._drawn_at = float("-inf")

    def run(self) -> None:
        """Run until a stop is requested.

        Problems with the state are raised at the very start, and waited out later, unless the state is gone.
        """
        waits = FIRST_RETRY
        with self._helpers():
            self._watch((), 0)
            while not self.flags.stopping:
                try:
                    self._turn()
                except StateLost:
                    report_unsettled(self._loop.unsettled() if self._loop else ())
                    raise
                except StateError as error:
                    if self.health.scanned_at is None:
                        raise
                    self._fail(str(error))
                    self._rest(waits)
                    waits = min(LONGEST_RETRY, 2 * waits)
                else:
                    waits = FIRST_RETRY
            log.info("stopped: what runs at the service goes on, and is followed by the next start")

    @contextmanager
    def _helpers(self) -> Iterator[None]:
        """Inside, the tree is fetched and watched; none of the threads that do so keeps a stop waiting."""
        try:
            if self.source:
                self.source.start()
                self._await_tree(self.source)
            yield
        finally:
            if self.source:
                self.source.stop()
            if self._watcher:
                self._watcher.stop()
            self._notifier.stop()

    def _await_tree(self, source: SourceThread) -> None:
        """Without any tree, give the first fetch a moment: that a daemon was just started is worth no warning."""
        ends_at = self._clock.monotonic() + FIRST_FETCH
        while not (source.facts.commit or self.flags.stopping) and (left := ends_at - self._clock.monotonic()) > 0:
            if source.has_answered(min(left, 0.1)):
                return
            self._note(self.health)

    @property
    def settings(self) -> Settings:
        """The settings with the secrets last read."""
        return self._secrets.settings

    def why_not_ready(self) -> list[tuple[str, str]]:
        """A word and a sentence for everything that keeps it from being ready."""
        return list(unready_conditions(self.health, self._clock.now(), self._settings.timing.scan_every))

    def is_alive(self) -> bool:
        return is_alive(self.health, self._clock.now())

    def _turn(self) -> None:
        settings, self._is_renewed = self._secrets.settings, False
        inbox: Inbox = queue.SimpleQueue()  # only for this ledger
        self.flags.inbox = inbox
        with controller(
            settings,
            self._changed,
            inbox,
            settle=settings.timing.settle,
            scanned=self._scanned,
            called=self.metrics.called,
            pulse=self._pulse,
            interruptible=self.flags.interruptible,
            answered=self.flags.wake,
            identity=self._identity,
            unrecorded=self._unrecorded,
            clock=self._clock,
            rejected=log_rejections,
            conditions=self._conditions,
        ) as (assembly, workers):
            if self._loop is None:  # the start was not refused
                log.info("watching %s%s", settings.jobs, f", fetched from {settings.git.url}" if settings.git else "")
            self._loop = loop = assembly.loop
            beat, is_clock_set = partial(self._beat, loop), assembly.is_clock_to_be_set

            def until() -> bool:
                return self._is_renewed or is_clock_set()

            turn(loop, inbox, workers, self._clock, self.flags, until=until, beat=beat, unrecorded=self._unrecorded)
            if is_clock_set():
                log.info("the machine slept, or its clock was set: starting again with its current time")
                self._clock.set()

    def _conditions(self) -> list[tuple[str, str]]:
        """What receivers hear of beside the loop. That the ledger cannot be written is recorded once it can be."""
        outage, self._outage = self._outage, ""
        found = list(source_conditions(self.source.facts, self._clock.now())) if self.source else []
        return [*found, ("LedgerUnusable", outage)] if outage else found

    def _pulse(self) -> None:
        """While many manifests are appraised: send a heartbeat, and check for a stop."""
        self._note(self.health)
        self.flags.check_stop()

    def _changed(self, change: StatusChange) -> None:
        log_change(change)
        self._notifier.changed()

    def _beat(self, loop: Loop) -> float:
        """After a turn, and once a second: forward notifications and late answers, and update the health."""
        now = self._clock.monotonic()
        self._notifier.turned()
        for outcome in self._unrecorded.take_all():
            self.flags.inbox.put(outcome)
        if self.flags.woken:
            self.flags.woken = False
            self._woken_at = now
        if self._woken_at is not None:
            backoff = min(LONGEST_BACKOFF, SCAN_BACKOFF * self._scan_took)
            wait = max(self._woken_at + DEBOUNCE, self._scan_ended + backoff) - now
            loop.rescan(self._clock.now() + timedelta(seconds=max(0.0, wait)))
            self._woken_at = None
        if now - self._drawn_at >= TICK:
            self._take_over_secrets()
            self._note(replace(loop.health(), watching=self._watching))
            self._drawn_at = now
        return TICK

    def _take_over_secrets(self) -> None:
        """With other secrets for the service or the buckets the loop begins anew; the source only fetches with its."""
        if self._secrets.is_changed():
            self._is_renewed = True
            self.flags.wake()
        if self.source:
            self.source.renew(self._secrets.settings.git)

    def _note(self, health: Health) -> None:
        """A heartbeat, with what the source says now."""
        facts = self.source.facts if self.source else None
        self.health = replace(health, at=self._clock.now(), source=facts)

    def _scanned(self, change: Change, seconds: float) -> None:
        self._scan_ended, self._scan_took = self._clock.monotonic(), seconds
        self.metrics.scanned(seconds)
        self._watch(change.links, change.folders)

    def _watch(self, links: tuple[str, ...], folders: int) -> None:
        """Maintain the watches; a new problem with them is logged."""
        problem = self._watcher.look_after(links, folders) if self._watcher else ""
        if problem and problem != self._watching:
            log.warning("%s", problem)
        self._watching = problem

    def _fail(self, message: str) -> None:
        log.error("%s", message)
        self._outage = message
        self._note(replace(self.health, ledger=message))

    def _rest(self, seconds: float) -> None:
        """Wait, but end when a stop is requested; outcomes that come now are kept elsewhere."""
        ends_at = self._clock.monotonic() + seconds
        while not self.flags.stopping and (left := ends_at - self._clock.monotonic()) > 0:
            try:
                self.flags.inbox.get(timeout=min(left, TICK))
            except queue.Empty:
                self._note(self.health)
