"""Records the outcomes of calls: each one changes one submission, or what is known of a job's past.

The loop calls this at the beginning of a turn, inside one transaction; `transitions` decides how an answer changes a
submission.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from controller.ledger.ledger import Ledger
from controller.lifecycle.adoption import adopt_listed, find_reappeared
from controller.lifecycle.commands import (
    Accept,
    Adopt,
    Command,
    FirstRun,
    Ignored,
    Resolve,
    Retry,
    apply_command,
    retried,
)
from controller.lifecycle.evidence import request_ids
from controller.lifecycle.shared import run_of_another
from controller.lifecycle.transitions import after_listing, after_post, after_status, is_new, unless_given_up
from controller.limits.budget import overspent_hash
from controller.limits.polls import PollLoad
from controller.model.answers import Accepted, BucketAnswer, Listing, PostAnswer, Refusal, Refused, Unconfirmed
from controller.model.errors import truncate
from controller.model.job import History
from controller.model.submission import Submission
from controller.model.timing import Timing
from controller.reconcile.admission import Admission
from controller.reconcile.calls.unrecorded import log_unrecorded
from controller.reconcile.calls.workers import CallOutcome, Got, Listed, Posted

log = logging.getLogger(__name__)


def jobs_of_command(command: Command | Ignored) -> frozenset[str]:
    """The jobs a command is about; empty when it may concern all of them."""
    match command:
        case Resolve(job=job) | Adopt(job=job):
            return frozenset({job})
        case Retry(runs=runs):
            return frozenset(job for job, _ in runs)
    return frozenset()


def subject_of_command(command: Command | Ignored) -> str:
    """The job or the set whose event it is; "" when it is of several, or of none."""
    names = jobs_of_command(command)
    if isinstance(command, Retry) and command.of:
        return command.of
    return next(iter(names)) if len(names) == 1 else ""


def carry_out(command: Command | Ignored, ledger: Ledger, admission: Admission, now: datetime) -> str:
    """Carry out the command; returns what was done, or why it cannot be done."""
    match command:
        case FirstRun():
            ledger.begin_history()
            return "an operator confirmed that nothing was submitted before"
        case Accept(hash=label, by=by):
            return _accept(label, truncate(by, 100) or "an operator", ledger, admission, now)
        case Resolve() | Adopt():
            return _settle(command, ledger, now)
        case Retry():
            return _retry(command, ledger, now)
        case Ignored(why=why):
            log.warning("%s", why)
            return why


def outcome_of_command(command: Resolve | Adopt, ledger: Ledger, now: datetime) -> Submission | str:
    """The submission that the command creates or changes; a sentence when it cannot be done."""
    job, holder = ledger.jobs.get(command.job), ledger.holder(command.request_id)
    shared = run_of_another(job.name, job.wanted, ledger.peers) if job and job.wanted else None
    return apply_command(command, job, ledger.of(command.job), holder, now, shared)


def _settle(command: Resolve | Adopt, ledger: Ledger, now: datetime) -> str:
    answer = outcome_of_command(command, ledger, now)
    if isinstance(answer, str):
        return answer
    if answer.number:
        ledger.save(answer)
    else:
        ledger.add(answer)
    return f"an operator resolved {answer.id}: {answer.answer}"


def _retry(command: Retry, ledger: Ledger, now: datetime) -> str:
    """Raise the `rerun` of each named run that is still what its job shows; each is an event of its own."""
    by, raised, left = truncate(command.by, 100) or "an operator", 0, []
    for name, run in command.runs:
        job = ledger.jobs.get(name)
        shared = run_of_another(name, job.wanted, ledger.peers) if job and job.wanted else None
        answer = retried(job, ledger.of(name), run, by, unknown=command.unknown, shared=shared)
        if isinstance(answer, str):
            left.append(f"{name}: {answer}")
            continue
        ledger.retries.note(answer, run, now)
        ledger.put_job(answer)
        ledger.add_event(now, "Retried", f"{by} retries it after {run}", name, run)
        raised += 1
    some = truncate("; ".join(left[:3]), 500) + (f"; and {len(left) - 3:,} more" if len(left) > 3 else "")
    return f"{by} retried {raised:,} of {len(command.runs):,}" + (f"; not {some}" if left else "")


def _accept(label: str, by: str, ledger: Ledger, admission: Admission, now: datetime) -> str:
    event_message = f"{by} accepted {label}: {meaning_of(label, ledger, admission)}"
    ledger.accept(label, now, by)
    admission.accepted(label)
    return event_message


def meaning_of(label: str, ledger: Ledger, admission: Admission) -> str:
    """What accepting this hash does now."""
    waiting = admission.waiting()
    for batch in waiting:
        if batch.hash == label:
            return f"{batch.jobs:,} of up to {batch.units:,.2f} PU are released ({batch.cause})"
    for submission in ledger.overspent():
        if overspent_hash(submission) == label:
            return f"submissions go on after {submission.job} ({submission.id})"
    others = ", ".join([*(batch.hash for batch in waiting), *map(overspent_hash, ledger.overspent())])
    return (
        f"nothing waits for it now ({f'what waits is {others}' if others else 'nothing waits for any'}); "
        "it is remembered, and releases exactly that set should it become due"
    )


log = logging.getLogger(__name__)


class Recorder:
    """Writes outcomes to the ledger, and decides nothing."""

    def __init__(
        self, ledger: Ledger, timing: Timing, per_minute: int, is_sure: Callable[[], bool] = lambda: True
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._per_minute = per_minute
        self._timing = timing
        self._is_sure = is_sure

    def record(self, outcome: CallOutcome, now: datetime) -> None:
        """Record one outcome; one that matches nothing of this ledger changes nothing, and its request id is logged."""
        match outcome:
            case Posted():
                self._posted(outcome, now)
            case Got(call=call, answer=status):
                if current := self._ledger.find(call.submission):
                    self._ledger.save(after_status(current, status, now, self._timing, self._load(now)))
            case Listed():
                self._looked(outcome, now)

    def _posted(self, outcome: Posted, now: datetime) -> None:
        current, answer = self._ledger.find(outcome.call.submission), outcome.answer
        if current is None:
            log_unrecorded(outcome, "the ledger has no such submission")
        elif is_new(current, answer):
            self._ledger.save(after_post(current, self._own(answer), now, self._timing, self._load(now)))
            if isinstance(answer, Refused):
                self._not_claimed(current, answer, now)
            elif current.claims:
                self._ledger.note_claim(current.prefix, current.credentials_ref)
        elif isinstance(answer, Accepted) and answer.request_id != current.request_id:
            log_unrecorded(outcome, f"the ledger says {current.answer} {current.request_id or ''}")

    def _load(self, now: datetime) -> PollLoad:
        return self._ledger.followed.load(self._per_minute, now, self._timing)

    def _not_claimed(self, submission: Submission, refused: Refused, now: datetime) -> None:
        """The bucket's answer keeps it from being sent: no claim is possible there, or it is checked again first."""
        if refused.why is Refusal.UNCLAIMED:
            self._ledger.leave_unclaimed(submission.prefix, submission.credentials_ref, refused.message)
            self._ledger.add_event(now, "Unclaimed", refused.message, submission.job, submission.id)
            log.warning("two controllers with states of their own could both pay there: %s", refused.message)
        elif refused.why is Refusal.CLAIMED and (job := self._ledger.jobs.get(submission.job)):
            self._ledger.recall(replace(job, history=None))

    def _looked(self, outcome: Listed, now: datetime) -> None:
        look, answer = outcome.call, outcome.answer
        if look.step.submission is not None:
            if current := self._ledger.find(look.step.submission):
                seen = after_listing(current, answer, now, self._timing, self._taken(answer))
                self._ledger.save(seen if self._is_sure() else unless_given_up(current, seen, now, self._timing))
            return
        job = self._ledger.jobs.get(look.job)
        if job is None or job.wanted is None or job.wanted.digest != look.digest:
            return
        if isinstance(answer, Listing):
            known, taken = self._ledger.of(job.name), self._taken(answer)
            for submission in adopt_listed(job, job.wanted, answer.objects, known, now, taken):
                stored, _ = self._ledger.add(submission)
                self._ledger.add_event(now, "Adopted", f"found in the bucket at {stored.prefix}", job.name, stored.id)
            for submission in find_reappeared(answer.objects, known, now):
                self._ledger.save(submission)
            history = History(digest=look.digest, at=now, readable=True)
        else:
            history = History(digest=look.digest, at=now, readable=False, message=answer.message)
        self._ledger.recall(replace(job, history=history))

    def _own(self, answer: PostAnswer) -> PostAnswer:
        """The answer to a POST; unconfirmed when an operator gave its request id to another submission."""
        holder = self._ledger.holder(answer.request_id) if isinstance(answer, Accepted) else None
        if isinstance(answer, Accepted) and holder:
            return Unconfirmed(message=f"the service named {answer.request_id}, which {holder.job} has ({holder.id})")
        return answer

    def _taken(self, answer: BucketAnswer) -> frozenset[str]:
        """The request ids of a listing that a submission has already: found elsewhere, they are copies."""
        ids = request_ids(item.key for item in answer.objects) if isinstance(answer, Listing) else ()
        return frozenset(each for each in ids if self._ledger.holder(each))
