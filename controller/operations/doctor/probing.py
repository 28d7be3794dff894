"""Sends the probe, follows it, and removes what it delivered: for `shjobs doctor --probe`.

It is a submission like any other: its intent is in the ledger before it is sent, once, and it counts towards the
month's budget. If this process ends early, the next `sync` follows the probe to its end.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from controller.bucket.client import Bucket
from controller.ledger.ledger import Ledger
from controller.ledger.lock import submitter_lock
from controller.ledger.pause import is_paused
from controller.ledger.store import Store
from controller.lifecycle.status import timestamp
from controller.manifest.digest import digest
from controller.manifest.request import prefix
from controller.manifest.rules.delivery import url_error
from controller.model.answers import Accepted, Listing, Refused, Unreadable
from controller.model.clock import Clock
from controller.model.errors import StateError, UsageError
from controller.model.job import Job
from controller.model.step import List
from controller.model.submission import Submission, submission_id
from controller.operations.doctor.findings import Diagnosis, fail, ok, warn
from controller.operations.doctor.probe import CERTAIN, JOB, UNITS, Watched, body, probe_report
from controller.reconcile.calls.remote import Remote
from controller.reconcile.calls.unrecorded import log_unrecorded as report_unrecorded
from controller.reconcile.calls.workers import Get, Listed, ListObjects, Post, Posted
from controller.reconcile.recorder import Recorder
from controller.reconcile.wiring import bucket_client
from controller.service.client import Service
from controller.service.oauth import Session
from controller.settings.deployments import Credential
from controller.settings.settings import Settings

REPORT = "probe.json"
LONGEST = 1800.0  # seconds to watch it; the request runs on without us
COPY_PATIENCE = 12  # polls to wait for the cost after the outcome
Report = Callable[[str], None]


def probe_destination(settings: Settings, url: str | None) -> tuple[str, Credential]:
    """Where the probe delivers, and with which key pair. Raises `UsageError` when that is ambiguous or forbidden."""
    able = [each for each in settings.credentials.values() if each.has_keys]
    if url is None:
        if len(able) != 1:
            raise UsageError("set where the probe may deliver with --url s3://bucket/folder")
        url = able[0].prefixes[0]
    if reason := url_error(url):
        raise UsageError(f"--url: {reason[1]}")
    for each in able:
        if each.may_use(url):
            return url.rstrip("/"), each
    raise UsageError(f"no credential with a key pair may be used for {url}")


def probe(
    settings: Settings, url: str, credential: Credential, report: Report
) -> tuple[Diagnosis, dict[str, Any] | None]:
    """The outcome, and the report, which is also stored in the state directory.

    Raises `UsageError` when it must not be sent: another process submits, a pause is set, or the budget is too small.
    """
    if settings.client_id is None or settings.client_secret is None:
        raise UsageError("there is no OAuth client to send the probe with")
    bindings = {"deployment": settings.deployment.name, "account": settings.client_id}
    with (
        submitter_lock(settings.state),
        Store.open(settings.state, bindings) as store,
        Session(settings.deployment, settings.client_id, settings.client_secret, settings.timing) as session,
        Service(settings.deployment, session, settings.timing) as service,
    ):
        bucket = bucket_client(settings)
        return _Probe(settings, Ledger(store), Remote(service, bucket, settings.credentials), bucket, report).run(
            url, credential
        )


class _Probe:
    """One run."""

    def __init__(self, settings: Settings, ledger: Ledger, remote: Remote, bucket: Bucket, report: Report) -> None:
        self._settings = settings
        self._ledger = ledger
        self._remote = remote
        self._bucket = bucket
        self._report = report
        self._clock = Clock()
        self._recorder = Recorder(ledger, settings.timing, settings.requests_per_minute)
        self._pause = settings.timing.poll_first / 5

    def run(self, url: str, credential: Credential) -> tuple[Diagnosis, dict[str, Any] | None]:
        self._check_allowed()
        submission, text = self._intend(url, credential)
        outcome = self._remote.outcome(Post(submission=submission, body=text, role_arn=None))
        assert isinstance(outcome, Posted), "a POST returns Posted"
        try:
            self._record(outcome)
        except Exception as error:
            report_unrecorded(outcome, f"it could not be recorded: {type(error).__name__}")
            raise
        match outcome.answer:
            case Refused(message=words):
                return fail("probe", f"was refused: {words}", "see the service's message; nothing was paid for"), None
            case Accepted(request_id=request_id):
                self._report(f"probe: the service has it as {request_id}")
                return self._followed(self._ledger.current(submission), credential)
        words = self._ledger.current(submission).message
        advice = "it may have been accepted; the next `shjobs sync` searches its prefix in the bucket"
        return fail("probe", f"got no clear answer: {words}", advice), None

    def _check_allowed(self) -> None:
        if is_paused(self._settings.state):
            raise UsageError("submissions are paused; `shjobs resume` goes on")
        left = self._ledger.spending(self._clock.now(), self._settings.monthly_budget).left
        if left is not None and left < UNITS:
            raise UsageError(f"the probe may cost {UNITS:,.2f} PU, but {max(0.0, left):,.2f} are left of monthlyBudget")
        if JOB in self._ledger.jobs and self._ledger.jobs[JOB].wanted is not None:
            raise UsageError(f"a manifest declares a job {JOB}, which is the probe's own name: rename it")

    def _intend(self, url: str, credential: Credential) -> tuple[Submission, str]:
        """Store the intent, as a job without a manifest: a later run that finds it follows it to its end."""
        wanted = body(self._settings.deployment.name, url)
        rerun = len(self._ledger.of(JOB))
        made = Submission(
            job=JOB,
            digest=digest(wanted),
            rerun=rerun,
            attempt=0,
            generation=1,
            prefix=prefix(url, JOB, submission_id(digest(wanted), rerun, 0)),
            intended_at=self._clock.now(),
            outputs=CERTAIN,
            credentials_ref=credential.name,
            reserved=UNITS,
        )
        with self._ledger.transaction():
            self._ledger.put_job(Job(name=JOB, path="", generation=1), json.dumps(wanted))
            return self._ledger.add(made)

    def _record(self, outcome: Any) -> None:
        with self._ledger.transaction():
            self._recorder.record(outcome, self._clock.now())

    def _followed(self, submission: Submission, credential: Credential) -> tuple[Diagnosis, dict[str, Any]]:
        watched, began = Watched(request_id=submission.request_id or ""), self._clock.monotonic()
        settled_at: float | None = None
        while (at := self._clock.monotonic() - began) < LONGEST:
            submission = self._looked(submission, watched, at, credential)
            if submission.outcome is not None:
                settled_at = at if settled_at is None else settled_at
                if submission.spent is not None or at > settled_at + COPY_PATIENCE * self._pause:
                    break
            time.sleep(self._pause)
        report = self._reported(submission, watched)
        if submission.outcome is None:
            words = "is still running, or its outcome is not settled yet; the next `shjobs sync` follows it"
            return warn("probe", words, f"see {self._settings.state / REPORT}"), report
        return self._cleaned(submission, watched, credential), report

    def _looked(self, submission: Submission, watched: Watched, at: float, credential: Credential) -> Submission:
        """Poll the service once, unless the request is gone there, and list the bucket once."""
        if submission.gone_at is None:
            asked = self._remote.outcome(Get(submission=submission))
            self._record(asked)
            watched.statuses.append((at, asked.answer))  # type: ignore[arg-type]
            submission = self._ledger.current(submission)
        step = List(prefix=submission.prefix, credentials_ref=credential.name, submission=submission)
        seen = self._remote.outcome(ListObjects(job=JOB, digest=submission.digest, step=step))
        self._record(seen)
        if isinstance(seen, Listed) and isinstance(seen.answer, Listing):
            watched.listings.append((at, seen.answer))
            watched.has_secrets |= _holds_keys(seen.answer, credential)
        return self._ledger.current(submission)

    def _reported(self, submission: Submission, watched: Watched) -> dict[str, Any]:
        facts = {
            "deployment": self._settings.deployment.name,
            "at": timestamp(submission.intended_at),
            "outcome": str(submission.outcome or "open"),
            "message": submission.message,
            "processingUnits": submission.spent,
        }
        report = probe_report(watched, facts)
        path = self._settings.state / REPORT
        try:
            _replace(path, json.dumps(report, indent=2, ensure_ascii=False) + "\n")
        except OSError as error:
            raise StateError(f"{path} cannot be written: {error.strerror}") from error
        return report

    def _cleaned(self, submission: Submission, watched: Watched, credential: Credential) -> Diagnosis:
        keys = [each.key for each in watched.last.objects]
        stuck = self._bucket.remove(submission.prefix, credential.name, keys)
        words = f"{submission.outcome}: see {self._settings.state / REPORT}"
        if isinstance(stuck, Unreadable):
            return warn("probe", words, f"remove {submission.prefix} yourself: {stuck.message}")
        if submission.outcome == "succeeded":
            return ok("probe", words)
        return fail("probe", words, submission.message)


def _holds_keys(listing: Listing, credential: Credential) -> bool:
    keys = [each.get_secret_value() for each in (credential.access_key, credential.secret_access_key) if each]
    return any(key in text for text in listing.documents.values() for key in keys)


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
