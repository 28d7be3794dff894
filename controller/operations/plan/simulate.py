"""Runs the loop on a copy until only time or the service could change the result: what `plan` is based on.

Every POST is assumed to be accepted and to keep running, no status is polled, and the bucket is read through `read`.
The decisions are the loop's own, so the prediction is what `sync` would send (DESIGN §7).
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from controller.ledger.ledger import Ledger
from controller.lifecycle.claim import marker_for
from controller.lifecycle.next_step import wish
from controller.model.answers import Accepted, BucketAnswer, Listing, NoAnswer, StoredObject
from controller.model.reasons import Reason
from controller.model.step import List, Wait
from controller.model.submission import Submission
from controller.reconcile.calls.workers import Call, CallOutcome, Get, Got, Listed, ListObjects, Post, Posted
from controller.reconcile.loop import Loop

Read = Callable[[ListObjects], BucketAnswer | None]
"""Reads the bucket for the loop; None: it cannot be read here, and its contents stay unknown."""
SOON = frozenset({Reason.RETRY_SCHEDULED, Reason.BACKING_OFF, Reason.BREAKER_OPEN})
NOT_ASKED = NoAnswer(message="a plan does not call the service")


@dataclass(slots=True, kw_only=True)
class Sight:
    """What would be sent, by job, as stored before its POST; when, if not at once; and the simulated time reached."""

    now: datetime
    posts: dict[str, Submission] = field(default_factory=dict)
    due: dict[str, datetime] = field(default_factory=dict)


def foresee(loop: Loop, ledger: Ledger, calls: deque[Call], read: Read, now: datetime, patience: float) -> Sight:
    """Run a started loop, whose calls arrive in `calls`, as `sync` would.

    A retry or a back-off that ends within `patience` seconds is waited for, which takes no time here.
    """
    sight, at = Sight(now=now), now
    loop.turn([], at)
    while True:
        while calls:
            handed = [calls.popleft() for _ in range(len(calls))]
            _note(sight, handed, at, now)
            loop.turn([each for call in handed if (each := _outcome(call, read))], at)
        sight.now = at
        following = _opens_at(ledger, loop, at, patience)
        if following is None:
            return sight
        at = following
        loop.turn([], at)


def _note(sight: Sight, handed: list[Call], at: datetime, now: datetime) -> None:
    for call in handed:
        if isinstance(call, Post):
            sight.posts[call.submission.job] = call.submission
            if at > now:
                sight.due[call.submission.job] = at


def _outcome(call: Call, read: Read) -> CallOutcome | None:
    match call:
        case Post(submission=submission):
            return Posted(call=call, answer=Accepted(request_id=f"planned-{submission.number}"))
        case Get():
            return Got(call=call, answer=NOT_ASKED)
        case ListObjects(step=step):
            answer = read(call)
            return Listed(call=call, answer=_with_marker(step, answer)) if answer is not None else None


def _with_marker(look: List, answer: BucketAnswer) -> BucketAnswer:
    """What `sync` lists once it has put a marker, which a plan only assumes."""
    marker = marker_for(look, answer)
    if marker is None or not isinstance(answer, Listing):
        return answer
    put = StoredObject(key=marker.url.removeprefix(f"{look.prefix}/"), bytes=len(marker.content))
    return replace(answer, objects=(*answer.objects, put))


def _opens_at(ledger: Ledger, loop: Loop, now: datetime, patience: float) -> datetime | None:
    """When the next job may be sent that waits only for a time within `patience`."""
    limits, longest = loop.limits(), now + timedelta(seconds=patience)
    waits = (wish(job, ledger.of(job.name), limits, now) for job in ledger.jobs.values())
    times = [step.until for step in waits if isinstance(step, Wait) and step.until and step.reason in SOON]
    return min((time for time in times if now < time <= longest), default=None)
