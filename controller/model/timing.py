"""Every duration of the controller in one module, so that all timing can be read on one page.

Settings create one `Timing`, which is passed to edges and decisions. Only the sandbox profile may scale it.
"""

import re
from dataclasses import dataclass, fields, replace
from typing import Any, Self

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_WRITTEN = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[smhd])")


def seconds_of(text: str) -> float:
    """Seconds of a duration as written in settings: `5s`, `10m`, `24h`, `2d`. ValueError says what to write instead."""
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        raise ValueError('must be a number with a unit, such as "5s", "10m", "24h" or "2d"')
    return float(written["number"]) * _UNITS[written["unit"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """All durations, in seconds. Sources: reference page "Open questions: Async API" A, B and C; DESIGN §6 to §8."""

    connect_timeout: float = 10
    """Longest wait for a connection, TLS included."""
    answer_timeout: float = 120
    """Longest wait for the whole response to a POST, from the connection to the last byte."""
    read_timeout: float = 30
    """Longest silence while the response to a GET, a token request or a bucket listing is read."""
    poll_first: float = 10
    """The first poll is not earlier than this after the submission, and polls are not more frequent."""
    poll_growth: float = 0.6
    """The next poll comes after this share of the request's age. A ratio."""
    poll_jitter: float = 0.1
    """At most this share of a poll's interval is added as jitter. A ratio."""
    poll_longest: float = 300
    """No running request waits longer than this for its next poll, unless too many run for the rate limit."""
    early_gone: float = 30
    """A 404 this soon after the POST is ignored."""
    gone_again: float = 10
    """Two 404s must be this far apart to count."""
    stable: float = 10
    """Outputs count as complete when unchanged over two listings this far apart."""
    verify_every: float = 15
    """Between two listings while the evidence is not settled."""
    delivery_grace: float = 600
    """After the 404, how long evidence may still arrive before the outcome is called Unknown."""
    late_looks: tuple[float, ...] = (3600, 6 * 3600, 24 * 3600)
    """When an Unknown outcome is checked again, counted from the 404."""
    unconfirmed_looks: tuple[float, ...] = (5, 15, 60, 300, 900)
    """When the bucket is searched for an unconfirmed submission, counted from the POST."""
    unconfirmed_every: float = 3600
    """Between two such searches once `unconfirmed_looks` are used up."""
    unconfirmed_grace: float = 86400
    """How long the search lasts before `onUnconfirmed` decides."""
    breaker_first: float = 60
    """From an unconfirmed POST to the first canary of its deployment."""
    breaker_longest: float = 1800
    """No canary waits longer than this."""
    account_first: float = 60
    """From a refusal that concerns the account (401, 403, quota) to the first probe."""
    account_longest: float = 3600
    """No probe of the account waits longer than this."""
    unsent_first: float = 5
    """Before a request that provably never left is tried again."""
    unsent_longest: float = 300
    """No unsent request waits longer than this."""
    concurrency_wait: float = 45
    """Wait before the next POST after "too many concurrent requests"."""
    place_regained: float = 600
    """After this long without "too many concurrent requests" one more request may run at once."""
    slots_forgotten: float = 86400
    """And after this long as many as the settings allow."""
    retry_first: float = 60
    """Before the first paid retry of a Failed run."""
    retry_longest: float = 3600
    """No paid retry waits longer than this."""
    clock_again: float = 60
    """While the clock is in doubt, between two queries of the service's time, or two checks of what has expired."""
    history_valid: float = 300
    """How long a listing of earlier submissions remains valid for a POST."""
    history_retry: float = 60
    """Before a history that could not be read is listed again."""
    sync_patience: float = 120
    """`sync` ends when the next thing to wait for is further away than this."""
    settle: float = 5
    """The whole tree must have been unchanged for this long before anything is paid for."""
    lock_again: float = 1
    """Between two checks of git's index lock."""
    lock_stale: float = 60
    """A git index lock older than this is not waited for."""
    scan_every: float = 60
    """Between two scans of the tree when no event triggers one."""
    scan_again: float = 2.5
    """After a scan that saw a change: another within the same tick of the file system clock leaves no other trace."""
    gather: float = 0.25
    """How long non-urgent work is batched: results that release no submission, and what is to be reported."""
    status_after: float = 1
    """A status file without news (nothing ended, nothing needs an operator) is written this long after it changed."""
    status_every: float = 5
    """And this long after it was last written."""
    retry_after_longest: float = 600
    """A `Retry-After` is never believed beyond this."""
    notify_first: float = 5
    """Before a message that a receiver did not take is sent again; the pause doubles each time."""
    notify_longest: float = 3600
    """No message waits longer than this for its next try, and a receiver's `Retry-After` is not believed beyond it."""
    notify_give_up: float = 86400
    """A message that no try could deliver is given up this long after it was made."""
    notify_every: float = 2
    """Between two looks for new messages when nothing woke the sender."""
    notify_answer: float = 30
    """Longest wait for the whole response of a webhook."""

    def scaled(self, factor: float) -> Self:
        """The same timing, every pause multiplied by `factor`. For the sandbox profile only.

        Response timeouts stay: the machine does not get faster.
        """
        names = [each.name for each in fields(self) if each.name not in _UNSCALED]
        durations: dict[str, Any] = {name: _times(getattr(self, name), factor) for name in names}
        return replace(self, **durations)


_UNSCALED = frozenset(
    {
        *("poll_growth", "poll_jitter", "connect_timeout", "answer_timeout", "read_timeout"),
        *("notify_every", "notify_answer"),
    }
)


def _times(value: float | tuple[float, ...], factor: float) -> float | tuple[float, ...]:
    return tuple(each * factor for each in value) if isinstance(value, tuple) else value * factor
