"""Small builders of nouns for tests: a plain one of each, with whatever a test wants different.

All times are counted from `NOW`. A plain job wants `DIGEST`, is cheap, and its history was read at `NOW`.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.limits.gate import Limits
from controller.model.answers import Accepted, Listing, Refusal, Refused, StoredObject, Unconfirmed
from controller.model.job import Estimate, ExpectedOutput, History, Job, Wanted
from controller.model.submission import Evidence, Outcome, Submission, submission_id
from controller.model.timing import Timing
from controller.settings.file import Policy

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TIMING = Timing()
DIGEST = "1:" + "a" * 64
OTHER_DIGEST = "1:" + "b" * 64
REQUEST_ID = "11111111-2222-4333-8444-555555555555"
FOREIGN_ID = "99999999-2222-4333-8444-555555555555"
URL = "s3://my-bucket/rasters"
TIFF = ExpectedOutput(identifier="default", media_type="image/tiff", extensions=("tif", "tiff"))
JPEG = ExpectedOutput(identifier="preview", media_type="image/jpeg", extensions=("jpg", "jpeg"))
USERDATA = ExpectedOutput(identifier="userdata", media_type="application/json", extensions=("json",))
REQUEST_BODY = {"input": {"bounds": {}, "data": []}, "output": {"responses": []}}


def at(seconds: float) -> datetime:
    """The moment this many seconds after `NOW`; before it, when negative."""
    return NOW + timedelta(seconds=seconds)


def wanted(**different: Any) -> Wanted:
    plain: dict[str, Any] = {
        "digest": DIGEST,
        "delivery_url": URL,
        "credentials_ref": "my-bucket",
        "outputs": (TIFF,),
        "estimate": Estimate(expected=20, upper=20),
    }
    return Wanted(**(plain | different))


def history(**different: Any) -> History:
    """The bucket was listed at `NOW`, and held nothing that is not in the ledger."""
    plain: dict[str, Any] = {"digest": DIGEST, "at": NOW, "readable": True}
    return History(**(plain | different))


def job(**different: Any) -> Job:
    plain: dict[str, Any] = {
        "name": "ndvi",
        "path": "ndvi.yaml",
        "generation": 1,
        "wanted": wanted(),
        "history": history(),
    }
    return Job(**(plain | different))


def limits(**different: Any) -> Limits:
    """A gate that stands open; keys of the policy may be given among its own."""
    policy = {name: different.pop(name) for name in tuple(different) if name in Policy.model_fields}
    plain: dict[str, Any] = {"timing": TIMING, "slots": 3, "policy": Policy().model_copy(update=policy)}
    return Limits(**(plain | different))


def submission(**different: Any) -> Submission:
    """An intent, stored at `NOW`, whose POST is not answered."""
    digest, rerun, attempt = (
        different.get(key, plain) for key, plain in (("digest", DIGEST), ("rerun", 0), ("attempt", 0))
    )
    plain: dict[str, Any] = {
        "job": "ndvi",
        "digest": digest,
        "rerun": rerun,
        "attempt": attempt,
        "generation": 1,
        "prefix": f"{URL}/ndvi/{submission_id(digest, rerun, attempt)}",
        "intended_at": NOW,
        "outputs": (TIFF,),
        "credentials_ref": "my-bucket",
        "number": 1,
        "reserved": 20.0,
    }
    return Submission(**(plain | different))


def accepted(**different: Any) -> Submission:
    """Accepted one second after its intent, and first polled ten seconds later."""
    bare = submission(**{"answered_at": None} | {key: value for key, value in different.items() if key in _INTENT})
    answered_at = different.get("answered_at", bare.intended_at + timedelta(seconds=1))
    running = bare.answered(Accepted(request_id=REQUEST_ID), answered_at, answered_at + timedelta(seconds=10))
    return replace(running, **{key: value for key, value in different.items() if key not in _INTENT})


def gone(**different: Any) -> Submission:
    """Gone from the service at `NOW`, after ten minutes; its bucket is to be read now."""
    return accepted(**({"intended_at": at(-600), "gone_at": NOW, "look_at": NOW} | different))


def succeeded(**different: Any) -> Submission:
    settled: dict[str, Any] = {
        "outcome": Outcome.SUCCEEDED,
        "reason": "Delivered",
        "message": "every declared output is delivered",
    }
    return gone(**(settled | {"finished_at": at(30), "evidence": evidence(spent=18.5), "look_at": None} | different))


def failed(**different: Any) -> Submission:
    settled: dict[str, Any] = {"outcome": Outcome.FAILED, "reason": "ErrorReported", "message": "the script threw"}
    seen = evidence(objects=(stored("error.json"),), error="the script threw", spent=0.0)
    return gone(**(settled | {"finished_at": NOW, "evidence": seen, "look_at": None} | different))


def unknown(**different: Any) -> Submission:
    settled: dict[str, Any] = {"outcome": Outcome.UNKNOWN, "reason": "NothingDelivered", "message": "nothing is there"}
    return gone(**(settled | {"finished_at": at(600), "evidence": evidence(objects=()), "look_at": None} | different))


def unconfirmed(**different: Any) -> Submission:
    """Its answer was lost at `NOW`; the bucket is searched five seconds later."""
    bare = submission(**{"intended_at": at(-1)} | {key: value for key, value in different.items() if key in _INTENT})
    lost = bare.answered(Unconfirmed(message="the answer was 502"), different.get("answered_at", NOW), at(5))
    return replace(lost, **{key: value for key, value in different.items() if key not in _INTENT})


def refused(why: Refusal, **different: Any) -> Submission:
    """Refused at `NOW`, one second after its intent; `retry_after` is in seconds."""
    retry_after = different.pop("retry_after", None)
    bare = submission(**{"intended_at": at(-1)} | {key: value for key, value in different.items() if key in _INTENT})
    answer = Refused(why=why, message=f"refused: {why}", status=400, retry_after=retry_after)
    answered = bare.answered(answer, different.get("answered_at", NOW), None)
    return replace(answered, **{key: value for key, value in different.items() if key not in _INTENT})


def stored(name: str, bytes: int = 100, folder: str = REQUEST_ID, **different: Any) -> StoredObject:
    """An object in the folder of the request, or in the root of the prefix when `folder` is empty."""
    return StoredObject(key=f"{folder}/{name}" if folder else name, bytes=bytes, **different)


def evidence(**different: Any) -> Evidence:
    """The one output, seen unchanged from `NOW` to ten seconds later."""
    plain: dict[str, Any] = {"at": at(10), "since": NOW, "readable": True, "objects": (stored("default.tif"),)}
    return Evidence(**(plain | different))


def folder_of(*objects: StoredObject, documents: dict[str, str] | None = None) -> Listing:
    """The listing of the job's folder when these objects lie below the prefix of `submission()`."""
    start = f"{submission().id}/"
    moved = (replace(item, key=f"{start}{item.key}") for item in objects)
    return listing(*moved, documents={f"{start}{key}": text for key, text in (documents or {}).items()})


def listing(*objects: StoredObject, documents: dict[str, str] | None = None) -> Listing:
    return Listing(objects=tuple(sorted(objects)), documents=documents or {})


def request_copy(**added: object) -> str:
    """The text of a request copy, with what the service added to it."""
    return json.dumps({**REQUEST_BODY, **added})


_INTENT = frozenset({"job", "digest", "rerun", "attempt", "prefix", "intended_at", "number", "generation"})


def by_name(*jobs: Job) -> dict[str, Job]:
    return {each.name: each for each in jobs}
