"""The thread that fetches the tree: at the start, every `git.every`, and at once on a hint; then it wakes the loop.

It decides nothing and holds no turn: what cannot be fetched or verified leaves the last good tree in force, unless the
settings of now do not allow that one either.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from controller.model.errors import StateError, truncate
from controller.settings.git import GitSource
from controller.source.facts import SourceFacts, after, facts_before, standing
from controller.source.layout import commit_in_force
from controller.source.outcome import Fetched, SourceStale, SourceUnverified, Swapped
from controller.source.verifying import hold_back, why_withheld

log = logging.getLogger(__name__)

BETWEEN = 2.0  # seconds at least from the start of one fetch to the next, however many hints come
FIRST_RETRY, LONGEST_RETRY = 10.0, 300.0  # seconds after a fetch that failed
JITTER = 0.1  # of a pause: a hundred controllers that start together do not ask together for ever
PATIENCE = 2.0  # seconds for the fetch that is under way at a stop


class Fetching(Protocol):
    """What fetches: `controller.source.fetcher.Fetcher`."""

    def fetch(self) -> Fetched: ...

    def stop(self) -> None:
        """End a fetch that is under way in another thread."""


Fetch = Callable[[GitSource, Path], Fetching]


def pause_after(failures: int, every: float) -> float:
    """Seconds until the next fetch, after so many that failed in a row: soon at first, then rarely."""
    if not failures:
        return every
    return min(max(every, LONGEST_RETRY), min(every, FIRST_RETRY) * 2.0 ** min(failures - 1, 32))


class SourceThread:
    """The source of one daemon's tree. `facts` may be read, and `hint` called, by any thread."""

    def __init__(
        self, git: GitSource, state: Path, wake: Callable[[], None], now: Callable[[], datetime], fetch: Fetch
    ) -> None:
        self._git = self._newest = git
        self._state, self._fetch = state, fetch
        self._wake, self._now = wake, now
        self._fetcher = fetch(git, state)
        self.facts: SourceFacts = facts_before(git, now(), *commit_in_force(state))
        self._woken = threading.Event()
        self._answered = threading.Event()
        self._stopping = False
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="source", daemon=True)

    def start(self) -> None:
        """Begin to fetch; what may not be in force is not from here on. Raises `StateError` where that cannot be."""
        before = self.facts
        try:
            hold_back(self._git, self._state)
        except OSError as error:
            words = f"the tree in force may not be, and stays: {error.strerror or error}"
            raise StateError(f"{error.filename or self._state}: {words}") from error
        self.facts = self._standing(before)
        _log_standing(before, self.facts)
        self._thread.start()

    def has_answered(self, seconds: float) -> bool:
        """Whether a fetch has ended; one that has not is waited for, so long at most."""
        return self._answered.wait(seconds)

    def hint(self) -> None:
        """Fetch soon: there may be something new."""
        self._woken.set()

    def renew(self, git: GitSource | None) -> None:
        """Fetch with these secrets from now on, and at once where the old ones may have been why it failed."""
        if git is None or git == self._newest:
            return
        self._newest = git
        if self.facts.problem:
            self.hint()

    def stop(self) -> None:
        """End the thread, and the git that it waits for. What it was about to put in force comes with the next start.

        A fetch that does not end soon is left behind: it holds nothing that a later one needs.
        """
        self._stopping = True
        self._woken.set()
        self._fetcher.stop()
        if self._thread.is_alive():
            self._thread.join(PATIENCE)

    def _run(self) -> None:
        while not self._stopping:
            began = time.monotonic()
            self._woken.clear()  # before the fetch, so that a hint during it is not lost
            if self._newest != self._git:
                self._git, self._fetcher = self._newest, self._fetch(self._newest, self._state)
            self._take(self._fetched())
            self._answered.set()
            pause = pause_after(self._failures, self._git.every) * random.uniform(1 - JITTER, 1 + JITTER)
            self._woken.wait(pause)
            while not self._stopping and (left := began + BETWEEN - time.monotonic()) > 0:
                time.sleep(min(left, 0.1))

    def _fetched(self) -> Fetched:
        """A fetch; a mistake of ours in it must not end the daemon, nor may it go unseen."""
        try:
            return self._fetcher.fetch()
        except Exception as error:  # noqa: BLE001  (the one net of this thread)
            words = f"{type(error).__name__}: {truncate(str(error), 200)}" if str(error) else type(error).__name__
            return SourceStale(message=f"the fetch ended with an internal error ({words})")

    def _take(self, outcome: Fetched) -> None:
        if self._stopping:
            return  # it was killed: that says nothing of the repository
        before, facts = self.facts, after(self.facts, outcome, self._now())
        if isinstance(outcome, SourceStale | SourceUnverified):
            self._hold_back()
            facts = self._standing(facts)
        self.facts = facts
        is_failure = isinstance(outcome, SourceStale) or bool(facts.withheld)  # which a file of keys may mend soon
        self._failures = self._failures + 1 if is_failure else 0
        _log_standing(before, facts)
        _log(before, facts, outcome)
        if isinstance(outcome, Swapped) or facts.commit != before.commit:
            self._wake()

    def _hold_back(self) -> None:
        """Put out of force what the settings of now do not allow, however the fetch ended."""
        try:
            hold_back(self._git, self._state)
        except OSError as error:
            log.error("the tree in force may not be, and stays: %s", error.strerror or error)

    def _standing(self, facts: SourceFacts) -> SourceFacts:
        return standing(facts, *commit_in_force(self._state), why_withheld(self._git, self._state))


def _log_standing(before: SourceFacts, now: SourceFacts) -> None:
    """One line when the tree in force is so no more, or the reason is another one."""
    if now.withheld and now.withheld != before.withheld:
        log.error("%s", now.withheld, extra={"context": {"reason": "SourceUnverified"}})
    elif before.commit and not now.commit:
        words = f"commit {before.commit[:12]} is in force no more: its tree is gone, or of another repository"
        log.warning("%s", words, extra={"context": {"reason": "SourceStale"}})


def _log(before: SourceFacts, now: SourceFacts, outcome: Fetched) -> None:
    """One line for each change: a new commit, a problem that was not there before, and its end."""
    match outcome:
        case SourceStale(message=message):
            if _essence(message) != _essence(before.stale):
                kept = f"{now.commit[:12]} stays in force" if now.commit else f"no tree is in force{_yet(now)}"
                log.warning("%s; %s", message, kept, extra={"context": {"reason": "SourceStale"}})
            return
        case SourceUnverified(commit=commit, message=message):
            if message != before.unverified and message not in now.withheld:
                context = {"reason": "SourceUnverified"}
                log.error("%s", message, extra={"context": context, "fields": {"commit": commit, "before": now.commit}})
            return
        case Swapped(commit=commit, before=old):
            words = f"commit {commit[:12]} is in force{f', before it {old[:12]}' if old else ''}"
            log.info("%s", words, extra={"fields": {"commit": commit, "before": old or ""}})
    if before.problem:
        log.info("%s can be fetched again, and %s is in force", now.url, now.commit[:12])


def _yet(now: SourceFacts) -> str:
    return "" if now.withheld else " yet"


def _essence(message: str) -> str:
    """A message without what it may add after a semicolon, such as when it is tried again."""
    return message.partition(";")[0]
