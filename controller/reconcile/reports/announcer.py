"""Records what receivers are to hear of, in the transaction of the turn that brought it about (DESIGN §16).

The reporter has one, and the loop asks it after each turn about what concerns the controller as a whole. Without
receivers it is `Announcer()`, which records nothing and costs nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from controller.ledger.ledger import Ledger
from controller.limits.gate import GATE_CONDITIONS, Limits
from controller.model.job_set import JobSet
from controller.model.notices.event import Event, Topic
from controller.model.reasons import Reason
from controller.notify.events import (
    begun_event,
    budget_events,
    completed_event,
    ended_event,
    job_event,
    rejected_event,
    topic_of,
)
from controller.reconcile.reports.changes import StatusChange
from controller.settings.sinks import HOSTS, Sink

Conditions = Callable[[], Iterable[tuple[str, str]]]
"""What is wrong outside of the loop now: a word and a sentence for each, such as `SourceStale`."""

BUCKET_REFUSED = "BucketRefused"
OVER = timedelta(seconds=60)
"""A condition that was not seen for so long is over: after a restart some are only seen again after a while."""
_GATE = frozenset(GATE_CONDITIONS.values())


class Announcer:
    """Events of one ledger for these sinks: only those that one of them wants are recorded.

    `instance` is the name of the ledger. The sinks' places in it begin when this is made, before anything happens.
    """

    def __init__(
        self, ledger: Ledger | None = None, instance: str = "", sinks: Sequence[Sink] = (),
        conditions: Conditions = tuple,
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._instance = instance
        self._conditions = conditions
        receivers = [sink for sink in sinks if sink.kind not in HOSTS]
        self._topics = frozenset[Topic]().union(*(sink.events or frozenset(Topic) for sink in receivers))
        self._said: set[str] = set()
        self._troubles: dict[str, str] = {}
        self._unseen: dict[str, datetime] = {}
        if ledger:
            with (
                ledger.transaction()
            ):  # also without receivers: the earlier ones, and what waits for them, are forgotten
                ledger.notices.begin([sink.name for sink in receivers])
                if not receivers:
                    ledger.notices.keep_troubles({})
            self._troubles = ledger.notices.troubles()

    def note_changes(
        self, changed: Sequence[StatusChange], completed: Mapping[str, str], sets: Mapping[str, JobSet], now: datetime
    ) -> None:  # fmt: skip
        """Record the events of the changes that are reported now, and of sets that became complete with these words."""
        if not self._topics:
            return
        wanted = (item for item in changed if topic_of(item.job_state.reason) in self._topics)
        found = (
            job_event(self._instance, now, item.job, item.job_state, item.submission, item.set_name) for item in wanted
        )
        self._add(event for event in found if event)  # one after the other: they may be very many
        if completed and Topic.SET_COMPLETE in self._topics:
            revisions = {item.set_name: item.submission.revision for item in changed if item.submission}
            self._add(
                completed_event(
                    self._instance, now, name, words, sets[name].labels if name in sets else (), revisions.get(name, "")
                )
                for name, words in completed.items()
            )

    def note_rejection(self, path: str, name: str, message: str, now: datetime) -> None:
        """Record that a manifest is not accepted, or something that cannot be read."""
        if self._ledger and Topic.FAILED in self._topics:
            job = self._ledger.jobs.get(name)
            labels, cell = (job.wanted.labels, job.wanted.cell) if job and job.wanted else ((), None)
            set_name = cell.set_name if cell else name.partition("/")[2]
            self._add([rejected_event(self._instance, now, path, name, message, labels, set_name)])

    def look(
        self, limits: Callable[[], Limits], reasons: Mapping[Reason, int], now: datetime, *, is_holding: bool
    ) -> None:
        """After a turn: record which levels of the budget are reached, and what began or ended.

        `reasons` counts the jobs by their reason, as of the last report, which may be of the month before;
        `is_holding` says whether the budget holds a job now.
        """
        if not self._topics & {Topic.BUDGET, Topic.SERVICE}:
            return
        found, troubles, events = limits(), self._troubles, list[Event]()
        if Topic.BUDGET in self._topics:
            events += budget_events(self._instance, now, found.spending, found.overspent, is_holding=is_holding)
        if Topic.SERVICE in self._topics:
            troubles = self._continued(self._holding(found, reasons), now, events)
        self._keep([event for event in events if event.id not in self._said], troubles)

    def _continued(self, holding: Mapping[str, str], now: datetime, events: list[Event]) -> dict[str, str]:
        """The conditions from now on, with since when; adds the events of those that begin or end."""
        self._unseen = {word: self._unseen.get(word, now) for word in self._troubles if word not in holding}
        over = {word for word, since in self._unseen.items() if now - since >= OVER}
        events += [ended_event(self._instance, now, word, self._troubles[word]) for word in sorted(over)]
        begun = [word for word in holding if word not in self._troubles]
        events += [begun_event(self._instance, now, word, holding[word]) for word in begun]
        kept = {word: since for word, since in self._troubles.items() if word not in over}
        return kept | dict.fromkeys(begun, now.isoformat())

    def _holding(self, limits: Limits, reasons: Mapping[Reason, int]) -> dict[str, str]:
        """What is wrong now. A gate that is closed for another reason than before is still not well."""
        found = dict(self._conditions())
        if word := GATE_CONDITIONS.get(limits.reason):
            found |= {known: "" for known in self._troubles if known in _GATE}
            found[word] = limits.message
        if number := reasons.get(Reason.HISTORY_UNKNOWN, 0):
            jobs = "a job is held" if number == 1 else f"{number:,} jobs are held"
            found[BUCKET_REFUSED] = f"a bucket cannot be listed, and {jobs} until it can; `shjobs get` shows which"
        return found

    def _keep(self, events: Sequence[Event], troubles: dict[str, str]) -> None:
        if self._ledger and (events or troubles != self._troubles):
            with self._ledger.transaction():
                self._add(events)
                self._ledger.notices.keep_troubles(troubles)
            self._troubles = troubles
            self._said.update(event.id for event in events if event.topic is Topic.BUDGET)

    def _add(self, events: Iterable[Event]) -> None:
        if self._ledger and self._topics:
            self._ledger.notices.add(events)
