"""Writes claims to buckets and reads them back, in the steps of `lifecycle/claim`; workers call it before a POST."""

import logging
import time
from contextlib import suppress
from typing import Protocol

from controller.lifecycle.claim import Claim, ClaimStep, Pause, Put, Result, claiming, marker_for, withdrawal
from controller.model.answers import BucketAnswer, Refusal, Refused, Unreadable
from controller.model.errors import ShjobsError
from controller.model.step import List

log = logging.getLogger(__name__)


class Claimed(Protocol):
    """What is needed of object storage."""

    def read(self, prefix: str, credentials_ref: str | None, *, only: str = "", texts: bool = True) -> BucketAnswer: ...
    def write(self, url: str, credentials_ref: str | None, content: bytes) -> Unreadable | None: ...


class Claimer:
    """Claims and withdraws in one deployment's buckets. Safe to share between threads."""

    def __init__(self, bucket: Claimed) -> None:
        self._bucket = bucket

    def claim(self, claim: Claim) -> Refused | None:
        """Claim it; None: the POST may follow."""
        steps, result = claiming(claim), None
        try:
            while True:
                result = self._answer(claim, steps.send(result))
        except StopIteration as end:
            verdict: Refused | None = end.value
            return verdict
        except Exception as error:  # noqa: BLE001  the only catch-all of this job
            words = str(error) if isinstance(error, ShjobsError) else f"unforeseen {type(error).__name__}"
            log.error("claim %s: %s", claim.key, words)
            return Refused(why=Refusal.CLAIMED, message=f"nothing was sent: {words}; please report this")

    def search(self, look: List) -> BucketAnswer:
        """List what a step says; again with a marker put before, where that decides whether a claim was ever put."""
        seen = self._listed(look)
        marker = marker_for(look, seen)
        if marker is None or self._bucket.write(marker.url, look.credentials_ref, marker.content):
            return seen
        return self._listed(look)

    def _listed(self, look: List) -> BucketAnswer:
        return self._bucket.read(look.prefix, look.credentials_ref, only=look.only)

    def withdraw(self, claim: Claim) -> None:
        """Record in the bucket that nothing was accepted under this claim; if that fails, an operator decides later."""
        with suppress(Exception):
            self._answer(claim, withdrawal(claim))

    def _answer(self, claim: Claim, request: ClaimStep) -> Result:
        match request:
            case Put(url=url, content=content):
                return self._bucket.write(url, claim.credentials_ref, content)
            case Pause(seconds=seconds):
                time.sleep(seconds)
                return None
        return self._bucket.read(claim.url, claim.credentials_ref, only=claim.digest16, texts=False)
