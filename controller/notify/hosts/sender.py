"""Sends the status of commits to one host: what was sent is compared with what is so now.

Nothing is queued: a host that was away for a day is sent the newest state of each commit, once.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from controller.ledger.commits.statuses import CommitStatuses
from controller.ledger.outbox.outbox import FURTHEST
from controller.model.notices.commit import SentStatus, TouchedCommit
from controller.notify.hosts.commit_state import LONGEST_PAUSE, CommitStatus, send_at, status_of, without_departed
from controller.notify.hosts.hosts import KINDS, Host, Sending, SendResult
from controller.notify.retries import MOST_TRIES, is_put_off
from controller.notify.tally import Backlog
from controller.settings.settings import Settings
from controller.settings.sinks import Sink

log = logging.getLogger(__name__)

POLL = timedelta(seconds=5)
"""The ledger is asked this often whether anything changed, which reads none of it."""
DENIED_PAUSE = timedelta(hours=1)
JOBS_A_SECOND = 100
"""A commit of many jobs is counted less often: each second for so many of them, and at least once a minute."""
COUNTED_EVERY = timedelta(minutes=1)


class CommitSender:
    """Reports every commit to one host, as its sink says. One thread creates, runs and closes it."""

    def __init__(
        self, current: Callable[[], Sink], open_host: Callable[[Sink], Host], ledger: CommitStatuses,
        count: Callable[[SendResult], None] = lambda _result: None,
        waiting: Callable[[Backlog], None] = lambda _backlog: None,
    ) -> None:  # fmt: skip
        """`current` gives the sink as the settings have it now: its token may be renewed. `count` gets every result.

        `waiting` gets the commits whose status the host does not take, with the time since it takes none.
        """
        self._current, self._open_host, self._ledger, self._count = current, open_host, ledger, count
        self._waiting = waiting
        self._unsent: set[str] = set()
        self._fails_since: datetime | None = None
        self._sink = current()
        self._host: Host | None = None
        self._tries = 0
        self._waits_until: datetime | None = None
        self._due_at: datetime | None = None
        self._settled: dict[str, str] = {}  # the touches after which nothing was left to send
        self._newest = ""  # the commit that was the newest then: jobs that leave for a newer one touch no other
        self._counted_again: dict[str, datetime] = {}
        self._problem = ""

    def close(self) -> None:
        """Close its connections; the next call opens others."""
        host, self._host = self._host, None
        if host:
            host.close()
        self._ledger.close()

    def run_once(self, now: datetime) -> datetime | None:
        """Send every commit whose status changed and that may be sent now; returns when to call again at the latest.

        Raises `StateError` while the ledger cannot be used.
        """
        host = self._opened(now)
        if host is None:
            self._say("there is no token; see tokenFile")
            self._fails(now)
        if is_put_off(self._waits_until, now, LONGEST_PAUSE):
            return self._waits_until
        self._waits_until = None
        if self._ledger.has_news() or (self._due_at and not is_put_off(self._due_at, now, FURTHEST)):
            self._due_at = self._send_due(host, now)
            self._report()
        return self._waits_until or min(filter(None, (now + POLL, self._due_at)))

    def _opened(self, now: datetime) -> Host | None:
        """The host with the sink's token of now; another token is tried at once. None: there is none."""
        current = self._current()
        if current != self._sink:
            if self._host:
                self._host.close()
            self._host, self._waits_until, self._due_at = None, None, now
        self._sink = current
        if self._host is None and current.token is not None:
            self._host = self._open_host(current)
        return self._host

    def _send_due(self, host: Host | None, now: datetime) -> datetime | None:
        """One pass over the commits; returns when one of them may be sent later. Without a host it finds what waits."""
        instance = self._ledger.instance()
        if not instance:
            return None
        self._ledger.observe(now)
        self._ledger.begin()
        commits, newest = self._ledger.commits(), self._ledger.newest()
        self._forget_others(commits)
        if newest != self._newest:
            self._newest, self._settled = newest, {}
        later: list[datetime] = []
        for commit in commits:
            at, status = self._due(commit, now, shows_progress=KINDS[self._sink.kind].shows_progress)
            if at is None:
                self._unsent.discard(commit.revision)
                continue
            if status is not None:
                self._unsent.add(commit.revision)
            if host and at <= now and status is not None and not self._waits_until:
                self._send(host, commit, status, f"shjobs/{instance}", now)
                at = now + POLL  # what came of it is read again
            later.append(at)
        return min(later, default=None) if host else None

    def _due(
        self, commit: TouchedCommit, now: datetime, *, shows_progress: bool
    ) -> tuple[datetime | None, CommitStatus | None]:
        """When to send or to look again, with what; None: nothing."""
        if self._settled.get(commit.revision) == commit.touched_at:
            return None, None
        looks_at = self._counted_again.get(commit.revision)
        if is_put_off(looks_at, now, COUNTED_EVERY):
            return looks_at, None
        counts = self._ledger.counts(commit.revision)
        status = status_of(counts)
        self._counted_again[commit.revision] = now + min(COUNTED_EVERY, timedelta(seconds=status.jobs / JOBS_A_SECOND))
        sent = without_departed(commit.sent, status)
        if sent != commit.sent:
            self._ledger.keep(commit.revision, sent)
        at = send_at(status, sent, now, shows_progress=shows_progress)
        if at is None and status.state.is_final and commit.revision != counts.newest:
            self._settled[commit.revision] = commit.touched_at
        return at, status

    def _send(self, host: Host, commit: TouchedCommit, status: CommitStatus, context: str, now: datetime) -> None:
        """Send one status; `_waits_until` is set when no other may follow."""
        state, words = status.state, status.description
        sending = host.send(commit.revision, context, state, words, self._sink.page, now)
        self._count(sending.result)
        kept = _after(without_departed(commit.sent, status), status, sending, now)
        self._ledger.keep(commit.revision, kept)
        self._note(commit.revision, sending.result, now)
        if sending.result is SendResult.DENIED:
            self._waits_until = now + DENIED_PAUSE
        elif sending.pause or not sending.is_reached:
            self._tries += 1
            self._waits_until = now + _pause_of(sending, self._tries)
        else:
            self._tries = 0
        if self._waits_until or sending.result is SendResult.DONE:
            self._say(sending.message)
        elif kept.given_up_at or kept.tries == 1:
            ending = "given up" if kept.given_up_at else "tried again"
            log.warning("%s: the status of %s: %s; %s", self._sink.name, commit.revision[:10], sending.message, ending)

    def _note(self, revision: str, result: SendResult, now: datetime) -> None:
        if result in (SendResult.LATER, SendResult.DENIED):
            self._fails(now)
        elif result is SendResult.DONE:
            self._fails_since = None
            self._unsent.discard(revision)

    def _fails(self, now: datetime) -> None:
        """The host takes nothing, since now if not before; the clock may have been ahead."""
        self._fails_since = min(self._fails_since or now, now)

    def _report(self) -> None:
        """The commits that wait while the host takes nothing, for the metrics."""
        if not self._unsent:
            self._fails_since = None
        pending = len(self._unsent) if self._fails_since else 0
        self._waiting(Backlog(pending=pending, oldest_at=self._fails_since))

    def _say(self, problem: str) -> None:
        """Log a problem once, and its end."""
        if problem and problem != self._problem:
            log.warning("%s: the status of commits is not sent: %s", self._sink.name, problem)
        elif self._problem and not problem:
            log.info("%s: the status of commits is sent again", self._sink.name)
        self._problem = problem

    def _forget_others(self, commits: Sequence[TouchedCommit]) -> None:
        known = {each.revision for each in commits}
        self._settled = {key: value for key, value in self._settled.items() if key in known}
        self._counted_again = {key: value for key, value in self._counted_again.items() if key in known}
        self._unsent &= known


