"""The court of the histories: whether a POST, a charge, an outcome or a rest was right, by what the model knows.

A charge for something that may be paid for already needs an excuse: a rerun that was asked for, a retry after an
error.json, a person's word, or a bucket that could not have told this ledger of it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from controller.lifecycle.claim import PATIENCE, active_claims
from controller.lifecycle.phase import phase
from controller.model.answers import Refusal, Refused
from controller.model.reasons import JobState, Reason
from controller.model.skew import TOLERANCE
from controller.model.submission import Answer, Outcome, Submission, digest16
from controller.reconcile.reports.changes import StatusChange
from tests.proofs.cloud import PostFate, Sent
from tests.proofs.drafts import digest_of
from tests.proofs.set_court import SetCourt, is_cell, is_held_by_set
from tests.proofs.world import TIMING, Disk, Judge, Machine, PromiseError, World

CLAIM_TAKES = 60.0
"""Seconds, at the most, from the time in the name of a claim to its POST."""
ACCEPTED = (PostFate.ACCEPTED, PostFate.SLOW)
SPURIOUS_TRIES = 3
OPEN = frozenset(
    {
        *(Reason.QUEUED, Reason.BACKING_OFF, Reason.ACCOUNT_REFUSED, Reason.BREAKER_OPEN, Reason.HISTORY_UNKNOWN),
        *(
            Reason.LISTING,
            Reason.SETTLING,
            Reason.SUBMITTING,
            Reason.RUNNING,
            Reason.OVERDUE,
            Reason.VERIFYING,
            Reason.RETRY_SCHEDULED,
        ),
    }
)


class Court(Judge):
    """Judges every POST, charge and standing by what the model knows."""

    def __init__(self) -> None:
        self.figures: Counter[str] = Counter()
        self.fates: set[StrEnum] = set()
        self.world: World
        self.meddled: set[str] = set()
        self.sets = SetCourt(self.figures)
        self._retries: dict[tuple[Disk, object], int] = {}

    def decided(self, machine: Machine, row: Submission) -> None:
        """Keep how many retries the manifest allows, since it may be another one before the claim is put; the order of
        these is that of the decisions."""
        wanted, place = (
            machine.ledger.jobs[row.job].wanted,
            (machine.disk, (row.job, row.digest, row.rerun, row.attempt)),
        )
        self._retries.pop(place, None)
        self._retries[place] = wanted.retries if wanted else 0
        self.sets.decided(machine, row)

    def posted(self, machine: Machine, sent: Sent, body: str) -> None:
        self.figures["posts"] += 1
        if abs(machine.skew.total_seconds()) > TOLERANCE:
            raise PromiseError(f"{sent}: sent by a machine whose clock is {machine.skew} ahead")
        if digest_of(body) != sent.digest:
            raise PromiseError(f"{sent}: another body than its digest's was sent")
        if not _is_asked(machine.disk, sent):
            raise PromiseError(f"{sent}: nobody asked for this rerun")
        self.fates.add(sent.fate)
        seen = machine.seen.get((sent.job, sent.digest))
        if seen is None or not (seen.readable or machine.disk.is_first_run):
            raise PromiseError(f"{sent}: sent without having read what was paid for before")
        # It is decided before the claim is put, which takes up to PATIENCE and ends with a listing of its own.
        valid = (TIMING.history_valid if seen.readable else TIMING.history_retry) + (PATIENCE if sent.claim else 0.0)
        if (sent.at - seen.at).total_seconds() > valid:
            raise PromiseError(f"{sent}: what was paid for before was read too long ago")
        earlier = [item for item in self.world.cloud.sent if item.key[:2] == sent.key[:2]]
        heard = [item.fate for item in earlier if item.is_heard and item.disk is sent.disk and item.key == sent.key]
        if PostFate.BODY in heard or heard.count(PostFate.SPURIOUS) >= SPURIOUS_TRIES:
            raise PromiseError(f"{sent}: the service refused this body for good")
        self._claimed(machine, sent)
        others = (item for item in self.world.cloud.sent if item.digest == sent.digest and item.job != sent.job)
        sent.excuses = {item: self._excuse_beside(machine, sent, item, earlier) for item in others}
        sent.excuses |= {item: self._excuse(machine, sent, item, earlier) for item in earlier}

    def unclaimed(self, machine: Machine, refused: Refused) -> None:
        self.figures["posts_not_sent_for_a_claim"] += refused.why is Refusal.CLAIMED

    def charged(self, sent: Sent) -> None:
        self.figures["charges"] += 1
        self.fates |= {sent.weather.run, sent.weather.copy}
        charged = [item for item in self.world.cloud.sent if item.charged]
        for item in charged:
            if item.excuses.get(sent, "-") == "" or sent.excuses.get(item, "-") == "":
                self.figures["double_charges"] += 1
                raise PromiseError(f"charged twice: {item} and {sent}")
        for excuse in {sent.excuses[item] for item in charged if item in sent.excuses}:
            self.figures[excuse] += 1

    def reported(self, machine: Machine, news: StatusChange) -> None:
        """Refused needs a refusal of this body, and Reused a delivery of it."""
        self.sets.reported(machine, news, None if self._is_deceived() else self._has_delivered)
        self.figures["times_held_for_history"] += news.job_state.reason is Reason.HISTORY_UNKNOWN
        self.figures["times_waited_for_another_name"] += news.job_state.reason is Reason.SHARED_RUN
        if news.job_state.reason is Reason.REUSED and news.job.wanted is not None:
            self.figures["times_reused"] += 1
            self._delivered(news.job.name, news.job.wanted.digest)
        if news.job_state.reason is not Reason.REFUSED or news.job.wanted is None:
            return
        key = (news.job.name, news.job.wanted.digest)
        of_us = [item for item in self.world.cloud.sent if item.disk in machine.disk.lineage]
        own = [item for item in of_us if (item.job, item.digest) == key]
        fates = [item.fate for item in own]
        if PostFate.BODY not in fates and fates.count(PostFate.SPURIOUS) < SPURIOUS_TRIES:
            raise PromiseError(f"{news.job.name} is told to be refused after {fates}")

    def rows(self, machine: Machine) -> None:
        """No outcome without its evidence, and no id lost that was heard."""
        rows = machine.rows()
        for row in rows:
            if row.outcome in (Outcome.SUCCEEDED, Outcome.FAILED):
                self._proven(machine, row)
        ids = {row.request_id for row in rows}
        for sent in self.world.cloud.sent if machine.is_up else ():
            is_known = not sent.charged or sent.request_id in ids or not sent.is_heard or sent.disk is not machine.disk
            if not is_known and sent.fate in ACCEPTED:
                self.figures["lost_ids"] += 1
                raise PromiseError(f"{sent}: its id was heard and lost")

    def rest(self, machine: Machine) -> None:
        """After a long calm nothing is open, nothing accepted is lost, and decisive evidence is believed."""
        rows = machine.rows()
        for row in rows:
            if row.answer is None:
                raise PromiseError(f"{row.id} of {row.job} has no answer")
            if self.world.cloud.has_lied:
                continue  # what a bucket hides in one moment, no look can find; it pays for nothing all the same
            if row.answer is Answer.UNCONFIRMED:
                self._not_lost(machine, row)
            elif row.answer is Answer.ACCEPTED:
                self._settled(machine, row)
        limits, ledger = machine.loop.limits(), machine.ledger
        job_states = {name: phase(job, ledger.of(name), limits, self.world.now) for name, job in ledger.jobs.items()}
        for name, job in ledger.jobs.items():
            job_state = job_states[name]
            if job_state.reason in OPEN or self._waits_in_vain(machine, name, job_states):
                raise PromiseError(f"{name} is still {job_state.reason}: {job_state.message}")
            is_shown = job_state.phase not in ("Held", "Invalid") and job_state.reason is not Reason.REFUSED
            is_shown = is_shown and not (job_state.shared and job_state.shared.run is None)  # the other one is held
            if is_shown and job.wanted is not None and not self.world.cloud.has_lied:
                self._found(machine, name, job.wanted.digest, rows)

    def _waits_in_vain(self, machine: Machine, name: str, job_states: Mapping[str, JobState]) -> bool:
        """Whether it waits for another name's run although nothing keeps that one from being paid for, or ending.

        No ordinary job waits for what only a set waits for.
        """
        job_state = job_states[name]
        shared = job_state.shared
        if job_state.reason is not Reason.SHARED_RUN or shared is None:
            return False
        if shared.run is None:
            owner = job_states[shared.owner]
            return owner.phase != "Held" or (
                not is_cell(machine, name) and is_held_by_set(machine, shared.owner, owner.reason)
            )
        if shared.is_tried_again and shared.owner in job_states and job_states[shared.owner].phase == "Held":
            return False  # the retry of the other name waits for a yes
        return shared.run.answer is not Answer.UNCONFIRMED

    def _claimed(self, machine: Machine, sent: Sent) -> None:
        """The safety rule: no POST while another's claim stands that this ledger neither follows nor knows as over."""
        if not sent.claim:
            self.figures["posts_without_a_claim"] += 1
            return
        folder = sent.prefix.rpartition("/")[0]
        job_state = active_claims(self.world.cloud.objects(folder, sent.digest[2:18], self.world.now))
        names = {name for each, names in job_state.items() if _rerun_of(each) >= sent.rerun for name in names}
        known = {name for row in machine.rows() for name in row.claims}
        followed = {row.id for row in machine.rows() if row.digest == sent.digest and not row.is_refused}
        followed -= {sent.prefix.rpartition("/")[2]}
        names -= {name for each in followed for name in job_state.get(each, ())}
        if sent.claim not in names:
            raise PromiseError(f"{sent}: sent while its claim did not stand")
        if names - known:
            raise PromiseError(f"{sent}: sent while another's claim stood: {sorted(names - known)}")

    def _excuse(self, machine: Machine, sent: Sent, item: Sent, earlier: Sequence[Sent]) -> str:
        """Why `sent` may be paid for although `item` was sent before; "" when nothing excuses it."""
        seen = machine.seen[sent.job, sent.digest]
        is_unseen = item.disk is not machine.disk and item.prefix not in seen.folders
        if is_unseen and not (item.claim and sent.claim):
            return "repeats_said_first_run" if machine.disk.is_first_run else "repeats_without_a_claim"
        if sent.rerun > item.rerun:
            return "reruns"
        if sent.rerun < item.rerun:
            if sent.attempt and self.world.policy.on_unconfirmed == "resubmit":
                return "resubmits"
            return "reruns" if any(each.rerun == sent.rerun and not each.is_refused for each in earlier) else ""
        if item.key in machine.disk.denied:
            return "repeats_said_not_accepted"
        if sent.attempt <= item.attempt:
            return ""
        # Two ledgers may each have sent this attempt, unseen by the other: one error.json under its prefix is enough.
        known = (each for each in earlier if each.disk is machine.disk or each.prefix in seen.folders)
        failed = {each.attempt for each in known if each.rerun == sent.rerun and self._has_failed(each, sent.at)}
        if item.attempt in failed and self._has_retries(machine, sent, failed):
            return "retries"
        is_over = (sent.at - item.at).total_seconds() >= TIMING.unconfirmed_grace - CLAIM_TAKES
        is_known = item.is_heard_accepted and item.disk is machine.disk
        if self.world.policy.on_unconfirmed == "resubmit" and is_over and not is_known:
            is_shown = sent.claim and self._is_shown(item)  # by the listing that has shown the claim
            return "" if item.prefix in seen.folders or is_shown else "resubmits"
        return ""

    def _is_shown(self, item: Sent) -> bool:
        """Whether the bucket holds anything below its prefix now."""
        folder, _, name = item.prefix.rpartition("/")
        return item.prefix in self.world.cloud.folders(folder, name, self.world.now)

    def _excuse_beside(self, machine: Machine, sent: Sent, item: Sent, earlier: Sequence[Sent]) -> str:
        """Why `sent` may be paid for although `item`, the same request under another name, was sent before."""
        if item.disk is not machine.disk:
            return "unseen_under_another_name"  # it is not in this ledger, and the bucket is not searched for it
        if item.rerun < sent.rerun or (item.rerun > sent.rerun and self._was_decided_before(machine, sent, item)):
            return "reruns_beside_another_name"
        if item.key in machine.disk.denied:
            return "said_not_accepted_under_another_name"
        own = (each for each in earlier if each.rerun == sent.rerun and each.attempt < sent.attempt)
        return "further_attempts_beside_another_name" if any(own) else ""

    def _was_decided_before(self, machine: Machine, sent: Sent, item: Sent) -> bool:
        """Whether `sent` was decided first: while its claim was put, `item` may have been asked for and sent."""
        order = list(self._retries)
        places = [(machine.disk, each.key) for each in (sent, item)]
        return all(place in self._retries for place in places) and order.index(places[0]) < order.index(places[1])

    def _has_retries(self, machine: Machine, sent: Sent, failed: set[int]) -> bool:
        """Whether the manifest left one; an attempt that did not fail was a stand-in, and used none up."""
        stood_in = sum(attempt not in failed for attempt in range(sent.attempt))
        return sent.attempt <= self._retries[machine.disk, sent.key] + stood_in

    def _has_failed(self, item: Sent, now: datetime) -> bool:
        failed_at = self.world.cloud.failed_at(item) if item.charged else None
        return failed_at is not None and failed_at <= now

    def _delivered(self, name: str, digest: str) -> None:
        """Some run of this request was delivered by now, unless a user wrote what looks like one."""
        if not self.meddled and not self._has_delivered(digest):
            raise PromiseError(f"{name} is reported as delivered for another name, but nothing was")

    def _has_delivered(self, digest: str) -> bool:
        runs = [item for item in self.world.cloud.sent if item.digest == digest and item.charged]
        times = [time for item in runs if (time := self.world.cloud.delivered_at(item))]
        return any(time <= self.world.now for time in times)

    def _is_deceived(self) -> bool:
        """Whether a user wrote what looks like a delivery."""
        return bool(self.meddled)

    def _proven(self, machine: Machine, row: Submission) -> None:
        sent = self.world.cloud.with_id(row.request_id)
        if sent is None or sent.prefix != row.prefix:
            if row.prefix not in self.meddled:
                raise PromiseError(f"{row.id} of {row.job} follows a request that is not its own: {row.request_id}")
            return
        failed, delivered = self.world.cloud.failed_at(sent), self.world.cloud.delivered_at(sent)
        at = self.world.now if machine.was_skewed else row.finished_at or self.world.now
        if row.outcome is Outcome.FAILED and (failed is None or failed > at):
            raise PromiseError(f"{sent} is called Failed, but nothing failed")
        if row.outcome is Outcome.SUCCEEDED and (delivered is None or delivered > at or (failed and failed <= at)):
            raise PromiseError(f"{sent} is called Succeeded, but {sent.weather.run}")

    def _not_lost(self, machine: Machine, row: Submission) -> None:
        asked_at = row.answered_at or row.intended_at
        known = {each.request_id for each in machine.rows()}  # a copied folder may have given it to another row
        for sent in self.world.cloud.sent:
            named = self.world.cloud.named_at(sent) if sent.charged and sent.prefix == row.prefix else None
            if (
                named is not None
                and sent.request_id not in known
                and named <= asked_at + timedelta(seconds=TIMING.unconfirmed_grace)
            ):
                self.figures["lost_ids"] += 1
                raise PromiseError(f"{sent} is in the bucket since {named:%d %H:%M:%S}, but still Unconfirmed")

    def _settled(self, machine: Machine, row: Submission) -> None:
        sent = self.world.cloud.with_id(row.request_id)
        if sent is None or sent.prefix != row.prefix:
            self.figures["adopted_somebody_elses"] += 1
            return
        self.figures["lost_answers_found"] += not sent.is_heard_accepted and sent.disk is machine.disk
        if row.gone_at is None:
            raise PromiseError(f"{sent} ended, but is still polled")
        failed, delivered = self.world.cloud.failed_at(sent), self.world.cloud.delivered_at(sent)
        looks = (row.gone_at + timedelta(seconds=late) for late in (TIMING.delivery_grace, *TIMING.late_looks))
        last = max((look for look in looks if look + timedelta(minutes=2) <= self.world.now), default=row.gone_at)
        decisive = min((time for time in (failed, delivered) if time), default=None)
        if decisive is not None and decisive <= last and row.outcome not in (Outcome.SUCCEEDED, Outcome.FAILED):
            raise PromiseError(
                f"{sent} was decided at {decisive:%d %H:%M:%S}, but is {row.outcome or 'open'}: {row.message}"
            )
        self.figures[f"outcome_{row.outcome or 'open'}"] += 1

    def _found(self, machine: Machine, name: str, digest: str, rows: Iterable[Submission]) -> None:
        """Whatever the bucket names of what is wanted now, this ledger follows, or a run of it under another name."""
        own = [item for item in self.world.cloud.sent if (item.job, item.digest) == (name, digest) and item.charged]
        is_followed = any(row.digest == digest and not row.is_refused for row in rows)
        if own and not is_followed:
            self.figures["lost_ids"] += 1
            raise PromiseError(f"{own[-1]} was paid for, but {name} shows nothing of it")


def _is_asked(disk: Disk, sent: Sent) -> bool:
    """Whether a manifest says so, or an operator retried a run of what it says: at most once for each run."""
    declared = {rerun for job, digest, rerun in disk.asked if (job, digest) == (sent.job, sent.digest)}
    named = {_rerun_of(run) for job, run in disk.named if job == sent.job and run.startswith(digest16(sent.digest))}
    raises = {0, *(rerun + 1 - first for rerun in named for first in declared)}
    return any(sent.rerun - by in declared for by in raises)


def _rerun_of(submission: str) -> int:
    return int(submission.partition("-r")[2].partition("-")[0])
