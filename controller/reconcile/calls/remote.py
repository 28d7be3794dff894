"""Carries out one call to the service or a bucket: every failure is a value. `workers` calls it in threads.

Secrets are added to a request here, only for its POST, and kept nowhere.
"""

import json
from collections.abc import Callable, Mapping
from typing import Protocol

from controller.bucket.claims import Claimed, Claimer
from controller.manifest.digest import digest
from controller.manifest.request import payload
from controller.model.answers import (
    BucketAnswer,
    GetAnswer,
    NoAnswer,
    PostAnswer,
    Refusal,
    Refused,
    Unconfirmed,
    Unreadable,
)
from controller.model.errors import UsageError
from controller.model.submission import Submission
from controller.reconcile.calls.workers import (
    Call,
    CallOutcome,
    Get,
    Got,
    Listed,
    ListObjects,
    Post,
    Posted,
    unforeseen,
)
from controller.settings.deployments import Credential

NOT_ACCEPTED = "the request in the ledger is not the one that was accepted: restore the ledger from a copy"


class ServiceCalls(Protocol):
    """What is needed of the service."""

    def submit(self, payload: Mapping[str, object]) -> PostAnswer: ...
    def status(self, request_id: str) -> GetAnswer: ...


class Remote:
    """Carries out one call; an unexpected error becomes the most cautious answer of its kind.

    Once the state is `lost`, nothing more is sent: no ledger holds the intent.
    """

    def __init__(
        self,
        service: ServiceCalls,
        bucket: Claimed,
        credentials: Mapping[str, Credential],
        lost: Callable[[], str] = lambda: "",
    ) -> None:
        self._service = service
        self._bucket = bucket
        self._credentials = credentials
        self.lost = lost
        self.claimer = Claimer(bucket)

    def outcome(self, call: Call) -> CallOutcome:
        match call:
            case Post():
                return Posted(call=call, answer=self._post(call))
            case Get():
                return Got(call=call, answer=self._get(call))
            case ListObjects():
                return Listed(call=call, answer=self._look(call))

    def _post(self, call: Post) -> PostAnswer:
        try:
            fields = {"iamRoleARN": call.role_arn} if call.role_arn else self._key_pair(call.submission)
            body = json.loads(call.body)
            if digest(body) != call.submission.digest:
                return Refused(why=Refusal.UNSENT, message=NOT_ACCEPTED)
            request = payload(body, call.submission.prefix, fields)
            if words := self.lost():
                return Refused(why=Refusal.UNSENT, message=words)
        except Exception as error:  # noqa: BLE001  nothing has been sent yet
            return Refused(why=Refusal.UNSENT, message=f"the request cannot be made: {unforeseen(error)}")
        try:
            return self._service.submit(request)
        except Exception as error:  # noqa: BLE001  the catch-all: a POST may have been sent
            return Unconfirmed(message=unforeseen(error))

    def _key_pair(self, submission: Submission) -> dict[str, str]:
        name = submission.credentials_ref or ""
        credential = self._credentials.get(name)
        if not credential or not credential.access_key or not credential.secret_access_key:
            raise UsageError(f"the settings hold no key pair for the credential {name!r}")
        if not credential.may_use(submission.prefix):
            raise UsageError(f"the credential {name!r} may not be used for {submission.prefix}")
        return {
            "accessKey": credential.access_key.get_secret_value(),
            "secretAccessKey": credential.secret_access_key.get_secret_value(),
        }

    def _get(self, call: Get) -> GetAnswer:
        try:
            return self._service.status(call.submission.request_id or "")
        except Exception as error:  # noqa: BLE001  the one net of this job
            return NoAnswer(message=unforeseen(error))

    def _look(self, call: ListObjects) -> BucketAnswer:
        try:
            return self.claimer.search(call.step)
        except Exception as error:  # noqa: BLE001  the one net of this job
            return Unreadable(message=unforeseen(error))
