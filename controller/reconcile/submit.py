"""Makes the intent and the call that pays for it, with the claim before the POST (DESIGN §6).

The loop calls this inside the transaction that stores the intents of a turn.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from controller.ledger.ledger import Ledger
from controller.lifecycle.adoption import intent
from controller.lifecycle.claim import Claim, Instance, was_claimed
from controller.model.job import Job
from controller.model.step import Submit
from controller.model.submission import Submission
from controller.reconcile.calls.workers import Post

log = logging.getLogger(__name__)


def draw_name() -> str:
    """Eight random hexadecimal digits."""
    return secrets.token_hex(4)


class Submitter:
    """Makes POSTs, with claims in the name of `instance`. Without one nothing is claimed: a plan sends nothing."""

    def __init__(self, ledger: Ledger, instance: Instance | None, draw: Callable[[], str] = draw_name) -> None:
        self._ledger = ledger
        self._instance = instance
        self._draw = draw
        self._logged: set[str] = set()

    def post(self, job: Job, step: Submit, now: datetime, approved_by: str = "") -> Post:
        """Store the intent of a wanted job; returns the call to enqueue once it is on the disk."""
        assert job.wanted is not None, "only a wanted job is submitted"
        made = replace(intent(job, job.wanted, step.rerun, step.attempt, now), approved_by=approved_by)
        claimant = self._claimant(job, made)
        if claimant:
            made = replace(made, claims=(claimant.claim_name(now, self._draw()),))
        stored, body = self._ledger.add(made)
        by = f"`shjobs retry` of {job.wanted.retried_by}" if job.wanted.raised else made.revision
        if made.rerun and not made.attempt and by:
            self._ledger.add_event(now, "Rerun", f"rerun {made.rerun} was raised by {by}", job.name, made.id)
        if job.wanted.warnings:
            self._note_warnings(stored, [str(each) for each in job.wanted.warnings], now)
        claim = Claim.of(stored, self._ledger.of(job.name), claimant) if claimant else None
        return Post(submission=stored, body=body, role_arn=job.wanted.role_arn, claim=claim)

    def _note_warnings(self, submission: Submission, warnings: list[str], now: datetime) -> None:
        """Record what `check` warns of, since it is paid for now; a warning that many jobs share is logged once."""
        words = f"submitted with {'a warning' if len(warnings) == 1 else 'warnings'}: {'; '.join(warnings)}"
        self._ledger.add_event(now, "Warnings", words, submission.job, submission.id)
        if self._instance and not self._logged.issuperset(warnings):
            log.warning("%s is %s", submission.job, words, extra={"fields": {"job": submission.job}})
            self._logged.update(warnings)

    def _claimant(self, job: Job, made: Submission) -> Instance | None:
        """The claimant; None if no claim is possible: the bucket is unreadable, or the credential cannot write."""
        is_read = job.history is not None and job.history.readable
        is_denied = self._ledger.is_unclaimed(made.prefix, made.credentials_ref)
        may_claim = not is_denied or was_claimed(made, self._ledger.of(job.name))
        return self._instance if is_read and may_claim else None