def _after(sent: SentStatus, status: CommitStatus, sending: Sending, now: datetime) -> SentStatus:
    """What is remembered of a commit after a status was sent."""
    match sending.result:
        case SendResult.DONE:
            return SentStatus(
                state=status.state, description=status.description, jobs=status.jobs, times=sent.times + 1, sent_at=now
            )
        case SendResult.USELESS:
            return replace(sent, given_up_at=now, error=sending.message)
        case SendResult.DENIED:
            return replace(sent, error=sending.message)
    if not sending.is_reached:
        return replace(sent, error=sending.message)
    tries = sent.tries + 1
    gives_up = now if tries >= MOST_TRIES else None
    next_at = now + _pause_of(sending, tries)
    return replace(sent, tries=tries, next_at=next_at, error=sending.message, given_up_at=gives_up)


def _pause_of(sending: Sending, tries: int) -> timedelta:
    """How long to wait after so many failures."""
    if sending.pause:
        return timedelta(seconds=sending.pause)
    return min(LONGEST_PAUSE, timedelta(seconds=5 * 2 ** min(tries - 1, 16)))


def host_of(sink: Sink, authorities: str | None = None) -> Host:
    """The host of a sink for the status of commits. `authorities`: additional trusted certificates (PEM)."""
    assert sink.token is not None, "a sink for commits has a token"
    return KINDS[sink.kind](sink.urls[0].get_secret_value(), sink.token, sink.repository, authorities)


def commit_sender(
    name: str, settings: Callable[[], Settings], count: Callable[[SendResult], None] = lambda _result: None,
    waiting: Callable[[Backlog], None] = lambda _backlog: None,
) -> CommitSender:  # fmt: skip
    """What sends the status of commits to the sink of this name. `settings` are those with the secrets last read."""

    def current() -> Sink:
        return next(sink for sink in settings().sinks if sink.name == name)

    def open_host(sink: Sink) -> Host:
        return host_of(sink, settings().deployment.authorities)

    return CommitSender(current, open_host, CommitStatuses(settings().state, name), count, waiting)
