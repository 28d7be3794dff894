"""The ledger with its working memory: what the loop reads is in memory, what it changes is stored first.

Jobs and submissions are kept by name without their request bodies, which only a POST needs.
"""

import logging
from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from controller.ledger.reads.observed import Observed
from controller.ledger.reads.traffic import INSTANCE, RENEWED
from controller.ledger.rows.cells import either, format_time, read_time
from controller.ledger.store import Store
from controller.lifecycle.commands import LONGEST_COMMAND, Command, Ignored, read_command
from controller.limits.budget import Spending, is_overspent, month_of, overspent_hash
from controller.limits.peers import Peers, with_row
from controller.limits.polls import Followed
from controller.limits.trail import Trail, answered_at
from controller.model.answers import Refusal
from controller.model.errors import truncate
from controller.model.files import FileRecord
from controller.model.job import Job, bucket_in
from controller.model.skew import latest
from controller.model.submission import Submission, in_one_case

log = logging.getLogger(__name__)

HISTORY = "history"
CLOCK = "clock"
NAMED_ROWS = 5  # unreadable rows named in a message
FINGERPRINT = "fingerprint"
UNCLAIMED = "unclaimed"
REJECTED = "rejected"
FILE_COLUMNS = tuple(field.name for field in fields(FileRecord))


