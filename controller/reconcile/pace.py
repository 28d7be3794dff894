"""The pace of calls to the service: the one `Rate` of a loop, and which of the due calls are sent now.

Kept by the loop. Submissions go before status requests, which leave them a part of what may be sent at once: one that
becomes ready a moment later finds it there.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from controller.lifecycle.attempts import reason_of
from controller.limits.throttle import Rate
from controller.model.answers import NoAnswer, Refusal, Refused
from controller.model.job import Job
from controller.model.step import Ask, Step, Submit, Wait
from controller.reconcile.calls.workers import CallOutcome, Got, Posted


class Pace:
    """Starts with a full burst at the first call."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._rate: Rate | None = None

    def rate(self, now: datetime) -> Rate:
        """What may be sent after everything taken so far."""
        if self._rate is None:
            self._rate = Rate.start(self._per_minute, now)
        return self._rate

    def receive(self, outcomes: Iterable[CallOutcome], now: datetime) -> None:
        """Hold everything back for as long as one of these responses requires."""
        for pause in filter(None, map(_asked_to_wait, outcomes)):
            self._rate = self.rate(now).hold_until(now + timedelta(seconds=pause))

    def admit(self, due: Sequence[tuple[Job, Step]], now: datetime) -> list[tuple[Job, Step]]:
        """The same steps; a status request that must not be sent yet becomes a `Wait`."""
        rate = self.rate(now).after_calls(now, sum(isinstance(step, Submit) for _, step in due))
        asks = [(job, step) for job, step in due if isinstance(step, Ask)]
        asks.sort(key=lambda each: (each[1].submission.look_at or now, each[0].name))
        left = max(0, rate.left(now) - rate.reserve)
        self._rate = rate.after_calls(now, min(left, len(asks)))
        put_off: dict[str, Step] = {
            job.name: Wait(reason=reason_of(step.submission, now), until=rate.opens_at(now, rate.reserve + nth))
            for nth, (job, step) in enumerate(asks[left:], left + 1)
        }
        return [(job, put_off.get(job.name, step)) for job, step in due]


def _asked_to_wait(outcome: CallOutcome) -> float | None:
    """Seconds to wait that the service requested with a 429 that names a time; None: it did not."""
    match outcome:
        case Posted(answer=Refused(why=Refusal.RATE, retry_after=seconds)) | Got(answer=NoAnswer(retry_after=seconds)):
            return seconds
    return None
