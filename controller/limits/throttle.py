"""The limits on rate and concurrency: how many calls may go to the service now, and when the next one may.

Pure. `pace` keeps one `Rate`: every submission and every status request takes a call from it, submissions first. The
allowance refills constantly and never accumulates beyond a few seconds' worth, since bursts are partly refused.
Source: reference page "Asynchronous Processing API" §7.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from controller.model.timing import Timing


def slots_at(most: int, crowded: Sequence[datetime], now: datetime, timing: Timing) -> int:
    """Halved with every refusal for too many concurrent requests, and one more after each period without any.

    `most` is the limit of the settings; `crowded` holds when such refusals came, oldest first.
    """
    limit, since = _after(most, crowded, timing)
    return limit if since is None else min(most, limit + _regained(since, now, timing))


def grows_at(most: int, crowded: Sequence[datetime], now: datetime, timing: Timing) -> datetime | None:
    """When there will be one more slot; None: there are as many as the settings allow."""
    _, since = _after(most, crowded, timing)
    if since is None or slots_at(most, crowded, now, timing) >= most:
        return None
    return since + timedelta(seconds=(_regained(since, now, timing) + 1) * timing.place_regained)


def counts_since(now: datetime, timing: Timing) -> datetime:
    """Later refusals still count; after long enough without any, the limit of the settings applies again."""
    return now - timedelta(seconds=timing.slots_forgotten)


def _after(most: int, crowded: Sequence[datetime], timing: Timing) -> tuple[int, datetime | None]:
    """The limit right after the last refusal, and when that was. Refusals that came together count once."""
    limit, since = most, None
    for time in crowded:
        if since is None or time >= since + timedelta(seconds=timing.concurrency_wait):
            regained = _regained(since, time, timing) if since else 0
            limit, since = max(1, min(most, limit + regained) // 2), time
    return limit, since


def _regained(since: datetime, now: datetime, timing: Timing) -> int:
    return max(0, int((now - since).total_seconds() // timing.place_regained))


BURST = 10.0
"""Seconds' worth of unused allowance that may be used at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Calls that may be sent: `calls` of them at `at`, and `per_minute` more with every minute."""

    per_minute: int
    at: datetime
    calls: float
    held_until: datetime | None = None
    """The service's Retry-After ends then."""

    @classmethod
    def start(cls, per_minute: int, now: datetime) -> Self:
        """A whole burst may be sent at the start."""
        return cls(per_minute=per_minute, at=now, calls=_most(per_minute))

    def left(self, now: datetime) -> int:
        """How many calls may be sent now."""
        return 0 if self.held_until and now < self.held_until else max(0, int(self._refilled(now)))

    @property
    def reserve(self) -> int:
        """How many calls polls leave for submissions: half of what may be sent at once."""
        return int(_most(self.per_minute) / 2)

    def after_calls(self, now: datetime, calls: int = 1) -> Self:
        """After this many calls."""
        return replace(self, at=max(self.at, now), calls=self._refilled(now) - calls)

    def hold_until(self, until: datetime) -> Self:
        """After the service sent a Retry-After: no call is sent before `until`."""
        return replace(self, held_until=max(until, self.held_until or until))

    def opens_at(self, now: datetime, nth: int = 1) -> datetime:
        """When the n-th call from now may be sent."""
        missing = max(0.0, nth - self._refilled(now))
        refilled_at = now + timedelta(seconds=missing * 60 / self.per_minute)
        return max(refilled_at, self.held_until or refilled_at)

    def _refilled(self, now: datetime) -> float:
        passed = max(0.0, (now - self.at).total_seconds())
        return min(_most(self.per_minute), self.calls + passed * self.per_minute / 60)


def _most(per_minute: int) -> float:
    return max(1.0, per_minute * BURST / 60)