class Ledger:
    """Jobs, their submissions, and the two views the gate needs: slots in use and the newest answers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.permits = store.permits
        self.retries = store.retries
        self.notices = store.notices
        self.observed = Observed(store)
        self.jobs: dict[str, Job] = {job.name: job for job in store.jobs()}
        self.peers = Peers(self.jobs)
        """The jobs and the submissions by request."""
        self._last_event_at = store.last_event_at()
        self.doubt = store.fact(CLOCK)
        """Why the service last said that the clock is wrong; None: it never was, or everything is redated."""
        self.accepted: dict[str, str] = store.permits.accepted()
        """Every accepted hash, with who accepted it."""
        self._reported = store.reported()
        self._history_known = store.fact(HISTORY) is not None
        self._renewed_at = either(lambda: read_time(store.fact(RENEWED)), None)
        self._unclaimed: set[str] = set()
        self.without_claims = store.facts(f"{UNCLAIMED} ")
        self._remember(store.submissions())

    def _remember(self, submissions: Iterable[Submission]) -> None:
        """Rebuild the views."""
        self._submissions: dict[str, tuple[Submission, ...]] = {}
        self.followed = Followed()
        self._trail = Trail()
        self._holders: dict[str, Submission] = {}
        self._months: dict[str, Spending] = {}
        self._overspent: dict[int, Submission] = {}
        self._crowded: list[datetime] = []
        self.newest_moment = self._last_event_at
        """The latest time in the ledger that is known to be past."""
        for submission in submissions:
            self._keep(submission)

    def transaction(self) -> AbstractContextManager[object]:
        """Changes made inside are on the disk when it is left."""
        return self._store.transaction()

    def note_doubt(self, words: str) -> None:
        """Keep why the clock is not trusted; "" once it is: the record stays until everything is redated."""
        self._store.set_fact(CLOCK, words)
        self.doubt = words

    def redate(self, submissions: Iterable[Submission], now: datetime) -> None:
        """Replace all submissions with these: a wrong clock had dated them."""
        changed = list(submissions)
        for submission in changed:
            self._store.save(submission)
        self._store.forget_fact(CLOCK)
        self.doubt = None
        self._last_event_at = min(self._last_event_at, now) if self._last_event_at else None
        self._remember(changed)

    def of(self, job: str) -> Sequence[Submission]:
        """The submissions of a job, oldest first."""
        return self._submissions.get(job, ())

    def current(self, submission: Submission) -> Submission:
        """The submission's current state."""
        return next(item for item in self.of(submission.job) if item.number == submission.number)

    def find(self, submission: Submission) -> Submission | None:
        """The same POST in this ledger, under any number; None: not found."""
        candidates = sorted(self.of(submission.job), key=lambda item: item.number != submission.number)
        return next((item for item in candidates if _intent_of(item) == _intent_of(submission)), None)

    def holder(self, request_id: str | None) -> Submission | None:
        """The submission that has this request id."""
        return self._holders.get(in_one_case(request_id or ""))

    def everything(self) -> Iterable[Submission]:
        return (item for rows in self._submissions.values() for item in rows)

    @property
    def running(self) -> int:
        """How many of the account's slots are in use by us."""
        return self.followed.running

    def newest(self, now: datetime) -> list[Submission]:
        """The latest submissions, newest answer first, back to the last one the service decided about.

        Answers that a wrong clock dated later than `now` do not count.
        """
        return self._trail.newest(now)

    def concurrency_refusals(self, since: datetime) -> Sequence[datetime]:
        """When the service refused for too many concurrent requests after `since`, oldest first."""
        return self._crowded[bisect_right(self._crowded, since) :]

    def spending(self, now: datetime, budget: float | None) -> Spending:
        """What the submissions of this month add up to."""
        month = month_of(now)
        return replace(self._months.get(month, Spending(month=month)), budget=budget)

    def overspent(self) -> list[Submission]:
        """The submissions that cost more than was reserved for them and that no operator has accepted, oldest first."""
        return [self._overspent[number] for number in sorted(self._overspent)]

    def accept(self, label: str, now: datetime, by: str = "") -> None:
        """Keep the acceptance of a batch or an overspent submission by its hash; the first one counts."""
        self.permits.accept(label, now, self.accepted.setdefault(label, by))
        self._overspent = {
            number: item for number, item in self._overspent.items() if overspent_hash(item) not in self.accepted
        }

    def rejections(self) -> dict[str, str]:
        """What was recorded last of every file that is not accepted, by path."""
        return self._store.facts(f"{REJECTED} ")

    def note_rejection(self, path: str, text: str) -> None:
        """Keep what is wrong with a file; "" once it is accepted, or gone."""
        if text:
            self._store.set_fact(f"{REJECTED} {path}", text)
        else:
            self._store.forget_fact(f"{REJECTED} {path}")

    def files(self) -> Iterable[FileRecord]:
        return [FileRecord(**row) for row in self._store.files()]

    def report_unreadable(self, now: datetime) -> None:
        """Report once which rows this version does not understand, if any."""
        rows = [truncate(ascii(row)[1:-1], 80) for row in self._store.unreadable]
        more = f" and {len(rows) - NAMED_ROWS:,} more" if len(rows) > NAMED_ROWS else ""
        named = f"{', '.join(rows[:NAMED_ROWS])}{more}"
        if rows:
            words = f"rows of the ledger that this version cannot read are checked again: {named}"
            log.warning("%s", words)
            with self.transaction():
                self.add_event(now, "Unreadable", words)

    def note_files(self, clean: Iterable[FileRecord], forgotten: Iterable[str]) -> None:
        rows = [{name: getattr(record, name) for name in FILE_COLUMNS} for record in clean]
        self._store.replace_files(rows, forgotten)

    def put_job(self, job: Job, body: str | None = None) -> None:
        """Store a job, with what was retried of it; `body` None keeps the stored one."""
        self._store.save_job(job := self.retries.applied_to(job), body)
        self.recall(job)

    def recall(self, job: Job) -> None:
        """Change what is only in memory: what this process read from the bucket."""
        self.peers.declare(job)
        self.jobs[job.name] = job

    @property
    def history_known(self) -> bool:
        """Whether an operator has confirmed that nothing was submitted before this ledger existed."""
        return self._history_known

    def commands(self) -> list[tuple[int, Command | Ignored]]:
        """The commands received since the last turn."""
        return [(number, read_command(text)) for number, text in self._store.pending_commands(LONGEST_COMMAND + 1)]

    def has_commands(self) -> bool:
        """Whether a command was received since the last turn."""
        return self._store.has_commands()

    def mark_done(self, number: int, now: datetime) -> None:
        self._store.mark_done(number, now)

    def begin_history(self) -> None:
        """An operator confirms that nothing was submitted before; buckets that could not be read are tried again."""
        self._store.set_fact(HISTORY, "known")
        self._history_known = True
        for job in self.jobs.values():
            if job.history and not job.history.readable:
                self.jobs[job.name] = replace(job, history=None)

    def instance(self, draw: Callable[[], str]) -> str:
        """The name of this ledger, generated on first use."""
        known = self._store.fact(INSTANCE)
        if known is None:
            known = draw()
            with self.transaction():
                self._store.set_fact(INSTANCE, known)
        return known

    def renewed_at(self, now: datetime) -> datetime | None:
        """When the account's credentials were corrected or asked to be tried; a wrong clock may have dated it later."""
        return min(self._renewed_at, now) if self._renewed_at else None

    def renew_account(self, now: datetime) -> None:
        """What refused the account before now is of the past."""
        self._store.set_fact(RENEWED, format_time(now) or "")
        self._renewed_at = now

    def is_new_secret(self, name: str, fingerprint: str) -> bool:
        """Whether this secret is another one than the last time; it is remembered by its fingerprint."""
        key = f"{FINGERPRINT} {name}"
        is_new = self._store.fact(key) != fingerprint
        if is_new:
            self._store.set_fact(key, fingerprint)
        return is_new

    def leave_unclaimed(self, prefix: str, credentials_ref: str | None, message: str) -> None:
        """No claim can be written there with this credential: this process stops trying, and the reason is kept."""
        place = _place(prefix, credentials_ref)
        self._unclaimed.add(place)
        self.without_claims[place] = message
        self._store.set_fact(f"{UNCLAIMED} {place}", message)

    def note_claim(self, prefix: str, credentials_ref: str | None) -> None:
        """A claim was written there after all."""
        place = _place(prefix, credentials_ref)
        if self.without_claims.pop(place, None) is not None:
            self._store.forget_fact(f"{UNCLAIMED} {place}")

    def is_unclaimed(self, prefix: str, credentials_ref: str | None) -> bool:
        """Whether no claim can be written there."""
        return _place(prefix, credentials_ref) in self._unclaimed

    def add(self, submission: Submission) -> tuple[Submission, str]:
        """Store a new submission of the wanted digest; returns it with its number, and the body to send."""
        body = self._store.wanted_body(submission.job)
        stored = replace(submission, number=self._store.add(submission, body))
        self._keep(stored)
        return stored, body

    def wanted_body(self, job: str) -> str:
        """The request body of the job as last accepted, JSON without secrets."""
        return self._store.wanted_body(job)

    def wanted_request(self, job: str) -> dict[str, Any]:
        """The same as an object. Raises `StateError` when it is damaged."""
        return self._store.reader().wanted_request(job)

    def sent_request(self, submission: Submission) -> dict[str, Any]:
        """The same as it was sent, with the delivery URL as in the manifest."""
        return self._store.reader().sent_request(submission.number)

    def save(self, submission: Submission) -> None:
        self._store.save(submission)
        self._keep(submission)

    def add_event(self, at: datetime, reason: str, message: str, job: str = "", submission: str = "") -> None:
        self._store.add_event(at, reason, message, job, submission)

    def keep_statuses(self, reported: Mapping[str, str], gone: Iterable[str]) -> None:
        """Store the status documents of these manifests, as JSON, and delete those of the `gone` ones."""
        self._store.replace_statuses(reported, gone)

    def reported(self, name: str) -> str:
        """The state last reported for a job, by this process or an earlier one."""
        return self._reported.get(name, "")

    def mark_reported(self, reported: Mapping[str, str], now: datetime) -> None:
        self._store.mark_reported(reported, now)
        self._reported.update(reported)

    def _keep(self, submission: Submission) -> None:
        rows = self._submissions.get(submission.job, ())
        self._count(next((item for item in rows if item.number == submission.number), None), submission)
        self._submissions[submission.job] = with_row(rows, submission)
        self.peers.keep(submission)
        self.newest_moment = latest([self.newest_moment, *_moments(submission)])
        if submission.request_id:
            self._holders[in_one_case(submission.request_id)] = submission
        self.followed.put(submission)
        if submission.refused and submission.refused.why is Refusal.CONCURRENCY:
            insort(self._crowded, answered_at(submission))  # twice says no more than once
        self._trail.keep(submission)

    def _count(self, before: Submission | None, after: Submission) -> None:
        """Update the month's sums and the list of overspent submissions."""
        month = month_of(after.intended_at)
        spending = self._months.get(month, Spending(month=month))
        self._months[month] = (spending.counting(before, -1) if before else spending).counting(after)
        self._overspent.pop(after.number, None)
        if is_overspent(after) and overspent_hash(after) not in self.accepted:
            self._overspent[after.number] = after


def _intent_of(submission: Submission) -> tuple[str, int, int, datetime]:
    """What identifies one POST of a job in any ledger."""
    return submission.digest, submission.rerun, submission.attempt, submission.intended_at


def _place(prefix: str, credentials_ref: str | None) -> str:
    return f"{bucket_in(prefix)} {credentials_ref or ''}".strip()


def _moments(submission: Submission) -> tuple[datetime | None, ...]:
    seen = submission.evidence.at if submission.evidence else None
    ended = (submission.missing_at, submission.gone_at, submission.finished_at)
    return (submission.answered_at, *ended, seen)
